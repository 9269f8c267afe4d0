"""The local socket: it closes without any certificate, never opens, and takes no nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import stat
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.suspensions import SuspendCard
from juki_center.areas.fleet.disconnections import Disconnect, Level, Scope, Subject
from juki_center.errors import Refusal
from juki_center.rpc.local_orders import MOST_OCTETS, LocalParts, parsed
from juki_center.rpc.local_socket import SocketOccupiedError, is_trusted, listening_locally
from tests.support.card_window import CardWindow
from tests.support.center import NOW, SAMPLES, open_test_store, serial_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.storage.sqlite import SQLiteStore

BY = "juki://center/center-1"


@pytest.fixture
def store(furnished_registers: Path, tmp_path: Path) -> Iterator[SQLiteStore]:
    """Give a store with everybody in it."""
    shutil.copytree(furnished_registers, tmp_path / "center")
    with closing(open_test_store(tmp_path / "center")) as opened:
        yield opened


@pytest.fixture
def parts(store: SQLiteStore) -> LocalParts:
    """Return what orders stand on."""
    return LocalParts(store, CardWindow(store).policy, lambda: NOW, BY)


def order(**changes: object) -> dict[str, object]:
    """Return a whole order to cut Tokorozawa off."""
    whole: dict[str, object] = {
        "do": "disconnect",
        "request_id": str(uuid.uuid4()),
        "scope": "MUNICIPALITY",
        "name": "112089",
        "level": 3,
        "reason": "exposed media",
    }
    return whole | changes


def line(content: object) -> bytes:
    """Return an order as its line."""
    return json.dumps(content).encode() + b"\n"


async def told(path: Path, octets: bytes) -> bytes:
    """Send octets to the socket; return what it answers before it closes."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    with closing(writer):
        writer.write(octets)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 10)


async def test_an_order_cuts_off_without_a_certificate(parts: LocalParts, tmp_path: Path) -> None:
    async with listening_locally(parts, tmp_path / "s"):
        answer = json.loads(await told(tmp_path / "s", line(order())))

    assert answer == {"ok": True, "since": NOW.isoformat()}
    (found,) = parts.store.read(lambda tx: tx.disconnections.every())
    assert found.subject == Subject(Scope.MUNICIPALITY, "112089")
    assert (found.level, found.by) == (Level.HIGH, BY)


async def test_case_42_an_order_suspends_a_card_while_the_center_is_cut_off(
    parts: LocalParts, tmp_path: Path
) -> None:
    holder = parts.store.read(lambda tx: tx.residents.by_code(SAMPLES["yoshida-taro"].record.code))
    assert holder is not None
    (card,) = parts.store.read(lambda tx: tx.cards.of_person(holder.person))
    suspend = {
        "do": "suspend",
        "request_id": str(uuid.uuid4()),
        "card_number": card.number,
        "clerk": "night watch",
    }
    async with listening_locally(parts, tmp_path / "s"):
        await told(tmp_path / "s", line(order(scope="CENTER", name="")))
        answer = json.loads(await told(tmp_path / "s", line(suspend)))

    assert answer["ok"] is True
    (after,) = parts.store.read(lambda tx: tx.cards.of_person(holder.person))
    assert after.status is CardStatus.SUSPENDED


