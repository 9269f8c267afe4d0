"""The envelope of a signed copy: one form only, and a signer that is trusted at that time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from juki_terminal.paper.envelope import open_envelope, verify_signature
from juki_terminal.paper.errors import (
    ContentRefused,
    SignatureWrong,
    SignerUnknown,
    TrustUnreadable,
)
from juki_terminal.paper.trust import CopySigners
from tests.support.copy_content import (
    ISSUED_AT,
    CopySigner,
    document,
    encode,
    make_signer,
    payload_of,
    person,
    seal,
    signed_copy,
)
from tests.support.copy_vectors import VECTORS, vectors

SIGNER = make_signer()
TRUST = CopySigners.from_pem(SIGNER.pem)
COPY = signed_copy(SIGNER)
PAYLOAD = payload_of(document())
CONTENT_TYPE = "application/juki-copy+cbor"


def test_copy_of_a_trusted_signer_verifies() -> None:
    signed = open_envelope(COPY)

    verify_signature(signed, TRUST)

    assert signed.key_id == SIGNER.key_id
    assert signed.octets == COPY
    assert signed.signature == COPY[-64:]


def test_committed_vectors_verify_and_are_current() -> None:
    committed = json.loads(VECTORS.read_text(encoding="utf-8"))
    trust = CopySigners.from_pem(committed["signer"]["certificate_pem"].encode("ascii"))

    for case in committed["copies"]:
        verify_signature(open_envelope(bytes.fromhex(case["signed_content"])), trust)

    assert committed == vectors()


def test_representation_names_the_issue_alone() -> None:
    shown = repr(open_envelope(COPY))

    assert shown == "SignedCopy(131016-20261123-000042-7K3Q, ***)"


def test_one_of_several_signers_is_found_by_its_key_id() -> None:
    other = make_signer(scalar=77)
    trust = CopySigners.from_pem(other.pem + SIGNER.pem)

    verify_signature(open_envelope(signed_copy(other)), trust)
    verify_signature(open_envelope(COPY), trust)

    assert len(trust.certificates) == 2


def test_signer_who_is_not_trusted_is_refused() -> None:
    stranger = make_signer(scalar=78)

    with pytest.raises(SignerUnknown) as refused:
        verify_signature(open_envelope(signed_copy(stranger)), TRUST)

    assert refused.value.key_id == stranger.key_id


def test_signature_by_another_key_under_a_trusted_name_is_refused() -> None:
    header = encode({1: -7, 3: CONTENT_TYPE, 4: SIGNER.key_id})
    forged = seal(PAYLOAD, make_signer(scalar=79), protected=header)

    with pytest.raises(SignatureWrong):
        verify_signature(open_envelope(forged), TRUST)


def test_signature_of_another_document_is_refused() -> None:
    other = payload_of(document(per=[person(name="別人　太郎")]))
    swapped = COPY.replace(_bstr(PAYLOAD), _bstr(other))

    with pytest.raises(SignatureWrong):
        verify_signature(open_envelope(swapped), TRUST)


@pytest.mark.parametrize(
    ("since", "days"),
    [
        (datetime.fromtimestamp(ISSUED_AT + 1, UTC), 30),
        (datetime.fromtimestamp(ISSUED_AT - 86_401, UTC), 1),
    ],
    ids=["not yet valid", "expired"],
)
def test_signer_out_of_its_time_at_issue_is_refused(since: datetime, days: int) -> None:
    signer = make_signer(since=since, days=days)

    with pytest.raises(SignerUnknown, match="not valid at the time of issue"):
        verify_signature(open_envelope(signed_copy(signer)), CopySigners.from_pem(signer.pem))


@pytest.mark.parametrize("offset", [0, 86_400], ids=["first second", "last second"])
def test_signer_at_the_edge_of_its_time_verifies(offset: int) -> None:
    signer = make_signer(since=datetime.fromtimestamp(ISSUED_AT - offset, UTC), days=1)

    verify_signature(open_envelope(signed_copy(signer)), CopySigners.from_pem(signer.pem))


def _bstr(octets: bytes) -> bytes:
    return cbor2.dumps(octets)


def _header(signer: CopySigner, **changes: object) -> bytes:
    fields: dict[object, object] = {1: -7, 3: CONTENT_TYPE, 4: signer.key_id}
    fields.update({int(key.removeprefix("h")): value for key, value in changes.items()})
    return encode({key: value for key, value in fields.items() if value is not None})


HEADERS: dict[str, Callable[[], bytes]] = {
    "algorithm ES384": lambda: _header(SIGNER, h1=-35),
    "algorithm as float": lambda: b"\xa3\x01\xf9\xc7\x00" + _header(SIGNER)[3:],
    "no algorithm": lambda: _header(SIGNER, h1=None),
    "other content type": lambda: _header(SIGNER, h3="application/cbor"),
    "no content type": lambda: _header(SIGNER, h3=None),
    "no key id": lambda: _header(SIGNER, h4=None),
    "key id of 15 bytes": lambda: _header(SIGNER, h4=SIGNER.key_id[:15]),
    "key id as text": lambda: _header(SIGNER, h4="0" * 16),
    "critical header": lambda: _header(SIGNER, h2=[99], h99=1),
    "another order": lambda: b"\xa3" + _header(SIGNER)[-18:] + _header(SIGNER)[1:-18],
    "empty": lambda: b"",
    "not a map": lambda: encode([1, -7]),
    "trailing byte": lambda: _header(SIGNER) + b"\x00",
}


@pytest.mark.parametrize("make", HEADERS.values(), ids=HEADERS.keys())
def test_other_protected_header_is_refused_though_well_signed(make: Callable[[], bytes]) -> None:
    envelope = seal(PAYLOAD, SIGNER, protected=make())

    with pytest.raises(ContentRefused, match="protected header"):
        open_envelope(envelope)


def _parts() -> list[object]:
    return list(cbor2.loads(COPY).value)


def _with(place: int, value: object) -> bytes:
    parts = _parts()
    parts[place] = value
    return encode(cbor2.CBORTag(18, parts))


ENVELOPES: dict[str, Callable[[], bytes]] = {
    "no tag": lambda: COPY[1:],
    "tag of COSE_Sign": lambda: b"\xd8\x62" + COPY[1:],
    "tag twice": lambda: b"\xd2" + COPY,
    "tag in a long form": lambda: b"\xd8\x12" + COPY[1:],
    "trailing byte": lambda: COPY + b"\x00",
    "truncated": lambda: COPY[:-1],
    "three parts": lambda: encode(cbor2.CBORTag(18, _parts()[:3])),
    "five parts": lambda: encode(cbor2.CBORTag(18, [*_parts(), b""])),
    "unprotected header": lambda: _with(1, {4: SIGNER.key_id}),
    "unprotected header that is a list": lambda: _with(1, []),
    "detached payload": lambda: _with(2, None),
    "payload as text": lambda: _with(2, "doc"),
    "signature of 63 bytes": lambda: _with(3, bytes(63)),
    "signature of 65 bytes": lambda: _with(3, bytes(65)),
    "longer than 48 KiB": lambda: _with(2, bytes(48 * 1024)),
    "empty": lambda: b"",
}


@pytest.mark.parametrize("make", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_other_envelope_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(ContentRefused):
        open_envelope(make())


@given(st.integers(0, len(COPY) - 1), st.integers(1, 255))
def test_changed_byte_never_verifies(place: int, change: int) -> None:
    changed = bytearray(COPY)
    changed[place] ^= change

    with pytest.raises((ContentRefused, SignatureWrong, SignerUnknown)):
        verify_signature(open_envelope(bytes(changed)), TRUST)


@given(st.binary(max_size=200))
def test_noise_meets_nothing_but_a_refusal(noise: bytes) -> None:
    with pytest.raises(ContentRefused):
        open_envelope(noise)


def test_trust_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "copy-signers.pem").write_bytes(SIGNER.pem)

    assert set(CopySigners.load(tmp_path).certificates) == {SIGNER.key_id}


def test_trust_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrustUnreadable, match=r"copy-signers\.pem"):
        CopySigners.load(tmp_path)


def test_trust_that_is_no_pem_is_refused() -> None:
    with pytest.raises(TrustUnreadable):
        CopySigners.from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_trust_in_a_key_on_another_curve_is_refused() -> None:
    with pytest.raises(TrustUnreadable, match="P-256"):
        CopySigners.from_pem(make_signer(curve=ec.SECP384R1()).pem)
