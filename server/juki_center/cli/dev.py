"""`juki-center dev`: a whole center in a folder, with sample residents and their cards."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juki_center.cli import assembly, dev_texts, garbage, startup_guard
from juki_center.cli.clock import system_clock
from juki_center.cli.dev_agencies import enter_agencies
from juki_center.cli.dev_clerks import enter_clerks
from juki_center.cli.dev_folder import DevFolder, enter_samples
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.reloading import Hangup
from juki_center.cli.report import report, reporting
from juki_center.cli.serve import addresses, on_hangup, until_stopped
from juki_center.cli.surroundings import Surroundings
from juki_center.config import CenterConfig, EnrolmentSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_center.cli.report import JSON

AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]


@dataclass(frozen=True, slots=True)
class DevOptions:
    """Where a development center lives; a port of None is the configuration's, 0 any free one."""

    folder: Path
    port: int | None = None
    http_port: int | None = None


@dataclass(frozen=True, slots=True)
class DevCenter:
    """A development center that listens."""

    folder: DevFolder
    facts: dict[str, JSON]

    @property
    def address(self) -> str:
        """Where terminals find it, host and port."""
        return str(self.facts["grpc"])


async def dev(options: DevOptions, *, as_json: bool) -> None:
    """Run a development center until a signal asks for the end."""
    hangup = on_hangup(
        lambda: _listen(CenterConfig.load(DevFolder(options.folder).config), options)
    )
    async with running(options, hangup) as center:
        lines = [
            f"listening on {center.address} (gRPC) and http://{center.facts['http']} (status)",
            f"peers enrol at {center.facts['enrolment']}",
            f"residents and cards: {center.folder.path / 'RESIDENTS.md'}",
            *dev_texts.paste_lines(center.folder.path, center.address),
        ]
        garbage.settle()
        report("dev", center.facts, lines, as_json=as_json)
        await until_stopped()


@asynccontextmanager
async def running(options: DevOptions, hangup: Hangup | None = None) -> AsyncIterator[DevCenter]:
    """Run a development center inside a program, such as a test, until the block ends."""
    folder = DevFolder(options.folder)
    config = _listen(folder.prepare(system_clock()), options)
    cards = folder.make_cards(system_clock())
    clerks = folder.make_clerk_cards(system_clock())
    with (folder.state / "access.log").open("ab", buffering=0) as log:
        around = Surroundings(write_log=log.write, hangup=hangup or Hangup())
        async with opened_store(config) as store:
            now = system_clock()
            numbers = await store.act(lambda tx: enter_samples(tx, cards, now))
            await store.act(lambda tx: enter_clerks(tx, clerks, now))
            await store.act(lambda tx: enter_agencies(tx, now, f"juki://center/{config.node}"))
            await startup_guard.check_parts(config, store)
            async with assembly.listening(config, store, around) as server:
                facts = addresses(config, server) | {"dir": str(options.folder)}
                folder.write_texts(cards, str(facts["grpc"]), numbers)
                yield DevCenter(folder, facts)


def _listen(config: CenterConfig, options: DevOptions) -> CenterConfig:
    return replace(
        config,
        listen_grpc=_with_port(config.listen_grpc, options.port),
        listen_http=_with_port(config.listen_http, options.http_port),
        enrolment=_enrolment(config.enrolment, options),
    )


def _enrolment(settings: EnrolmentSettings, options: DevOptions) -> EnrolmentSettings:
    """Return where peers enrol: at a free port too, where another than the usual one was named."""
    if not settings.listen or options.port is None:
        return settings
    return replace(settings, listen=_with_port(settings.listen, 0))


def _with_port(address: str, port: int | None) -> str:
    host = address.rpartition(":")[0]
    return address if port is None else f"{host}:{port}"


def dev_command(
    folder: Annotated[Path, typer.Option("--dir", help="Where it lives.")] = Path("out/dev"),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="gRPC port; 0: any free one.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Status port; 0: any free one.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Run a center with invented residents and their cards, making what is missing."""
    options = DevOptions(folder, port, http_port)
    with reporting("dev", as_json=as_json):
        run(dev(options, as_json=as_json))
