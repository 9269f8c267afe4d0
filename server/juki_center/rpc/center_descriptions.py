"""What peers must trust now, read from the PKI folder and proved before it is given away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp

from juki_center.errors import Reason, Refusal
from juki_pki import descriptions
from juki_pki.errors import PKIError
from jukinet.fleet.v1 import center_descriptions_pb2 as pb

if TYPE_CHECKING:
    from juki_pki.descriptions import Described
    from juki_pki.folder import PKIFolder

_KEPT: Final = timedelta(seconds=5)


class DescriptionsSource:
    """Gives the descriptions, read at most once in five seconds."""

    def __init__(self, pki: PKIFolder) -> None:
        self._pki = pki
        self._known: tuple[datetime, pb.CenterDescriptions] | None = None

    async def current(self, now: datetime) -> pb.CenterDescriptions:
        """Return what is to be trusted now.

        Raises Refusal(DESCRIPTIONS_UNAVAILABLE) where the folder cannot be read, or does not prove
        itself: while a key is being replaced, its files are for a moment those of two times.
        """
        if self._known is not None and now - self._known[0] < _KEPT:
            return self._known[1]
        try:
            described = await asyncio.to_thread(self._read, now)
        except PKIError as error:
            raise Refusal(Reason.DESCRIPTIONS_UNAVAILABLE) from error
        answer = message(described)
        self._known = (now, answer)
        return answer

    def forget(self) -> None:
        """Read anew at the next call: whoever is told of a change must not be given what was."""
        self._known = None

    def _read(self, now: datetime) -> Described:
        described = descriptions.read(self._pki)
        descriptions.prove(described, now.astimezone(UTC).date(), trusted=None)
        return described


def message(described: Described) -> pb.CenterDescriptions:
    """Return descriptions as the proto has them."""
    return pb.CenterDescriptions(
        version=described.version,
        files=[_file(name, content) for name, content in sorted(described.files.items())],
        access_certificates=described.access_certificates,
    )


def _file(name: str, content: bytes) -> pb.TrustFile:
    file = pb.TrustFile(name=name, content=content)
    validity = descriptions.validity_of(name, content)
    if validity is not None:
        file.valid_from.CopyFrom(_timestamp(validity[0]))
        file.valid_to.CopyFrom(_timestamp(validity[1]))
    return file


def _timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
