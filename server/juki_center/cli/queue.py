"""`juki-center queue`: what waits for municipalities that are cut off, and what was set aside.

It works on the store itself, beside a center that serves. It shows lengths, ages and kinds, and
never what a notice or an update says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.moves import deliveries
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import quarantine
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.report import Exit, report, reporting
from juki_center.config import CenterConfig

if TYPE_CHECKING:
    from datetime import datetime

    from juki_center.areas.fleet.queues import UpdateQueue
    from juki_center.areas.moves.waiting_rows import NoticeQueue, WaitingNotice
    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="List what waits for who is cut off; try again, or give up, what was set aside.",
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The municipality, six digits.")]
Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_SECONDS_OF_MINUTE: Final = 60

Found = tuple["list[NoticeQueue]", "list[WaitingNotice]", "list[UpdateQueue]"]


@app.command("list")
def list_command(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Say how many notices and updates wait, for whom and since when; exit with 3 where one was
    set aside or is missing."""
    with reporting("queue list", as_json=as_json):
        now = system_clock()
        queues, aside, updates = run(_found(CenterConfig.load(config)))
        result: dict[str, JSON] = {
            "notices": [shown(one, now) for one in queues],
            "setAside": [_aside(one) for one in aside],
            "updates": [quarantine.shown(one) for one in updates],
        }
        lines = [told(one, now) for one in queues]
        lines += [_aside_line(one) for one in aside]
        lines += [line for one in updates for line in quarantine.told(one)]
        report("queue list", result, lines or ["nothing waits"], as_json=as_json)
    if aside or not all(one.is_whole for one in queues):
        raise typer.Exit(Exit.REFUSED)


@app.command()
def retry(code: Code, config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Put what was set aside back at its places, to be delivered again."""
    with reporting("queue retry", as_json=as_json):
        settings, office = CenterConfig.load(config), MunicipalityCode(code)
        count = run(_retry(settings, office))
        lines = [f"{office}: {count} are delivered again"]
        report("queue retry", {"code": str(office), "notices": count}, lines, as_json=as_json)


@app.command()
def drop(
    code: Code,
    place: Annotated[int, typer.Argument(metavar="PLACE", help="Its place, from the list.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Give up a notice that was set aside; what stands behind it goes on.

    Have its sender told first: the office will not get it.
    """
    with reporting("queue drop", as_json=as_json):
        settings, office = CenterConfig.load(config), MunicipalityCode(code)
        dropped = run(_drop(settings, office, place))
        lines = [f"{office}: given up {_what(dropped)}"]
        report("queue drop", _aside(dropped), lines, as_json=as_json)


async def _found(config: CenterConfig) -> Found:
    async with opened_store(config) as store:
        return store.read(_everything)


def _everything(tx: Tx) -> Found:
    queues = tx.notices.every()
    aside = [one for queue in queues for one in tx.notices.aside(queue.municipality)]
    return queues, aside, tx.queues.every()


async def _retry(config: CenterConfig, office: MunicipalityCode) -> int:
    now, by = system_clock(), _by(config)
    async with opened_store(config) as store:
        return await store.act(lambda tx: deliveries.retry(tx, office, now, by))


async def _drop(config: CenterConfig, office: MunicipalityCode, place: int) -> WaitingNotice:
    now, by = system_clock(), _by(config)
    async with opened_store(config) as store:
        return await store.act(lambda tx: deliveries.drop(tx, office, place, now, by))


def _by(config: CenterConfig) -> str:
    return f"juki://center/{config.node}"


def shown(queue: NoticeQueue, now: datetime) -> dict[str, JSON]:
    """Return a queue as the commands print it with --json."""
    return {
        "code": str(queue.municipality),
        "state": queue.state.value,
        "since": queue.at.isoformat(),
        "waiting": queue.waiting,
        "setAside": queue.set_aside,
        "isWhole": queue.is_whole,
        "oldestSeconds": age_seconds(queue, now),
    }


def told(queue: NoticeQueue, now: datetime) -> str:
    """Return a queue as a line."""
    minutes = age_seconds(queue, now) // _SECONDS_OF_MINUTE
    line = f"{queue.municipality}: {queue.state}, {queue.waiting} notices wait"
    line += f", the oldest for {minutes} min" if queue.oldest else ""
    line += f", {queue.set_aside} set aside" if queue.set_aside else ""
    missing = queue.held - queue.waiting - queue.set_aside
    return line + (f", {missing} MISSING" if missing else "")


def age_seconds(queue: NoticeQueue, now: datetime) -> int:
    """Return how long the oldest notice of a queue has been there; 0 for none."""
    return 0 if queue.oldest is None else max(0, int((now - queue.oldest).total_seconds()))


def _aside(one: WaitingNotice) -> dict[str, JSON]:
    return {
        "code": str(one.alert.municipality),
        "place": one.place,
        "kind": one.alert.kind.value,
        "move": str(one.alert.number),
        "sent": one.alert.at.isoformat(),
        "rule": one.set_aside,
    }


def _aside_line(one: WaitingNotice) -> str:
    return f"{one.alert.municipality}: set aside {_what(one)}: {one.set_aside}"


def _what(one: WaitingNotice) -> str:
    return f"at place {one.place}, {one.alert.kind} of {one.alert.number}"
