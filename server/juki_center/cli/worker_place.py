"""What a supervisor tells a worker at its start, past the configuration file that both read.

Where to listen is settled by the supervisor, which holds the ports; how the worker is doing is
asked of it over a socket in a folder that nobody else may enter. It stands in the environment, and
the standard input ends with the supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from juki_center.config import CenterConfig

VARIABLE: Final = "JUKI_WORKER"
_SUPERVISORS_LINE: Final = 0
"""The standard input: a pipe whose other end only the supervisor has."""


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """A worker's number, and where it listens beside the others."""

    number: int
    grpc: str
    enrolment: str
    status: str
    """The path of the socket on which it answers the supervisor's questions."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self | None:
        """Return what a supervisor has told this process; None where there is no supervisor."""
        told = environment.get(VARIABLE)
        return cls(**json.loads(told)) if told else None

    def variables(self) -> dict[str, str]:
        """Return what the worker's environment must hold."""
        return {VARIABLE: json.dumps(asdict(self))}

    def placed(self, config: CenterConfig) -> CenterConfig:
        """Return a configuration that listens where the supervisor says."""
        return replace(
            config,
            listen_grpc=self.grpc,
            listen_http=f"unix:{self.status}",
            enrolment=replace(config.enrolment, listen=self.enrolment),
        )


async def supervisor_gone() -> None:
    """Return when the supervisor has ended, in whatever way."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(_SUPERVISORS_LINE, 1):
                gone.set()

    loop.add_reader(_SUPERVISORS_LINE, look)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(_SUPERVISORS_LINE)
