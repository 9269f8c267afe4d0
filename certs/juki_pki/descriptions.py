"""What the peers of a center trust, as the center hands it out and a peer checks it.

The public folder travels whole, as files by name. What proves it goes with it: the center's access
certificates. A peer follows them from a card access authority that it trusts already, or that link
certificates lead it to, down to the descriptions, and finds each center leaf listed there. So a
peer whose pins no longer fit learns the new ones from nobody but its own center.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from juki_card import tlv
from juki_card.cvc import CERTIFICATE, CVCertificate, trust_point, verify_certificate, verify_chain
from juki_card.description import CertificateDescription
from juki_card.errors import CertificateRefused, ParseError
from juki_pki.errors import DescriptionsRefused, Missing
from juki_pki.files import read_public
from juki_pki.identity import BROKEN
from juki_pki.profile import ATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from juki_pki.folder import PKIFolder

LEAVES: Final = "center-leaves.pem"
CVCA: Final = "cvca.cvcert"
DV: Final = "dv.cvcert"
LINKS: Final = "links.cvcert"
MOST_FILES: Final = 64
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}(\.[a-z0-9-]{1,32}){0,3}")
_LABEL: Final = b"juki-net center descriptions v1\0"
_DESCRIPTION: Final = ".description.der"


@dataclass(frozen=True, slots=True)
class Described:
    """The files of a trust folder by name, and the access certificates that prove them."""

    files: Mapping[str, bytes] = field(repr=False)
    access_certificates: tuple[bytes, ...] = field(repr=False)

    @property
    def version(self) -> bytes:
        """SHA-256 over the files, 32 bytes: another one where any file is another."""
        digest = hashlib.sha256(_LABEL)
        for name, content in sorted(self.files.items()):
            digest.update(len(name).to_bytes(2, "big") + name.encode("ascii"))
            digest.update(len(content).to_bytes(4, "big") + content)
        return digest.digest()


def read(folder: PKIFolder) -> Described:
    """Read what a center hands out; raise PKIError for what is missing."""
    trust = folder.trust_path
    if not trust.is_dir():
        raise Missing(trust)
    paths = sorted(path for path in trust.iterdir() if _NAME.fullmatch(path.name))
    return Described(
        files={path.name: read_public(path) for path in paths},
        access_certificates=tuple(
            read_public(folder.cv_path(kind) / "certificate.cvcert") for kind in ATS
        ),
    )


def prove(described: Described, today: date, *, trusted: bytes | None) -> None:
    """Check that the descriptions prove each other; raise DescriptionsRefused with the rule.

    `trusted` are the card access authorities that the caller knows (one or more certificates, DER
    with tag 7F21); None where the channel alone vouches for everything, as at enrolment.
    """
    _check_names(described)
    authorities = _by_name(_certificates(described, CVCA))
    if trusted is not None:
        _check_authorities(authorities, _parsed(trusted), described, today)
    leaves = _leaf_hashes(described)
    listed = _proved_descriptions(described, authorities, today)
    for description in listed:
        if not leaves <= set(description.comm_certificates):
            raise DescriptionsRefused("LEAF_NOT_LISTED")


def validity_of(name: str, content: bytes) -> tuple[datetime, datetime] | None:
    """Return from when to when all certificates of a file are valid; None where it has none."""
    if name.endswith(".pem"):
        spans = [(one.not_valid_before_utc, one.not_valid_after_utc) for one in _x509(content)]
    elif name.endswith(".cvcert"):
        spans = [(_begin(one.effective), _end(one.expiration)) for one in _parsed(content)]
    else:
        return None
    if not spans:
        return None
    return max(first for first, _ in spans), min(last for _, last in spans)


def _check_names(described: Described) -> None:
    names = described.files.keys()
    if len(names) > MOST_FILES or not all(_NAME.fullmatch(name) for name in names):
        raise DescriptionsRefused("FILE_NAME")
    for name in (LEAVES, CVCA, DV):
        if not described.files.get(name):
            raise DescriptionsRefused("FILE_MISSING")


def _check_authorities(
    authorities: Mapping[str, CVCertificate],
    trusted: Iterable[CVCertificate],
    described: Described,
    today: date,
) -> None:
    """Require that each authority is one that is trusted, or that links lead to it from there."""
    known = _by_name(trusted)
    links = _certificates(described, LINKS) if described.files.get(LINKS) else ()
    for link in links:
        # Links stand in the order in which the authorities followed each other.
        successor = authorities.get(link.chr)
        issuer = known.get(link.car)
        if successor is None or issuer is None or link.public_key != successor.public_key:
            continue
        try:
            verify_certificate(link, trust_point(issuer), today)
        except CertificateRefused as error:
            raise DescriptionsRefused("LINK") from error
        known[successor.chr] = successor
    for name, authority in authorities.items():
        if name not in known or known[name].encode() != authority.encode():
            raise DescriptionsRefused("AUTHORITY_UNKNOWN")


def _proved_descriptions(
    described: Described, authorities: Mapping[str, CVCertificate], today: date
) -> list[CertificateDescription]:
    """Return the description of each access certificate, both proved; at least one."""
    verifiers = _by_name(_certificates(described, DV))
    found = {description.digest(): description for description in _descriptions(described)}
    proved = []
    for octets in described.access_certificates:
        certificate = _only(_parsed(octets))
        verifier = verifiers.get(certificate.car)
        authority = authorities.get(verifier.car) if verifier else None
        if verifier is None or authority is None:
            raise DescriptionsRefused("ACCESS_CERTIFICATE")
        try:
            verify_chain((verifier, certificate), authority, today)
        except CertificateRefused as error:
            raise DescriptionsRefused("ACCESS_CERTIFICATE") from error
        description = found.get(certificate.description_digest or b"")
        if description is None:
            raise DescriptionsRefused("DESCRIPTION")
        proved.append(description)
    if not proved:
        raise DescriptionsRefused("ACCESS_CERTIFICATE")
    return proved


def _descriptions(described: Described) -> Iterator[CertificateDescription]:
    for name, content in described.files.items():
        if name.endswith(_DESCRIPTION):
            try:
                yield CertificateDescription.decode(content)
            except ParseError as error:
                raise DescriptionsRefused("DESCRIPTION") from error


def _leaf_hashes(described: Described) -> set[bytes]:
    leaves = {leaf.fingerprint(hashes.SHA256()) for leaf in _x509(described.files[LEAVES])}
    if not leaves:
        raise DescriptionsRefused("FILE_MISSING")
    return leaves


def _certificates(described: Described, name: str) -> tuple[CVCertificate, ...]:
    return _parsed(described.files[name])


def _parsed(octets: bytes) -> tuple[CVCertificate, ...]:
    try:
        items = tlv.parse_all(octets)
        if any(item.tag != CERTIFICATE for item in items):
            raise DescriptionsRefused("ENCODING")
        return tuple(CVCertificate.decode_value(item.value) for item in items)
    except ParseError as error:
        raise DescriptionsRefused("ENCODING") from error


def _x509(content: bytes) -> tuple[x509.Certificate, ...]:
    if not content.strip():
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except BROKEN as error:
        raise DescriptionsRefused("ENCODING") from error


def _only(certificates: tuple[CVCertificate, ...]) -> CVCertificate:
    if len(certificates) != 1:
        raise DescriptionsRefused("ENCODING")
    return certificates[0]


def _by_name(certificates: Iterable[CVCertificate]) -> dict[str, CVCertificate]:
    return {certificate.chr: certificate for certificate in certificates}


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _end(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), UTC)
