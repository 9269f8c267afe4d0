"""What a run measures, how results are added up, and whether they are good enough."""

from __future__ import annotations
