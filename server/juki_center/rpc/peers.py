"""Who calls: the identity in the client's leaf certificate, parsed once for each certificate.

Cached by the certificate's bytes and never by the peer's address, which two callers may share.
That the certificate comes from our authority was TLS's business; what the caller may do is the
interceptor's.
"""

from __future__ import annotations

from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_pki.errors import IdentityError
from juki_pki.identity import PeerIdentity, identity_from_certificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PEM_KEY: Final = "x509_pem_cert"
_CAPACITY: Final = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """A peer whose certificate TLS has verified."""

    identity: PeerIdentity
    certificate_sha256: bytes
    """SHA-256 of the certificate's DER, 32 bytes."""
    public_key: ec.EllipticCurvePublicKey
    valid_until: datetime
    valid_from: datetime
    serial: str
    """The certificate's serial number, hexadecimal digits."""
    uri: str = field(init=False)
    role: str = field(init=False)
    municipality: MunicipalityCode | None = field(init=False)

    def __post_init__(self) -> None:
        """Make once what every call asks of the identity."""
        who = self.identity
        object.__setattr__(self, "uri", who.uri)
        object.__setattr__(self, "role", who.role.value)
        municipality = MunicipalityCode(who.municipality) if who.municipality else None
        object.__setattr__(self, "municipality", municipality)

    @classmethod
    def from_pem(cls, pem: bytes) -> Caller:
        """Parse a leaf certificate; raise UNAUTHENTICATED where it names nobody of this network."""
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            identity = identity_from_certificate(certificate)
        except (ValueError, IdentityError) as error:
            raise Refusal(Reason.UNAUTHENTICATED) from error
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Refusal(Reason.UNAUTHENTICATED)
        digest = certificate.fingerprint(hashes.SHA256())
        return cls(
            identity,
            digest,
            key,
            valid_until=certificate.not_valid_after_utc,
            valid_from=certificate.not_valid_before_utc,
            serial=f"{certificate.serial_number:x}",
        )


class Peers:
    """The callers seen lately, by the bytes of their certificate."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._callers: OrderedDict[bytes, Caller] = OrderedDict()

    def caller(self, auth_context: Mapping[str, Iterable[bytes]], now: datetime) -> Caller:
        """Return who calls; raise UNAUTHENTICATED for nobody known.

        A connection may outlive the certificate that opened it, so its end is looked at each time.
        """
        pem = next(iter(auth_context.get(_PEM_KEY, ())), None)
        if pem is None:
            raise Refusal(Reason.UNAUTHENTICATED)
        caller = self._callers.get(pem) or self._remember(pem)
        if now > caller.valid_until:
            raise Refusal(Reason.UNAUTHENTICATED)
        return caller

    def _remember(self, pem: bytes) -> Caller:
        caller = Caller.from_pem(pem)
        self._callers[pem] = caller
        if len(self._callers) > self._capacity:
            self._callers.popitem(last=False)
        return caller


# gRPC gives a servicer no place for the interceptor's findings; each call runs in its own context.
_CURRENT: Final[ContextVar[Caller]] = ContextVar("juki_center_caller")


def enter(caller: Caller) -> None:
    """Make `caller` the caller of the call that runs in this context."""
    _CURRENT.set(caller)


def current_caller() -> Caller:
    """Return the caller of the call that runs in this context."""
    return _CURRENT.get()
