"""`juki-center cards`: look at cards and their notes, suspend a card, revoke it.

Works on the store itself, so it works whatever is disconnected or down; a center that serves from
the same file goes on and sees the change at its next look. Suspending works at the center's local
socket too, where who types may not open the store. A resident's card is not resumed here:
that takes its holder, in person, at a window of the residence.
"""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.areas.callers import Operator
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.references import ENDED, ByCode, ByNumber
from juki_center.areas.cards.register import CardKind
from juki_center.areas.cards.revocations import RevokeAtStore, revoke_at_store
from juki_center.areas.cards.rules import TRANSITIONS, CardEvent, as_of
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.cards.suspensions import BySerial, SuspendCard, suspend_card
from juki_center.areas.residents.codes import ResidentCode
from juki_center.cli import local_line
from juki_center.cli.clock import system_clock
from juki_center.cli.opening import opened_store
from juki_center.cli.policies import card_policy
from juki_center.cli.report import report
from juki_center.errors import Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from juki_center.areas.cards.note_rows import CardNote
    from juki_center.areas.cards.register import Card
    from juki_center.areas.cards.suspensions import LossReport
    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON
    from juki_center.config import CenterConfig

_SERIAL_OCTETS: Final = 32
_INPUT_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class Which:
    """Which cards are meant: one by its serial or number, or those of the person with a code."""

    reference: ByCode | ByNumber | BySerial = field(repr=False)

    @classmethod
    def parse(cls, serial: str | None, code_from: str | None, number: str | None) -> Which:
        """Read what the command line names; raise RuleBroken unless it names exactly one."""
        if sum(one is not None for one in (serial, code_from, number)) != 1:
            raise RuleBroken("ONE_OF_SERIAL_NUMBER_CODE_FROM")
        if serial is not None:
            return cls(BySerial(_serial(serial)))
        if number is not None:
            return cls(ByNumber(CardNumber(number.replace(" ", "").replace("-", ""))))
        return cls(ByCode(ResidentCode(read_code(code_from or "-"))))

    def cards(self, tx: Tx) -> list[Card]:
        """Return the cards, newest first; raise CARD_UNKNOWN where there is none."""
        found: list[Card | None] = []
        match self.reference:
            case BySerial(serial):
                found = [tx.cards.card(serial)]
            case ByNumber(number):
                found = [tx.cards.by_number(number)]
            case ByCode(code):
                holder = tx.residents.by_code(code)
                found = [] if holder is None else [*tx.cards.of_person(holder.person)]
        cards = [card for card in found if card is not None]
        if not cards:
            raise Refusal(Reason.CARD_UNKNOWN)
        return cards


async def status(config: CenterConfig, which: Which, *, as_json: bool) -> None:
    """Say in which state the cards are today."""
    now = system_clock()
    async with opened_store(config) as store:
        found = store.read(which.cards)
    _report("cards status", [as_of(card, now) for card in found], as_json=as_json)


async def suspend(
    config: CenterConfig, which: Which, clerk_name: str, loss: LossReport, *, as_json: bool
) -> None:
    """Suspend the card that is meant, as every desk does, and keep the report."""
    now, policy = system_clock(), card_policy(config)
    command = SuspendCard(_operator(config), uuid.uuid4(), clerk_name, which.reference, loss)
    async with opened_store(config) as store:
        suspended = await store.act(lambda tx: suspend_card(tx, command, now, policy), urgent=True)
    _report("cards suspend", [suspended.card], as_json=as_json)


def suspend_locally(
    config: CenterConfig, which: Which, clerk_name: str, loss: LossReport, *, as_json: bool
) -> None:
    """Have the card suspended by the center that listens at the local socket, without any key.

    Raises Refusal with the center's reason, ConfigInvalid where there is no socket, and OSError.
    """
    order: dict[str, JSON] = {
        "do": "suspend",
        "request_id": str(uuid.uuid4()),
        "clerk": clerk_name,
        "reporter": loss.reporter.value,
        "channel": loss.channel.value,
        "loss": loss.reason.value,
        "police_report": loss.police_report,
        **_meant(which),
    }
    since = local_line.since(config, order)
    report("cards suspend", {"since": since}, [f"suspended since {since}"], as_json=as_json)


def _meant(which: Which) -> dict[str, JSON]:
    match which.reference:
        case ByCode(code):
            return {"resident_code": code.digits}
        case ByNumber(number):
            return {"card_number": str(number)}
        case BySerial(serial):
            return {"serial": serial.hex()}


