"""The window terminal: reader, relay, journal and paper."""

from __future__ import annotations
