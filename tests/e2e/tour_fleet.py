"""The fleet's part of the tour: terminals come, change their keys, are revoked, are cut off."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.scenarios import refused
from tests.e2e.stage import TERMINAL, Run
from tests.e2e.telling import Scenario
from tests.e2e.tour_agencies import PASSPORTS, outcome
from tests.e2e.tour_cards import window
from tests.e2e.tour_import import TOKOROZAWA
from tests.e2e.tour_keys import looking_up
from tests.e2e.tour_residents import done
from tests.e2e.tour_stage import SOCKET, TourStage
from tests.e2e.window import CHIYODA
from tests.support.center_process import ROOT, eventually
from tests.support.clerks import sign_in_everywhere
from tests.support.memory_search import copies, data_key, family
from tests.support.undisturbed import Stopwatch

HOLDER, LOSER = "yoshida-taro", "yoshida-sakura"
NAME = "31"
URI = f"juki://municipality/{TOKOROZAWA}/terminal/{NAME}"
WITHIN_SECONDS = 2.0
USAGE = 2
_PKI = "from juki_pki.cli import main; main()"
_LISTENER = re.compile(r"peers enrol at (\S+)")


def enrolled(stage: TourStage) -> Path:
    """The folder that the new terminal's machine has."""
    return stage.files / "enrolled"


def enrol(stage: TourStage, ticket: Path, folder: Path) -> Run:
    """Run `juki-terminal enrol` on a machine that has nothing but the ticket."""
    (listener, *_) = _LISTENER.findall(stage.center.log.read_text(encoding="utf-8"))[::-1]
    where = ("--center", listener, "--serves", stage.center.address)
    return stage.terminal("enrol", *where, "--token-from", str(ticket), "--dir", str(folder))


def look(stage: TourStage, config: Path) -> Run:
    """Have a clerk look a resident of Tokorozawa up."""
    return stage.clerk("show", {"code": stage.code(HOLDER)}, config=config)


def enrolled_by_token(stage: TourStage) -> str:
    """A terminal gets its certificate for a token that counts once, and for one place."""
    mistyped = stage.operate("enrol", "token", "--municipality", "112098", "--name", NAME)
    token = stage.operate("enrol", "token", "--municipality", TOKOROZAWA, "--name", NAME)
    assert token.exit_code == 0, token.said
    ticket = stage.files / "ticket"
    ticket.write_text(f"{token.result['token']}\n{token.result['centerMark']}\n", encoding="ascii")
    shutil.rmtree(enrolled(stage), ignore_errors=True)

    made = done(enrol(stage, ticket, enrolled(stage)))
    again = enrol(stage, ticket, stage.files / "thief")
    sign_in_everywhere(stage.folder, only=[URI])

    assert (mistyped.exit_code, mistyped.reason) == (USAGE, "INPUT_INVALID"), mistyped.said
    refused(again, "ENROLMENT_TOKEN_USED")
    assert made["uri"] == URI
    assert done(look(stage, enrolled(stage) / "terminal.toml"))["record"]
    return f"{URI} is served; the token again: ENROLMENT_TOKEN_USED; 112098: check digit wrong"


def renewed_while_the_old_one_counts(stage: TourStage) -> str:
    """Both certificates are served until the overlap ends; the new one is in use at once."""
    here, before = enrolled(stage), stage.files / "enrolled-before"
    shutil.rmtree(before, ignore_errors=True)
    shutil.copytree(here, before)

    renewed = done(stage.terminal("renew", config=here / "terminal.toml"))
    old = look(stage, before / "terminal.toml")
    new = look(stage, here / "terminal.toml")
    listed = done(stage.operate("enrol", "certificates", "--uri", URI))["certificates"]

    assert renewed["renewed"] is True
    assert (old.exit_code, new.exit_code) == (0, 0), (old.answer, new.answer)
    states = {one["state"]: one["sha256"] for one in listed}
    assert set(states) == {"CURRENT", "RETIRED"}, states
    assert states["CURRENT"] == renewed["certificateSha256"]
    return "renewed; old and new one both answered; the old one RETIRED, the new one CURRENT"


