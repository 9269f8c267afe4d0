"""What a person reads when an act is refused: reasons, and nothing else."""

from __future__ import annotations
