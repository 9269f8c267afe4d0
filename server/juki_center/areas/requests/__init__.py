"""Requests that must not act twice."""

from __future__ import annotations
