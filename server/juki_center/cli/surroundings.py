"""What a center takes from outside of its configuration: clock, log, traces, the ring for news."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from juki_center.cli.clock import system_clock
from juki_center.cli.reloading import Hangup
from juki_center.rpc.tracing import NO_TRACING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.rpc.tracing import Tracing


def standard_error(block: bytes) -> None:
    """Write a block of log lines."""
    sys.stderr.buffer.write(block)
    sys.stderr.buffer.flush()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a center takes from outside of its configuration."""

    clock: Callable[[], datetime] = system_clock
    write_log: Callable[[bytes], object] = standard_error
    tracing: Tracing = NO_TRACING
    hangup: Hangup = field(default_factory=Hangup)
    shares_ports: bool = False
    """Whether other workers of one supervisor listen on the same ports."""
