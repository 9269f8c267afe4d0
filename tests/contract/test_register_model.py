"""A register against a model of it: whatever comes in which order, its history is whole.

A state machine sends updates in order, early, twice and wrong, works at the desk in between, and
changes codes. Beside it stands a register of plain lists that knows nothing of versions, seals or
indexes; after every step both must say the same.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.ports import Tx
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import ResidentCode, resident_check_digit
from juki_center.areas.residents.commands import (
    CancelEntry,
    ChangeResidentCode,
    CorrectRecord,
    Edit,
    RegisterBirth,
    RegisterDeath,
)
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.records import ChangeReason, ResidenceState, Resident
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import (
    Applied,
    Outcome,
    Update,
    UpdateReason,
    apply_update,
)
from juki_center.errors import Reason
from tests.support.center import NOW, SAMPLES, TOKOROZAWA, open_test_store
from tests.support.register_desk import CHILD, CLERK, POLICY, TODAY, YESTERDAY, entries_of

Answer = TypeVar("Answer")
LONG = bool(os.environ.get("JUKI_LONG"))
ACTIVE = ResidenceState.ACTIVE
RECORD = replace(SAMPLES["yoshida-taro"].record, building="")
# Where each reason of an update leads, and from where.
WAYS = {
    ChangeReason.NAME_CHANGE: (ACTIVE, ACTIVE),
    ChangeReason.MOVE_OUT: (ACTIVE, ResidenceState.MOVED_OUT),
    ChangeReason.MOVE_IN: (ResidenceState.MOVED_OUT, ACTIVE),
    ChangeReason.DEATH: (ACTIVE, ResidenceState.DECEASED),
}


@dataclass(frozen=True)
class Entry:
    """One version in the model."""

    state: ResidenceState
    building: str
    reason: ChangeReason
    is_from_desk: bool = False


@dataclass
class Person:
    """One person in the model."""

    codes: list[ResidentCode]
    entries: list[Entry] = field(default_factory=list)
    held: dict[int, Entry] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """An update as the model sees it."""

    version: int
    entry: Entry


class Registers(RuleBasedStateMachine):
    """A municipality's own system, a desk, and the register between them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        memory = Path("/dev/shm")
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.store = open_test_store(Path(self.folder.name))
        self.people: list[Person] = []
        self.notices: list[tuple[int, int, ChangeReason]] = []
        self.numbers = itertools.count(1)
        self.run(self.store.act(_furnish))

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close everything."""
        self.store.close()
        self.loop.close()
        self.folder.cleanup()

    # The municipality's own system

    @precondition(lambda self: len(self.people) < 4)
    @rule(number=st.integers(0, 10**7), version=st.sampled_from([1, 1, 2]))
    def somebody_new_is_reported(self, number: int, version: int) -> None:
        """The first update of a person arrives, perhaps after the second."""
        code = _code(number)
        if any(code in person.codes for person in self.people):
            return
        self.people.append(Person([code]))
        reason = ChangeReason.MOVE_IN if version == 1 else ChangeReason.NAME_CHANGE
        self._send(len(self.people) - 1, Sent(version, self._entry(reason)))

    @precondition(lambda self: self.people)
    @rule(
        who=st.integers(0, 3),
        ahead=st.sampled_from([1, 1, 1, 2, 3]),
        reason=st.sampled_from(sorted(WAYS)),
    )
    def an_update_comes(self, who: int, ahead: int, reason: ChangeReason) -> None:
        """The next version arrives, or one that is too early."""
        who %= len(self.people)
        version = len(self.people[who].entries) + ahead
        # The first version of a person is a move in; what follows may be anything.
        said = ChangeReason.MOVE_IN if version == 1 else reason
        self._send(who, Sent(version, self._entry(said)))

    @precondition(lambda self: any(person.entries for person in self.people))
    @rule(who=st.integers(0, 3), which=st.integers(0, 20), is_same=st.booleans())
    def an_old_version_comes_again(self, who: int, which: int, is_same: bool) -> None:  # drawn
        """What was sent is sent again, as it was or changed."""
        person = self.people[who % len(self.people)]
        if not person.entries:
            return
        version = which % len(person.entries) + 1
        entry = person.entries[version - 1]
        sent = entry if is_same else replace(entry, building=self._building())
        self._send(self.people.index(person), Sent(version, sent))

    @precondition(lambda self: any(len(person.codes) > 1 for person in self.people))
    @rule(version=st.integers(1, 9))
    def an_update_comes_under_a_former_code(self, version: int) -> None:
        """The municipality's own system has not heard of the change."""
        person = next(one for one in self.people if len(one.codes) > 1)
        update = _update(person.codes[0], Sent(version, self._entry(ChangeReason.NAME_CHANGE)), 0)

        applied = self._apply(update)

        assert (applied.outcome, applied.rule) == (Outcome.REFUSED, "CODE_CHANGED")

    # The desk

    @rule(who=st.integers(0, 3))
    def the_desk_corrects(self, who: int) -> None:
        """A clerk corrects the address."""
        if (person := self._at_desk(who)) is None:
            return
        entry = replace(self._entry(ChangeReason.CORRECTION_EX_OFFICIO), is_from_desk=True)
        entries = replace(entries_of(self._record(person)), building=entry.building)
        command = CorrectRecord(self._edit(person), entries, entry.reason, TODAY)

        refused = self._refused(lambda tx: correct_record(tx, command, NOW, POLICY))

        assert refused is (None if person.entries[-1].state is ACTIVE else NOT_IN_THIS_STATE)
        if refused is None:
            self._append(person, entry)

    @rule(who=st.integers(0, 3))
    def the_desk_registers_a_death(self, who: int) -> None:
        """Somebody dies."""
        if (person := self._at_desk(who)) is None:
            return
        last = person.entries[-1]
        entry = Entry(ResidenceState.DECEASED, last.building, ChangeReason.DEATH, is_from_desk=True)
        command = RegisterDeath(self._edit(person), TODAY)

        refused = self._refused(lambda tx: register_death(tx, command, NOW, POLICY))

        assert refused is (None if last.state is ACTIVE else NOT_IN_THIS_STATE)
        if refused is None:
            self._append(person, entry)

    @rule(who=st.integers(0, 3))
    def the_desk_cancels(self, who: int) -> None:
        """The newest entry is cancelled, if it may be."""
        if (person := self._at_desk(who)) is None:
            return
        may_be = len(person.entries) > 1 and person.entries[-1].reason is not CODE_CHANGED
        command = CancelEntry(self._edit(person))

        refused = self._refused(lambda tx: cancel_entry(tx, command, NOW, POLICY))

        assert refused is (None if may_be else Reason.ENTRY_NOT_CANCELLABLE)
        if may_be:
            before = person.entries[-2]
            self._append(
                person,
                replace(before, reason=ChangeReason.CANCELLATION, is_from_desk=True),
            )

    @rule(who=st.integers(0, 3))
    def the_desk_changes_a_code(self, who: int) -> None:
        """Somebody asks for another code."""
        if (person := self._at_desk(who)) is None:
            return
        last = person.entries[-1]
        command = ChangeResidentCode(self._edit(person))
        index = self.people.index(person)
        old = self._record(person)

        refused = self._refused(lambda tx: change_resident_code(tx, command, NOW, POLICY))

        assert refused is (None if last.state is ACTIVE else NOT_IN_THIS_STATE)
        if refused is not None:
            return
        new = self.store.read(lambda tx: tx.residents.resident(old.person)).record.code
        assert all(new not in one.codes for one in self.people)
        person.codes.append(new)
        # What waits under the old code waits for ever: that code is answered by its change.
        person.held = {}
        self._append(
            person, replace(last, reason=CODE_CHANGED, is_from_desk=True), has_changed=True
        )
        assert self.people[index] is person

    @precondition(lambda self: len(self.people) < 4)
    @rule(who=st.integers(0, 3))
    def a_child_is_born(self, who: int) -> None:
        """A child enters somebody's household."""
        if (parent := self._at_desk(who)) is None or parent.entries[-1].state is not ACTIVE:
            return
        building = self._building()
        entries = replace(CHILD, address=RECORD.address, building=building)
        command = RegisterBirth(TOKOROZAWA, uuid.uuid4(), CLERK, parent.codes[-1], entries)

        answer = self.run(self.store.act(lambda tx: register_birth(tx, command, NOW, POLICY)))

        child = Person([answer.record.record.code])
        assert all(child.codes[0] not in one.codes for one in self.people)
        self.people.append(child)
        self._append(child, Entry(ACTIVE, building, ChangeReason.BIRTH, is_from_desk=True))

    # What must hold

    @invariant()
    def the_register_and_the_model_say_the_same(self) -> None:
        """Compare every person's whole history, codes and the notices."""
        persons = self.store.read(self._compare)
        told = self.store.read(_notices)
        expected = [(persons[who], version, reason) for who, version, reason in self.notices]
        assert told == expected

    def _compare(self, tx: Tx) -> dict[int, bytes]:
        """Compare all persons; return who each of them is in the store."""
        persons = {}
        for number, person in enumerate(self.people):
            found = tx.residents.by_code(person.codes[-1])
            if not person.entries:
                assert found is None
                continue
            assert found is not None
            persons[number] = found.person.octets
            newest = tx.residents.resident(found.person)
            history = [*reversed(tx.residents.earlier(newest, 1_000)), newest]
            assert [one.version for one in history] == [*range(1, len(person.entries) + 1)]
            assert [_entry_of(one) for one in history] == [
                (one.state, one.building, one.reason) for one in person.entries
            ]
            assert newest.record.former_codes == tuple(person.codes[:-1])
            for former in person.codes[:-1]:
                assert tx.residents.by_code(former) is None
                assert tx.residents.by_former_code(former) == found
        assert len(set(persons.values())) == len(persons)
        return persons

    # The model

    def _send(self, who: int, sent: Sent) -> None:
        """Send an update; judge the answer by the model, and bring the model up to date."""
        person = self.people[who]
        expected = self._expect(person, sent)

        applied = self._apply(_update(person.codes[-1], sent, who))

        assert [(one.outcome, one.version) for one in (applied, *applied.followed)] == expected

    def _expect(self, person: Person, sent: Sent) -> list[tuple[Outcome, int]]:
        following = len(person.entries) + 1
        if sent.version > following:
            person.held[sent.version] = sent.entry
            return [(Outcome.HELD, sent.version)]
        if sent.version < following:
            is_same = person.entries[sent.version - 1] == sent.entry
            is_duplicate = is_same and not sent.entry.is_from_desk
            return [(Outcome.DUPLICATE if is_duplicate else Outcome.REFUSED, sent.version)]
        expected: list[tuple[Outcome, int]] = []
        entry: Entry | None = sent.entry
        while entry is not None:
            version = len(person.entries) + 1
            if not _may_follow(person, entry):
                return [*expected, (Outcome.REFUSED, version)]
            expected.append((Outcome.APPLIED, version))
            self._append(person, entry)
            person.held.pop(version, None)
            entry = person.held.pop(version + 1, None)
        return expected

    def _append(self, person: Person, entry: Entry, *, has_changed: bool = False) -> None:
        before = person.entries[-1] if person.entries else None
        person.entries.append(entry)
        is_told = (
            has_changed
            or before is None
            or (before.state, before.building) != (entry.state, entry.building)
        )
        if is_told:
            self.notices.append((self.people.index(person), len(person.entries), entry.reason))

    def _entry(self, reason: ChangeReason) -> Entry:
        return Entry(WAYS.get(reason, (ACTIVE, ACTIVE))[1], self._building(), reason)

    def _building(self) -> str:
        return f"{next(self.numbers)}号室"

    # The store

    def _apply(self, update: Update) -> Applied:
        return self.run(
            self.store.act(lambda tx: apply_update(tx, update, NOW, caller_uri=TOKOROZAWA.uri))
        )

    def _refused(self, act: Callable[[Tx], object]) -> Reason | None:
        """Run an act at the desk; return why it was refused."""
        try:
            self.run(self.store.act(act))
        except DeniedAttempt as denied:
            return denied.reason
        return None

    def _at_desk(self, who: int) -> Person | None:
        known = [person for person in self.people if person.entries]
        return known[who % len(known)] if known else None

    def _edit(self, person: Person) -> Edit:
        code, version = person.codes[-1], len(person.entries)
        return Edit(TOKOROZAWA, uuid.uuid4(), CLERK, code, version)

    def _record(self, person: Person) -> Resident:
        def look(tx: Tx) -> Resident:
            found = tx.residents.by_code(person.codes[-1])
            assert found is not None
            return tx.residents.resident(found.person)

        return self.store.read(look)


