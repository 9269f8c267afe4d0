"""The acts of an administrator: clerks come, get rights, are stopped, and go.

Each leaves a leaf that names the clerk by id and the right, never a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards.batches import BatchTx, Origin, refuse_cut_off_batch
from juki_center.areas.cards.numbers import CHANCE_OCTETS, CardNumber
from juki_center.areas.cards.register import Card, CardKind, Cards, CardStatus
from juki_center.areas.cards.rules import last_valid_day
from juki_center.areas.clerks.rows import Clerk, Clerks, ClerkState, Grant, NewClerk, Right
from juki_center.areas.clerks.rules import ClerkEvent, after
from juki_center.areas.days import day_in_japan
from juki_center.areas.ports import Chance
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.names import accept_name
from juki_center.areas.residents.records import Nationality, PersonID
from juki_center.areas.residents.registers import Registers
from juki_center.errors import Reason, Refusal, RuleBroken


class RegisterTx(BatchTx, Protocol):
    """What the acts of an administrator need of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def clerks(self) -> Clerks: ...

    @property
    def registers(self) -> Registers: ...


@dataclass(frozen=True, slots=True)
class AddClerk:
    """Command: a clerk begins. `card_serial` is the one of a card that was made for clerks."""

    caller_uri: str
    municipality: MunicipalityCode
    name: str = field(repr=False)
    card_serial: bytes


@dataclass(frozen=True, slots=True)
class ChangeRight:
    """Command: give a right for some days, or with no grant take it away."""

    caller_uri: str
    clerk_id: str
    right: Right
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class ChangeClerk:
    """Command: stop a clerk, lift the stop, or end the clerk for good."""

    caller_uri: str
    clerk_id: str
    event: ClerkEvent


@dataclass(frozen=True, slots=True)
class LiftTerminal:
    """Command: let clerks sign in at a terminal again."""

    caller_uri: str
    terminal_uri: str


def add_clerk(tx: RegisterTx, command: AddClerk, now: datetime) -> Clerk:
    """Enter a clerk with an active card.

    Raises RuleBroken: NOT_HOSTED for a municipality whose register is elsewhere, CARD_IN_USE for a
    card that the register has, and what `accept_name` raises; Refusal: RESIDENCE_DISCONNECTED,
    DISCONNECTED_CARD_BATCH where a card of today would be of a batch that is cut off.
    """
    if not tx.registers.is_hosted(command.municipality):
        raise RuleBroken("NOT_HOSTED", "municipality")
    if tx.cards.card(command.card_serial) is not None:
        raise RuleBroken("CARD_IN_USE", "card")
    if not command.name.strip():
        raise RuleBroken("REQUIRED", "name")
    name = accept_name(command.name, Nationality.FOREIGN)
    number = tx.clerks.next_number(command.municipality)
    clerk = Clerk(
        f"{command.municipality}-{number:04d}",
        command.municipality,
        command.card_serial,
        ClerkState.ACTIVE,
    )
    refuse_cut_off_batch(tx, Origin(day_in_japan(now), None))
    tx.cards.add_card(_card(tx, command, now))
    tx.clerks.add(NewClerk(clerk, name))
    tx.audit.append(_leaf(command.caller_uri, clerk, now, ("change", "ADDED")))
    return clerk


def _card(tx: RegisterTx, command: AddClerk, now: datetime) -> Card:
    today = day_in_japan(now)
    return Card(
        serial=command.card_serial,
        # A clerk is no person of a register: the card's holder is nobody else's.
        person=PersonID(tx.chance.octets(16)),
        kind=CardKind.CLERK,
        status=CardStatus.ACTIVE,
        municipality=command.municipality,
        valid_until=last_valid_day(today),
        number=CardNumber.drawn(tx.chance.octets(CHANCE_OCTETS)),
        made_on=today,
    )


def change_right(tx: RegisterTx, command: ChangeRight, now: datetime) -> Clerk:
    """Give a right, give it other days, or take it away.

    Raises Refusal(CLERK_UNKNOWN), and RuleBroken, LAST_BEFORE_FIRST or PAST.
    """
    clerk = _living(tx, command.clerk_id)
    grant, right = command.grant, ("right", str(command.right))
    if grant is None:
        tx.clerks.remove_grant(clerk.clerk_id, command.right)
        what: tuple[tuple[str, str], ...] = (("change", "RIGHT_WITHDRAWN"), right)
    else:
        _check_days(grant.first_day, grant.last_day, day_in_japan(now))
        tx.clerks.put_grant(clerk.clerk_id, grant)
        days = f"{grant.first_day}/{grant.last_day}"
        what = (("change", "RIGHT_GRANTED"), right, ("days", days))
    tx.audit.append(_leaf(command.caller_uri, clerk, now, *what))
    return clerk


def _check_days(first: date, last: date, today: date) -> None:
    if last < first:
        raise RuleBroken("LAST_BEFORE_FIRST", "last_day")
    if last < today:
        raise RuleBroken("PAST", "last_day")


def change_clerk(tx: RegisterTx, command: ChangeClerk, now: datetime) -> Clerk:
    """Stop a clerk, lift the stop, or end the clerk; whoever is stopped or gone is signed out.

    A lift also forgets what was counted. Raises Refusal(CLERK_UNKNOWN), and NotAllowed.
    """
    before = tx.clerks.clerk(command.clerk_id)
    if before is None:
        raise Refusal(Reason.CLERK_UNKNOWN)
    state = after(before.state, command.event)
    tx.clerks.set_state(before.clerk_id, state)
    if state is ClerkState.ACTIVE:
        tx.clerks.forget_failures(subject=f"card:{before.card_serial.hex()}")
    else:
        tx.clerks.remove_sign_ins_of(before.clerk_id)
    tx.audit.append(_leaf(command.caller_uri, before, now, ("change", str(command.event))))
    return Clerk(before.clerk_id, before.municipality, before.card_serial, state)


def lift_terminal(tx: RegisterTx, command: LiftTerminal, now: datetime) -> None:
    """Let clerks sign in at a terminal again. Raises NotAllowed where it was not stopped."""
    if not tx.clerks.is_stopped(command.terminal_uri):
        raise Refusal(Reason.NOT_IN_THIS_STATE, state="SIGN_IN_OPEN", event="LIFTED")
    tx.clerks.lift(command.terminal_uri)
    tx.clerks.forget_failures(subject=command.terminal_uri)
    tx.audit.append(
        AuditEvent(
            event=Event.CLERK_CHANGED,
            at=now,
            caller_uri=command.caller_uri,
            details=(("change", "TERMINAL_LIFTED"), ("terminal", command.terminal_uri)),
        )
    )


def _living(tx: RegisterTx, clerk_id: str) -> Clerk:
    clerk = tx.clerks.clerk(clerk_id)
    if clerk is None or clerk.state is ClerkState.WITHDRAWN:
        raise Refusal(Reason.CLERK_UNKNOWN)
    return clerk


def _leaf(uri: str, clerk: Clerk, now: datetime, *details: tuple[str, str]) -> AuditEvent:
    return AuditEvent(
        event=Event.CLERK_CHANGED,
        at=now,
        caller_uri=uri,
        issuing=clerk.municipality,
        resource=clerk.clerk_id,
        details=details,
    )
