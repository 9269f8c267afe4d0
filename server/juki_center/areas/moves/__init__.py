"""Moves: between two municipalities by card or by paper, and within one."""

from __future__ import annotations
