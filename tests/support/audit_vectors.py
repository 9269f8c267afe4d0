"""The published vectors of Merkle trees, signed notes and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "audit-log.json").read_text(encoding="utf-8")
)
