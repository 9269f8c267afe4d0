"""The schema, step by step (alembic)."""

from __future__ import annotations
