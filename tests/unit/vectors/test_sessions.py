"""Recorded sessions: terminal, center and card still say what they said, octet for octet."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from google.protobuf.json_format import ParseDict

from juki_center.errors import Refusal
from juki_client.outcome import Problem
from jukinet.card.v1 import card_session_service_pb2 as pb
from tests.support import session_record as records
from tests.support.session_record import CenterSide, Line, Record, Wire
from tests.vectors.record_sessions import SCENES, opening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECDSA = asymmetric.ECDSA(hashes.SHA256())
RECORDS = {path.stem.removeprefix("session-"): records.load(path) for path in records.paths()}
WHOLE = [name for name, record in RECORDS.items() if "refused" not in record["outcome"]]
ARC = 316474889554097652353444279887864904875
"""The number after 2.25 in the identifier of our auxiliary data."""


@pytest.fixture(params=list(RECORDS))
def record(request: pytest.FixtureRequest) -> Record:
    """Return each recorded session."""
    return RECORDS[request.param]


def exchanges(record: Record, kind: str = "") -> Iterator[tuple[bytes, bytes]]:
    """Return commands and answers, as sent or, with "plain_", as meant."""
    for one in record["exchanges"]:
        yield bytes.fromhex(one[f"{kind}command"]), bytes.fromhex(one[f"{kind}answer"])


def message(entry: Record) -> pb.AuthenticateRequest | pb.AuthenticateResponse:
    """Return a recorded message."""
    kind = pb.AuthenticateRequest if entry["from"] == "terminal" else pb.AuthenticateResponse
    return kind.FromString(bytes.fromhex(entry["octets"]))


def said(record: Record, sender: str) -> list[Any]:
    """Return what one side said."""
    return [message(entry) for entry in record["messages"] if entry["from"] == sender]


def ready(record: Record) -> pb.Ready:
    """Return the terminal's report."""
    found: pb.Ready = said(record, "terminal")[1].ready
    return found


def terminal_key(record: Record) -> asymmetric.EllipticCurvePublicKey:
    """Return the public key of the terminal's TLS certificate."""
    der = bytes.fromhex(record["terminal"]["tls_certificate"])
    key = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(key, asymmetric.EllipticCurvePublicKey)
    return key


class AttestingAsRecorded:
    """A terminal's identity whose signature, random by nature, is the recorded one."""

    def __init__(self, record: Record) -> None:
        self._record = record
        der = bytes.fromhex(record["terminal"]["tls_certificate"])
        self.certificate_hash = hashlib.sha256(der).digest()

    def sign(self, octets: bytes) -> bytes:
        """Return the recorded signature, which must be one over these octets."""
        attestation = ready(self._record).attestation
        terminal_key(self._record).verify(attestation, octets, ECDSA)
        return attestation


class SigningAsRecorded:
    """The center's key, whose signature is the recorded one."""

    def __init__(self, record: Record) -> None:
        self._key = records.key(record["center"]["terminal_certificate_key"])
        self._signature = signature(record)
        self.curve = self._key.curve

    def public_key(self) -> asymmetric.EllipticCurvePublicKey:
        """Return the public key."""
        return self._key.public_key()

    def sign(self, octets: bytes, algorithm: asymmetric.ECDSA) -> bytes:
        """Return the recorded signature, which must be one over these octets."""
        self.public_key().verify(self._signature, octets, algorithm)
        return self._signature


def identifier(arc: int) -> bytes:
    """Return the object identifier 2.25.<arc>.1, DER (ITU-T X.690, 8.19)."""
    parts = [arc & 0x7F]
    while arc := arc >> 7:
        parts.append(arc & 0x7F | 0x80)
    value = bytes([2 * 40 + 25, *reversed(parts), 1])
    return bytes([0x06, len(value)]) + value


def opened_with(record: Record, header: str) -> tuple[bytes, bytes]:
    """Return the last plain exchange whose command begins so."""
    start = bytes.fromhex(header)
    return [one for one in exchanges(record, "plain_") if one[0].startswith(start)][-1]


