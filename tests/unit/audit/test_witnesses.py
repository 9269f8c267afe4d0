"""Cosignatures: whose count, and what a witness has said of which head."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints
from juki_audit.checkpoints import SignedCheckpoint
from juki_audit.errors import LogMalformed
from juki_audit.notes import Signature
from juki_audit.witnesses import WitnessKey, cosign, cosigned_by
from tests.support.log_in_memory import ORIGIN, VERIFIER, signed_head

AT = datetime(2026, 4, 1, tzinfo=UTC)
NAME = "witness.test/chiyoda"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEY = WitnessKey.of(NAME, PRIVATE)
HEAD = checkpoints.parse(signed_head([b"a" * 32]))
LATER = checkpoints.parse(signed_head([b"a" * 32, b"b" * 32]))


def with_line(head: SignedCheckpoint, octets: bytes) -> SignedCheckpoint:
    line = Signature(NAME, KEY.key_id, octets)
    return replace(head, signatures=(*head.signatures, line))


def test_a_cosignature_counts_beside_the_logs_own_line() -> None:
    cosigned = checkpoints.parse(cosign(HEAD, NAME, PRIVATE, AT).note().encode())

    assert cosigned_by(cosigned, [KEY]) == [NAME]
    assert checkpoints.verify(cosigned, ORIGIN, [VERIFIER]) == HEAD.checkpoint


def test_a_cosignature_says_the_time_and_is_of_this_head_alone() -> None:
    octets = cosign(HEAD, NAME, PRIVATE, AT).signatures[-1].octets

    assert int.from_bytes(octets[:8], "big") == int(AT.timestamp())
    assert cosigned_by(with_line(LATER, octets), [KEY]) == []


@pytest.mark.parametrize(
    "bend",
    [
        lambda octets: octets[:-1],
        lambda octets: octets + b"\0",
        lambda octets: bytes(8) + octets[8:],
        lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]),
    ],
)
def test_a_bent_cosignature_counts_for_nothing(bend: object) -> None:
    octets = cosign(HEAD, NAME, PRIVATE, AT).signatures[-1].octets

    assert cosigned_by(with_line(HEAD, bend(octets)), [KEY]) == []  # type: ignore[operator]


def test_a_witness_who_is_not_known_counts_for_nothing() -> None:
    other = WitnessKey.of(NAME, Ed25519PrivateKey.from_private_bytes(bytes(32)))

    assert cosigned_by(cosign(HEAD, NAME, PRIVATE, AT), [other]) == []


def test_a_later_cosignature_takes_the_place_of_an_earlier_one() -> None:
    once = cosign(HEAD, NAME, PRIVATE, AT)

    twice = cosign(once, NAME, PRIVATE, AT + timedelta(hours=1))

    assert len(twice.signatures) == len(once.signatures) == 2
    assert cosigned_by(twice, [KEY, KEY]) == [NAME]


def test_the_logs_own_signature_is_no_cosignature() -> None:
    own = WitnessKey(VERIFIER.name, VERIFIER.public)

    assert cosigned_by(HEAD, [own]) == []


def test_a_key_is_written_and_read_again() -> None:
    assert WitnessKey.decode(KEY.encode()) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        VERIFIER.encode(),
        KEY.encode().replace("+", "+0", 1),
        KEY.encode().replace(KEY.key_id.hex(), "00000000"),
        KEY.encode()[:-4],
    ],
)
def test_what_is_no_key_of_a_witness_is_refused(text: str) -> None:
    with pytest.raises(LogMalformed):
        WitnessKey.decode(text)
