"""Disclosure: what a resident may ask of themselves, and to whom it was provided."""

from __future__ import annotations
