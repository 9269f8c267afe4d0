"""The center: registers, card states and the services that stand on them."""

from __future__ import annotations
