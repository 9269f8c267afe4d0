"""Header blocks of requests, encoded once; endings of calls, read from trailers.

The blocks of a connection follow HPACK as a client of gRPC does: the first request teaches the
server the fields, each later one is a few indices. The peer is asked for blocks without memory
(header table of size 0), so a block that was seen before means what it meant then.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError

from juki_load.wire.frames import FrameError

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR_DOMAIN: Final = "center.jukinet"
OK: Final = 0
_UNKNOWN: Final = 2
_REMEMBERED: Final = 512
_STATUS_OF_HTTP: Final = {"401": 16, "403": 7, "404": 12, "429": 14, "502": 14, "503": 14}
CODES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""The status codes of gRPC by number."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: the code, the center's reason, and when to come back where it says so."""

    code: int = OK
    reason: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the call was answered."""
        return self.code == OK

    @property
    def name(self) -> str:
        """The reason, or the code's name where the center gave none; empty for an answer."""
        if self.is_ok:
            return ""
        return self.reason or (CODES[self.code] if self.code < len(CODES) else "UNKNOWN")


DONE: Final = Ending()


class RequestBlocks:
    """The header blocks of one connection's requests, by path."""

    def __init__(self, authority: str, patience: str = "20S") -> None:
        """`patience` is what the center is told about the caller's patience."""
        self._encoder = Encoder()
        self._authority = authority
        self._patience = patience
        self._settled: dict[str, bytes] = {}

    def limit_table(self, size: int) -> None:
        """Take the peer's limit of the table over."""
        if size < self._encoder.header_table_size:
            self._encoder.header_table_size = size
            self._settled.clear()

    def block(self, path: str, *, is_stream: bool = False) -> bytes:
        """Return the block of the next request; it must be sent, and in this order.

        A stream may last as long as it will: it names no deadline.
        """
        known = self._settled.get(path)
        return known if known is not None else self._taught(path, is_stream=is_stream)

    def _taught(self, path: str, *, is_stream: bool) -> bytes:
        before = list(self._encoder.header_table.dynamic_entries)
        block = self._encode(path, is_stream=is_stream)
        if list(self._encoder.header_table.dynamic_entries) != before:
            # New fields move the indices of all others.
            self._settled.clear()
        else:
            self._settled[path] = block
        return block

    def _encode(self, path: str, *, is_stream: bool) -> bytes:
        deadline = () if is_stream else (("grpc-timeout", self._patience),)
        fields = (
            (":method", "POST"),
            (":scheme", "https"),
            (":path", path),
            (":authority", self._authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "juki-load"),
            *deadline,
        )
        return bytes(self._encoder.encode(fields))


class Endings:
    """Reads how calls ended, and remembers the blocks that come again and again."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._decoder.max_allowed_table_size = 0
        self._known: dict[bytes, Ending | None] = {}

    def read(self, block: bytes) -> Ending | None:
        """Return the ending that a block tells; None where it tells none.

        Raises FrameError for a block that is not HPACK.
        """
        if block in self._known:
            return self._known[block]
        try:
            fields = {str(name): str(value) for name, value in self._decoder.decode(block)}
        except (HPACKError, UnicodeDecodeError) as error:
            raise FrameError("a header block cannot be read") from error
        found = _ending(fields)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[block] = found
        return found


def _ending(fields: Mapping[str, str]) -> Ending | None:
    status = fields.get("grpc-status")
    if status is None:
        http = fields.get(":status", "200")
        return None if http == "200" else Ending(_STATUS_OF_HTTP.get(http, _UNKNOWN))
    code = int(status) if status.isdigit() else _UNKNOWN
    if code == OK:
        return DONE
    return _detailed(code, fields.get("grpc-status-details-bin", ""))


def _detailed(code: int, details: str) -> Ending:
    """Return an ending with what the center says about it; what cannot be read says nothing."""
    try:
        octets = base64.b64decode(unquote(details) + "=" * (-len(details) % 4))
        status = status_pb2.Status.FromString(octets)
    except (binascii.Error, ValueError, DecodeError):
        return Ending(code)
    reason, delay = "", None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            reason = info.reason
        elif detail.Unpack(retry):
            delay = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return Ending(code, reason, delay)
