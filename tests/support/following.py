"""Streams of news at a center of several workers, one of them at each, and how they end."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc

from juki_client.channel import problem_of
from juki_terminal.channel import Center
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from tests.support.center_process import eventually
from tests.support.crew_center import CrewCenter
from tests.support.registering import terminal_at

REPLACED = "WATCH_REPLACED"
_MOST_LINES = 40
_OPEN = re.compile(r'juki_terminal_watches_open\{worker="(\d+)"\} 1\.0')


class Following:
    """A stream that is read to its end on a thread; when it ended, and why."""

    def __init__(self, line: Center) -> None:
        self.line = line
        self.reason = ""
        self.ended_at = 0.0
        self._begun = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def begun(self) -> bool:
        """Wait for its first message, or its end; say whether either has come."""
        return self._begun.wait(30)

    def ended(self, seconds: float) -> bool:
        """Wait for its end; say whether it has come."""
        return self._ended.wait(seconds)

    def _follow(self) -> None:
        try:
            for _ in self.line.terminals.Watch(pb.WatchRequest()):
                self._begun.set()
        except grpc.RpcError as error:
            self.reason, self.ended_at = problem_of(error).reason, time.time()
        self._begun.set()
        self._ended.set()


@contextmanager
def followed_at_each(center: CrewCenter, name: str) -> Iterator[list[Following]]:
    """Open a terminal's stream on connection after connection until each worker has one.

    A worker has one stream of a terminal: those that were replaced are not given.
    """
    workers = {str(one.number) for one in center.workers()}

    def have_one() -> set[str]:
        return set(_OPEN.findall(center.status("/metrics")[1]))

    with ExitStack() as opened:
        streams: list[Following] = []
        while have_one() != workers:
            assert len(streams) < _MOST_LINES, "the kernel gives all connections to one worker"
            line = opened.enter_context(terminal_at(center.folder, center.address, name))
            streams.append(Following(line))
            assert streams[-1].begun()
        eventually(lambda: sum(not one.ended(0) for one in streams) == len(workers))
        yield [one for one in streams if not one.ended(0)]
