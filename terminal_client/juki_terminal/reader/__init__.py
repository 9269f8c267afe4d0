"""Card readers behind one method."""

from __future__ import annotations
