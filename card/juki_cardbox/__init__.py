"""Cards as files: served to readers, carried in-process, traced; no card rule lives here."""

from __future__ import annotations
