"""How much is measured: turns, seconds, people and streams, as the environment says."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """What every part of the benchmark is given; the fields are BENCH_... in the environment."""

    pairs: int = 5
    seconds: float = 2.0
    small: int = 10_000
    residents: int = 100_000
    at_once: int = 64
    streams: int = 100

    @classmethod
    def of_environment(cls) -> Effort:
        """Read the environment; raise ValueError for what is no number."""
        return cls(
            pairs=_number("BENCH_PAIRS", cls().pairs),
            seconds=float(os.environ.get("BENCH_SECONDS", cls().seconds)),
            small=_number("BENCH_SMALL", cls().small),
            residents=_number("BENCH_RESIDENTS", cls().residents),
            at_once=_number("BENCH_AT_ONCE", cls().at_once),
            streams=_number("BENCH_STREAMS", cls().streams),
        )


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name, default))
