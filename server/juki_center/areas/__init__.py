"""The rules and acts of each capability; no I/O, no clock, no randomness."""

from __future__ import annotations
