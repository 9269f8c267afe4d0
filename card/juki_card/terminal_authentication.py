"""Terminal Authentication version 2, both ends (TR-03110-3, 3.3 and B.3; TR-03110-2, 3.3).

The terminal sends the card the chain of its certificates, names its ephemeral key and signs the
card's challenge with it. The commands and the octets that are signed stand here; verifying a chain
is in `cvc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card import cvc, ec, oid, tlv
from juki_card.apdu import CommandAPDU
from juki_card.cv_key import CVPublicKey
from juki_card.errors import ParseError
from juki_card.flow import Answers, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_card.cvc import CVCertificate, Verified

CHALLENGE_SIZE: Final = 8
AUXILIARY_DATA: Final = 0x67
_PROTOCOL: Final = 0x80
_REFERENCE: Final = 0x83
_EPHEMERAL: Final = 0x91


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a terminal says before it signs.

    `ephemeral` is Comp(the ephemeral key for Chip Authentication), `auxiliary` the whole object
    with tag 67, empty for none.
    """

    reference: str
    ephemeral: bytes
    auxiliary: bytes
    protocol: str = oid.TA_ECDSA_SHA_256


def mse_set_dst(reference: str) -> CommandAPDU:
    """MSE:Set DST: name the issuer of the certificate to come (B.11.4)."""
    data = tlv.encode(_REFERENCE, cvc.encode_reference(reference))
    return CommandAPDU(0x00, 0x22, 0x81, 0xB6, data)


def decode_mse_set_dst(data: bytes) -> str:
    """Parse the data of MSE:Set DST; raise ParseError."""
    return cvc.decode_reference(tlv.expect(data, _REFERENCE))


def verify_certificate(certificate: CVCertificate) -> CommandAPDU:
    """PSO:VERIFY CERTIFICATE (B.11.5)."""
    return CommandAPDU(0x00, 0x2A, 0x00, 0xBE, certificate.encode_value())


def mse_set_at(announcement: Announcement) -> CommandAPDU:
    """MSE:Set AT for Terminal Authentication (B.11.1)."""
    data = (
        tlv.encode(_PROTOCOL, oid.encode(announcement.protocol))
        + tlv.encode(_REFERENCE, cvc.encode_reference(announcement.reference))
        + tlv.encode(_EPHEMERAL, announcement.ephemeral)
        + announcement.auxiliary
    )
    return CommandAPDU(0x00, 0x22, 0x81, 0xA4, data)


def decode_mse_set_at(data: bytes) -> Announcement:
    """Parse the data of MSE:Set AT for Terminal Authentication, in any order; raise ParseError."""
    objects = {item.tag: item for item in tlv.parse_all(data, unique=True)}
    auxiliary = objects.pop(AUXILIARY_DATA, None)
    if set(objects) != {_PROTOCOL, _REFERENCE, _EPHEMERAL}:
        raise ParseError("MSE:Set AT: not the objects of Terminal Authentication")
    return Announcement(
        cvc.decode_reference(objects[_REFERENCE].value),
        objects[_EPHEMERAL].value,
        auxiliary.encode() if auxiliary else b"",
        oid.decode(objects[_PROTOCOL].value),
    )


def get_challenge() -> CommandAPDU:
    """GET CHALLENGE, 8 octets (B.11.6)."""
    return CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=CHALLENGE_SIZE)


def external_authenticate(signature: bytes) -> CommandAPDU:
    """EXTERNAL AUTHENTICATE with the plain signature r || s (B.11.7)."""
    return CommandAPDU(0x00, 0x82, 0x00, 0x00, signature)


def signature_input(id_picc: bytes, r_picc: bytes, ephemeral: bytes, auxiliary: bytes) -> bytes:
    """Return what is signed: ID_PICC || r_PICC || Comp(ephemeral key) || auxiliary data."""
    return id_picc + r_picc + ephemeral + auxiliary


def sign(key: ec.PrivateKey, message: bytes, *, algorithm: str = oid.TA_ECDSA_SHA_256) -> bytes:
    """Sign as a terminal: plain r || s."""
    public = CVPublicKey.of(key.public_key(), explicit=False, algorithm=algorithm)
    return ec.sign(key, message, algorithm=public.hash_algorithm)


def verify(
    terminal: Verified,
    announcement: Announcement,
    signature: bytes,
    *,
    id_picc: bytes,
    r_picc: bytes,
) -> None:
    """Verify a terminal's signature as a card does.

    Raises ParseError where the announcement is for another certificate or algorithm than the
    terminal's, AuthenticationFailed where the signature is not the terminal's.
    """
    if announcement.reference != terminal.reference:
        raise ParseError("Terminal Authentication: announced for another certificate")
    if announcement.protocol != terminal.certificate.public_key.algorithm:
        raise ParseError("Terminal Authentication: announced with another algorithm")
    message = signature_input(id_picc, r_picc, announcement.ephemeral, announcement.auxiliary)
    terminal.verify(signature, message)


def chain_steps(certificates: Sequence[CVCertificate]) -> tuple[Step, ...]:
    """Return the commands that make a card verify a chain, in its order."""
    return tuple(
        step
        for certificate in certificates
        for step in (
            Step(mse_set_dst(certificate.car), "MSE:Set DST"),
            Step(verify_certificate(certificate), "PSO:VERIFY CERTIFICATE"),
        )
    )


def opening_steps(
    certificates: Sequence[CVCertificate], announcement: Announcement
) -> tuple[Step, ...]:
    """Return the commands up to the challenge: the chain, MSE:Set AT, GET CHALLENGE."""
    return (
        *chain_steps(certificates),
        Step(mse_set_at(announcement), "MSE:Set AT (TA)"),
        Step(get_challenge(), "GET CHALLENGE"),
    )


def challenge(answers: Answers) -> bytes:
    """Return r_PICC from the answers to `opening_steps`; raise ParseError."""
    r_picc = answers[-1].data
    if len(r_picc) != CHALLENGE_SIZE:
        raise ParseError("GET CHALLENGE: not 8 octets")
    return r_picc
