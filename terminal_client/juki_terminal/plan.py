"""Whether a plan is for this terminal, this channel and this purpose.

These are the refusals of an honest relay: a plan is believed only after every check here.
What is done with a plan is in `relay`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from juki_card import eac, ec, tlv
from juki_card.auxiliary import AuxiliaryData
from juki_card.chat import CHAT, Right, Role
from juki_card.cvc import CERTIFICATE, CVCertificate, verify_chain
from juki_card.description import CertificateDescription
from juki_card.domains import domain_of
from juki_card.errors import CardError, CertificateRefused
from juki_card.passwords import PasswordReference
from juki_client.outcome import Problem
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from juki_terminal.channel import Pins
    from jukinet.card.v1 import card_session_service_pb2 as card_pb

VERSION: Final = 1
_NEEDED_RIGHTS: Final[Mapping[int, Right]] = {
    options_pb2.PURPOSE_CERTIFICATE_COPY: Right.READ_DG1,
    options_pb2.PURPOSE_CARD_CHECK: Right.PIN_MANAGEMENT | Right.CAN_ALLOWED,
    options_pb2.PURPOSE_PIN_UNLOCK: Right.PIN_MANAGEMENT | Right.CAN_ALLOWED,
}
"""The most that a purpose may ask of a card; one that is not here may ask for nothing."""
_WITH_CAN: Final = frozenset((options_pb2.PURPOSE_CARD_CHECK, options_pb2.PURPOSE_PIN_UNLOCK))


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan that was found to be for this terminal.

    `for_card` has only the certificate chains that lead from a trust point this terminal holds;
    others are never shown to a card.
    """

    session_id: bytes
    for_card: eac.Plan
    description: CertificateDescription
    expires_at: datetime


def password_for(purpose: int) -> PasswordReference:
    """Return what opens the card for a purpose: its CAN at the window, else the holder's PIN."""
    return PasswordReference.CAN if purpose in _WITH_CAN else PasswordReference.PIN


def check(plan: card_pb.Plan, purpose: int, pins: Pins, cvca: bytes, now: datetime) -> CheckedPlan:
    """Check a plan; raise Problem PLAN_NOT_FOR_TERMINAL, VERSION_UNSUPPORTED or PLAN_EXPIRED."""
    if plan.version != VERSION:
        raise Problem("VERSION_UNSUPPORTED", {"supported": str(VERSION)})
    expires_at = plan.expires_at.ToDatetime(tzinfo=UTC)
    if expires_at <= now:
        raise Problem("PLAN_EXPIRED")
    try:
        _check_auxiliary_data(plan, purpose, pins)
        description = _check_description(plan, pins)
        for_card = _for_card(plan, purpose, cvca, now.date())
    except CertificateRefused as error:
        raise _refused("chains") from error
    except CardError as error:
        raise _refused("encoding") from error
    return CheckedPlan(plan.session_id, for_card, description, expires_at)


def _for_card(plan: card_pb.Plan, purpose: int, cvca: bytes, today: date) -> eac.Plan:
    chat = _check_rights(plan, purpose)
    chains = _verified_chains(plan, _anchors(cvca), today)
    _check_terminal_certificates(plan, chat, chains)
    domain = domain_of(plan.domain_parameter)
    ec.decode_point(domain, plan.ephemeral_public_key)
    return eac.Plan(
        chat=chat,
        chains=tuple(eac.Chain(name, certificates) for name, certificates in chains.items()),
        domain=domain,
        ephemeral=plan.ephemeral_public_key,
        auxiliary=plan.auxiliary_data,
    )


def _refused(field: str) -> Problem:
    return Problem("PLAN_NOT_FOR_TERMINAL", {"field": field})


def _check_auxiliary_data(plan: card_pb.Plan, purpose: int, pins: Pins) -> None:
    named = AuxiliaryData.decode(plan.auxiliary_data)
    if not hmac.compare_digest(named.terminal_certificate_hash, pins.certificate_hash):
        raise _refused("auxiliary_data.terminal_certificate_hash")
    if not hmac.compare_digest(named.session_id, plan.session_id):
        raise _refused("auxiliary_data.session_id")
    if named.purpose != purpose:
        raise _refused("auxiliary_data.purpose")


def _check_description(plan: card_pb.Plan, pins: Pins) -> CertificateDescription:
    """Require that every leaf this terminal may have dialled is listed.

    gRPC does not tell which of the pinned leaves answered, so all of them must be.
    """
    description = CertificateDescription.decode(plan.certificate_description)
    if not pins.center_leaf_hashes or not pins.center_leaf_hashes <= set(
        description.comm_certificates
    ):
        raise _refused("certificate_description.comm_certificates")
    return description


def _check_rights(plan: card_pb.Plan, purpose: int) -> CHAT:
    chat = CHAT.from_value(plan.chat)
    if chat.role is not Role.TERMINAL or chat.rights & ~_NEEDED_RIGHTS.get(purpose, Right.NONE):
        raise _refused("chat")
    return chat


def _anchors(cvca: bytes) -> dict[str, CVCertificate]:
    items = tlv.parse_all(cvca)
    certificates = [CVCertificate.decode_value(i.value) for i in items if i.tag == CERTIFICATE]
    return {certificate.chr: certificate for certificate in certificates}


def _verified_chains(
    plan: card_pb.Plan, anchors: dict[str, CVCertificate], today: date
) -> dict[str, tuple[CVCertificate, ...]]:
    """Verify the chains below known trust points, and those below links verified on the way.

    A chain below a trust point that stays unknown is left out.
    """
    waiting = {
        chain.trust_point: tuple(CVCertificate.decode(octets) for octets in chain.certificates)
        for chain in plan.chains
    }
    verified: dict[str, tuple[CVCertificate, ...]] = {}
    while known := waiting.keys() & anchors.keys():
        for name in known:
            chain = waiting.pop(name)
            verify_chain(chain, anchors[name], today)
            verified[name] = chain
            anchors |= {link.chr: link for link in chain if link.chat.role is Role.CVCA}
    if not verified:
        raise _refused("chains")
    return verified


def _check_terminal_certificates(
    plan: card_pb.Plan, chat: CHAT, chains: Mapping[str, Sequence[CVCertificate]]
) -> None:
    digest = hashlib.sha256(plan.certificate_description).digest()
    for chain in chains.values():
        if not chain or chain[-1].chat.role is not Role.TERMINAL:
            raise _refused("chains")
        if not hmac.compare_digest(chain[-1].description_digest or b"", digest):
            raise _refused("certificate_description")
        if chat.rights & ~chain[-1].chat.rights:
            raise _refused("chat")
