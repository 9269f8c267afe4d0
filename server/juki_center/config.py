"""The configuration file."""

from __future__ import annotations
