"""The audit log: what is written of each act, in its final encoding."""

from __future__ import annotations
