"""The card side as a table: (state, command) -> (state, response)."""

from __future__ import annotations
