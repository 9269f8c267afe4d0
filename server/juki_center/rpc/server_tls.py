"""The server's side of TLS, which a running center exchanges without closing a connection.

gRPC asks at each handshake whether there are other keys and anchors. So a new connection sees what
is in use from then on, and a connection that is open stays as it began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.rpc.tls13 import is_settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from juki_pki.credential import X509Credential


class LegacyTLSError(RuntimeError):
    """The environment would let gRPC accept TLS 1.2."""

    def __init__(self) -> None:
        super().__init__("tls13.settle() has not run: TLS 1.2 would be accepted")


class ServerTLS:
    """The center's certificate and key, and the anchors of its peers, as they are at the time.

    One for each port: what waits to be used is fetched once.
    """

    def __init__(self, center: X509Credential, anchors: Sequence[x509.Certificate]) -> None:
        if not is_settled():
            raise LegacyTLSError
        self._in_use = _facts(center, anchors)
        self._first = _configuration(center, anchors)
        self._waiting: grpc.ServerCertificateConfiguration | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that demand a client certificate below one of the anchors."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            self._fetch,  # type: ignore[arg-type]  # the stubs forget that None keeps what is in use
            require_client_authentication=True,
        )

    def open_credentials(self) -> grpc.ServerCredentials:
        """Return credentials that ask callers for no certificate, for the enrolment listener."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            self._fetch,  # type: ignore[arg-type]  # as above
            require_client_authentication=False,
        )

    def use(self, center: X509Credential, anchors: Sequence[x509.Certificate]) -> bool:
        """Use these from the next connection on; say whether they are others than before."""
        facts = _facts(center, anchors)
        if facts == self._in_use:
            return False
        self._waiting, self._in_use = _configuration(center, anchors), facts
        return True

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Answer gRPC, at each handshake and on a thread of its own; None keeps what is in use."""
        waiting, self._waiting = self._waiting, None
        return waiting


def _configuration(
    center: X509Credential, anchors: Sequence[x509.Certificate]
) -> grpc.ServerCertificateConfiguration:
    roots = b"".join(anchor.public_bytes(Encoding.PEM) for anchor in anchors)
    return grpc.ssl_server_certificate_configuration(
        [(center.key_pem, center.chain_pem)], root_certificates=roots
    )


def _facts(
    center: X509Credential, anchors: Sequence[x509.Certificate]
) -> tuple[bytes, frozenset[bytes]]:
    named = frozenset(anchor.fingerprint(hashes.SHA256()) for anchor in anchors)
    return center.chain_pem, named
