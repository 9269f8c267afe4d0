"""What a card needs from a PKI folder: the trust point and the card signer; a blank: its key.

The files are read here as they lie, because the package that makes them stands above this one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from juki_card.blank_key import MasterKey
from juki_card.cvc import CVCertificate
from juki_card.errors import ParseError
from juki_cardbox.errors import PKIFileError
from juki_cardbox.personalise import CardSigner

if TYPE_CHECKING:
    from pathlib import Path

TRUST_POINT: Final = "cv/cvca/certificate.cvcert"
SIGNER_CERTIFICATE: Final = "card-signer/certificate.pem"
SIGNER_KEY: Final = "card-signer/key.pem"
PERSONALISATION_KEY: Final = "personalisation.key"
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class CardMaterial:
    """The CVCA certificate that a card trusts, and who vouches for its chip key."""

    trust_point: CVCertificate
    signer: CardSigner


def load_material(folder: Path) -> CardMaterial:
    """Read what a card needs; raise PKIFileError, which names the file."""
    path = folder / TRUST_POINT
    try:
        trust_point = CVCertificate.decode(path.read_bytes())
        path = folder / SIGNER_CERTIFICATE
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        path = folder / SIGNER_KEY
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise PKIFileError(path, error.strerror or "cannot be read") from error
    except (ParseError, ValueError, TypeError) as error:
        raise PKIFileError(path, "is not what its name says") from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise PKIFileError(path, "is not the key of the card signer's certificate")
    return CardMaterial(trust_point, CardSigner(certificate.public_bytes(Encoding.DER), key))


def load_master_key(folder: Path) -> MasterKey:
    """Read the key of blank chips; raise PKIFileError, also where others than the owner can."""
    path = folder / PERSONALISATION_KEY
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o7777
            octets = file.read()
    except OSError as error:
        fact = f"{error.strerror}; `juki-pki issue personalisation-key` makes it"
        raise PKIFileError(path, fact) from error
    if mode & _OTHERS:
        raise PKIFileError(path, f"has mode {mode:04o}; a key must have 0600")
    try:
        return MasterKey.decode(octets)
    except ParseError as error:
        raise PKIFileError(path, "is not what its name says") from error
