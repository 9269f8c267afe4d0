"""TLS 1.3 as the only version that completes, settled before gRPC is imported.

gRPC has no switch for the version. With P-256 certificates a cipher list that holds RSA suites only
leaves nothing to TLS 1.2, and does not touch TLS 1.3 (measured). The library reads its environment
once, when it is imported, so this module imports nothing of it.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_SETTINGS: Final = {
    "GRPC_SSL_CIPHER_SUITES": "ECDHE-RSA-AES256-GCM-SHA384",
    # Without this every failed handshake writes a line, and a port scan fills the log.
    "GRPC_VERBOSITY": "ERROR",
}


class ImportedTooEarlyError(RuntimeError):
    """gRPC was imported before its settings stood in the environment."""

    def __init__(self) -> None:
        super().__init__("grpc was imported before tls13.settle(): TLS 1.2 would be accepted")


def settle() -> None:
    """Put gRPC's settings into the environment; raise where it is too late for that."""
    if "grpc" in sys.modules and not is_settled():
        raise ImportedTooEarlyError
    os.environ.update(_SETTINGS)


def is_settled() -> bool:
    """Whether the environment leaves TLS 1.3 only."""
    name = "GRPC_SSL_CIPHER_SUITES"
    return os.environ.get(name) == _SETTINGS[name]
