"""A center's word on a trial log, for clients that ask nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from juki_client.outcome import Problem
from tests.support.trial_log import TrialLog


@dataclass
class TrialProver:
    """Proves what the log has; counts what it was asked, and may be bent."""

    log: TrialLog
    asked: list[tuple[int, int]] = field(default_factory=list)
    bend: Callable[[Sequence[bytes]], Sequence[bytes]] = tuple

    def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:
        """Return the newest checkpoint and its proof."""
        if first > self.log.size:
            raise Problem("LOG_SHORTER", {"treeSize": str(self.log.size)})
        return self.log.checkpoint(), self.between(first, self.log.size)

    def between(self, first: int, second: int) -> Sequence[bytes]:
        """Return a proof between two sizes."""
        self.asked.append((first, second))
        return self.bend(self.log.consistency(first, second))
