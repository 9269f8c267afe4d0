"""Renewal in two phases over the wire, and what a certificate may do in each."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.fleet.certificates import CertificateState, Source
from juki_pki.requests import make_request
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from tests.support.fleet import CHIYODA_7, Fleet, chain_of, fresh_key, refused, serving
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from juki_pki.folder import PKIFolder

OLD = "juki://municipality/131016/terminal/01"


@pytest.fixture
async def fleet(pki: PKIFolder, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with serving(pki, tmp_path / "center") as running:
        yield running


class Holder:
    """A peer with a certificate and its key."""

    def __init__(self, fleet: Fleet, chain: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        self._fleet = fleet
        self._chain = chain
        self._key = key

    async def look(self) -> pb.GetCenterDescriptionsResponse:
        async with self._fleet.peer(self._chain, self._key) as stub:
            answer: pb.GetCenterDescriptionsResponse = await stub.GetCenterDescriptions(
                pb.GetCenterDescriptionsRequest(), timeout=10
            )
            return answer

    async def renew(
        self, key: ec.EllipticCurvePrivateKey, request_id: str | None = None
    ) -> pb.RenewCertificateResponse:
        async with self._fleet.peer(self._chain, self._key) as stub:
            answer: pb.RenewCertificateResponse = await stub.RenewCertificate(
                pb.RenewCertificateRequest(
                    request_id=request_id or str(uuid.uuid4()),
                    certificate_request=make_request(key),
                ),
                timeout=10,
            )
            return answer

    async def confirm(self) -> pb.ConfirmCertificateResponse:
        async with self._fleet.peer(self._chain, self._key) as stub:
            answer: pb.ConfirmCertificateResponse = await stub.ConfirmCertificate(
                pb.ConfirmCertificateRequest(), timeout=10
            )
            return answer


async def enrolled(fleet: Fleet) -> Holder:
    key = fresh_key()
    answer = await fleet.enrol((await fleet.token()).octets, key)
    return Holder(fleet, chain_of(answer.issued), key)


async def renewed(fleet: Fleet, holder: Holder) -> Holder:
    key = fresh_key()
    answer = await holder.renew(key)
    return Holder(fleet, chain_of(answer.issued), key)


def states(fleet: Fleet, uri: str = CHIYODA_7.uri) -> list[CertificateState]:
    """The states of a peer's certificates, the newest first."""
    rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(uri))
    return [row.state for row in rows]


async def test_the_old_certificate_counts_until_the_new_one_is_confirmed(fleet: Fleet) -> None:
    old = await enrolled(fleet)
    fleet.clock.forward(minutes=1)

    new = await renewed(fleet, old)
    await old.look()
    before = states(fleet)
    answer = await new.confirm()

    assert before == [CertificateState.PENDING, CertificateState.CURRENT]
    assert states(fleet) == [CertificateState.CURRENT, CertificateState.RETIRED]
    ends = answer.old_refused_from.ToDatetime(tzinfo=fleet.clock.at.tzinfo)
    assert (ends - fleet.clock()).total_seconds() == 600


async def test_the_old_certificate_is_refused_after_the_overlap(fleet: Fleet) -> None:
    old = await enrolled(fleet)
    fleet.clock.forward(seconds=1)
    new = await renewed(fleet, old)
    await new.confirm()

    fleet.clock.forward(minutes=9)
    await old.look()
    fleet.clock.forward(minutes=1)
    reason, facts = await refused(old.look())
    await new.look()

    assert reason == "CERTIFICATE_RETIRED"
    assert facts["refusedFrom"]


async def test_an_unconfirmed_certificate_confirms_itself_and_nothing_else(fleet: Fleet) -> None:
    new = await renewed(fleet, await enrolled(fleet))

    looking = await refused(new.look())
    renewing = await refused(new.renew(fresh_key()))

    assert looking == renewing == ("CERTIFICATE_NOT_CONFIRMED", {})


async def test_a_certificate_counts_as_soon_as_it_is_confirmed(fleet: Fleet) -> None:
    new = await renewed(fleet, await enrolled(fleet))
    await refused(new.look())

    await new.confirm()

    assert (await new.look()).HasField("descriptions")