CODE_CHANGED = ChangeReason.CODE_CHANGED
NOT_IN_THIS_STATE = Reason.NOT_IN_THIS_STATE


def _furnish(tx: Tx) -> None:
    tx.registers.host(TOKOROZAWA.municipality)
    stock_codes(tx, TOKOROZAWA.municipality, 60, NOW, caller_uri=TOKOROZAWA.uri)


def _code(number: int) -> ResidentCode:
    """Return a code for a number; each has its own."""
    body = f"{9_000_000_000 + number:010d}"
    return ResidentCode(body + resident_check_digit(body))


def _update(code: ResidentCode, sent: Sent, household: int) -> Update:
    entry = sent.entry
    return Update(
        municipality=TOKOROZAWA.municipality,
        household_number=str(household),
        version=sent.version,
        state=entry.state,
        record=checked(replace(RECORD, code=code, building=entry.building)),
        change=UpdateReason(entry.reason, YESTERDAY),
    )


def _may_follow(person: Person, entry: Entry) -> bool:
    if not person.entries:
        return entry.reason is ChangeReason.MOVE_IN
    came_from, _ = WAYS[entry.reason]
    return person.entries[-1].state is came_from


def _entry_of(version: Resident) -> tuple[ResidenceState, str, ChangeReason | None]:
    reason = version.change.reason if version.change else None
    return version.state, version.record.building, reason


def _notices(tx: Tx) -> list[tuple[bytes, int, ChangeReason]]:
    notices = [tx.changes.at(one) for one in range(1, tx.changes.last_position() + 1)]
    return [(one.person.octets, one.version, one.reason) for one in notices]


Registers.TestCase.settings = settings(
    max_examples=60 if LONG else 12,
    stateful_step_count=40,
    deadline=None,
    # Shrinking runs the whole machine hundreds of times; a developer asks for it.
    phases=set(Phase) if LONG else {Phase.generate},
    suppress_health_check=list(HealthCheck),
)
TestRegisters = Registers.TestCase