def lost(**changes: object) -> dict[str, object]:
    """Return a whole order to suspend Yoshida Taro's card."""
    whole: dict[str, object] = {
        "do": "suspend",
        "request_id": str(uuid.uuid4()),
        "clerk": "night watch",
        "card_number": CardNumber.drawn(serial_of("yoshida-taro")[-8:]),
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


@pytest.mark.parametrize(
    "which",
    [
        {},
        {"card_number": None, "resident_code": SAMPLES["yoshida-taro"].record.code.digits},
        {"card_number": None, "serial": serial_of("yoshida-taro").hex()},
    ],
)
async def test_case_42_a_card_is_suspended_by_its_number_its_holders_code_or_its_serial(
    parts: LocalParts, tmp_path: Path, which: dict[str, object]
) -> None:
    told_more = {"reporter": "POLICE", "loss": "FOUND_BY_OTHER", "police_report": "第7号"}

    async with listening_locally(parts, tmp_path / "s"):
        answer = json.loads(await told(tmp_path / "s", line(lost(**which, **told_more))))

    assert answer == {"ok": True, "since": NOW.isoformat()}
    card = parts.store.read(lambda tx: tx.cards.card(serial_of("yoshida-taro")))
    (note,) = parts.store.read(lambda tx: tx.card_notes.of_card(serial_of("yoshida-taro")))
    assert card is not None
    assert card.status is CardStatus.SUSPENDED
    assert note.caller_uri == BY
    assert (note.facts["clerk"], note.facts["reporter"]) == ("night watch", "POLICE")
    assert (note.facts["reason"], note.facts["police_report"]) == ("FOUND_BY_OTHER", "第7号")


@pytest.mark.parametrize(
    ("wrong", "field", "rule"),
    [
        ({"card_number": None}, "card_number", "REQUIRED"),
        ({"card_number": "000000000196"}, "card_number", "CHECK_DIGITS"),
        ({"card_number": None, "resident_code": "1"}, "resident_code", "ELEVEN_DIGITS"),
        ({"resident_code": "24727059608"}, "order", "UNKNOWN_FIELD"),
        ({"serial": "00" * 32}, "order", "UNKNOWN_FIELD"),
        ({"card_number": None, "serial": "xy"}, "serial", "HEX"),
        ({"card_number": None, "serial": "00"}, "serial", "LENGTH"),
        ({"clerk": None}, "clerk", "REQUIRED"),
        ({"clerk": ""}, "clerk", "REQUIRED"),
        ({"reporter": "NEIGHBOUR"}, "reporter", "UNKNOWN_VALUE"),
        ({"channel": "LETTER"}, "channel", "UNKNOWN_VALUE"),
        ({"loss": 1}, "loss", "TEXT"),
        ({"police_report": "x" * 61}, "police_report", "TOO_LONG"),
        ({"level": 3}, "order", "UNKNOWN_FIELD"),
    ],
)
async def test_what_is_no_report_of_a_loss_is_refused_by_name(
    parts: LocalParts, tmp_path: Path, wrong: dict[str, object], field: str, rule: str
) -> None:
    async with listening_locally(parts, tmp_path / "s"):
        answer = json.loads(await told(tmp_path / "s", line(lost(**wrong))))

    assert answer["metadata"] == {"field": field, "rule": rule}
    card = parts.store.read(lambda tx: tx.cards.card(serial_of("yoshida-taro")))
    assert card is not None
    assert card.status is CardStatus.ACTIVE


async def test_the_same_order_is_obeyed_once(parts: LocalParts, tmp_path: Path) -> None:
    sent = line(order())
    async with listening_locally(parts, tmp_path / "s"):
        first, again = await told(tmp_path / "s", sent), await told(tmp_path / "s", sent)

    assert first == again


@pytest.mark.parametrize(
    ("wrong", "field", "rule"),
    [
        ({"do": "reconnect"}, "do", "UNKNOWN_VALUE"),
        ({"do": "resume"}, "do", "UNKNOWN_VALUE"),
        ({"do": "status"}, "do", "UNKNOWN_VALUE"),
        ({"do": ["disconnect"]}, "do", "UNKNOWN_VALUE"),
        ({"request_id": "1"}, "request_id", "UUID_V4"),
        ({"request_id": 1}, "request_id", "TEXT"),
        ({"scope": "CITY"}, "scope", "UNKNOWN_VALUE"),
        ({"scope": None}, "scope", "TEXT"),
        ({"name": "112080"}, "name", "NO_MUNICIPALITY"),
        ({"level": 4}, "level", "UNKNOWN_VALUE"),
        ({"level": True}, "level", "UNKNOWN_VALUE"),
        ({"level": "3"}, "level", "UNKNOWN_VALUE"),
        ({"reason": ""}, "reason", "REQUIRED"),
        ({"reason": "x" * 201}, "reason", "TOO_LONG"),
        ({"reason": "\ud800"}, "reason", "TEXT"),
        ({"reason": "\u2028"}, "reason", "REQUIRED"),
        ({"reason": "a\u202eb"}, "reason", "TEXT_UNUSABLE"),
        ({"more": 1}, "order", "UNKNOWN_FIELD"),
    ],
)
async def test_what_is_no_order_is_refused_by_name(
    parts: LocalParts, tmp_path: Path, wrong: dict[str, object], field: str, rule: str
) -> None:
    async with listening_locally(parts, tmp_path / "s"):
        answer = json.loads(await told(tmp_path / "s", line(order(**wrong))))

    assert answer == {
        "ok": False,
        "reason": "FIELD_INVALID",
        "metadata": {"field": field, "rule": rule},
    }
    assert parts.store.read(lambda tx: tx.disconnections.every()) == []


@pytest.mark.parametrize("missing", ["request_id", "scope", "name", "level", "reason"])
async def test_what_is_left_out_is_named(parts: LocalParts, tmp_path: Path, missing: str) -> None:
    content = order()
    del content[missing]

    async with listening_locally(parts, tmp_path / "s"):
        answer = json.loads(await told(tmp_path / "s", line(content)))

    assert answer["metadata"] == {"field": missing, "rule": "REQUIRED"}


@pytest.mark.parametrize("octets", [b"", b"{", b"x" * (MOST_OCTETS + 2) + b"\n"])
async def test_what_is_no_line_is_not_answered(
    parts: LocalParts, tmp_path: Path, octets: bytes
) -> None:
    async with listening_locally(parts, tmp_path / "s"):
        assert await told(tmp_path / "s", octets) == b""


CLOSING = {Disconnect.__name__, SuspendCard.__name__}
_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from([*Scope, "112089", "", []])
)
_NAMES = [
    "do",
    "request_id",
    "scope",
    "name",
    "level",
    "reason",
    "card_number",
    "resident_code",
    "serial",
    "clerk",
    "loss",
]


