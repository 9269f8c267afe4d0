"""The fleet: the peers of the center, what they are told, and who is shut out."""

from __future__ import annotations
