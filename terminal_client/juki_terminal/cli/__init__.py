"""The commands of `juki-terminal`."""

from __future__ import annotations
