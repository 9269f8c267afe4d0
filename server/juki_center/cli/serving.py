"""`juki-center serve`: in one process, or as the supervisor of several.

Which parts are imported depends on that: a supervisor handles no call and imports no gRPC.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.cli.crew import MOST_WORKERS
from juki_center.cli.crew_errors import WorkersFailed
from juki_center.cli.event_loop import run
from juki_center.cli.worker_place import WorkerPlace
from juki_center.config import CenterConfig
from juki_center.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_WORKERS,
        help="Serve by so many processes, which are replaced when they die; needs a database.",
    ),
]
Least = Annotated[
    int,
    typer.Option(
        "--ready-workers",
        min=1,
        max=MOST_WORKERS,
        help="With --workers: how many must be ready for /ready to say so.",
    ),
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


def serve_command(
    config: Config = DEFAULT_CONFIG,
    workers: Workers = None,
    least: Least = 1,
    as_json: AsJSON = False,
) -> None:
    """Listen until SIGTERM or SIGINT; SIGHUP reads keys and configuration again.

    With --workers, SIGHUP replaces the workers one after the other, each of which reads everything
    anew; `juki-center workers restart` does the same and waits for it.
    """
    if workers is None:
        _serve(config, as_json=as_json)
        return
    try:
        _supervise(config, workers, least, as_json=as_json)
    except (ConfigInvalid, WorkersFailed, OSError) as error:
        # What says it well is made of gRPC's parts; nothing is started any more.
        from juki_center.cli.report import fail, failure  # noqa: PLC0415

        fail("serve", failure(error), as_json=as_json)


def _serve(config: Path, *, as_json: bool) -> None:
    from juki_center.cli import serve  # noqa: PLC0415  # a supervisor has no use for it
    from juki_center.cli.report import reporting  # noqa: PLC0415

    place = WorkerPlace.of(os.environ)
    with reporting("serve", as_json=as_json):
        if place is not None:
            run(serve.work(config, place))
        else:
            run(serve.serve(config, as_json=as_json))


def _supervise(path: Path, workers: int, least: int, *, as_json: bool) -> None:
    from juki_center.cli.supervisor import Orders, supervise, workers_command  # noqa: PLC0415

    if least > workers:
        raise ConfigInvalid("--ready-workers", "cannot be more than --workers")
    orders = Orders(workers_command(path), workers, least)
    run(supervise(CenterConfig.load(path), orders, _telling(as_json=as_json)))


def _telling(*, as_json: bool) -> Callable[[Mapping[str, str | int]], None]:
    def tell(facts: Mapping[str, str | int]) -> None:
        line = (
            f"{facts['workers']} workers listen on {facts['grpc']} (gRPC);"
            f" http://{facts['http']} (status)"
        )
        if as_json:
            found = {"schema": "juki/1", "command": "serve", "ok": True, "result": dict(facts)}
            line = json.dumps(found, ensure_ascii=False)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    return tell
