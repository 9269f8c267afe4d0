"""Signed content on paper, and paper back to signed content."""

from __future__ import annotations
