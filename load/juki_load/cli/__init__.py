"""The commands of `juki-load`.

Exit codes and the `--json` envelope are fixed (see `juki_client.outcome`): 0 where every limit of
the scenario is met, 3 where one is missed or the run is refused. What each command does is in the
module named after it, which is loaded by its own command alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from juki_client.command_line import language_of_locale, run
from juki_client.outcome import Language
from juki_client.report import Report, end

app = typer.Typer(
    name="juki-load",
    help="Load for test centers of the resident-register network, measured honestly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How every command speaks."""

    as_json: bool
    language: Language


@app.callback()
def options(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    lang: Annotated[Language | None, typer.Option(help="Language of texts.")] = None,
) -> None:
    """Prepare terminals, cards and residents; run scenarios; compare results; find the knee."""
    context.obj = Settings(as_json, lang or language_of_locale())


From = Annotated[Path, typer.Option("--from", help="Folder of `juki-load prepare`.")]
CenterAddress = Annotated[str, typer.Option("--center", help="HOST:PORT of the center's gRPC.")]
Status = Annotated[
    str, typer.Option(help="HOST:PORT of the status page; the port after --center's by default.")
]
Processes = Annotated[int, typer.Option(min=1, help="Processes of the generator.")]
Out = Annotated[Path | None, typer.Option(help="File for the whole result.")]
Html = Annotated[Path | None, typer.Option(help="File for a page with plots.")]
Pid = Annotated[int | None, typer.Option(help="The center's process, where it runs here.")]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="Another length than the scenario's.")]
Factor = Annotated[float, typer.Option(min=0.0001, help="All rates times this.")]


@app.command("prepare")
def prepare_command(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder to make, or to go on with.")],
    center_pki: Annotated[Path, typer.Option(help="PKI folder of the test center.")],
    terminals: Annotated[int, typer.Option(min=1, help="Virtual terminals.")] = 100,
    cards: Annotated[int, typer.Option(min=0, help="Virtual cards, of the first residents.")] = 100,
    residents: Annotated[int, typer.Option(min=1, help="Invented residents.")] = 10_000,
    agencies: Annotated[int, typer.Option(min=1, help="Virtual agencies.")] = 4,
    seed: Annotated[int, typer.Option(help="The same seed invents the same people.")] = 1,
) -> None:
    """Make certificates, cards and an import file for a test center; what is there is kept."""

    def act() -> Report:
        from juki_load.cli import preparing  # noqa: PLC0415  # see the module's docstring

        return preparing.prepare_folder(
            folder, center_pki, (terminals, cards, residents, agencies, seed)
        )

    end(context.obj, "prepare", act)


@app.command("enter")
def enter_command(
    context: typer.Context,
    folder: From,
    center_config: Annotated[Path, typer.Option(help="Configuration of the test center.")],
) -> None:
    """Enter a folder's residents, cards and agencies at a test center, through its own store."""

    def act() -> Report:
        from juki_load.cli import preparing  # noqa: PLC0415  # as above

        return preparing.enter_folder(folder, center_config)

    end(context.obj, "enter", act)


@app.command("scenarios")
def scenarios_command(context: typer.Context) -> None:
    """List the scenarios that come with the program."""

    def act() -> Report:
        from juki_load.cli import running  # noqa: PLC0415  # as above

        return running.scenarios()

    end(context.obj, "scenarios", act)


@app.command("run")
def run_command(  # noqa: PLR0913, PLR0917  # as above
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a TOML file.")],
    center: CenterAddress,
    folder: From,
    status: Status = "",
    processes: Processes = 1,
    seconds: Seconds = None,
    factor: Factor = 1.0,
    machine: Annotated[str, typer.Option(help="Which of how many machines, as 2/3.")] = "1/1",
    start_at: Annotated[datetime | None, typer.Option(help="When all machines begin, UTC.")] = None,
    pid: Pid = None,
    out: Out = None,
    html: Html = None,
) -> None:
    """Run a scenario against a test center, and judge it by its limits."""

    def act() -> Report:
        from juki_load.cli import running  # noqa: PLC0415  # as above

        where = running.Where(center, folder, status, pid)
        how = running.How(scenario, processes, seconds, factor, machine, start_at)
        return running.run_scenario(where, how, out, html)

    end(context.obj, "run", act)


@app.command("merge")
def merge_command(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Results of one scenario.")],
    out: Out = None,
    html: Html = None,
) -> None:
    """Add results of several machines, and judge the sum."""

    def act() -> Report:
        from juki_load.cli import running  # noqa: PLC0415  # as above

        return running.merge(files, out, html)

    end(context.obj, "merge", act)


@app.command("compare")
def compare_command(
    context: typer.Context,
    before: Annotated[Path, typer.Argument(help="A result.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
) -> None:
    """Say what differs between two results."""

    def act() -> Report:
        from juki_load.cli import running  # noqa: PLC0415  # as above

        return running.compare(before, after)

    end(context.obj, "compare", act)


@app.command("knee")
def knee_command(  # noqa: PLR0913, PLR0917  # as above
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a TOML file.")],
    center: CenterAddress,
    folder: From,
    kind: Annotated[str, typer.Option(help="Whose latency decides.")] = "confirm",
    p99_ms: Annotated[float, typer.Option(min=0.1, help="99 of 100 must be answered so fast.")] = (
        300.0
    ),
    seconds: Annotated[float, typer.Option(min=0.5, help="Length of each measurement.")] = 20.0,
    factor: Annotated[float, typer.Option(min=0.0001, help="Where to begin.")] = 1.0,
    runs: Annotated[int, typer.Option(min=1, help="Searches in a row, for their spread.")] = 1,
    tolerance: Annotated[float, typer.Option(min=0.01, help="How wide the last bracket is.")] = (
        0.03
    ),
    status: Status = "",
    processes: Processes = 1,
) -> None:
    """Find the highest rate of a scenario at which a test center still answers in time."""

    def act() -> Report:
        from juki_load.cli import finding, running  # noqa: PLC0415  # as above

        where = running.Where(center, folder, status)
        how = running.How(scenario, processes, seconds, factor)
        target, effort = finding.Target(kind, p99_ms), finding.Effort(runs, tolerance)
        return finding.find_knee(where, how, target, effort)

    end(context.obj, "knee", act)


@app.command("calibrate")
def calibrate_command(
    context: typer.Context,
    capacity: Annotated[float, typer.Option(min=1, help="Calls a second.")] = 500.0,
    seconds: Annotated[float, typer.Option(min=0.2, help="Length of each measurement.")] = 4.0,
    runs: Annotated[int, typer.Option(min=1, help="Searches in a row.")] = 3,
) -> None:
    """Find the capacity of a server whose capacity is known; 3 where it is a tenth off."""

    def act() -> Report:
        from juki_load.cli import finding  # noqa: PLC0415  # as above

        return finding.calibrate_generator(capacity, seconds, runs)

    end(context.obj, "calibrate", act)


def main() -> None:
    """Run the command line."""
    run(app, "juki-load")
