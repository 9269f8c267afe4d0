"""The result of a run: a file that can be read again, added to another one, and judged."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Final

import cattrs

from juki_client.outcome import Problem
from juki_load.measure.histogram import Histogram
from juki_load.measure.record import KindRecord
from juki_load.scenario import SLO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from juki_client.outcome import JSON

SCHEMA: Final = "juki-load/1"
_BUSY: Final = 0.8
_LATE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Generator:
    """What one process of the generator did, and what that cost it."""

    calls: int
    handshakes: int
    cpu_seconds: float
    seconds: float
    busiest_share: float
    """The share of one core that it used in its busiest slot."""
    host: str = ""

    @property
    def cpu_us_per_call(self) -> float:
        """CPU for one call, TLS and system calls with it."""
        return self.cpu_seconds / self.calls * 1e6 if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen of the center at one moment of the run."""

    second: float
    cpu_share: float | None = None
    """Cores' worth of CPU since the sample before."""
    rss_mib: float | None = None
    store_share: float | None = None
    """The share of time in which the store's writer was busy, since the sample before."""
    open_streams: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    scenario: str
    center: str
    began: str
    seconds: float
    slot_seconds: float
    kinds: dict[str, KindRecord]
    lateness: Histogram = field(default_factory=Histogram)
    generators: tuple[Generator, ...] = ()
    samples: tuple[Sample, ...] = ()
    verified_receipts: int = 0
    slo: tuple[SLO, ...] = ()
    """The limits of the scenario, for whoever judges the file later."""
    max_memory_growth_percent: float | None = None

    @property
    def bottlenecks(self) -> list[str]:
        """Say why the generator may have measured itself; empty where it has not."""
        found = []
        busiest = max((one.busiest_share for one in self.generators), default=0.0)
        if busiest > _BUSY:
            found.append(f"a generator process used {busiest:.0%} of a core: start more processes")
        late = self.lateness.quantile(0.99)
        if late > _LATE_SECONDS:
            found.append(f"1 in 100 calls was sent {late * 1e3:.0f} ms late or more")
        return found

    @property
    def memory_growth_percent(self) -> float:
        """How much more the center held in the last quarter than in the second; NaN if unseen.

        In the first quarter caches fill, and the median forgets what was held for a moment.
        """
        seen = [one.rss_mib for one in self.samples if one.rss_mib is not None]
        quarter = len(seen) // 4
        if not quarter:
            return math.nan
        before, after = median(seen[quarter : 2 * quarter]), median(seen[-quarter:])
        return 100 * (after - before) / before

    def to_json(self) -> dict[str, JSON]:
        """Return the content of a result file."""
        return {"schema": SCHEMA, **_converter().unstructure(self)}

    @classmethod
    def from_json(cls, found: object) -> Result:
        """Return what `to_json` gave; raise ValueError for anything else."""
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise ValueError("not a result of this program")
        fields = {name: value for name, value in found.items() if name != "schema"}
        try:
            return _converter().structure(fields, cls)
        except cattrs.BaseValidationError as error:
            raise ValueError("; ".join(cattrs.transform_error(error))) from error

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(json.dumps(self.to_json()) + "\n", encoding="utf-8")
        beside.replace(path)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Histogram, Histogram.to_json)
    converter.register_structure_hook(Histogram, lambda counts, _: Histogram.from_json(counts))
    return converter


def load(path: Path) -> Result:
    """Read a result file; raise Problem CONFIGURATION_INVALID where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        # What `--json` printed is taken too: the result stands in its envelope.
        if isinstance(found, dict) and isinstance(found.get("result"), dict):
            found = found["result"].get("whole")
        return Result.from_json(found)
    except (OSError, ValueError) as error:
        raise Problem("CONFIGURATION_INVALID", {"file": str(path), "rule": str(error)}) from error


def merged(results: Iterable[Result]) -> Result:
    """Return the sum of results of one scenario, from processes or machines.

    Raises ValueError for none, and for results whose slots are not as long.
    """
    first, *others = results
    kinds: dict[str, KindRecord] = {}
    lateness = Histogram()
    for one in (first, *others):
        if (one.scenario, one.slot_seconds) != (first.scenario, first.slot_seconds):
            raise ValueError("results of two scenarios, or of two lengths")
        for name, record in one.kinds.items():
            kinds.setdefault(name, KindRecord()).merge(record)
        lateness.merge(one.lateness)
    everything = (first, *others)
    return replace(
        first,
        began=min(one.began for one in everything),
        seconds=max(one.seconds for one in everything),
        kinds=kinds,
        lateness=lateness,
        generators=tuple(g for one in everything for g in one.generators),
        samples=max((one.samples for one in everything), key=len),
        verified_receipts=sum(one.verified_receipts for one in everything),
    )
