"""juki-load: load for a center, measured from the time at which each call was due."""

from __future__ import annotations
