"""A terminal's report of how it is: one small act."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Final

from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from juki_load.callers import Caller
    from juki_load.wire.header_blocks import Ending

PATH: Final = "/jukinet.fleet.v1.TerminalService/ReportStatus"
_REPORT: Final = pb.ReportStatusRequest(
    software_version="load-1", reader_ready=True, printer_ready=True
).SerializeToString()


class Reports:
    """Reports of each terminal in turn."""

    def __init__(self, terminals: Sequence[Caller]) -> None:
        """There must be a terminal."""
        self._terminals = cycle(terminals)

    def start(self, ended: Callable[[Ending], None]) -> None:
        """Report as the next terminal."""
        next(self._terminals).call(PATH, _REPORT, Listener(ended))


class Listener:
    """Hears of one report; the answer itself is not looked at."""

    __slots__ = ("ended",)

    def __init__(self, ended: Callable[[Ending], None]) -> None:
        self.ended = ended

    def message(self, octets: bytes) -> None:
        """Let the answer go."""