def signature(record: Record) -> bytes:
    """Return the signature of EXTERNAL AUTHENTICATE as DER."""
    plain = opened_with(record, "00820000")[0][5:]
    return encode_dss_signature(*(int.from_bytes(half) for half in (plain[:32], plain[32:])))


def replayed_line(record: Record) -> Line:
    """Return a center that says what it said, if it is asked what it was asked."""
    script = [message(entry) for entry in record["messages"]]

    def answer(request: pb.AuthenticateRequest) -> pb.AuthenticateResponse:
        assert request == script.pop(0)
        if not script:
            raise Problem(record["outcome"]["refused"])
        response = script.pop(0)
        assert isinstance(response, pb.AuthenticateResponse)
        return response

    return Line(answer)


def replayed_card(record: Record) -> Wire:
    """Return a card that answers as it did, if it is sent what it was sent."""
    script = list(exchanges(record))

    def exchange(command: bytes) -> bytes:
        expected, answer = script.pop(0)
        assert command == expected
        return answer

    return Wire(exchange, bytes.fromhex(record["terminal"]["atr"]))


def test_every_scene_is_recorded() -> None:
    assert set(RECORDS) == {scene.name for scene in SCENES}


def test_terminal_sends_what_it_sent(record: Record) -> None:
    identity: Any = AttestingAsRecorded(record)
    wire = replayed_card(record)

    try:
        card = records.terminal_side(record, replayed_line(record), wire, identity)
        outcome = card.transcript_hash.hex()
    except Problem as problem:
        outcome = problem.reason

    expected = record["outcome"]
    assert outcome == expected.get("refused", expected.get("transcript_hash"))
    assert len(wire.exchanges) == len(record["exchanges"])


def test_center_says_what_it_said(record: Record) -> None:
    key: Any = SigningAsRecorded(record)
    center = CenterSide(record, key)
    expected: list[Any] = said(record, "center")
    if "refused" in record["outcome"]:
        expected.append(record["outcome"]["refused"])

    answers: list[Any] = []
    for request in said(record, "terminal"):
        try:
            answers.append(center.answer(request))
        except Refusal as refusal:
            answers.append(refusal.reason)

    assert answers == expected


def test_card_answers_what_it_answered(record: Record, tmp_path: Path) -> None:
    slot = records.card_side(record, tmp_path)

    answers = [slot.transmit(command) for command, _ in exchanges(record)]

    slot.power_off()
    assert answers == [answer for _, answer in exchanges(record)]


def test_second_reading_opens_every_exchange(record: Record) -> None:
    opener = opening(record)

    plain = [opener.exchange(*one) for one in exchanges(record)]

    assert plain == list(exchanges(record, "plain_"))
    assert opener.id_picc == ready(record).id_picc


def test_fields_tell_the_same_as_octets(record: Record) -> None:
    for entry in record["messages"]:
        written = message(entry)

        beside = {name: entry[name] for name in ("receipt",) if name in entry}
        read = ParseDict({entry["step"]: entry["fields"], **beside}, type(written)())

        assert read == written


@pytest.mark.parametrize("name", WHOLE)
def test_batches_are_the_last_exchanges(name: str) -> None:
    record = RECORDS[name]
    first, second = (one.batch for one in said(record, "center")[1:3])

    size = len(first.commands) + len(second.commands)

    plain = [command for command, _ in exchanges(record, "plain_")][-size:]
    wrapped = [command for command, _ in exchanges(record)][-size:]

    assert len(first.commands) == 4
    assert [command.apdu for command in first.commands] == plain[:4]
    assert [command.apdu for command in second.commands] == wrapped[4:]


@pytest.mark.parametrize("name", WHOLE)
def test_transcript_hash_is_that_of_the_document(name: str) -> None:
    record = RECORDS[name]
    certificate = hashlib.sha256(bytes.fromhex(record["terminal"]["tls_certificate"])).digest()
    wrapped = len(said(record, "center")[2].batch.commands)
    plain = list(exchanges(record, "plain_"))[-10 - wrapped : -wrapped]
    sent = list(exchanges(record))[-wrapped:]
    text = b"juki-transcript-1\0" + bytes.fromhex(record["center"]["session_id"]) + certificate

    for part in (octets for exchange in [*plain, *sent] for octets in exchange):
        text += len(part).to_bytes(4, "big") + part

    assert hashlib.sha256(text).hexdigest() == record["outcome"]["transcript_hash"]


