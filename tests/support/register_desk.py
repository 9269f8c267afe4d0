"""A register's desk in tests: acts on the sample residents of a center, each with a new request."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.ports import Tx
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.commands import (
    ChangeHousehold,
    CorrectRecord,
    Edit,
    Member,
    RegisterBirth,
)
from juki_center.areas.residents.entries import Entries
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeReason, Resident, Sex
from juki_center.cli import shipped
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES, TOKOROZAWA

Command = TypeVar("Command")
Answer = TypeVar("Answer")
Act = Callable[[Tx, Command, datetime, RegisterPolicy], Answer]

MUNICIPALITIES = shipped.municipalities()
POLICY = RegisterPolicy(MUNICIPALITIES, low_stock=100)
TARO = "yoshida-taro"
CLERK = "佐藤　花"
TODAY = parse_date("令和8年11月23日")
YESTERDAY = parse_date("令和8年11月22日")
TOMORROW = parse_date("令和8年11月24日")
CHILD = Entries(
    name="\U00020bb7田　葵",
    kana="ヨシダ　アオイ",
    birth=YESTERDAY,
    sex=Sex.FEMALE,
    address="",
    resident_since=YESTERDAY,
    relationship="子",
)


def code_of(key: str) -> ResidentCode:
    """Return the code with which a sample resident began."""
    return SAMPLES[key].record.code


def entries_of(resident: Resident) -> Entries:
    """Return the entries of a record as a clerk would hand them in unchanged."""
    record = resident.record
    return Entries(
        name=record.name,
        kana=record.kana,
        birth=record.birth,
        sex=record.sex,
        address=record.address,
        resident_since=record.resident_since,
        relationship=record.relationship,
        nationality=record.nationality,
        building=record.building,
        alias=record.alias,
        address_since=record.address_since,
        notified=record.notified,
        previous_address=record.previous_address,
        registered_domicile=record.registered_domicile,
        family_register_head=record.family_register_head,
        kanji_name=record.kanji_name,
    )


@dataclass(slots=True)
class RegisterDesk:
    """The desk of one municipality on a store with everybody in it."""

    store: SQLiteStore
    terminal: Terminal = TOKOROZAWA
    now: datetime = NOW
    policy: RegisterPolicy = POLICY

    async def do(
        self, act: Act[Command, Answer], command: Command, now: datetime | None = None
    ) -> Answer:
        """Run an act."""
        return await self.store.act(lambda tx: act(tx, command, now or self.now, self.policy))

    async def refused(
        self, act: Act[Command, object], command: Command, now: datetime | None = None
    ) -> DeniedAttempt:
        """Return the refusal of an act that the log shows."""
        with pytest.raises(DeniedAttempt) as caught:
            await self.do(act, command, now)
        return caught.value

    def edit(
        self, key: str | ResidentCode, version: int | None = None, lock_id: bytes | None = None
    ) -> Edit:
        """Return an edit of a person's record in the version that it has."""
        code = code_of(key) if isinstance(key, str) else key
        seen = version if version is not None else self.record(code).version
        return Edit(self.terminal, uuid.uuid4(), CLERK, code, seen, lock_id)

    def record(self, key: str | ResidentCode) -> Resident:
        """Return a person's newest record."""
        code = code_of(key) if isinstance(key, str) else key

        def look(tx: Tx) -> Resident:
            found = tx.residents.by_code(code) or tx.residents.by_former_code(code)
            assert found is not None
            return tx.residents.resident(found.person)

        return self.store.read(look)

    def history(self, key: str | ResidentCode) -> list[Resident]:
        """Return all versions of a person's record, the oldest first."""
        newest = self.record(key)
        earlier = self.store.read(lambda tx: tx.residents.earlier(newest, 1_000))
        return [*reversed(earlier), newest]

    def notice_count(self) -> int:
        """Return how many change notices there are."""
        return self.store.read(lambda tx: tx.changes.last_position())

    async def stock(self, count: int, municipality: MunicipalityCode | None = None) -> None:
        """Put codes into a stock."""
        whose = municipality or self.terminal.municipality
        await self.store.act(
            lambda tx: stock_codes(tx, whose, count, self.now, caller_uri="juki://center/test")
        )

    def left(self, municipality: MunicipalityCode | None = None) -> int:
        """Return how many codes a stock has left."""
        return self.store.read(
            lambda tx: tx.codes.count(municipality or self.terminal.municipality)
        )


def renewed(edit: Edit) -> Edit:
    """Return the same edit under a new request id."""
    return replace(edit, request_id=uuid.uuid4())


def birth(desk: RegisterDesk, **changes: object) -> RegisterBirth:
    """Return the birth of a child of the Yoshida family."""
    entries = replace(CHILD, **changes)  # type: ignore[arg-type]  # fields of Entries
    return RegisterBirth(desk.terminal, uuid.uuid4(), CLERK, code_of(TARO), entries)


def correction(desk: RegisterDesk, key: str, **changes: object) -> CorrectRecord:
    """Return the correction of some entries by the municipality's own authority."""
    entries = replace(entries_of(desk.record(key)), **changes)  # type: ignore[arg-type]  # fields of Entries
    return CorrectRecord(desk.edit(key), entries, ChangeReason.CORRECTION_EX_OFFICIO, TODAY)


def move(desk: RegisterDesk, *places: tuple[str, str], to: str | None = None) -> ChangeHousehold:
    """Return a change of households: who takes which place, in whose household or a new one."""
    members = tuple(
        Member(code_of(key), desk.record(key).version, relationship) for key, relationship in places
    )
    target = code_of(to) if to else None
    return ChangeHousehold(desk.terminal, uuid.uuid4(), CLERK, members, target, TODAY)
