"""How soon a card that the desk stops is refused at a terminal that uses it all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import ResidenceState
from juki_center.cli import dev_texts
from juki_center.cli.opening import opened_store
from juki_center.config import CenterConfig
from juki_center.storage.samples import read_samples
from tests.bench.measuring import Figure, Goal, Part, Timings
from tests.e2e.storm import Fuse
from tests.e2e.suspension_race import Stopped, opened_desk, race
from tests.e2e.window import opened_window
from tests.support.center_process import CenterProcess

REFUSED_P99_MS = 1_000.0
_PHASES = 10
_SESSION_SECONDS = 0.15


def measure(folder: Path, runs: int) -> Iterator[Part]:
    """Stop cards so many times, at different moments of the session that runs."""
    found = []
    codes = {
        sample.key: sample.record.code.digits
        for sample in read_samples()
        if sample.state is ResidenceState.ACTIVE and sample.key not in dev_texts.WITHOUT_CARD
    }
    with (
        CenterProcess(folder) as center,
        opened_window(folder, center.address, Fuse(lambda _: None)) as window,
        opened_desk(folder / "desk.toml") as desk,
    ):
        keys = sorted(codes)
        for number in range(runs):
            key = keys[number % len(keys)]
            moment = _SESSION_SECONDS * (number % _PHASES) / _PHASES
            found.append(race(window, desk, key, codes[key], after_seconds=moment))
            asyncio.run(_resume(folder, codes[key]))
    yield _part(found)


async def _resume(folder: Path, code: str) -> None:
    """Put the card back into use for the next run, behind the back of every rule of a window."""
    config = CenterConfig.load(folder / "center.toml")

    def act(tx: Tx) -> None:
        holder = tx.residents.by_code(ResidentCode(code))
        assert holder is not None
        found = ChangeStatus(
            "juki://center/bench", tx.cards.of_person(holder.person)[0].serial, CardEvent.RESUMED
        )
        change_status(tx, found, datetime.now(UTC))

    async with opened_store(config) as store:
        await store.act(act)


def _part(found: list[Stopped]) -> Part:
    late = sum(stopped.late for stopped in found)
    refused = Timings([stopped.refused for stopped in found], [])
    answered = Timings([stopped.answered for stopped in found], [])
    figures = []
    for name, timings in (("desk is answered", answered), ("terminal refuses", refused)):
        for share, shown in ((0.50, "p50"), (0.99, "p99")):
            ms = timings.quantile_ms(share)
            figures.append(Figure(f"{name} after the command, {shown}", ms, f"{ms:.1f} ms"))
    figures.append(Figure("sessions begun after the answer and finished", late, str(late)))
    title = f"A card is stopped by telephone while it is used, {len(found)} times"
    goals = [
        Goal("suspension_refused_p99_ms", refused.quantile_ms(0.99), REFUSED_P99_MS),
        Goal("suspension_late_sessions", late, 0),
    ]
    return Part(title, figures, goals)
