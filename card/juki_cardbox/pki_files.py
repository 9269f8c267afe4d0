"""What a card needs from a PKI folder: the trust point and the card signer.

The files are read here as they lie, because the package that makes them stands above this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from juki_card.cvc import CVCertificate
from juki_card.errors import ParseError
from juki_cardbox.errors import PKIFileError
from juki_cardbox.personalise import CardSigner

if TYPE_CHECKING:
    from pathlib import Path

TRUST_POINT: Final = "cv/cvca/certificate.cvcert"
SIGNER_CERTIFICATE: Final = "card-signer/certificate.pem"
SIGNER_KEY: Final = "card-signer/key.pem"


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
