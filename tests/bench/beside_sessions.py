"""How long confirmations take while card sessions run at half of what the center can do.

The rate that the center can do is measured first, with as many sessions at once as there are
windows. Confirmations come at a constant rate and are timed from when they were due; alone and
beside sessions in turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from juki_load.callers import Caller
from juki_load.calls.confirm import ByCode
from juki_load.calls.verification import Verification
from juki_load.wire.header_blocks import Ending
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part
from tests.bench.people import Peopled, peopled_center
from tests.bench.session_load import SessionLoad, session_load

G10 = 1.8
_A_SECOND = 50
_LONGER = 2
"""A turn is this much longer than elsewhere: a p99 needs some hundreds of answers."""


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G10."""
    with (
        peopled_center(folder, terminals=effort.at_once, cards=effort.at_once) as peopled,
        session_load(peopled.folder.path, peopled.center.address, effort.at_once) as sessions,
    ):
        # Once to have every window connected, and once to measure.
        _most(sessions, effort.seconds)
        most = _most(sessions, 2 * effort.seconds)
        yield asyncio.run(_measured(peopled, sessions, most, effort))


def _most(sessions: SessionLoad, seconds: float) -> float:
    sessions.start(0)
    time.sleep(seconds)
    return sessions.stop()


async def _measured(peopled: Peopled, sessions: SessionLoad, most: float, effort: Effort) -> Part:
    people = peopled.folder
    caller = Caller(
        peopled.address, people.agency(people.manifest.agencies[0]), people.center_leaves
    )
    codes = [line["code"] for line in people.residents(effort.at_once)]
    asking = _Asking(ByCode([caller], codes, Verification(None, 0.0, 0)))
    await asking.p99_ms(effort.seconds)
    alone, beside, rates = [], [], []
    for number in range(effort.pairs):
        for is_beside in (False, True) if number % 2 else (True, False):
            if is_beside:
                sessions.start(most / 2)
            found = await asking.p99_ms(_LONGER * effort.seconds)
            (beside if is_beside else alone).append(found)
            if is_beside:
                rates.append(sessions.stop())
                await asyncio.sleep(effort.seconds / 4)
    await caller.close()
    return _part(alone, beside, most, median(rates))


class _Asking:
    """Questions at a constant rate, each timed from when it was due."""

    def __init__(self, questions: ByCode) -> None:
        self._questions = questions

    async def p99_ms(self, seconds: float) -> float:
        """Ask for some time; return the time within which 99 of 100 were answered."""
        taken: list[float] = []
        began = time.perf_counter()
        count = max(2, round(seconds * _A_SECOND))
        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                due = began + number / _A_SECOND
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                tasks.create_task(self._one(due, taken))
        return sorted(taken)[int(len(taken) * 0.99)] * 1e3

    async def _one(self, due: float, taken: list[float]) -> None:
        ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._questions.start(ended.set_result)
        ending = await ended
        if not ending.is_ok:
            raise RuntimeError(f"a confirmation was refused: {ending.name}")
        taken.append(time.perf_counter() - due)


def _part(alone: list[float], beside: list[float], most: float, rate: float) -> Part:
    figures = [
        Figure("most sessions a second", most, f"{most:.1f}"),
        Figure("sessions a second beside confirmations", rate, f"{rate:.1f}"),
        Figure("p99 of confirmations alone", median(alone), f"{median(alone):.1f} ms"),
        Figure("p99 of confirmations beside", median(beside), f"{median(beside):.1f} ms"),
    ]
    ratio = median(one / other for one, other in zip(beside, alone, strict=True))
    title = f"Confirmations, {_A_SECOND} a second, beside card sessions at half of the most"
    return Part(title, figures, [Goal("G10 ratio", ratio, G10)])
