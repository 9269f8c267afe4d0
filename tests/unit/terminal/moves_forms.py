"""Forms of moves in, as scripts send them, and what a clerk types for an address."""

from __future__ import annotations

from tests.unit.terminal.moves_double import MOVE, WIFE_CODE
from tests.unit.terminal.residents_double import CODE

PLACE = {"address": "東京都千代田区神田一丁目1番1号", "new_household": True}
ARRIVALS = [
    {"code": CODE, "relationship_to_householder": "世帯主"},
    {"code": WIFE_CODE, "relationship_to_householder": "妻"},
]
BY_CARD: dict[str, object] = {"moved_date": "令和8年11月21日", "arrivals": ARRIVALS, "place": PLACE}
PAPER = {
    "move_number": MOVE,
    "verification_code": "1234 5678 9012 3456 11",
    "moved_date": "2026-11-21",
}
BY_PAPER: dict[str, object] = {"paper": PAPER, "arrivals": ARRIVALS, "place": PLACE}
TYPED_PLACE = ["神田一丁目", "三号室", ""]
