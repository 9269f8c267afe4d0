"""A center with a long audit log: filling, size, start, and what a proof costs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Final

from juki_center.areas.audit.proofs import prove_consistency, prove_inclusion
from juki_center.cli.opening import open_with_key
from juki_center.storage.center_store import CenterStore
from tools.scale.center import Served, TestCenter
from tools.scale.log_seeding import lengthen
from tools.scale.timing import timed

PROVED: Final = 2_000
# Steps of a fraction that is close to the golden ratio spread them over the log.
_STRIDE: Final = 0.618


def measure(center: TestCenter, leaves: int, *, told: Callable[[int], None]) -> dict[str, float]:
    """Lengthen the log, start the center, and ask for proofs; return the figures by name."""
    config = center.prepare()
    filled = lengthen(config, leaves, told=told)
    figures: dict[str, float] = {"store_octets": center.file_octets()}
    figures["octets_a_leaf"] = figures["store_octets"] / leaves
    if filled.added:
        figures |= {
            "filled": filled.added,
            "fill_seconds": filled.seconds,
            "fill_cpu_us": filled.cpu_seconds / filled.added * 1e6,
        }
    with Served(center) as served:
        figures |= served.start_figures()
    with closing(open_with_key(config)) as store:
        for name, prove in (("inclusion", _inclusion), ("consistency", _consistency)):
            calls = [prove(store, place) for place in _places(leaves)]
            figures |= timed(calls).figures(name)
    return figures


def _places(leaves: int) -> list[int]:
    """Return leaves from the whole log, in no order."""
    return [1 + int(number * _STRIDE * leaves) % (leaves - 1) for number in range(PROVED)]


def _inclusion(store: CenterStore, index: int) -> Callable[[], object]:
    return lambda: store.read(lambda tx: prove_inclusion(tx.audit, index, None))


def _consistency(store: CenterStore, size: int) -> Callable[[], object]:
    return lambda: store.read(lambda tx: prove_consistency(tx.audit, size, None))
