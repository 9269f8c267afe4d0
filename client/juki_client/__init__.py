"""What the programs that call the center stand on: problems, the pinned channel, command lines.

A window terminal and an agency's client are different programs with the same habits. What either
does for its users is in a package of its own.
"""

from __future__ import annotations