async def resume(config: CenterConfig, which: Which, *, as_json: bool) -> None:
    """Resume a clerk's card. Raises RuleBroken for a resident's, and NotAllowed."""
    now, operator = system_clock(), _operator(config)

    def act(tx: Tx) -> list[Card]:
        cards = which.cards(tx)
        if any(card.kind is CardKind.RESIDENT for card in cards):
            raise RuleBroken("RESUMED_AT_A_WINDOW")
        changes = [ChangeStatus(operator.uri, card.serial, CardEvent.RESUMED) for card in cards]
        return [change_status(tx, one, now) for one in changes]

    async with opened_store(config) as store:
        changed = await store.act(act)
    _report("cards resume", changed, as_json=as_json)


async def revoke(config: CenterConfig, which: Which, clerk_name: str, *, as_json: bool) -> None:
    """Revoke every card that is meant and has not ended; raise NotAllowed where all have."""
    now, operator = system_clock(), _operator(config)

    def act(tx: Tx) -> list[Card]:
        cards = which.cards(tx)
        living = [card for card in cards if (card.status, CardEvent.REVOKED) in TRANSITIONS]
        commands = [
            RevokeAtStore(operator, clerk_name, card.serial) for card in living or cards[:1]
        ]
        return [revoke_at_store(tx, one, now) for one in commands]

    async with opened_store(config) as store:
        revoked = await store.act(act)
    _report("cards revoke", revoked, as_json=as_json)


async def notes(config: CenterConfig, which: Which, *, as_json: bool) -> None:
    """List what windows, desks and operators noted of the cards: the register of suspensions."""
    async with opened_store(config) as store:
        found = store.read(
            lambda tx: [
                (card, note)
                for card in which.cards(tx)
                for note in tx.card_notes.of_card(card.serial)
            ]
        )
    rows: list[JSON] = [
        {
            "number": card.number,
            "at": note.at.isoformat(),
            "kind": note.kind.value,
            "caller": note.caller_uri,
            "facts": _facts(note),
        }
        for card, note in found
    ]
    lines = [
        f"{card.number}  {note.at:%Y-%m-%d %H:%M:%S}Z  {note.kind}  {note.caller_uri}  "
        + ", ".join(f"{name}: {value}" for name, value in _facts(note).items())
        for card, note in found
    ]
    report("cards notes", {"notes": rows}, lines, as_json=as_json)


def _facts(note: CardNote) -> dict[str, JSON]:
    """Return what is recorded, as texts; of documents the kinds, never the hash of a number."""
    shown: dict[str, JSON] = {}
    for name, value in note.facts.items():
        if name == "documents" and isinstance(value, list):
            shown[name] = " ".join(str(one[0]) for one in value) or "-"
        elif name == "questions" and isinstance(value, list):
            asked = (f"{topic} {'right' if is_right else 'wrong'}" for topic, is_right in value)
            shown[name] = "; ".join(asked) or "-"
        else:
            shown[name] = str(value) or "-"
    return shown


def _operator(config: CenterConfig) -> Operator:
    return Operator(f"juki://center/{config.node}")


def _serial(text: str) -> bytes:
    try:
        serial = bytes.fromhex(text)
    except ValueError:
        raise RuleBroken("SERIAL_IN_HEX") from None
    if len(serial) != _SERIAL_OCTETS:
        raise RuleBroken("SERIAL_OF_32_BYTES")
    return serial


def read_code(source: str) -> str:
    try:
        if source == "-":
            return sys.stdin.readline(_INPUT_LIMIT).strip()
        with Path(source).open(encoding="utf-8") as file:
            return file.readline(_INPUT_LIMIT).strip()
    except UnicodeDecodeError:
        raise RuleBroken("NOT_TEXT") from None


def _report(command: str, cards: list[Card], *, as_json: bool) -> None:
    rows: list[JSON] = [
        {
            "serial": card.serial.hex(),
            "number": card.number,
            "kind": card.kind.value,
            "status": card.status.value,
            "municipality": str(card.municipality),
            "valid_until": card.valid_until.isoformat(),
            "continue_until": _continue_until(card),
        }
        for card in cards
    ]
    lines = [
        f"{card.serial.hex()}  {card.number}  {card.status}  until {card.valid_until}"
        f"  {card.municipality}{_to_be_continued(card)}"
        for card in cards
    ]
    report(command, {"cards": rows}, lines, as_json=as_json)


def _to_be_continued(card: Card) -> str:
    until = _continue_until(card)
    return f"  to be continued by {until}" if until else ""


def _continue_until(card: Card) -> str:
    """Return the last day for continuing a card's use; empty for one that has ended."""
    if card.continue_until is None or card.status in ENDED:
        return ""
    return card.continue_until.isoformat()
