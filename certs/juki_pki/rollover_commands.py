"""The commands of roll-over: renew, activate, retire, and status, which says what comes next."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_pki import generations, rollover
from juki_pki.credential import load_certificates
from juki_pki.errors import IdentityError, PKIError
from juki_pki.expiry import Level, expiries
from juki_pki.folder import PKIFolder
from juki_pki.identity import Role
from juki_pki.printing import AsJSON, print_result, reporting
from juki_pki.profile import Profiles
from juki_pki.renewal import renew_access_if_due
from juki_pki.rollover import OVERLAPS, Rolling, Step
from juki_pki.successors import Making

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography import x509

PERIOD_SECONDS: Final = 3600.0

app = typer.Typer()


class Renewable(StrEnum):
    """What `renew` takes: all that is rolled over, and what is issued again every day."""

    CENTER = Rolling.CENTER.value
    COPY_SIGNER = Rolling.COPY_SIGNER.value
    CARD_SIGNER = Rolling.CARD_SIGNER.value
    LOG_SIGNER = Rolling.LOG_SIGNER.value
    ISSUING = Rolling.ISSUING.value
    ROOT = Rolling.ROOT.value
    CVCA = Rolling.CVCA.value
    ACCESS = "access"


Folder = Annotated[Path, typer.Argument(help="The PKI folder.")]
What = Annotated[Rolling, typer.Argument(help="What is rolled over.")]
Node = Annotated[str | None, typer.Argument(help="The center node, for `center` alone.")]
ProfileFolder = Annotated[
    Path | None,
    typer.Option("--profiles", help="Folder of profiles to use in place of the shipped ones."),
]
AtOnce = Annotated[
    bool, typer.Option("--at-once", help="Do not wait: the key got out, or nobody depends on it.")
]


@app.command()
def renew(
    what: Annotated[Renewable, typer.Argument(help="What is renewed.")],
    folder: Folder,
    node: Node = None,
    profiles: ProfileFolder = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and look every hour; for `access` alone.")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Make a successor and publish it in trust/; it is used from `activate` on.

    `access` has no successor to wait for: the card access certificates are issued again where they
    are not of today, as often as the command runs.
    """
    if watch and what is not Renewable.ACCESS:
        raise typer.BadParameter("--watch is for `access` alone")
    with reporting(f"pki renew {what}", as_json=as_json):
        if what is Renewable.ACCESS:
            _renew_access(PKIFolder(folder), profiles, watch=watch, as_json=as_json)
            return
        step = _step(Rolling(what.value), folder, node, profiles)
        rollover.renew(step)
        usable = generations.published_at(step.path) + OVERLAPS[step.what].before_use
        result = {"folder": str(step.path / generations.NEXT), "usable_from": usable.isoformat()}
        lines = [f"published {step.path / generations.NEXT}, to be used from {_minute(usable)} on"]
        print_result(f"pki renew {what}", result, lines, as_json=as_json)


@app.command()
def activate(
    what: What,
    folder: Folder,
    node: Node = None,
    profiles: ProfileFolder = None,
    at_once: AtOnce = False,
    as_json: AsJSON = False,
) -> None:
    """Use the successor from now on; what it replaces stays trusted until `retire`."""
    with reporting(f"pki activate {what}", as_json=as_json):
        step = _step(what, folder, node, profiles, at_once=at_once)
        rollover.activate(step)
        lines = [f"in use: {step.path}"]
        print_result(f"pki activate {what}", {"folder": str(step.path)}, lines, as_json=as_json)


