"""Orders on the center's own machine, without any certificate: they close, and never open.

    {"do": "disconnect", "request_id": UUID, "scope": S, "name": N, "level": 1..3, "reason": R}
    {"do": "suspend", "request_id": UUID, "card_number": TWELVE, "clerk": WHO}

A card may also be meant by "resident_code", eleven digits, or by "serial", 64 hex digits; and what
was reported be said by "reporter", "channel", "loss" and "police_report". One line of JSON in, one
line out. What an order may say stands here and nowhere else; there is no order that connects,
resumes or shows anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from uuid import UUID

from juki_center.areas.callers import Operator
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.references import ByCode, ByNumber
from juki_center.areas.cards.suspensions import (
    BySerial,
    Channel,
    LossReason,
    LossReport,
    Reporter,
    SuspendCard,
    suspend_card,
)
from juki_center.areas.fleet.disconnections import (
    MOST_REASON_CHARACTERS,
    Disconnect,
    Level,
    Scope,
    Subject,
    disconnect,
)
from juki_center.areas.residents.codes import ResidentCode
from juki_center.errors import Refusal, RuleBroken
from juki_center.rpc import fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.areas.cards.policy import CardPolicy
    from juki_center.areas.ports import Store

Order: TypeAlias = "Disconnect | SuspendCard"
Value = TypeVar("Value", bound=StrEnum)

MOST_OCTETS: Final = 4096
_DISCONNECT: Final = frozenset({"do", "request_id", "scope", "name", "level", "reason"})
_SUSPEND: Final = frozenset({"do", "request_id", "clerk"})
_WHICH: Final = ("card_number", "resident_code", "serial")
_REPORTED: Final = frozenset({"reporter", "channel", "loss", "police_report"})
_SERIAL_OCTETS: Final = 32
_MOST_CLERK_CHARACTERS: Final = 60
_MOST_POLICE_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class LocalParts:
    """What local orders stand on; `by` is whom the log names."""

    store: Store
    policy: CardPolicy
    clock: Callable[[], datetime]
    by: str


async def obey(parts: LocalParts, line: bytes) -> bytes:
    """Do what a line orders, and return the line that answers it; it never raises a refusal."""
    try:
        said = await _do(parts, parsed(line, parts.by))
    except RuleBroken as broken:
        # A reason may hold what is no control character and cannot be printed all the same.
        said = _refused(fields.invalid(broken.field, broken.rule))
    except Refusal as refusal:
        said = _refused(refusal)
    return json.dumps(said).encode() + b"\n"


def _refused(refusal: Refusal) -> dict[str, object]:
    return {"ok": False, "reason": refusal.reason.value, "metadata": dict(refusal.metadata)}


def parsed(line: bytes, by: str) -> Order:
    """Return what a line orders; raise FIELD_INVALID."""
    try:
        order = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise fields.invalid("order", "JSON") from None
    if not isinstance(order, Mapping):
        raise fields.invalid("order", "OBJECT")
    match order.get("do"):
        case "disconnect":
            return _disconnect(_checked(order, _DISCONNECT), by)
        case "suspend":
            which = [name for name in _WHICH if name in order]
            # A card is meant in one way; without any, the usual one is missed.
            wanted = _SUSPEND | set(which[:1] or _WHICH[:1])
            return _suspend(_checked(order, wanted, _REPORTED), by)
        case _:
            raise fields.invalid("do", "UNKNOWN_VALUE")


async def _do(parts: LocalParts, order: Order) -> dict[str, object]:
    now = parts.clock()
    if isinstance(order, SuspendCard):
        suspended = await parts.store.act(
            lambda tx: suspend_card(tx, order, now, parts.policy), urgent=True
        )
        return {"ok": True, "since": suspended.since.isoformat()}
    made = await parts.store.act(lambda tx: disconnect(tx, order, now), urgent=True)
    return {"ok": True, "since": made.at.isoformat()}


def _checked(
    order: Mapping[str, object], names: Set[str], optional: Set[str] = frozenset()
) -> Mapping[str, object]:
    """Refuse an order that says too much or too little."""
    for name in sorted(order.keys() | names):
        if name not in names | optional:
            raise fields.invalid("order", "UNKNOWN_FIELD")
        if name not in order:
            raise fields.invalid(name, "REQUIRED")
    return order


def _disconnect(order: Mapping[str, object], by: str) -> Disconnect:
    scope = _text(order, "scope")
    if scope not in set(Scope):
        raise fields.invalid("scope", "UNKNOWN_VALUE")
    with fields.field("name"):
        subject = Subject(Scope(scope), _text(order, "name"))
    level = order["level"]
    if isinstance(level, bool) or not isinstance(level, int) or level not in set(Level):
        raise fields.invalid("level", "UNKNOWN_VALUE")
    reason = fields.text("reason", _text(order, "reason"), longest=MOST_REASON_CHARACTERS)
    return Disconnect(by, _request_id(order), subject, Level(level), reason)


def _suspend(order: Mapping[str, object], by: str) -> SuspendCard:
    clerk = fields.text("clerk", _text(order, "clerk"), longest=_MOST_CLERK_CHARACTERS)
    return SuspendCard(Operator(by), _request_id(order), clerk, _card(order), _report(order))


def _card(order: Mapping[str, object]) -> ByCode | ByNumber | BySerial:
    if "resident_code" in order:
        with fields.field("resident_code"):
            return ByCode(ResidentCode(_text(order, "resident_code")))
    if "serial" in order:
        return BySerial(_serial(_text(order, "serial")))
    with fields.field("card_number"):
        return ByNumber(CardNumber(_text(order, "card_number")))


def _serial(text: str) -> bytes:
    try:
        serial = bytes.fromhex(text)
    except ValueError:
        raise fields.invalid("serial", "HEX") from None
    if len(serial) != _SERIAL_OCTETS:
        raise fields.invalid("serial", "LENGTH")
    return serial


def _report(order: Mapping[str, object]) -> LossReport:
    police = _text(order, "police_report") if "police_report" in order else ""
    return LossReport(
        _one_of(order, "reporter", Reporter, Reporter.HOLDER),
        _one_of(order, "channel", Channel, Channel.PHONE),
        _one_of(order, "loss", LossReason, LossReason.LOST),
        police_report=fields.text("police_report", police, longest=_MOST_POLICE_CHARACTERS)
        if police
        else "",
    )


def _one_of(order: Mapping[str, object], name: str, kind: type[Value], usual: Value) -> Value:
    said = _text(order, name) if name in order else usual.value
    if said not in set(kind):
        raise fields.invalid(name, "UNKNOWN_VALUE")
    return kind(said)


def _text(order: Mapping[str, object], name: str) -> str:
    value = order[name]
    if not isinstance(value, str):
        raise fields.invalid(name, "TEXT")
    try:
        value.encode()
    except UnicodeEncodeError:
        # JSON can write half of a surrogate pair, which is no character.
        raise fields.invalid(name, "TEXT") from None
    return value


def _request_id(order: Mapping[str, object]) -> UUID:
    return fields.uuid4("request_id", _text(order, "request_id"))
