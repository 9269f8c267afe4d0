"""The commands of `juki-center`."""

from __future__ import annotations
