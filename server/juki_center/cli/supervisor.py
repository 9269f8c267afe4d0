"""`juki-center serve --workers N`: starts workers, and sees to it that they serve.

What is to be started and ended is decided by the crew; here it is done. The supervisor holds the
ports, answers on the one status address, and talks to the service manager. It handles no call and
holds no key, and gRPC is never imported here: workers are new programs and no copies of this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.cli import service_manager
from juki_center.cli.crew import Crew, Drain, Kill, Start
from juki_center.cli.crew_errors import RenewalFailed, WorkersFailed
from juki_center.cli.crew_status import CrewStatus, ask
from juki_center.cli.reserved_port import AddressTakenError, reserved
from juki_center.cli.supervisor_line import taking_orders
from juki_center.cli.worker_place import WorkerPlace
from juki_center.errors import ConfigInvalid
from juki_center.rpc import status_http
from juki_center.store_url import is_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from juki_center.cli.crew import Step
    from juki_center.config import CenterConfig

_LOOK_SECONDS: Final = 0.25
_ASK_SECONDS: Final = 0.05
_FOLDER: Final = "RUNTIME_DIRECTORY"
_NOT_FOR_WORKERS: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(frozen=True, slots=True)
class Orders:
    """What a supervisor is told: by what command workers are started, and how many there are."""

    command: Sequence[str]
    workers: int
    least: int = 1
    """How many must be ready for the whole to be."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the configuration and the supervisor settle for every worker."""

    grpc: str
    enrolment: str
    folder: Path

    def place(self, number: int, serial: int) -> WorkerPlace:
        """Return what a worker is told."""
        return WorkerPlace(number, self.grpc, self.enrolment, str(self.socket_of(serial)))

    def socket_of(self, serial: int) -> Path:
        """Return where a worker answers the supervisor."""
        return self.folder / f"{serial}.status"


def workers_command(config: Path) -> tuple[str, ...]:
    """Return the command by which a worker is started: this program, as a new one."""
    main = "from juki_center.cli import main; main()"
    return (sys.executable, "-P", "-c", main, "serve", "--config", str(config.resolve()))


async def supervise(
    config: CenterConfig, orders: Orders, tell: Callable[[Mapping[str, str | int]], None]
) -> None:
    """Have workers serve until a signal asks for the end; `tell` is told where they listen.

    Raises ConfigInvalid for a store in a file, AddressTakenError, and WorkersFailed where none of
    them gets ready.
    """
    if not is_server(config.store_url):
        raise ConfigInvalid("store.url", "names a file, and several workers need a database")
    crew = Crew(orders.workers)
    with ExitStack() as held:
        grpc = held.enter_context(reserved(config.listen_grpc))
        enrolment = held.enter_context(reserved(config.enrolment.listen))
        ground = Ground(grpc, enrolment, held.enter_context(_own_folder()))
        supervisor = Supervisor(crew, ground, orders)
        async with AsyncExitStack() as open_to_others:
            status = CrewStatus(crew, orders.least, ground.socket_of)
            http = await open_to_others.enter_async_context(_status(status, config.listen_http))
            line = taking_orders(supervisor, config.listen_local)
            await open_to_others.enter_async_context(line)
            tell(_facts(config, ground, http, orders))
            await supervisor.run()


def _facts(config: CenterConfig, ground: Ground, http: str, orders: Orders) -> dict[str, str | int]:
    return {
        "grpc": ground.grpc,
        "http": http,
        "enrolment": ground.enrolment,
        "environment": config.environment.value,
        "node": config.node,
        "workers": orders.workers,
    }


