"""Stores behind one small protocol."""

from __future__ import annotations