def center_leaf_rolled_over(stage: TourStage) -> str:
    """The center's certificate is exchanged while an agency calls: no restart, no failed call."""
    here, process = enrolled(stage) / "terminal.toml", stage.center.pid
    with looking_up(stage) as looked:
        roll(stage, "renew")
        # The center hands its descriptions out as it read them up to five seconds ago.
        eventually(lambda: takes_trust_over(stage, here), 20)
        roll(stage, "activate", "--at-once")
        after = look(stage, here)
    behind = look(stage, stage.files / "enrolled-before" / "terminal.toml")

    assert set(looked.outcomes) == {"MATCH"}, set(looked.outcomes)
    assert after.exit_code == 0, after.answer
    assert behind.reason == "CENTER_UNREACHABLE", "a terminal trusts what nobody told it"
    assert stage.center.pid == process
    return (
        f"{len(looked.outcomes)} look-ups meanwhile, all of them found; the terminal took the new"
        " leaf over; one that was not told: CENTER_UNREACHABLE"
    )


def takes_trust_over(stage: TourStage, config: Path) -> bool:
    """Have a terminal ask what is to be trusted, as its daily timer does; say if it was new."""
    return bool(done(stage.terminal("renew", "--if-due", config=config))["trustUpdated"])


def roll(stage: TourStage, step: str, *options: str) -> None:
    """Take a step of the roll-over of the center's leaf, and have the center read its keys."""
    command = (sys.executable, "-c", _PKI, step, "center", str(stage.folder / "pki"), "center-1")
    taken = stage.stock(*command, *options)
    assert taken.exit_code == 0, taken.said
    log = stage.state / "access.log"
    before = log.stat().st_size
    os.kill(stage.center.pid, signal.SIGHUP)
    line = '"reload":"keys","outcome":"taken over"'
    eventually(lambda: line in log.read_text(encoding="utf-8")[before:])


