"""The way back of a peer whose certificate has expired."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.audit.events import Event
from juki_center.areas.fleet.disconnections import (
    CENTER,
    Disconnection,
    Level,
    Scope,
    Subject,
)
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.fleet.recoveries import (
    MOST_OPEN,
    ApproveRecovery,
    Recovery,
    approve_recovery,
)
from juki_center.areas.fleet.revocations import OfCertificate, OfPeer
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.fleet_assembly import fleet_policy
from juki_center.errors import Reason, Refusal
from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.recovery import recovery_octets
from juki_pki.requests import key_sha256, make_request
from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
from jukinet.approvals.v1 import approval_service_pb2_grpc as approvals_grpc
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc
from tests.support.fleet import OPERATOR, Fleet, config_of, fresh_key, refused, serving
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder


METHOD = "/jukinet.fleet.v1.EnrollmentService/ApproveRecovery"


@pytest.fixture(scope="module")
def lapsed(pki: PKIFolder) -> X509Credential:
    """A terminal whose certificate ended thirty days ago."""
    identity = PeerIdentity(Role.TERMINAL, "lapsed", "131016")
    begun = datetime.now(UTC) - timedelta(days=395)
    return make.issue_peer(pki, identity, Profiles.load(), begun)


@pytest.fixture
async def fleet(pki: PKIFolder, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with serving(pki, tmp_path / "center") as running:
        yield running


def request_of(
    expired: X509Credential,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey | None = None,
) -> pb.RecoverCertificateRequest:
    octets = recovery_octets(expired.certificate_sha256, key_sha256(key.public_key()))
    return pb.RecoverCertificateRequest(
        certificate=expired.certificate.public_bytes(Encoding.DER),
        certificate_request=make_request(key),
        signature=(signer or expired.key).sign(octets, ec.ECDSA(hashes.SHA256())),
    )


async def recover(
    fleet: Fleet, request: pb.RecoverCertificateRequest
) -> pb.RecoverCertificateResponse:
    async with fleet.stranger() as stub:
        answer: pb.RecoverCertificateResponse = await stub.RecoverCertificate(request, timeout=10)
        return answer


async def approve(fleet: Fleet, recovery_id: str) -> Recovery:
    command = ApproveRecovery(OPERATOR, uuid.uuid4(), recovery_id)
    policy = fleet_policy(config_of(fleet.store.path.parent, fleet.pki))
    return await fleet.store.act(lambda tx: approve_recovery(tx, command, fleet.clock(), policy))


async def test_an_expired_terminal_comes_back_when_it_was_approved(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    request = request_of(lapsed, fresh_key())

    asked = await recover(fleet, request)
    waiting = await recover(fleet, request)
    await approve(fleet, asked.recovery_id)
    done = await recover(fleet, request)
    again = await recover(fleet, request)

    assert (asked.approved, asked.HasField("issued")) == (False, False)
    assert waiting.recovery_id == asked.recovery_id
    assert done.approved
    assert done.issued.uri == lapsed.identity.uri
    assert again.issued == done.issued
    assert done.descriptions.files
    assert [leaf["ev"] for leaf in leaves(fleet.store)] == [
        Event.RECOVERY_ASKED,
        Event.RECOVERY_APPROVED,
        Event.CERTIFICATE_RECOVERED,
    ]


async def test_after_the_grace_there_is_no_way_back(fleet: Fleet, lapsed: X509Credential) -> None:
    fleet.clock.forward(days=61)

    found = await refused(recover(fleet, request_of(lapsed, fresh_key())))

    assert found == ("RECOVERY_GRACE_OVER", {"graceDays": "90"})


async def test_an_approval_comes_too_late_after_the_grace(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    asked = await recover(fleet, request_of(lapsed, fresh_key()))
    fleet.clock.forward(days=61)

    with pytest.raises(Refusal) as raised:
        await approve(fleet, asked.recovery_id)

    assert raised.value.reason is Reason.RECOVERY_GRACE_OVER


async def test_a_valid_certificate_is_renewed_and_not_recovered(fleet: Fleet) -> None:
    found = await refused(
        recover(fleet, request_of(fleet.pki.terminal("131016", "01"), fresh_key()))
    )

    assert found == ("CERTIFICATE_NOT_EXPIRED", {})


async def test_another_key_signs_no_recovery(fleet: Fleet, lapsed: X509Credential) -> None:
    request = request_of(lapsed, fresh_key(), signer=fresh_key())

    assert await refused(recover(fleet, request)) == ("RECOVERY_REFUSED", {})


async def test_a_signature_for_another_new_key_counts_nothing(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    request = request_of(lapsed, fresh_key())
    request.certificate_request = make_request(fresh_key())

    assert await refused(recover(fleet, request)) == ("RECOVERY_REFUSED", {})


async def test_a_certificate_of_another_network_is_not_recovered(
    fleet: Fleet, other_pki: PKIFolder
) -> None:
    identity = PeerIdentity(Role.TERMINAL, "foreign", "131016")
    begun = datetime.now(UTC) - timedelta(days=395)
    foreign = make.issue_peer(other_pki, identity, Profiles.load(), begun)

    found = await refused(recover(fleet, request_of(foreign, fresh_key())))

    assert found == ("RECOVERY_REFUSED", {})


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", bytes(5000)])
async def test_octets_that_are_no_certificate_are_refused(
    fleet: Fleet, lapsed: X509Credential, octets: bytes
) -> None:
    request = request_of(lapsed, fresh_key())
    request.certificate = octets

    assert await refused(recover(fleet, request)) == ("RECOVERY_REFUSED", {})


async def test_who_has_enrolled_again_since_recovers_nothing(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    peer = Peer(lapsed.identity.uri, "terminal", MunicipalityCode("131016"))
    await fleet.enrol((await fleet.token(peer)).octets, fresh_key())

    found = await refused(recover(fleet, request_of(lapsed, fresh_key())))

    assert found == ("RECOVERY_REFUSED", {})
    assert leaves(fleet.store)[-1]["ev"] == Event.RECOVERY_REFUSED


@pytest.mark.parametrize("whole_peer", [True, False])
async def test_who_was_revoked_recovers_nothing(
    fleet: Fleet, lapsed: X509Credential, whole_peer: bool
) -> None:
    uri = lapsed.identity.uri
    of = OfPeer(uri) if whole_peer else OfCertificate(lapsed.certificate_sha256, uri)
    await fleet.revoke(of)

    found = await refused(recover(fleet, request_of(lapsed, fresh_key())))

    assert found == ("RECOVERY_REFUSED", {})


async def test_an_operators_certificate_is_not_recovered(pki: PKIFolder, fleet: Fleet) -> None:
    identity = PeerIdentity(Role.OPERATOR, "lapsed")
    begun = datetime.now(UTC) - timedelta(days=395)
    lapsed_operator = make.issue_peer(pki, identity, Profiles.load(), begun)

    found = await refused(recover(fleet, request_of(lapsed_operator, fresh_key())))

    assert found == ("ROLE_NOT_ALLOWED", {})


async def test_the_old_key_is_no_new_key(fleet: Fleet, lapsed: X509Credential) -> None:
    found = await refused(recover(fleet, request_of(lapsed, lapsed.key)))

    assert found == ("CERTIFICATE_REQUEST_INVALID", {"rule": "KEY_NOT_NEW"})


async def test_requests_for_ever_new_keys_come_to_an_end(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    for _ in range(MOST_OPEN):
        await recover(fleet, request_of(lapsed, fresh_key()))

    found = await refused(recover(fleet, request_of(lapsed, fresh_key())))

    assert found == ("RECOVERY_REFUSED", {})


async def test_nothing_that_nobody_waits_for_is_approved(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    asked = await recover(fleet, request_of(lapsed, fresh_key()))
    await approve(fleet, asked.recovery_id)

    for number in (asked.recovery_id, "00" * 16):
        with pytest.raises(Refusal) as raised:
            await approve(fleet, number)
        assert raised.value.reason is Reason.RECOVERY_NOT_FOUND


async def test_two_operators_let_a_terminal_come_back(fleet: Fleet, lapsed: X509Credential) -> None:
    request = request_of(lapsed, fresh_key())
    asked = await recover(fleet, request)
    act = pb.ApproveRecoveryRequest(request_id=str(uuid.uuid4()), recovery_id=asked.recovery_id)

    async with fleet.operator("operator-1") as first, fleet.operator("operator-2") as second:
        proposed = await approvals_grpc.ApprovalServiceStub(first).Propose(
            approvals_pb.ProposeRequest(
                request_id=str(uuid.uuid4()), method=METHOD, act=act.SerializeToString()
            ),
            timeout=10,
        )
        act.approval_id = proposed.approval_id
        stub = pb_grpc.EnrollmentServiceStub(first)
        early = await refused(stub.ApproveRecovery(act, timeout=10))
        await approvals_grpc.ApprovalServiceStub(second).Approve(
            approvals_pb.ApproveRequest(
                request_id=str(uuid.uuid4()),
                approval_id=proposed.approval_id,
                digest=proposed.digest,
            ),
            timeout=10,
        )
        approved = await stub.ApproveRecovery(act, timeout=10)
    done = await recover(fleet, request)

    assert early[0] == "APPROVAL_PENDING"
    assert approved.uri == done.issued.uri == lapsed.identity.uri


async def test_one_operator_alone_approves_nothing(fleet: Fleet, lapsed: X509Credential) -> None:
    asked = await recover(fleet, request_of(lapsed, fresh_key()))
    operator = fleet.pki.operator("operator-1")

    async with fleet.peer(operator.chain_pem, operator.key) as stub:
        request = pb.ApproveRecoveryRequest(
            request_id=str(uuid.uuid4()), recovery_id=asked.recovery_id
        )
        found = await refused(stub.ApproveRecovery(request, timeout=10))

    assert found == ("APPROVAL_REQUIRED", {})
    waiting = fleet.store.read(lambda tx: tx.recoveries.find(asked.recovery_id))
    assert waiting is not None
    assert not waiting.is_approved


@pytest.mark.parametrize("is_approved", [False, True])
@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (
            Subject(Scope.TERMINAL, "juki://municipality/131016/terminal/lapsed"),
            "DISCONNECTED_TERMINAL",
        ),
        (Subject(Scope.MUNICIPALITY, "131016"), "DISCONNECTED_MUNICIPALITY"),
        (CENTER, "DISCONNECTED_CENTER"),
    ],
)
async def test_who_is_cut_off_recovers_only_after_the_reconnection(
    fleet: Fleet, lapsed: X509Credential, subject: Subject, reason: str, is_approved: bool
) -> None:
    request = request_of(lapsed, fresh_key())
    if is_approved:
        await approve(fleet, (await recover(fleet, request)).recovery_id)
    cut = Disconnection(subject, Level.LOW, "a drill", fleet.clock(), OPERATOR)
    await fleet.store.act(lambda tx: tx.disconnections.put(cut))

    found, _ = await refused(recover(fleet, request))
    last = leaves(fleet.store)[-1]
    await fleet.store.act(lambda tx: tx.disconnections.remove(subject))

    assert found == reason
    assert (last["ev"], last["out"]) == (Event.RECOVERY_REFUSED, reason)
    assert (await recover(fleet, request)).HasField("issued") is is_approved


async def test_a_lost_answer_is_not_given_again_to_who_was_revoked_since(
    fleet: Fleet, lapsed: X509Credential
) -> None:
    request = request_of(lapsed, fresh_key())
    await approve(fleet, (await recover(fleet, request)).recovery_id)
    await recover(fleet, request)
    await fleet.revoke(OfPeer(lapsed.identity.uri))

    found = await refused(recover(fleet, request))

    assert found == ("RECOVERY_REFUSED", {})
