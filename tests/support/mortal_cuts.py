"""The points at which a center can be made to die; see `mortal_center`."""

from __future__ import annotations

ACTS = ("session", "issue", "confirm")
POINTS = ("begun", "written", "committed")
CUTS = tuple(f"{act}:{point}" for act in ACTS for point in POINTS)
