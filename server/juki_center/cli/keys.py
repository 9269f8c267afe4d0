"""`juki-center keys`: which keys the store has, and replacing one while the center serves.

The work itself stands in `storage.rotation`; here it is cut into steps that are short enough for a
center that serves from the same file to have its turn, and shown.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.pace import Pace
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import RuleBroken
from juki_center.storage.rotation import CENTER_KEY, LOOK_UP, Target

if TYPE_CHECKING:
    from juki_center.cli.report import JSON
    from juki_center.storage.center_store import CenterStore
    from juki_center.storage.keyring import StoredKey
    from juki_center.storage.rotation import Rotation, Step
    from juki_center.storage.transaction import Transaction

app = typer.Typer(
    no_args_is_help=True,
    help="Look at the store's keys, or replace one; works beside a center that serves.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_FIRST_LIMIT: Final = 50
_MOST_ROWS: Final = 5_000
# A step holds the write lock: acts of a serving center wait for it no longer than this.
_STEP_SECONDS: Final = 0.02


@app.command()
def status(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Say which versions of each key there are, and which rotation is not done."""
    with reporting("keys status", as_json=as_json):
        run(_status(CenterConfig.load(config), as_json=as_json))


@app.command()
def rotate(
    municipality: Annotated[
        str | None, typer.Option(metavar="CODE", help="The data key of this register.")
    ] = None,
    look_up: Annotated[
        bool, typer.Option("--look-up", help="The look-up keys of codes and of attributes.")
    ] = False,
    center: Annotated[bool, typer.Option("--center", help="The center's own data key.")] = False,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Replace a key and destroy the old one; cut off, the same command goes on where it was."""
    with reporting("keys rotate", as_json=as_json):
        target = _target(municipality, look_up=look_up, center=center)
        run(_rotate(CenterConfig.load(config), target, as_json=as_json))


def _target(municipality: str | None, *, look_up: bool, center: bool) -> Target:
    wanted = [LOOK_UP] * look_up + [CENTER_KEY] * center
    if municipality is not None:
        wanted.append(Target("municipality", MunicipalityCode(municipality)))
    if len(wanted) != 1:
        raise RuleBroken("ONE_KEY_AT_A_TIME")
    return wanted[0]


async def _status(config: CenterConfig, *, as_json: bool) -> None:
    async with opened_store(config) as store:
        keys = store.read(lambda tx: tx.keys.stored())
        running = store.read(lambda tx: tx.rotations.running())
        closed = store.read(lambda tx: tx.registers.disconnected())
    result: dict[str, JSON] = {
        "keys": [
            {"key": one.name, "version": one.version, "state": one.state.value} for one in keys
        ],
        "rotations": [_running(one) for one in running],
        "disconnected": [str(one) for one in closed],
    }
    lines = [*map(_key_line, keys), *map(_running_line, running)]
    lines += [f"municipality {one}  disconnected: its key opens nothing now" for one in closed]
    report("keys status", result, lines, as_json=as_json)


def _key_line(key: StoredKey) -> str:
    return f"{key.name:22} version {key.version:<4} {key.state.value}"


def _running_line(one: Rotation) -> str:
    return (
        f"rotation of {one.target}: version {one.before} to {one.after}, at {one.stage.value}, "
        f"begun {one.began_at:%Y-%m-%d %H:%M}Z; go on with `juki-center keys rotate`"
    )


def _running(one: Rotation) -> JSON:
    return {
        "target": one.target,
        "from": one.before,
        "to": one.after,
        "stage": one.stage.value,
        "beganAt": one.began_at.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class _Work:
    """A rotation, and who answers for it in the log."""

    target: Target
    caller: str

    def begin(self, tx: Transaction) -> tuple[Rotation, bool]:
        """Act: make the new key; tell whether a rotation was gone on with instead."""
        municipality = self.target.municipality
        if municipality is not None and not tx.registers.is_hosted(municipality):
            raise RuleBroken("NOT_HOSTED", "--municipality")
        found = tx.rotations.of(self.target)
        if found is not None:
            return found, True
        begun = tx.rotations.begin(self.target, system_clock())
        self._log(tx, begun, "begun")
        return begun, False

    def step(self, tx: Transaction, rotation: Rotation, limit: int) -> Step:
        """Act: go on; the log has the end in the transaction that destroys the old key."""
        is_running = tx.rotations.of(self.target) is not None
        done = tx.rotations.step(self.target, limit)
        if done.is_last and is_running:
            self._log(tx, rotation, "done")
        return done

    def _log(self, tx: Transaction, rotation: Rotation, stage: str) -> None:
        versions = {"from": str(rotation.before), "to": str(rotation.after)}
        details = {"key": rotation.target, "stage": stage, **versions}
        tx.audit.append(
            AuditEvent(
                Event.KEYS_ROTATED,
                system_clock(),
                self.caller,
                residence=self.target.municipality,
                details=tuple(details.items()),
            )
        )


async def _rotate(config: CenterConfig, target: Target, *, as_json: bool) -> None:
    work = _Work(target, f"juki://center/{config.node}")
    async with opened_store(config) as store:
        rotation, is_resumed = await store.act(work.begin)
        rows = await _finish(store, work, rotation)
        is_log_empty = store.empty_log()
    result: dict[str, JSON] = {
        "target": rotation.target,
        "from": rotation.before,
        "to": rotation.after,
        "resumed": is_resumed,
        "rows": rows,
        "logEmptied": is_log_empty,
    }
    line = f"{target}: version {rotation.after} in use, version {rotation.before} destroyed"
    lines = [line, f"{rows} rows" + (", gone on with" if is_resumed else "")]
    if not is_log_empty:
        lines.append("the old key leaves the write-ahead log when the center next restarts")
    report("keys rotate", result, lines, as_json=as_json)


async def _finish(store: CenterStore, work: _Work, rotation: Rotation) -> int:
    """Go on to the end in short steps, as long a pause after each; return how many rows."""
    rows, limit, is_last = 0, _FIRST_LIMIT, False
    extent = store.read(lambda tx: tx.rotations.extent(work.target))
    with Pace(str(work.target), extent, unit="rows") as pace:
        while not is_last:
            began = time.monotonic()
            done = await store.act(lambda tx, limit=limit: work.step(tx, rotation, limit))  # type: ignore[misc]  # the loop's own
            took = time.monotonic() - began
            rows, is_last = rows + done.rows, done.is_last
            limit = _next_limit(limit, took)
            pace.reached(rows, rows)
            await asyncio.sleep(took)
    return rows


def _next_limit(limit: int, took: float) -> int:
    """Return how many rows the next step may take: towards the time that a step should last."""
    return max(1, min(int(limit * _STEP_SECONDS / max(took, 0.001)), 2 * limit, _MOST_ROWS))