@contextmanager
def watching(config: Path) -> Iterator[subprocess.Popen[str]]:
    """Let a terminal follow what the center tells; it is connected when the block begins."""
    text = config.read_text(encoding="utf-8")
    if "[hotlist]" not in text:
        config.write_text(f'{text}\n[hotlist]\npath = "hotlist"\n', encoding="utf-8")
    command = [sys.executable, "-c", TERMINAL, "--config", str(config), "--json", "watch"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["event"] == "connected", first
        yield process
    finally:
        process.kill()
        process.wait()


def revoked(stage: TourStage) -> str:
    """A stolen terminal: its open stream ends with the reason, and nothing is served any more."""
    config = enrolled(stage) / "terminal.toml"
    with watching(config) as stream:
        watch = Stopwatch(stage.center.pid, stream.pid)
        run = stage.operate("revoke", URI, "--reason", "stolen")
        said, _ = stream.communicate(timeout=10)
        took = watch.seconds()
    assert run.exit_code == 0, run.said
    last = json.loads(said.splitlines()[-1])
    after = look(stage, config)

    assert last["error"]["reason"] == "CERTIFICATE_REVOKED", last
    refused(after, "CERTIFICATE_REVOKED")
    assert took < WITHIN_SECONDS, took
    return f"the stream ended {took * 1e3:.0f} ms after the command began: CERTIFICATE_REVOKED"


def until(is_so: Callable[[], bool]) -> float:
    """Return how long it took until something was so; it must be in time."""
    watch = Stopwatch()
    eventually(is_so, 10)
    took = watch.seconds()
    assert took < WITHIN_SECONDS, took
    return took


def in_memory(stage: TourStage, key: bytes) -> int:
    """Count the copies of a key in the memory of every process of the center."""
    return sum(copies(pid, key) for pid in family(stage.center.pid))


def cut_off(stage: TourStage) -> str:
    """A municipality is cut off: nothing of it is served, its key is gone, all others go on."""
    here = stage.residence_config
    assert look(stage, here).exit_code == 0
    key = data_key(stage.state / "center.sqlite", stage.state / "kek", TOKOROZAWA)
    before = in_memory(stage, key)
    cut = stage.operate("disconnect", TOKOROZAWA, "--level", "high", "--reason", "exposed media")
    assert cut.exit_code == 0, cut.said
    took = until(lambda: look(stage, here).reason == "DISCONNECTED_MUNICIPALITY")
    eventually(lambda: in_memory(stage, key) == 0, 5)
    elsewhere = stage.issue(HOLDER)
    stopped = window(stage).report_loss({"code": stage.code(LOSER)})
    neighbours = stage.clerk("show", {"code": stage.code("yamazaki-ken")}, config=stage.config)

    assert before > 0, "the search finds no key where one is in use"
    refused(elsewhere, "RESIDENCE_DISCONNECTED")
    assert done(stopped)["stopped"] is True
    assert done(neighbours)["record"]
    return (
        f"its window after {took * 1e3:.0f} ms: DISCONNECTED_MUNICIPALITY; its key {before} times"
        " in memory, then 0; elsewhere: RESIDENCE_DISCONNECTED; a card stopped by telephone;"
        " Chiyoda works"
    )


def connected_by_two(stage: TourStage) -> str:
    """One operator alone connects nothing; two do, and then everything is as before."""
    early = reconnect(stage, TOKOROZAWA)
    assert done(look(stage, stage.residence_config))["record"]
    assert stage.issue(HOLDER).exit_code == 0
    return f"unapproved: {early}; approved by the second: the window and its residents are back"


def reconnect(stage: TourStage, what: str) -> str:
    """Connect something again by two operators; return what the first one alone is told."""
    where = ("--center", stage.center.address)
    again = ("reconnect", what, "--as", "operator-1", *where)
    proposed = str(done(stage.operate(*again))["approval_id"])
    early = stage.operate(*again, "--approval", proposed)
    refused(early, "APPROVAL_PENDING")
    done(stage.operate("approve", proposed, "--yes", "--as", "operator-2", *where))
    done(stage.operate(*again, "--approval", proposed))
    return early.reason


def closed_without_keys(stage: TourStage) -> str:
    """At the local socket the machine's root cuts an agency off; nothing can be opened there."""
    uri = f"juki://agency/{PASSPORTS}"
    why = ("--level", "low", "--reason", "a leaked password")
    path = stage.folder / SOCKET
    mode = path.stat().st_mode & 0o777
    cut = stage.operate("disconnect", uri, *why, "--local")
    assert cut.exit_code == 0, cut.said
    person = {"code": stage.code(HOLDER)}
    took = until(
        lambda: stage.confirm(PASSPORTS, "passport", person).reason == "DISCONNECTED_AGENCY"
    )
    order: dict[str, object] = {
        "do": "reconnect",
        "scope": "AGENCY",
        "name": uri,
        "level": 2,
        "reason": "over",
    }
    opened = ordered(path, order)
    still = stage.confirm(PASSPORTS, "passport", person).reason
    reconnect(stage, uri)

    assert opened["ok"] is False, opened
    assert still == "DISCONNECTED_AGENCY", "the local socket has opened"
    assert mode & 0o077 == 0, oct(mode)
    assert outcome(stage.confirm(PASSPORTS, "passport", person)) == "MATCH"
    return (
        f"mode {mode:o}; DISCONNECTED_AGENCY after {took * 1e3:.0f} ms; to connect again is refused"
        f" there ({opened['reason']}); by two: MATCH"
    )


def ordered(path: Path, order: dict[str, object]) -> dict[str, object]:
    """Order something at the local socket; return the answer."""
    request = json.dumps({"request_id": str(uuid.uuid4()), **order}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(10)
        line.connect(str(path))
        line.sendall(request + b"\n")
        with line.makefile("rb") as answers:
            answer: dict[str, object] = json.loads(answers.readline())
    return answer


def drilled(stage: TourStage) -> str:
    """The drill cuts a municipality off, measures, and puts everything back."""
    people = ("--as", "operator-1", "--second", "operator-2", "--center", stage.center.address)
    measured = done(stage.operate("drill", CHIYODA, "--other", TOKOROZAWA, *people))

    assert measured["withinLimits"] is True, measured
    assert not done(stage.operate("status"))["disconnections"]
    return ", ".join(f"{name} {value}" for name, value in measured.items())


FLEET = (
    Scenario("A terminal enrols by a token", enrolled_by_token),
    Scenario("A terminal's certificate is renewed", renewed_while_the_old_one_counts),
    Scenario("The center's certificate is exchanged", center_leaf_rolled_over),
    Scenario("A stolen terminal is revoked", revoked),
    Scenario("A municipality is cut off", cut_off),
    Scenario("Two operators connect it again", connected_by_two),
    Scenario("Closed on the machine, without any key", closed_without_keys),
    Scenario("A drill of the disconnection", drilled),
)
