"""Updates that wait in order: of a municipality that is cut off, and of one under quarantine."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from juki_center.areas.fleet.consistency import Progress, check_further
from juki_center.areas.fleet.disconnections import (
    Disconnect,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
)
from juki_center.areas.fleet.queued_updates import AT_ONCE
from juki_center.areas.fleet.queues import (
    FindingKind,
    QuarantineUpdates,
    QueueState,
    ReleaseQuarantine,
    Report,
    UpdateQueue,
    keep_report,
    quarantine,
    release,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ChangeReason
from juki_center.areas.residents.updates import Applied, Outcome
from juki_center.cli.queue_drain import drain
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken
from juki_center.storage.rotation import Target
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW, TOKOROZAWA
from tests.support.leaves import leaves
from tests.support.rows import peeking
from tests.support.updates import NEW, Register, corrected, record, update

OPERATOR = "juki://operator/operator-1"
HERE, THERE = TOKOROZAWA.municipality, CHIYODA.municipality
SUBJECT = Subject(Scope.MUNICIPALITY, str(HERE))
NOT_HOSTED = MunicipalityCode("134023")


@pytest.fixture
def register(store: SQLiteStore) -> Register:
    """Return Tokorozawa's register, whose own system sends updates."""
    return Register(store)


async def cut(register: Register) -> None:
    """Cut the municipality off."""
    command = Disconnect(OPERATOR, uuid.uuid4(), SUBJECT, Level.HIGH, "a drill")
    await register.store.act(lambda tx: disconnect(tx, command, NOW))


async def connect(register: Register) -> None:
    """Connect it again."""
    command = Reconnect(OPERATOR, uuid.uuid4(), SUBJECT)
    await register.store.act(lambda tx: reconnect(tx, command, NOW))


async def held_back(register: Register, reason: str = "they send nonsense") -> UpdateQueue:
    """Put the municipality's updates under quarantine."""
    command = QuarantineUpdates(OPERATOR, uuid.uuid4(), HERE, reason)
    return await register.store.act(lambda tx: quarantine(tx, command, NOW))


async def checked(register: Register) -> Report:
    """Check the register and keep the report."""
    progress = Progress(HERE)
    while not progress.is_over:
        so_far = progress
        progress = register.store.read(lambda tx, one=so_far: check_further(tx, one))
    report = progress.report(NOW)
    await register.store.act(lambda tx: keep_report(tx, HERE, report, OPERATOR))
    return report


async def released(register: Register, accepted: int = 0) -> UpdateQueue:
    """Release the quarantine."""
    command = ReleaseQuarantine(OPERATOR, uuid.uuid4(), HERE, accepted)
    return await register.store.act(lambda tx: release(tx, command, NOW))


def queue(register: Register) -> UpdateQueue | None:
    """Return the municipality's queue."""
    return register.store.read(lambda tx: tx.queues.of(HERE))


def waits(version: int, state: QueueState) -> Applied:
    """Return what is answered to an update that waits behind the others."""
    return Applied(Outcome.HELD, version, rule=str(state))


async def drained(register: Register) -> None:
    """Apply what may be applied."""
    await drain(register.store, lambda: NOW)


async def test_case_41_updates_of_who_is_cut_off_wait_and_are_applied_in_order(
    register: Register,
) -> None:
    await register.apply(update(1))
    await cut(register)
    answers = [await register.apply(corrected(version)) for version in range(2, 6)]
    before = queue(register)

    await connect(register)
    await drained(register)

    assert answers == [waits(version, QueueState.DISCONNECTED) for version in range(2, 6)]
    assert before is not None
    assert before.held == 4
    assert register.record(NEW).version == 5
    assert register.record(NEW).record.building == "5号室"
    assert queue(register) is None


async def test_what_comes_while_others_are_applied_stands_behind_them(register: Register) -> None:
    await register.apply(update(1))
    await cut(register)
    await register.apply(corrected(2))
    await connect(register)

    late = await register.apply(corrected(3))
    await drained(register)

    assert late == waits(3, QueueState.RELEASING)
    assert register.record(NEW).version == 3


