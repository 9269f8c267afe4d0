"""The final encoding of an audit leaf, octet by octet."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from juki_center.areas.audit import leaf
from juki_center.areas.audit.events import AuditEvent, Cause, Event
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID

EVENT = AuditEvent(
    event=Event.COPY_REFUSED,
    at=datetime(2026, 11, 23, 1, 0, 0, 5, tzinfo=UTC),
    caller_uri="juki://x",
    cause=Cause.PROTECTIVE_MEASURE,
    issuing=MunicipalityCode("131016"),
    residence=MunicipalityCode("112089"),
    subjects=(PersonID(bytes(16)),),
    items=("RELATIONSHIP",),
    resource="n",
    details=(("scope", "SELF"),),
)


def test_a_leaf_has_one_encoding() -> None:
    content = leaf.content(EVENT, lambda person: person.octets[:2])

    assert content == b"".join(
        [
            bytes.fromhex("ab"),  # 11 entries, shorter keys first
            b"\x61v" + b"\x01",
            b"\x62at" + bytes.fromhex("1b") + (1_795_395_600_000_005).to_bytes(8, "big"),
            b"\x62by" + b"\x68juki://x",
            b"\x62ev" + b"\x6cCOPY_REFUSED",
            b"\x62id" + b"\x61n",
            b"\x63iss" + b"\x66131016",
            b"\x63out" + b"\x72PROTECTIVE_MEASURE",
            b"\x63res" + b"\x66112089",
            b"\x63who" + b"\x81\x42\x00\x00",
            b"\x64more" + b"\xa1\x65scope\x64SELF",
            b"\x64what" + b"\x81\x6cRELATIONSHIP",
        ]
    )


def test_what_does_not_apply_is_absent() -> None:
    event = AuditEvent(Event.SAMPLES_LOADED, EVENT.at, "juki://x")

    content = leaf.content(event, lambda person: person.octets)

    assert content.startswith(b"\xa5\x61v\x01")
    assert content.endswith(b"\x63out\x64DONE")


def test_the_commitment_is_over_label_salt_and_content() -> None:
    salt = b"s" * 32

    committed = leaf.commitment(salt, b"content")

    assert committed == hashlib.sha256(b"juki-audit-leaf-1\0" + salt + b"content").digest()
