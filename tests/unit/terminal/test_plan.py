"""A plan that is not for this terminal, channel or purpose never reaches the card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from juki_card.auxiliary import AuxiliaryData
from juki_card.chat import CHAT, Right, Role
from juki_card.cvc import CertificateBody, CVCertificate, make_certificate
from juki_card.description import CertificateDescription
from juki_card.oid import TA_ECDSA_SHA_256
from juki_client.identity import ClientIdentity
from juki_client.outcome import Part, Problem
from juki_pki.folder import PKIFolder
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.plan import check
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from juki_terminal.trust import Trust
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.conftest import PIN, identity_of
from tests.unit.terminal.test_session import Counting

ChangePlan = Callable[[card_pb.Plan], None]


def changed(**fields: object) -> ChangePlan:
    def change(plan: card_pb.Plan) -> None:
        for name, value in fields.items():
            setattr(plan, name, value)

    return change


def aux(**facts: object) -> ChangePlan:
    def change(plan: card_pb.Plan) -> None:
        now = AuxiliaryData.decode(plan.auxiliary_data)
        values = {
            "terminal_certificate_hash": now.terminal_certificate_hash,
            "session_id": now.session_id,
            "purpose": now.purpose,
        }
        plan.auxiliary_data = AuxiliaryData(**(values | facts)).encode()  # type: ignore[arg-type]

    return change


def without_chains(plan: card_pb.Plan) -> None:
    del plan.chains[:]


def below_an_unknown_trust_point(plan: card_pb.Plan) -> None:
    plan.chains[0].trust_point = "JPSTRANGER00001"


def with_a_changed_octet(plan: card_pb.Plan) -> None:
    last = plan.chains[0].certificates[-1]
    plan.chains[0].certificates[-1] = last[:-1] + bytes((last[-1] ^ 1,))


def without_terminal_certificate(plan: card_pb.Plan) -> None:
    del plan.chains[0].certificates[-1]


def no_certificates(plan: card_pb.Plan) -> None:
    del plan.chains[0].certificates[:]


def garbled_certificate(plan: card_pb.Plan) -> None:
    plan.chains[0].certificates[0] = b"\x7f\x21\x00"


def other_description(plan: card_pb.Plan) -> None:
    """Describe the asker otherwise than the certificate says, with the same TLS certificates."""
    description = CertificateDescription.decode(plan.certificate_description)
    plan.certificate_description = CertificateDescription(
        issuer_name="Somebody",
        subject_name="else",
        terms=b"",
        comm_certificates=description.comm_certificates,
    ).encode()


def other_leaf(plan: card_pb.Plan) -> None:
    plan.certificate_description = CertificateDescription(
        issuer_name="Juki-Net", subject_name="center", terms=b"", comm_certificates=(bytes(32),)
    ).encode()


MORE_RIGHTS = CHAT(Role.TERMINAL, Right.READ_DG1 | Right.PIN_MANAGEMENT).value()

REFUSALS: dict[str, tuple[ChangePlan, str]] = {
    "another terminal's": (aux(terminal_certificate_hash=bytes(32)), "terminal_certificate_hash"),
    "another session's": (aux(session_id=bytes(16)), "session_id"),
    "another purpose's": (aux(purpose=2), "purpose"),
    "garbled auxiliary data": (changed(auxiliary_data=b"\x67\x00"), "encoding"),
    "more rights": (changed(chat=MORE_RIGHTS), "chat"),
    "a CVCA's rights": (changed(chat=CHAT(Role.CVCA, 0).value()), "chat"),
    "garbled rights": (changed(chat=b"\x01"), "encoding"),
    "without chains": (without_chains, "chains"),
    "below an unknown trust point": (below_an_unknown_trust_point, "chains"),
    "with a changed octet": (with_a_changed_octet, "chains"),
    "without terminal certificate": (without_terminal_certificate, "chains"),
    "no certificates": (no_certificates, "chains"),
    "garbled certificate": (garbled_certificate, "encoding"),
    "other description": (other_description, "certificate_description"),
    "other leaf": (other_leaf, "comm_certificates"),
    "unknown curve": (changed(domain_parameter=99), "encoding"),
    "point off the curve": (changed(ephemeral_public_key=b"\x04" + bytes(64)), "encoding"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_plan_that_does_not_fit_is_refused_and_no_card_is_touched(
    center: Center, sessions: SessionDouble, card: Path, name: str
) -> None:
    change, field = REFUSALS[name]

    def bend(step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
        if step.WhichOneof("step") == "plan":
            change(step.plan)
        return step

    sessions.bend = bend
    reader = Counting(VirtualReader(card))

    with pytest.raises(Problem) as caught:
        authenticate(center, reader, FilePin([PIN]))

    assert (caught.value.reason, caught.value.part) == ("PLAN_NOT_FOR_TERMINAL", Part.NETWORK)
    assert field in caught.value.metadata["field"]
    assert reader.commands == []


def test_plan_of_another_version_is_refused(
    center: Center, sessions: SessionDouble, card: Path
) -> None:
    def bend(step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
        if step.WhichOneof("step") == "plan":
            step.plan.version = 2
        return step

    sessions.bend = bend

    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), FilePin([PIN]))

    assert (caught.value.reason, caught.value.metadata) == (
        "VERSION_UNSUPPORTED",
        {"supported": "1"},
    )


def test_terminal_that_pins_a_leaf_which_is_not_described_refuses(
    center: Center, pki: PKIFolder, other_pki: PKIFolder, card: Path
) -> None:
    """The pinned file has grown by a leaf that the center's description does not list."""
    both = b"".join(
        (folder.trust_path / "center-leaves.pem").read_bytes() for folder in (pki, other_pki)
    )
    trust = Trust(pki.trust_path, both, center.trust.cvca, center.trust.log)

    with Center(center.address, center.identity, trust) as wide, pytest.raises(Problem) as caught:
        authenticate(wide, VirtualReader(card), FilePin([PIN]))

    assert caught.value.metadata == {"field": "certificate_description.comm_certificates"}