@app.command()
def retire(
    what: What,
    folder: Folder,
    node: Node = None,
    peers: Annotated[
        Path | None, typer.Option(help="PEM file of peers' certificates that the folder lacks.")
    ] = None,
    at_once: AtOnce = False,
    as_json: AsJSON = False,
) -> None:
    """Trust predecessors no more and delete their keys, the oldest first.

    Refused while a valid certificate stands on them alone, also with --at-once.
    """
    with reporting(f"pki retire {what}", as_json=as_json):
        further = load_certificates(peers) if peers else ()
        step = _step(what, folder, node, None, at_once=at_once, further=further)
        gone = rollover.retire(step)
        result = {"folder": str(step.path), "replaced_at": [one.isoformat() for one in gone]}
        lines = [f"retired what was replaced on {_minute(one)}" for one in gone]
        print_result(f"pki retire {what}", result, lines, as_json=as_json)


@app.command()
def status(folder: Folder, as_json: AsJSON = False) -> None:
    """Say when everything ends, what waits to be used, and what may be retired when."""
    with reporting("pki status", as_json=as_json):
        pki, now = PKIFolder(folder), datetime.now(UTC)
        ends = [
            {
                "kind": one.kind.value,
                "name": one.name,
                "ends": one.ends.isoformat(),
                "level": one.level(now).value,
            }
            for one in expiries(pki)
        ]
        steps = list(_next_steps(pki))
        lines = [f"{one['level']:8}{one['ends'][:10]}  {one['kind']} {one['name']}" for one in ends]
        lines += [f"from {_minute(when)}  juki-pki {command}" for command, when in steps]
        result = {
            "certificates": ends,
            "steps": [{"command": command, "from": when.isoformat()} for command, when in steps],
            "faults": sum(one["level"] == Level.FAULT for one in ends),
        }
        print_result("pki status", result, lines, as_json=as_json)


def _next_steps(pki: PKIFolder) -> Iterator[tuple[str, datetime]]:
    making = Making(pki, Profiles.load(), datetime.now(UTC))
    nodes = (peer.name for peer in pki.peers(Role.CENTER))
    wanted = [Step(Rolling.CENTER, making, node) for node in nodes]
    wanted += [Step(what, making) for what in Rolling if what is not Rolling.CENTER]
    for step in wanted:
        words = f"{step.what} {pki.path}" + (f" {step.node}" if step.node else "")
        if generations.is_staged(step.path):
            when = generations.published_at(step.path) + OVERLAPS[step.what].before_use
            yield f"activate {words}", when
        for old in generations.predecessors(step.path):
            yield f"retire {words}", rollover.trusted_until(step.what, old)


def _step(
    what: Rolling,
    folder: Path,
    node: str | None,
    profiles: Path | None,
    *,
    at_once: bool = False,
    further: tuple[x509.Certificate, ...] = (),
) -> Step:
    if node is None and what is Rolling.CENTER:
        raise IdentityError("the node's name is missing: `center DIR NODE`, such as center-1")
    if node is not None and what is not Rolling.CENTER:
        raise IdentityError(f"only `center` has nodes: `{what.value} DIR` takes no NODE")
    making = Making(PKIFolder(folder), Profiles.load(profiles), datetime.now(UTC))
    return Step(what, making, node, at_once, further)


def _renew_access(pki: PKIFolder, profiles: Path | None, *, watch: bool, as_json: bool) -> None:
    loaded = Profiles.load(profiles)

    def once() -> None:
        renewed = renew_access_if_due(pki, loaded, datetime.now(UTC))
        lines = ["renewed" if renewed else "of today already"]
        print_result("pki renew access", {"renewed": renewed}, lines, as_json=as_json)

    if watch:
        keep_renewing(once, _an_hour_unless_ended())
    else:
        once()


def keep_renewing(renew_once: Callable[[], None], go_on: Callable[[], bool]) -> None:
    """Renew again and again, until `go_on` has waited and says no; a refusal ends nothing."""
    while True:
        try:
            renew_once()
        except PKIError as error:
            print(f"juki-pki: {error.reason}: {error}", file=sys.stderr)
        if not go_on():
            return


def _an_hour_unless_ended() -> Callable[[], bool]:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    return lambda: not ended.wait(PERIOD_SECONDS)


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}Z"
