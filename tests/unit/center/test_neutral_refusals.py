"""Domain case 15: a refusal for protection does the same work as any other "apply at residence".

What must not differ is asserted: what the act asks of the store, and what goes over the wire. How
long it takes is printed for people to read (`pytest -s`), because a clock proves nothing on a busy
machine.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.copies.commands import Scope
from juki_center.areas.copies.issue import issue_copy
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.commands import GetRecord
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.read import get_record
from juki_center.areas.residents.records import Hold
from juki_center.errors import Reason
from juki_center.rpc.errors import Statuses
from tests.support.center import CHIYODA, NOW, SAMPLES, Center
from tests.unit.center.test_issue import hold

_RUNS = 50


class Watched:
    """A transaction, or a part of it, that writes down in order what it is asked."""

    def __init__(self, watched: Any, asked: list[str], name: str = "tx") -> None:
        self._watched, self._asked, self._name = watched, asked, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._watched, name)
        if not callable(found):
            return Watched(found, self._asked, name)

        def ask(*arguments: Any, **named: Any) -> Any:
            self._asked.append(f"{self._name}.{name}")
            return found(*arguments, **named)

        return ask


async def work_for(center: Center, key: str, scope: Scope) -> tuple[DeniedAttempt, list[str]]:
    """Return a refusal and what was asked of the store until then."""
    command = await center.command(key, scope=scope)
    asked: list[str] = []

    with pytest.raises(DeniedAttempt) as refused:
        await center.store.act(
            lambda tx: issue_copy(Watched(tx, asked), command, NOW, center.policy)  # type: ignore[arg-type]  # looks like one
        )
    return refused.value, asked


@pytest.mark.parametrize("scope", [Scope.SELF, Scope.HOUSEHOLD])
async def test_case_15_every_cause_asks_the_same_of_the_store(center: Center, scope: Scope) -> None:
    await hold(center, "takahashi-ichiro", Hold.UNDER_CORRECTION)

    protected, asked = await work_for(center, "sasaki-megumi", scope)
    corrected, asked_too = await work_for(center, "takahashi-ichiro", scope)
    _, asked_for_deleted = await work_for(center, "kobayashi-minoru", scope)

    assert asked == asked_too == asked_for_deleted
    assert "residents.household" in asked
    assert (protected.reason, protected.metadata) == (corrected.reason, corrected.metadata)


async def test_case_15_every_cause_looks_the_same_on_the_wire(center: Center) -> None:
    await hold(center, "takahashi-ichiro", Hold.UNDER_CORRECTION)
    statuses = Statuses.from_descriptor()

    protected, _ = await work_for(center, "sasaki-megumi", Scope.SELF)
    corrected, _ = await work_for(center, "takahashi-ichiro", Scope.SELF)

    assert protected.reason is Reason.ISSUE_SUPPRESSED
    assert protected.event.cause != corrected.event.cause
    assert statuses.status(protected) == statuses.status(corrected)


async def test_whose_code_it_is_cannot_be_told_from_what_is_asked_of_the_store(
    center: Center,
) -> None:
    elsewhere = SAMPLES["yoshida-taro"].record.code
    nobody = ResidentCode("12345678903")
    policy, asked = (
        RegisterPolicy(center.policy.municipalities, low_stock=100),
        dict[ResidentCode, list[str]](),
    )

    for code in (elsewhere, nobody):
        command, seen = GetRecord(CHIYODA, "佐藤　花", code), asked.setdefault(code, [])
        with pytest.raises(DeniedAttempt) as refused:
            center.store.read(
                lambda tx, seen=seen, command=command: get_record(  # type: ignore[misc]  # lambda
                    Watched(tx, seen),  # type: ignore[arg-type]  # looks like one
                    command,
                    NOW,
                    policy,
                )
            )
        assert refused.value.reason is Reason.RESIDENT_NOT_FOUND

    assert asked[elsewhere] == asked[nobody]
    assert asked[nobody] == ["residents.by_any_code", "residents.own_last"]


async def test_case_15_times_of_both_causes_are_reported(center: Center) -> None:
    await hold(center, "takahashi-ichiro", Hold.UNDER_CORRECTION)
    keys = ("sasaki-megumi", "takahashi-ichiro")
    micros: dict[str, list[float]] = {key: [] for key in keys}

    for _ in range(_RUNS):
        for key in keys:
            command = await center.command(key)
            began = time.perf_counter()
            with pytest.raises(DeniedAttempt):
                await center.issue(command)
            micros[key].append((time.perf_counter() - began) * 1e6)

    medians = {key: statistics.median(times) for key, times in micros.items()}
    print(f"case 15: median of {_RUNS}: {medians['sasaki-megumi']:.0f} us for a protected person,")
    print(f"  {medians['takahashi-ichiro']:.0f} us for a record under correction")
    assert all(len(times) == _RUNS for times in micros.values())