def understood(octets: bytes) -> str:
    """Return what kind of order octets are, or the reason why they are none."""
    try:
        return type(parsed(octets, BY)).__name__
    except Refusal as refusal:
        return refusal.reason.value


@given(st.binary(max_size=200) | _VALUES.map(line))
def test_any_octets_are_an_order_that_closes_or_are_refused(octets: bytes) -> None:
    assert understood(octets) in CLOSING | {"FIELD_INVALID"}


@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_any_fields_are_an_order_that_closes_or_are_refused(content: dict[str, object]) -> None:
    assert understood(line(content)) in CLOSING | {"FIELD_INVALID"}
    assert understood(line(order() | content)) in CLOSING | {"FIELD_INVALID"}
    assert understood(line(lost() | content)) in CLOSING | {"FIELD_INVALID"}


async def test_only_its_owner_may_open_the_socket(parts: LocalParts, tmp_path: Path) -> None:
    async with listening_locally(parts, tmp_path / "s"):
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600

    assert not (tmp_path / "s").exists()


def test_only_root_and_the_centers_user_are_trusted() -> None:
    own = os.geteuid()

    assert is_trusted(own)
    assert is_trusted(0)
    assert not is_trusted(own + 4711)


async def test_what_a_killed_center_has_left_is_replaced(parts: LocalParts, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))

    async with listening_locally(parts, tmp_path / "s"):
        assert json.loads(await told(tmp_path / "s", line(order())))["ok"] is True


async def test_another_center_and_another_file_are_left_alone(
    parts: LocalParts, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept")

    async with listening_locally(parts, tmp_path / "s"):
        for path in (tmp_path / "s", tmp_path / "file"):
            with pytest.raises(SocketOccupiedError):
                async with listening_locally(parts, path):
                    pass

    assert (tmp_path / "file").read_text() == "kept"