def test_chain_below_a_linked_trust_point_is_taken_over_the_link(
    center: Center, sessions: SessionDouble, pki: PKIFolder, card: Path
) -> None:
    """A new CVCA: the plan links it from the old one, and has a chain of its own for new cards."""
    cvca, dv = pki.cv("cvca"), pki.cv("dv")
    old = cvca.certificate
    link_body = CertificateBody(
        car=old.chr,
        public_key=old.public_key,
        chr="JPNEWCVCA00001",
        chat=old.chat,
        effective=old.effective,
        expiration=old.expiration,
    )
    link = make_certificate(link_body, cvca.key, algorithm=TA_ECDSA_SHA_256)
    dv_body = CertificateBody(
        car=link.chr,
        public_key=dv.certificate.public_key,
        chr=dv.certificate.chr,
        chat=dv.certificate.chat,
        effective=dv.certificate.effective,
        expiration=dv.certificate.expiration,
    )
    new_dv = make_certificate(dv_body, cvca.key, algorithm=TA_ECDSA_SHA_256)
    plan = captured_plan(center, sessions, card)
    terminal_certificate = plan.chains[0].certificates[-1]
    del plan.chains[:]
    below_new = [new_dv.encode(), terminal_certificate]
    plan.chains.add(trust_point=link.chr, certificates=below_new)
    plan.chains.add(trust_point=old.chr, certificates=[link.encode(), *below_new])

    checked = check(plan, 1, center.pins, center.trust.cvca, datetime.now(UTC))

    chains = {chain.trust_point: len(chain.certificates) for chain in checked.for_card.chains}
    assert chains == {old.chr: 3, link.chr: 2}


def captured_plan(center: Center, sessions: SessionDouble, card: Path) -> card_pb.Plan:
    plans: list[card_pb.Plan] = []

    def bend(step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
        if step.WhichOneof("step") == "plan":
            plans.append(step.plan)
        return step

    sessions.bend = bend
    authenticate(center, VirtualReader(card), FilePin([PIN]))
    return plans[0]


def test_identity_of_another_terminal_is_another_certificate_hash(pki: PKIFolder) -> None:
    first, second = identity_of(pki, "01"), identity_of(pki, "02")

    assert first.certificate_hash != second.certificate_hash


def test_key_of_another_certificate_is_refused(pki: PKIFolder) -> None:
    folder = pki.path / "terminal"

    with pytest.raises(Problem) as caught:
        ClientIdentity.load(folder / "131016-01" / "chain.pem", folder / "131016-02" / "key.pem")

    assert caught.value.reason == "CONFIGURATION_INVALID"
    assert caught.value.metadata["key"] == "identity.key"


def test_certificate_that_is_over_is_known_as_such(pki: PKIFolder) -> None:
    identity = identity_of(pki)
    ends = identity.leaf.not_valid_after_utc

    assert identity.is_valid_at(ends)
    assert not identity.is_valid_at(ends + timedelta(seconds=1))


def test_trust_point_is_read_as_it_is_written(pki: PKIFolder) -> None:
    trust = Trust.load(pki.trust_path)

    assert CVCertificate.decode(trust.cvca) == pki.cv("cvca").certificate
    assert len(trust.leaf_hashes()) == 1
