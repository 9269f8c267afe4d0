"""Signs certificates for the acts of enrolment, with the issuing authority's key from its folder.

The folder is read for each request, so that an authority that was replaced is used at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.fleet.issuing import Issued
from juki_center.errors import Reason, Refusal
from juki_pki.certify import Issuer
from juki_pki.credential import X509Credential
from juki_pki.errors import RequestRefused
from juki_pki.identity import PeerIdentity
from juki_pki.requests import CertificateRequest, certify, parse_request

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from juki_center.areas.fleet.issuing import Sign
    from juki_center.areas.fleet.peers import Peer
    from juki_pki.profile import Profiles


@dataclass(frozen=True, slots=True)
class Authority:
    """The issuing authority as it is now: signs, and says by which certificate."""

    _issuer: Issuer
    _profiles: Profiles

    @property
    def certificate(self) -> bytes:
        """Its certificate, DER."""
        return self._issuer.certificate.public_bytes(Encoding.DER)

    def signer(self, request: CertificateRequest) -> Sign:
        """Return what an act signs a request with."""

        def sign(peer: Peer, now: datetime) -> Issued:
            identity = PeerIdentity.from_uri(peer.uri)
            made = certify(request, identity, self._profiles, self._issuer, now)
            return Issued(
                fingerprint=made.fingerprint(hashes.SHA256()),
                serial=f"{made.serial_number:x}",
                not_before=made.not_valid_before_utc,
                not_after=made.not_valid_after_utc,
                content=made.public_bytes(Encoding.DER),
            )

        return sign


@dataclass(frozen=True, slots=True)
class Issuing:
    """Where the issuing authority lies, and what it issues."""

    folder: Path | None
    profiles: Profiles

    def authority(self) -> Authority:
        """Read the authority; raise ISSUING_NOT_CONFIGURED where this center has none."""
        if self.folder is None or not self.folder.is_dir():
            raise Refusal(Reason.ISSUING_NOT_CONFIGURED)
        credential = X509Credential.load(self.folder)
        return Authority(Issuer(credential.certificate, credential.key), self.profiles)


def checked_request(octets: bytes) -> CertificateRequest:
    """Parse a certificate request; raise CERTIFICATE_REQUEST_INVALID with the rule it breaks."""
    try:
        return parse_request(octets)
    except RequestRefused as refused:
        raise Refusal(Reason.CERTIFICATE_REQUEST_INVALID, rule=refused.rule) from refused
