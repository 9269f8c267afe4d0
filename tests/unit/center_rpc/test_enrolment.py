"""Enrolment over the wire: tokens, requests, and the listener for who has no certificate yet."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from juki_center.areas.audit.events import Event
from juki_center.areas.fleet.certificates import CertificateState
from juki_center.areas.fleet.disconnections import (
    CENTER,
    Disconnection,
    Level,
    Scope,
    Subject,
)
from juki_center.areas.fleet.revocations import OfCertificate, OfPeer
from juki_center.areas.fleet.tokens import revoke_token
from juki_center.config import EnrolmentSettings
from juki_pki.identity import identity_from_certificate
from juki_pki.requests import make_request
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc
from tests.support.clerks import enter_clerk, put_signed_in
from tests.support.fleet import (
    CHIYODA_7,
    OPERATOR,
    PASSPORT_9,
    Fleet,
    chain_of,
    fresh_key,
    refused,
    serving,
)
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.folder import PKIFolder


@pytest.fixture
async def fleet(pki: PKIFolder, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with serving(pki, tmp_path / "center") as running:
        yield running


async def test_a_token_and_a_request_become_a_certificate_that_connects(fleet: Fleet) -> None:
    made, key = await fleet.token(), fresh_key()

    answer = await fleet.enrol(made.octets, key)

    certificate = x509.load_der_x509_certificate(answer.issued.certificate)
    assert identity_from_certificate(certificate).uri == answer.issued.uri == CHIYODA_7.uri
    async with fleet.peer(chain_of(answer.issued), key) as stub:
        found = await stub.GetCenterDescriptions(pb.GetCenterDescriptionsRequest(), timeout=10)
    assert found.descriptions == answer.descriptions


async def test_a_new_machine_of_the_same_name_finds_no_clerk_signed_in(fleet: Fleet) -> None:
    now, made = fleet.clock(), await fleet.token()
    clerk = await fleet.store.act(lambda tx: enter_clerk(tx, "131016", now))
    await fleet.store.act(lambda tx: put_signed_in(tx, clerk, CHIYODA_7.uri, now))

    await fleet.enrol(made.octets, fresh_key())

    assert fleet.store.read(lambda tx: tx.clerks.standing(CHIYODA_7.uri, None)) is None


async def test_an_agency_enrols_as_a_terminal_does(fleet: Fleet) -> None:
    made = await fleet.token(PASSPORT_9)

    answer = await fleet.enrol(made.octets, fresh_key())

    assert answer.issued.uri == PASSPORT_9.uri


async def test_nothing_of_the_request_but_its_key_is_taken(fleet: Fleet) -> None:
    made, key = await fleet.token(), fresh_key()
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root of all")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier("juki://operator/me")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )

    async with fleet.stranger() as stub:
        answer = await stub.Enroll(
            pb.EnrollRequest(token=made.octets, certificate_request=greedy), timeout=10
        )

    certificate = x509.load_der_x509_certificate(answer.issued.certificate)
    assert "root of all" not in certificate.subject.rfc4514_string()
    assert identity_from_certificate(certificate).uri == CHIYODA_7.uri
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


async def test_a_lost_answer_is_given_again_to_the_same_key_alone(fleet: Fleet) -> None:
    made, key = await fleet.token(), fresh_key()
    first = await fleet.enrol(made.octets, key)

    again = await fleet.enrol(made.octets, key)
    other = await refused(fleet.enrol(made.octets, fresh_key()))

    assert again.issued == first.issued
    assert other == ("ENROLMENT_TOKEN_USED", {})
    assert leaves(fleet.store)[-1]["ev"] == Event.ENROLMENT_REFUSED


async def test_an_unknown_token_is_refused_and_fills_no_log(fleet: Fleet) -> None:
    found = await refused(fleet.enrol(bytes(16), fresh_key()))

    assert found == ("ENROLMENT_TOKEN_UNKNOWN", {})
    assert leaves(fleet.store) == []


async def test_a_token_whose_time_is_over_is_refused(fleet: Fleet) -> None:
    made = await fleet.token(hours=1)
    fleet.clock.forward(hours=1, seconds=1)

    reason, facts = await refused(fleet.enrol(made.octets, fresh_key()))

    assert reason == "ENROLMENT_TOKEN_EXPIRED"
    assert facts == {"expiredAt": made.row.expires_at.isoformat()}


async def test_a_used_token_gives_nothing_again_after_its_time(fleet: Fleet) -> None:
    made, key = await fleet.token(hours=1), fresh_key()
    await fleet.enrol(made.octets, key)
    fleet.clock.forward(hours=1, seconds=1)

    reason, _ = await refused(fleet.enrol(made.octets, key))

    assert reason == "ENROLMENT_TOKEN_EXPIRED"


async def test_a_token_that_was_taken_back_is_refused(fleet: Fleet) -> None:
    made = await fleet.token()
    await fleet.store.act(lambda tx: revoke_token(tx, made.row.token_id, OPERATOR, fleet.clock()))

    found = await refused(fleet.enrol(made.octets, fresh_key()))

    assert found == ("ENROLMENT_TOKEN_REVOKED", {})


async def test_a_token_of_another_length_is_no_token(fleet: Fleet) -> None:
    reason, facts = await refused(fleet.enrol(bytes(15), fresh_key()))

    assert (reason, facts["field"]) == ("FIELD_INVALID", "token")


def _signed_by(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, digest: hashes.HashAlgorithm
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, digest).public_bytes(Encoding.DER)  # type: ignore[arg-type]  # any


def _tampered() -> bytes:
    octets = bytearray(make_request(fresh_key()))
    octets[-1] ^= 1
    return bytes(octets)


BAD_REQUESTS = {
    "NOT_PKCS10": lambda: b"\x30\x03\x02\x01\x00",
    "TOO_LONG": lambda: bytes(4097),
    "KEY_NOT_P256": lambda: _signed_by(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()),
    "NOT_ECDSA_SHA256": lambda: _signed_by(fresh_key(), hashes.SHA384()),
    "SIGNATURE_WRONG": _tampered,
}


@pytest.mark.parametrize("rule", BAD_REQUESTS)
async def test_a_request_that_breaks_a_rule_is_refused_and_leaves_the_token_open(
    fleet: Fleet, rule: str
) -> None:
    made = await fleet.token()

    async with fleet.stranger() as stub:
        request = pb.EnrollRequest(token=made.octets, certificate_request=BAD_REQUESTS[rule]())
        found = await refused(stub.Enroll(request, timeout=10))

    assert found == ("CERTIFICATE_REQUEST_INVALID", {"rule": rule})
    assert (await fleet.enrol(made.octets, fresh_key())).issued.uri == CHIYODA_7.uri


async def test_a_key_that_has_a_certificate_gets_no_second_one(fleet: Fleet) -> None:
    key = fresh_key()
    await fleet.enrol((await fleet.token()).octets, key)

    found = await refused(fleet.enrol((await fleet.token(PASSPORT_9)).octets, key))

    assert found == ("CERTIFICATE_REQUEST_INVALID", {"rule": "KEY_NOT_NEW"})


async def test_a_fresh_token_replaces_the_peers_certificate_at_once(fleet: Fleet) -> None:
    old_key = fresh_key()
    old = await fleet.enrol((await fleet.token()).octets, old_key)
    new = await fleet.enrol((await fleet.token()).octets, fresh_key())

    async with fleet.peer(chain_of(old.issued), old_key) as stub:
        call = stub.GetCenterDescriptions(pb.GetCenterDescriptionsRequest(), timeout=10)
        reason, _ = await refused(call)

    assert reason == "CERTIFICATE_RETIRED"
    rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(CHIYODA_7.uri))
    states = {row.content: row.state for row in rows}
    assert states == {
        old.issued.certificate: CertificateState.RETIRED,
        new.issued.certificate: CertificateState.CURRENT,
    }


async def test_no_token_brings_a_revoked_terminal_back(fleet: Fleet) -> None:
    made = await fleet.token()
    await fleet.revoke(OfPeer(CHIYODA_7.uri))

    found = await refused(fleet.enrol(made.octets, fresh_key()))

    assert found == ("CERTIFICATE_REVOKED", {})


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject(Scope.TERMINAL, CHIYODA_7.uri), "DISCONNECTED_TERMINAL"),
        (Subject(Scope.MUNICIPALITY, "131016"), "DISCONNECTED_MUNICIPALITY"),
        (CENTER, "DISCONNECTED_CENTER"),
    ],
)
async def test_who_is_cut_off_enrols_only_after_the_reconnection(
    fleet: Fleet, subject: Subject, reason: str
) -> None:
    made, key = await fleet.token(), fresh_key()
    cut = Disconnection(subject, Level.LOW, "a drill", fleet.clock(), "juki://operator/o-1")
    await fleet.store.act(lambda tx: tx.disconnections.put(cut))

    found, _ = await refused(fleet.enrol(made.octets, key))
    last = leaves(fleet.store)[-1]
    await fleet.store.act(lambda tx: tx.disconnections.remove(subject))

    assert found == reason
    assert (last["ev"], last["out"]) == (Event.ENROLMENT_REFUSED, reason)
    assert (await fleet.enrol(made.octets, key)).issued.certificate


async def test_a_used_token_gives_a_revoked_peer_nothing_again(fleet: Fleet) -> None:
    made, key = await fleet.token(), fresh_key()
    await fleet.enrol(made.octets, key)
    await fleet.revoke(OfPeer(CHIYODA_7.uri))

    found = await refused(fleet.enrol(made.octets, key))

    assert found == ("CERTIFICATE_REVOKED", {})
    assert leaves(fleet.store)[-1]["ev"] == Event.ENROLMENT_REFUSED


async def test_a_used_token_gives_a_revoked_certificate_not_again(fleet: Fleet) -> None:
    made, key = await fleet.token(), fresh_key()
    issued = (await fleet.enrol(made.octets, key)).issued
    await fleet.revoke(OfCertificate(hashlib.sha256(issued.certificate).digest(), CHIYODA_7.uri))

    found = await refused(fleet.enrol(made.octets, key))

    assert found == ("CERTIFICATE_REVOKED", {})


async def test_a_center_without_an_issuing_authority_refuses(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(
        pki, tmp_path / "center", enrolment=EnrolmentSettings(listen="127.0.0.1:0")
    ) as fleet:
        made = await fleet.token()
        found = await refused(fleet.enrol(made.octets, fresh_key()))

    assert found == ("ISSUING_NOT_CONFIGURED", {})


async def test_the_token_is_in_no_file_and_no_line(fleet: Fleet) -> None:
    made = await fleet.token()
    await fleet.enrol(made.octets, fresh_key())

    fleet.log.flush()
    octets = b"".join(path.read_bytes() for path in fleet.store.path.parent.iterdir())

    assert made.octets not in octets + b"".join(fleet.written)
    assert made.octets.hex() not in repr(made)


async def test_the_enrolment_listener_serves_nothing_else(fleet: Fleet) -> None:
    credentials = grpc.ssl_channel_credentials(fleet.leaves())
    async with grpc.aio.secure_channel(fleet.enrolment_address, credentials) as channel:
        enrollment = pb_grpc.EnrollmentServiceStub(channel)
        found = [
            await refused(call)
            for call in (
                enrollment.RenewCertificate(pb.RenewCertificateRequest(), timeout=10),
                enrollment.ConfirmCertificate(pb.ConfirmCertificateRequest(), timeout=10),
                enrollment.ApproveRecovery(pb.ApproveRecoveryRequest(), timeout=10),
                copies_grpc.CertificateCopyServiceStub(channel).GetIssue(
                    copies_pb.GetIssueRequest(), timeout=10
                ),
                health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=10
                ),
            )
        ]

    assert found == [("METHOD_UNKNOWN", {})] * 5


async def test_what_strangers_may_call_no_role_may_call_elsewhere(fleet: Fleet) -> None:
    terminal = fleet.pki.terminal("131016", "01")

    async with fleet.peer(terminal.chain_pem, terminal.key) as stub:
        enrolling = await refused(stub.Enroll(pb.EnrollRequest(), timeout=10))
        recovering = await refused(
            stub.RecoverCertificate(pb.RecoverCertificateRequest(), timeout=10)
        )

    assert enrolling == recovering == ("ROLE_NOT_ALLOWED", {})


async def test_descriptions_known_already_are_not_sent_again(fleet: Fleet) -> None:
    async with fleet.stranger() as stub:
        first = await stub.GetCenterDescriptions(pb.GetCenterDescriptionsRequest(), timeout=10)
        again = await stub.GetCenterDescriptions(
            pb.GetCenterDescriptionsRequest(known_version=first.descriptions.version), timeout=10
        )

    assert {file.name for file in first.descriptions.files} >= {
        "root.pem",
        "center-leaves.pem",
        "cvca.cvcert",
        "copy-signers.pem",
    }
    assert not again.HasField("descriptions")