@contextlib.asynccontextmanager
async def _status(status: CrewStatus, address: str) -> AsyncIterator[str]:
    host, _, port = address.rpartition(":")
    try:
        server, chosen = await status_http.start(status, host, int(port))
    except OSError as error:
        raise AddressTakenError(address) from error
    async with server:
        yield f"{host}:{chosen}"


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """Make a folder that nobody else may enter, and throw it away at the end."""
    beside = os.environ.get(_FOLDER, "").partition(":")[0] or None
    folder = Path(tempfile.mkdtemp(prefix="juki-workers-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Supervisor:
    """Starts and ends processes as the crew says."""

    crew: Crew
    ground: Ground
    orders: Orders
    _running: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    _lives: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _last_code: int = 0
    _is_told: bool = False

    async def run(self) -> None:
        """Keep the crew at work until it has ended. Raises WorkersFailed."""
        with self._signals():
            try:
                while not self.crew.is_over:
                    await self._look()
            finally:
                for process in self._running.values():
                    _signalled(process, signal.SIGKILL)
                await asyncio.gather(*self._lives, return_exceptions=True)

    async def renew(self) -> None:
        """Replace every worker, one after the other; return when that is done.

        Raises RenewalFailed where a new one died before it was ready.
        """
        before = self.crew.renewals_failed
        self._ask_to_renew()
        while self.crew.is_renewing and not self.crew.is_ending:  # noqa: ASYNC110  # steps are few
            await asyncio.sleep(_ASK_SECONDS)
        if self.crew.renewals_failed != before:
            raise RenewalFailed

    def pids(self) -> dict[int, int]:
        """Return the process number of each worker that was started, by its serial number."""
        return {serial: process.pid for serial, process in self._running.items()}

    async def _look(self) -> None:
        for step in self.crew.steps(time.monotonic()):
            await self._take(step)
        if self.crew.is_hopeless and not self.crew.is_ending:
            raise WorkersFailed(starts=self.crew.patience.failed_starts, code=self._last_code)
        self._tell_manager()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), _LOOK_SECONDS)
        self._news.clear()

    def _tell_manager(self) -> None:
        if not self._is_told and len(self.crew.ready) >= self.orders.least:
            self._is_told = True
            service_manager.tell(service_manager.READY)

    async def _take(self, step: Step) -> None:
        match step:
            case Start(place, serial):
                await self._start(place, serial)
            case Drain(serial):
                _signalled(self._running[serial], signal.SIGTERM)
            case Kill(serial):
                _say(f"worker {self.crew.processes[serial].place} takes too long; it is killed")
                _signalled(self._running[serial], signal.SIGKILL)

    async def _start(self, place: int, serial: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in _NOT_FOR_WORKERS}
        told = self.ground.place(place, serial).variables()
        # Its own session: Ctrl-C is heard here, and workers are asked one by one.
        self._running[serial] = process = await asyncio.create_subprocess_exec(
            *self.orders.command,
            env=environment | told,
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        life = asyncio.create_task(self._live(place, serial, process))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    async def _live(self, place: int, serial: int, process: asyncio.subprocess.Process) -> None:
        """Follow a worker from its start to its end."""
        getting_ready = asyncio.create_task(self._await_ready(serial))
        code = await process.wait()
        getting_ready.cancel()
        self._last_code = code
        if code and not self.crew.is_ending:
            _say(f"worker {place} (process {process.pid}) ended with {code}")
        self.crew.has_ended(serial, time.monotonic())
        del self._running[serial]
        self.ground.socket_of(serial).unlink(missing_ok=True)
        self._news.set()

    async def _await_ready(self, serial: int) -> None:
        socket = self.ground.socket_of(serial)
        while not (await ask(socket, "/ready")).takes_calls:  # noqa: ASYNC110  # another process
            await asyncio.sleep(_ASK_SECONDS)
        self.crew.has_got_ready(serial, time.monotonic())
        self._news.set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        doing = {
            signal.SIGTERM: self._end,
            signal.SIGINT: self._end,
            signal.SIGHUP: self._ask_to_renew,
        }
        for number, do in doing.items():
            loop.add_signal_handler(number, do)
        try:
            yield
        finally:
            for number in doing:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        if not self.crew.is_ending:
            service_manager.tell(service_manager.STOPPING)
            self.crew.end()
            self._news.set()

    def _ask_to_renew(self) -> None:
        self.crew.renew()
        self._news.set()


def _signalled(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _say(line: str) -> None:
    sys.stderr.write(f"juki-center: {line}\n")
    sys.stderr.flush()