async def test_more_than_a_round_is_applied_to_the_end(register: Register) -> None:
    last = AT_ONCE * 2 + 7
    await register.apply(update(1))
    await cut(register)
    for version in range(2, last + 1):
        await register.apply(corrected(version))

    await connect(register)
    await drained(register)

    assert register.record(NEW).version == last
    assert queue(register) is None


async def test_a_register_that_is_cut_off_again_keeps_what_is_left(register: Register) -> None:
    await register.apply(update(1))
    await cut(register)
    await register.apply(corrected(2))
    await connect(register)
    await cut(register)

    await drained(register)

    found = queue(register)
    assert found is not None
    assert (found.state, found.held) == (QueueState.DISCONNECTED, 1)


async def test_nothing_of_what_waits_can_be_read_by_the_keys_that_are_left(
    register: Register,
) -> None:
    await cut(register)
    await register.apply(update(1))

    with pytest.raises(Refusal) as refused:
        register.store.read(lambda tx: tx.queues.first(HERE, 1))

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
    with peeking(register.store) as sql:
        ((sealed,),) = sql.execute("SELECT sealed FROM queued_updates").fetchall()
    assert record().name.encode() not in sealed


async def test_updates_of_other_municipalities_do_not_wait(register: Register) -> None:
    await cut(register)

    applied = await register.apply(update(1, municipality=THERE))

    assert applied == Applied(Outcome.APPLIED, 1)


async def test_one_that_breaks_a_rule_is_passed_by_and_counted(register: Register) -> None:
    await register.apply(update(1))
    await held_back(register)
    await register.apply(update(2, ChangeReason.BIRTH))
    await register.apply(corrected(2))

    await checked(register)
    await released(register)
    await drained(register)

    assert register.record(NEW).version == 2
    leaf = [one for one in leaves(register.store) if one["ev"] == "RECORDS_IMPORTED"][-1]
    assert leaf["more"] == {"from": "queue", "applied": "1", "refused": "1"}


async def test_a_quarantine_holds_updates_and_leaves_the_windows_open(register: Register) -> None:
    await register.apply(update(1))

    begun = await held_back(register)

    assert (begun.state, begun.reason) == (QueueState.QUARANTINED, "they send nonsense")
    assert await register.apply(corrected(2)) == waits(2, QueueState.QUARANTINED)
    assert register.record(NEW).version == 1


async def test_a_quarantine_outlasts_a_disconnection(register: Register) -> None:
    await held_back(register)
    await cut(register)

    await connect(register)
    await drained(register)

    found = queue(register)
    assert found is not None
    assert found.state is QueueState.QUARANTINED


async def test_a_quarantine_is_not_released_unchecked(register: Register) -> None:
    await held_back(register)

    with pytest.raises(NotAllowed):
        await released(register)

    found = queue(register)
    assert found is not None
    assert found.state is QueueState.QUARANTINED


async def test_a_check_before_the_quarantine_counts_for_nothing(register: Register) -> None:
    await held_back(register)
    await checked(register)
    await released(register)
    await held_back(register)

    with pytest.raises(NotAllowed):
        await released(register)


async def test_a_consistent_register_has_no_findings(register: Register) -> None:
    await register.apply(update(1))
    await register.apply(corrected(2))
    await held_back(register)

    report = await checked(register)

    assert report.findings == ()
    assert report.persons == 8


async def test_findings_must_be_named_by_their_number(register: Register) -> None:
    await held_back(register)
    damage(register, "DELETE FROM code_index")
    report = await checked(register)

    with pytest.raises(Refusal) as refused:
        await released(register, report.total - 1)

    assert refused.value.reason is Reason.REGISTER_INCONSISTENT
    assert refused.value.metadata == {"findings": str(report.total)}
    assert (await released(register, report.total)).state is QueueState.RELEASING


