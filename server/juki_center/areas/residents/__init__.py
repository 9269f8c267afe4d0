"""Residents: who is on the register, where, and how they are found."""

from __future__ import annotations
