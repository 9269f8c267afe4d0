"""`juki-center serve`: listen until a signal asks for the end."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from juki_center.cli import assembly, garbage, service_manager, startup_guard
from juki_center.cli.opening import opened_store
from juki_center.cli.reloading import Hangup
from juki_center.cli.report import report
from juki_center.cli.surroundings import Surroundings
from juki_center.cli.tracing import tracing_of
from juki_center.cli.worker_place import supervisor_gone
from juki_center.config import CenterConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from juki_center.cli.report import JSON
    from juki_center.cli.worker_place import WorkerPlace
    from juki_center.rpc.server import Server
    from juki_center.storage.center_store import CenterStore


async def serve(path: Path, *, as_json: bool) -> None:
    """Open the store, listen, say where, and stop on SIGTERM or SIGINT.

    SIGHUP has keys, certificates and configuration read again.
    """
    config = CenterConfig.load(path)
    hangup = on_hangup(lambda: CenterConfig.load(path))
    async with _surrounded(config, hangup) as (store, around):
        await _listen(config, store, around, as_json=as_json)


async def work(path: Path, place: WorkerPlace) -> None:
    """Serve as one of a supervisor's workers, until a signal or the supervisor's end.

    Raises as `serve` does.
    """
    config = place.placed(CenterConfig.load(path))
    hangup = on_hangup(lambda: place.placed(CenterConfig.load(path)))
    async with _surrounded(config, hangup) as (store, around):
        shared = replace(around, shares_ports=True)
        async with assembly.listening(config, store, shared):
            garbage.settle()
            await _first(until_stopped(), supervisor_gone())


async def _first(*ends: Coroutine[object, object, None]) -> None:
    """Return with the first of several ends."""
    tasks = [asyncio.ensure_future(end) for end in ends]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _surrounded(
    config: CenterConfig, hangup: Hangup
) -> AsyncIterator[tuple[CenterStore, Surroundings]]:
    async with opened_store(config) as store:
        await startup_guard.check_parts(config, store)
        with tracing_of(config) as tracing:
            yield store, Surroundings(tracing=tracing, hangup=hangup)


async def _listen(
    config: CenterConfig, store: CenterStore, around: Surroundings, *, as_json: bool
) -> None:
    async with assembly.listening(config, store, around) as server:
        facts = addresses(config, server)
        lines = [f"listening on {facts['grpc']} (gRPC) and http://{facts['http']} (status)"]
        report("serve", facts, lines, as_json=as_json)
        garbage.settle()
        service_manager.tell(service_manager.READY)
        await until_stopped()
        service_manager.tell(service_manager.STOPPING)


def addresses(config: CenterConfig, server: Server) -> dict[str, JSON]:
    """Return where a server listens, with the ports that it has really got."""
    grpc_host, http_host = (
        address.rpartition(":")[0] for address in (config.listen_grpc, config.listen_http)
    )
    return {
        "grpc": f"{grpc_host}:{server.grpc_port}",
        "http": f"{http_host}:{server.http_port}",
        "enrolment": _enrolment(config, server),
        "environment": config.environment.value,
        "node": config.node,
    }


def on_hangup(read: Callable[[], CenterConfig]) -> Hangup:
    """Return what SIGHUP rings from now on; `read` gives the configuration again."""
    hangup = Hangup(read=read)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.told.set)
    return hangup


def _enrolment(config: CenterConfig, server: Server) -> str | None:
    host = config.enrolment.listen.rpartition(":")[0]
    return f"{host}:{server.enrolment_port}" if server.enrolment_port else None


async def until_stopped() -> None:
    """Return when a signal asks for the end; a second one ends the program at once."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
