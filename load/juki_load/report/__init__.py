"""A result as people read it: a table, a page with plots, and the difference of two."""

from __future__ import annotations