def damage(register: Register, statement: str) -> None:
    """Change the tables as a defect would."""
    with peeking(register.store) as sql:
        sql.execute(statement)


_ONE = "(SELECT person FROM records WHERE municipality = '112089' ORDER BY person LIMIT 1)"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"UPDATE directory SET version = 7 WHERE person = {_ONE}", FindingKind.DIRECTORY_DIFFERS),
        (
            f"UPDATE directory SET municipality = '131016' WHERE person = {_ONE}",
            FindingKind.DIRECTORY_DIFFERS,
        ),
        (
            f"UPDATE records SET version = version + 1 WHERE person = {_ONE}",
            FindingKind.VERSION_GAP,
        ),
        (
            f"UPDATE records SET sealed = x'{'00' * 600}' WHERE person = {_ONE}",
            FindingKind.RECORD_UNREADABLE,
        ),
        (f"DELETE FROM code_index WHERE person = {_ONE}", FindingKind.CODE_OF_ANOTHER),
    ],
)
async def test_a_contradiction_is_found(
    register: Register, statement: str, kind: FindingKind
) -> None:
    await held_back(register)
    damage(register, statement)

    report = await checked(register)

    assert kind in dict(report.findings)


async def test_a_household_without_its_head_is_found(register: Register) -> None:
    head = register.record("yoshida-taro").person.octets.hex()
    await held_back(register)
    damage(register, f"UPDATE directory SET state = 'DECEASED' WHERE person = x'{head}'")

    report = await checked(register)

    assert report.findings == ((FindingKind.HOUSEHOLD_HEAD, 1),)


async def test_only_a_register_that_is_hosted_and_open_is_quarantined(register: Register) -> None:
    stranger = QuarantineUpdates(OPERATOR, uuid.uuid4(), NOT_HOSTED, "x")

    with pytest.raises(RuleBroken) as broken:
        await register.store.act(lambda tx: quarantine(tx, stranger, NOW))

    assert broken.value.rule == "NOT_HOSTED"


async def test_what_is_not_under_quarantine_is_not_released_or_checked(register: Register) -> None:
    for act in (released(register), checked(register)):
        with pytest.raises(Refusal) as refused:
            await act
        assert refused.value.reason is Reason.NOT_QUARANTINED


async def test_a_quarantine_of_who_is_cut_off_is_not_released(register: Register) -> None:
    await held_back(register)
    await checked(register)
    await cut(register)

    with pytest.raises(Refusal) as refused:
        await released(register)

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED


@pytest.mark.parametrize("reason", ["", "x" * 201, "two\nlines"])
async def test_a_reason_that_is_no_text_is_refused(register: Register, reason: str) -> None:
    with pytest.raises(RuleBroken):
        await held_back(register, reason)

    assert queue(register) is None


async def test_the_same_release_is_done_once(register: Register) -> None:
    await held_back(register)
    await checked(register)
    command = ReleaseQuarantine(OPERATOR, uuid.uuid4(), HERE, 0)
    await register.store.act(lambda tx: release(tx, command, NOW))
    await drained(register)
    await held_back(register)

    again = await register.store.act(lambda tx: release(tx, command, NOW + timedelta(minutes=1)))

    assert again.state is QueueState.QUARANTINED


async def test_the_inbox_opens_after_the_registers_key_was_replaced(register: Register) -> None:
    await register.apply(update(1))
    await held_back(register)
    await register.apply(corrected(2))
    await rotate(register)

    await checked(register)
    await released(register)
    await drained(register)

    assert register.record(NEW).version == 2


async def rotate(register: Register) -> None:
    """Replace the register's data key, and destroy the old one."""
    target = Target("municipality", HERE)
    await register.store.act(lambda tx: tx.rotations.begin(target, NOW))
    while not (await register.store.act(lambda tx: tx.rotations.step(target, 50))).is_last:
        pass
