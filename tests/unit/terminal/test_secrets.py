"""What a terminal writes: no PIN, no key, no resident code, no personal field."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from juki_card.apdu import CommandAPDU
from juki_cardbox.cardfile import CardFile
from juki_client.outcome import Problem
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from juki_terminal.trace import Trace, TracedReader, form
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.unit.terminal.conftest import PIN, RESIDENT_CODE

WRONG = "0917"


def forms_of(secret: str) -> list[bytes]:
    """A text as it could stand in a file: plain, in hex, in wide characters."""
    octets = secret.encode("ascii")
    wide = secret.encode("utf-16-le")
    return [octets, octets.hex().encode(), octets.hex().upper().encode(), wide, wide.hex().encode()]


@pytest.fixture
def traced(center: Center, card: Path, tmp_path: Path) -> bytes:
    """The trace of a session with a wrong and the right PIN."""
    path = tmp_path / "trace.jsonl"
    trace = Trace(path)
    center.trace = trace
    authenticate(center, TracedReader(VirtualReader(card), trace), FilePin([WRONG, PIN]))
    trace.close()
    return path.read_bytes()


def test_trace_of_a_session_has_every_apdu_and_message(traced: bytes) -> None:
    lines = [json.loads(line) for line in traced.splitlines()]

    commands = [line for line in lines if line.get("apdu") == ">"]
    messages = [line["type"] for line in lines if "message" in line]
    # 18 APDUs, and five more for the PIN that was wrong.
    assert len(commands) == 23
    assert messages == ["AuthenticateRequest", "AuthenticateResponse"] * 4


def test_trace_has_no_pin_and_no_resident_code(traced: bytes) -> None:
    text = traced.replace(b'"t": ', b"")
    apdus = b"".join(
        json.loads(line)["hex"].encode() for line in traced.splitlines() if b'"hex"' in line
    )

    for secret in (PIN, WRONG, RESIDENT_CODE):
        plain, hexed, *others = forms_of(secret)
        assert hexed not in apdus
        for octets in others if len(secret) == 4 else [plain, hexed, *others]:
            assert octets not in text


def test_trace_has_no_card_security(traced: bytes, card: Path) -> None:
    """EF.CardSecurity passes this process in clear; it is an identifier for life."""
    security = max((file.content for file in CardFile(card).load().files), key=len)

    assert len(security) > 500
    assert security[40:80].hex().encode() not in traced


def test_trace_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.touch(mode=0o644)
    Trace(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("instruction", [0x20, 0x24, 0x2C])
def test_command_that_could_carry_a_pin_in_clear_is_cut_to_its_header(
    tmp_path: Path, instruction: int
) -> None:
    path = tmp_path / "trace"
    trace = Trace(path)

    trace.apdu(">", CommandAPDU(0x00, instruction, 0, 3, PIN.encode()).encode())
    trace.close()

    assert json.loads(path.read_bytes())["hex"] == f"00{instruction:02x}0003"


def test_folder_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="USAGE_INVALID"):
        Trace(tmp_path / "none" / "trace")


def test_form_of_a_message_shows_no_personal_field() -> None:
    request = copies_pb.IssueCopyRequest(
        request_id="7f0c1b1e-54cc-4f0c-8d6c-5b1b7a0e0001",
        photo_identification=copies_pb.PhotoIdentification(
            kind=copies_pb.PhotoIdentification.KIND_PASSPORT,
            number_hash=b"\xaa" * 32,
            name="𠮷田",
            birth_date=CivilDate(year=45),
            address="並木",
            municipality="112089",
            clerk_name="花子",
            number_salt=b"\xbb" * 16,
        ),
        scope=copies_pb.IssueCopyRequest.SCOPE_LISTED,
        subjects=[copies_pb.Subject(name="𠮷田", birth_date=CivilDate(year=12))],
        items=[copies_pb.IssueCopyRequest.ITEM_RELATIONSHIP],
        fee_yen=300,
    )

    assert form(request) == {
        "request_id": "7f0c1b1e-54cc-4f0c-8d6c-5b1b7a0e0001",
        "photo_identification": {
            "kind": "KIND_PASSPORT",
            "number_hash": "(32 bytes)",
            "name": "(personal)",
            "birth_date": "(personal)",
            "address": "(personal)",
            "municipality": "112089",
            "clerk_name": "(personal)",
            "number_salt": "(personal)",
        },
        "scope": "SCOPE_LISTED",
        "subjects": [{"name": "(personal)", "birth_date": "(personal)"}],
        "items": ["ITEM_RELATIONSHIP"],
        "fee_yen": 300,
    }


def test_no_log_exception_or_record_of_a_session_shows_the_pin(
    center: Center, card: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)

    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), FilePin([WRONG]))

    error: BaseException | None = caught.value
    shown = caplog.text + repr(center.identity)
    while error is not None:
        shown += repr(error) + str(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    assert WRONG not in shown
    assert "PRIVATE KEY" not in shown
