"""Recorded personalisations: center and chip still say what they said, octet for octet."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from juki_card.apdu import CommandAPDU, ResponseAPDU
from tests.support import personalisation_record as records
from tests.support.independent_blank import BlankOpening
from tests.support.independent_session import G, objects, octets_of, split, times
from tests.support.personalisation_record import Record
from tests.vectors.record_personalisation import TELLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS = {
    path.stem.removeprefix("personalisation-"): records.load(path) for path in records.paths()
}


@pytest.fixture(params=list(RECORDS))
def record(request: pytest.FixtureRequest) -> Record:
    """Return each recorded personalisation."""
    return RECORDS[request.param]


def exchanges(record: Record, kind: str = "") -> Iterator[tuple[bytes, bytes]]:
    """Return commands and answers, as sent or, with "plain_", as meant."""
    for one in record["exchanges"]:
        yield bytes.fromhex(one[f"{kind}command"]), bytes.fromhex(one[f"{kind}answer"])


def test_every_run_is_recorded() -> None:
    assert set(RECORDS) == set(TELLS)


def test_center_sends_what_it_sent(record: Record) -> None:
    script = list(exchanges(record))

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        expected, answer = script.pop(0)
        assert command.encode() == expected
        return ResponseAPDU.decode(answer)

    key = records.center_side(record, transmit)

    assert script == []
    assert key.serial.hex() == record["outcome"]["card_serial"]


def test_chip_answers_what_it_answered_and_is_the_same_card(record: Record, tmp_path: Path) -> None:
    slot, file = records.chip_side(record, tmp_path)

    answers = [slot.transmit(command) for command, _ in exchanges(record)]

    slot.power_off()
    assert answers == [answer for _, answer in exchanges(record)]
    assert json.loads(file.path.read_text(encoding="ascii")) == record["outcome"]["file"]


def test_second_reading_opens_every_exchange(record: Record) -> None:
    opener = BlankOpening(bytes.fromhex(record["center"]["personalisation_key"]))

    plain = [opener.exchange(*one) for one in exchanges(record)]

    assert plain == list(exchanges(record, "plain_"))
    assert opener.key.hex() == record["chip"]["key"] == record["chip"]["file"]["blank_key"]


def test_key_that_is_told_is_the_one_of_the_draw() -> None:
    record = RECORDS["whole"]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    scalar = int(record["chip"]["draws"][1], 16) % (order - 1) + 1

    told = _plain_answers(record, "80e60000")[0]

    point = objects(objects(told)[0x7F49])[0x86]
    assert point == octets_of(times(scalar, G))
    assert hashlib.sha256(point).hexdigest() == record["outcome"]["card_serial"]


def test_contents_are_those_of_the_document() -> None:
    record = RECORDS["whole"]
    given = record["center"]

    put = {
        command[2]: split(command)[1]
        for command, _ in exchanges(record, "plain_")
        if command[1] == 0xE8
    }

    day = bytes(int(digit) for digit in given["today"].replace("-", "")[2:])
    assert put == {
        1: b"\x5f\x25\x06" + day + bytes.fromhex(given["trust_points"][0]),
        2: b"\x61\x0d\x12\x0b" + given["resident_code"].encode(),
        3: bytes.fromhex(given["card_security"]),
        4: given["can"].encode(),
        5: given["transport_pin"].encode(),
    }


def test_resumed_run_tells_the_key_and_digests_and_writes_no_part_twice() -> None:
    whole, resumed = RECORDS["whole"], RECORDS["resumed"]
    plain, protected = _plain_answers(resumed, "80e00000")

    told = objects(objects(protected)[0xE1])

    contents = {c[2]: split(c)[1] for c, _ in exchanges(whole, "plain_") if c[1] == 0xE8}
    assert objects(objects(plain)[0xE1]).keys() == {0x80, 0x81, 0x82}
    assert told[0x82] == b"\x1f"
    assert hashlib.sha256(told[0x86]).hexdigest() == whole["outcome"]["card_serial"]
    assert told[0x91] == hashlib.sha256(contents[1]).digest()
    assert told[0x93] == hashlib.sha256(contents[3]).digest()
    put = [c[2] for c, _ in exchanges(resumed, "plain_") if c[1] == 0xE8]
    assert put == [2, 4, 5]
    assert resumed["outcome"]["file"] == whole["outcome"]["file"]


def test_secrets_are_in_no_sent_octet(record: Record) -> None:
    given = record["center"]
    secrets = [given[name].encode().hex() for name in ("resident_code", "can", "transport_pin")]
    secrets += [given["personalisation_key"], record["chip"]["key"], given["card_security"]]

    seen = "".join(one[name] for one in record["exchanges"] for name in ("command", "answer"))

    assert [secret for secret in secrets if secret in seen] == []


def _plain_answers(record: Record, header: str) -> list[bytes]:
    """Return the data of all plain answers to a command."""
    found = exchanges(record, "plain_")
    return [answer[:-2] for command, answer in found if command.hex().startswith(header)]