def test_attestation_is_that_of_the_document(record: Record) -> None:
    report = ready(record)
    text = b"juki-attestation-1\0" + bytes.fromhex(record["center"]["session_id"])
    text += report.id_picc + record["at"].to_bytes(8, "big")

    terminal_key(record).verify(report.attestation, text, ECDSA)


def test_signature_is_that_of_the_document(record: Record) -> None:
    plan, report = said(record, "center")[0].plan, ready(record)
    certificate = hashlib.sha256(bytes.fromhex(record["terminal"]["tls_certificate"])).digest()
    bound = certificate + plan.session_id + bytes([said(record, "terminal")[0].hello.purpose])
    content = identifier(ARC) + b"\x53\x31" + bound
    auxiliary = b"\x67" + bytes([len(content) + 2, 0x73, len(content)]) + content
    text = report.id_picc + report.r_picc + plan.ephemeral_public_key[1:33] + auxiliary
    key = records.key(record["center"]["terminal_certificate_key"]).public_key()

    key.verify(signature(record), text, ECDSA)

    assert auxiliary == plan.auxiliary_data


def test_leading_zeros_are_kept() -> None:
    record = RECORDS["leading-zeros"]
    opener = opening(record)

    for one in exchanges(record):
        opener.exchange(*one)

    plan = said(record, "center")[0].plan
    assert opener.pace is not None
    assert opener.chip_channel is not None
    assert plan.ephemeral_public_key[1] == 0
    assert ready(record).id_picc[0] == 0
    assert opener.pace.secret[0] == 0
    assert opener.chip_channel.secret[0] == 0


def test_resident_code_is_in_no_message_and_no_sent_octet(record: Record) -> None:
    dg1 = next(file for file in record["card"]["file"]["files"] if file["identifier"] == "0101")[
        "content"
    ]
    code = dg1[8:]

    seen = [entry["octets"] for entry in record["messages"]]
    seen += [one[name] for one in record["exchanges"] for name in ("command", "answer")]

    assert len(code) == 22
    assert not any(code in octets for octets in seen)


def test_unlock_is_one_command_that_only_the_card_can_read() -> None:
    record = RECORDS["unlock"]

    command, answer = list(exchanges(record, "plain_"))[-1]
    sent, _ = list(exchanges(record))[-1]
    refused = [answer for _, answer in exchanges(record, "plain_") if answer == b"\x63\0"]

    assert (command[:4].hex(), answer.hex()) == ("002c0303", "9000")
    assert sent[:4].hex() == "0c2c0303"
    assert len(refused) == 1
    assert "resident_code" not in record["outcome"]
    assert said(record, "center")[2].batch.commands[0].apdu == sent


@pytest.mark.parametrize("place", [6, 12, 15])
def test_answer_changed_at_the_card_ends_the_session(place: int) -> None:
    record = RECORDS["pin"]
    wire = replayed_card(record)
    honest = wire.exchange
    identity: Any = AttestingAsRecorded(record)

    def exchange(command: bytes) -> bytes:
        answer = honest(command)
        changed = len(wire.exchanges) == place
        return bytes([answer[0], answer[1], answer[2] ^ 1]) + answer[3:] if changed else answer

    wire.exchange = exchange

    with pytest.raises(Problem) as caught:
        records.terminal_side(record, replayed_line(record), wire, identity)

    assert caught.value.reason in {"CARD_REFUSED", "CARD_NOT_AUTHENTIC"}
    assert len(wire.exchanges) == place


def test_answer_changed_by_the_terminal_is_refused() -> None:
    record = RECORDS["pin"]
    key: Any = SigningAsRecorded(record)
    center = CenterSide(record, key)
    *honest, last = said(record, "terminal")
    for request in honest:
        center.answer(request)
    first = last.answers.responses[0]
    last.answers.responses[0] = first[:2] + bytes([first[2] ^ 1]) + first[3:]

    with pytest.raises(Refusal) as caught:
        center.answer(last)

    assert caught.value.reason == "CARD_NOT_AUTHENTIC"
