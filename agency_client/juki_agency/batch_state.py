"""How far a batch has come: a small file beside the result, and the result's octets that count.

Results are appended and synced first, then the state is replaced. Whatever stands in the result
beyond the octets that the state names was cut off and is written again, so that each line is there
once.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from juki_agency.kept import keep, read_kept
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from juki_agency.question_file import QuestionFile
    from juki_client.outcome import JSON

_VERSION: Final = 1
REFUSED: Final = "REFUSED"


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What a batch asks for; the same when it is taken up again."""

    affair: str
    items: tuple[str, ...]
    watch: bool
    line_count: int
    digest: str

    @classmethod
    def of(
        cls, file: QuestionFile, affair: str, items: Iterable[str], *, watch: bool
    ) -> BatchOrder:
        """Return the order for a file."""
        return cls(affair, tuple(map(str, items)), watch, file.line_count, file.digest)


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch has come. `counts` are lines by outcome, refused ones included."""

    order: BatchOrder
    batch_id: str
    done: int
    octets: int
    counts: Mapping[str, int]

    @classmethod
    def begin(cls, order: BatchOrder) -> BatchState:
        """Return the state of a batch that has no result yet, under an id of its own."""
        return cls(order, str(uuid.uuid4()), 0, 0, {})

    @classmethod
    def read(cls, path: Path, order: BatchOrder) -> BatchState | None:
        """Return the state that was kept, None for none.

        Raises Problem BATCH_NOT_THE_SAME where it is of another order, FILE_NOT_USABLE where the
        file is no state.
        """
        content = read_kept(path)
        if content is None:
            return None
        state = _parsed(path, content, order)
        if content.get("order") != _order_json(order):
            raise Problem("BATCH_NOT_THE_SAME", {"state": path.name})
        return state

    def keep(self, path: Path) -> None:
        """Keep the state durably."""
        content: dict[str, JSON] = {
            "v": _VERSION,
            "order": _order_json(self.order),
            "batch_id": self.batch_id,
            "done": self.done,
            "octets": self.octets,
            "counts": dict(self.counts),
        }
        keep(path, content)

    def with_results(self, outcomes: list[str], octets: int) -> BatchState:
        """Return the state after further lines, with the result's new length."""
        counts = dict(self.counts)
        for outcome in outcomes:
            counts[outcome] = counts.get(outcome, 0) + 1
        return replace(self, done=self.done + len(outcomes), octets=octets, counts=counts)


def _order_json(order: BatchOrder) -> dict[str, JSON]:
    return {**asdict(order), "items": list(order.items)}


def _parsed(path: Path, content: Mapping[str, JSON], order: BatchOrder) -> BatchState:
    counts = content.get("counts")
    batch_id, done, octets = (content.get(key) for key in ("batch_id", "done", "octets"))
    if (
        content.get("v") == _VERSION
        and isinstance(batch_id, str)
        and isinstance(done, int)
        and isinstance(octets, int)
        and isinstance(counts, dict)
    ):
        numbers = {name: count for name, count in counts.items() if isinstance(count, int)}
        if 0 <= done <= order.line_count or content.get("order") != _order_json(order):
            return BatchState(order, batch_id, done, octets, numbers)
    raise Problem("FILE_NOT_USABLE", {"problem": f"{path.name} is no state of a batch"})