async def test_a_confirmation_may_be_sent_again(fleet: Fleet) -> None:
    new = await renewed(fleet, await enrolled(fleet))
    first = await new.confirm()
    fleet.clock.forward(minutes=5)

    again = await new.confirm()

    assert again.old_refused_from == first.old_refused_from


async def test_the_same_request_gets_the_same_certificate(fleet: Fleet) -> None:
    old, key, request_id = await enrolled(fleet), fresh_key(), str(uuid.uuid4())

    first = await old.renew(key, request_id)
    again = await old.renew(key, request_id)
    other = await refused(old.renew(fresh_key(), request_id))

    assert again.issued == first.issued
    assert other == ("REQUEST_ID_REUSED", {})
    assert states(fleet) == [CertificateState.PENDING, CertificateState.CURRENT]


async def test_a_second_renewal_replaces_what_nobody_confirmed(fleet: Fleet) -> None:
    old = await enrolled(fleet)
    first = await renewed(fleet, old)
    fleet.clock.forward(seconds=3)

    second = await renewed(fleet, old)
    reason, _ = await refused(first.confirm())
    await second.confirm()

    assert reason == "CERTIFICATE_RETIRED"
    assert states(fleet) == [
        CertificateState.CURRENT,
        CertificateState.RETIRED,
        CertificateState.RETIRED,
    ]


async def test_the_replaced_certificate_renews_nothing_in_its_overlap(fleet: Fleet) -> None:
    old = await enrolled(fleet)
    await (await renewed(fleet, old)).confirm()

    reason, _ = await refused(old.renew(fresh_key()))

    assert reason == "CERTIFICATE_RETIRED"


async def test_a_key_is_certified_once(fleet: Fleet) -> None:
    key = fresh_key()
    old = Holder(
        fleet, chain_of((await fleet.enrol((await fleet.token()).octets, key)).issued), key
    )

    found = await refused(old.renew(key))

    assert found == ("CERTIFICATE_REQUEST_INVALID", {"rule": "KEY_NOT_NEW"})


async def test_a_certificate_of_an_older_folder_is_entered_when_it_is_used(fleet: Fleet) -> None:
    credential = fleet.pki.terminal("131016", "01")
    holder = Holder(fleet, credential.chain_pem, credential.key)

    await holder.look()
    await _until_entered(fleet)
    await (await renewed(fleet, holder)).confirm()

    rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(OLD))
    assert [(row.source, row.state) for row in rows] == [
        (Source.RENEWED, CertificateState.CURRENT),
        (Source.KNOWN, CertificateState.RETIRED),
    ]
    assert rows[1].fingerprint == credential.certificate_sha256


async def _until_entered(fleet: Fleet) -> None:
    async with asyncio.timeout(5):
        while not states(fleet, OLD):  # noqa: ASYNC110  # the store's thread rings no bell
            await asyncio.sleep(0)


async def test_a_copy_of_a_certificate_from_before_the_enrolment_is_refused(fleet: Fleet) -> None:
    """Whoever kept the folder's key of a peer that has enrolled since has kept nothing."""
    credential = fleet.pki.terminal("131016", "02")
    peer = type(CHIYODA_7)(credential.identity.uri, "terminal", CHIYODA_7.municipality)
    fleet.clock.forward(minutes=10)
    await fleet.enrol((await fleet.token(peer)).octets, fresh_key())
    holder = Holder(fleet, credential.chain_pem, credential.key)

    reason, _ = await refused(holder.confirm())

    assert reason == "CERTIFICATE_RETIRED"


async def test_an_operator_has_nothing_to_renew(fleet: Fleet) -> None:
    credential = fleet.pki.operator("operator-1")
    holder = Holder(fleet, credential.chain_pem, credential.key)

    found = await refused(holder.renew(fresh_key()))

    assert found == ("ROLE_NOT_ALLOWED", {})


async def test_each_step_stands_in_the_log(fleet: Fleet) -> None:
    await (await renewed(fleet, await enrolled(fleet))).confirm()

    assert [leaf["ev"] for leaf in leaves(fleet.store)] == [
        Event.ENROLMENT_TOKEN_MADE,
        Event.PEER_ENROLLED,
        Event.CERTIFICATE_RENEWED,
        Event.CERTIFICATE_CONFIRMED,
    ]
