"""The stage of the tour: the demonstration's, and all personal texts that were put into the center.

In the tour's folder, `center/` holds what the center writes, `temporary/` what it writes for a
while, `backup/` a backup; `files/` is what its users keep outside.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from juki_center.areas.days import day_in_japan
from juki_center.cli import dev_texts
from juki_center.cli.dev_folder import NODE
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from tests.e2e.shell import run_here
from tests.e2e.stage import AGENCY, CENTER, TERMINAL, Run, Stage, VirtualSlots, finished
from tests.support.center_process import CenterProcess
from tests.support.clerks import NAME as CLERK
from tests.support.clerks import sign_in_everywhere
from tests.support.sample_texts import searched
from tests.support.second_clerk import second_window

AGENCIES = {"passport-1": "agency.toml", "pension-1": "agency-pension.toml"}
SOCKET = "local.sock"
# What tells who somebody is, by its name in a register file and on the wire.
_TELLING = {
    *("code", "name", "kana", "name_kana", "kanji_name", "alias", "birth", "original_text"),
    *("address", "building", "building_and_room", "previous_address"),
    *("registered_domicile", "family_register_head"),
}


@dataclass
class TourStage(Stage):
    """A center with samples, registers to be filled, and the list of what must not be found."""

    personal: set[str] = field(default_factory=lambda: searched(CLERK))
    numbers: set[str] = field(default_factory=set)
    """Numbers from the faces and the chips of cards, and PINs."""
    pictures: set[bytes] = field(default_factory=set)
    without_card: list[tuple[str, str]] = field(default_factory=list)
    """Codes and births of residents for whom a first card can be applied for."""
    births: dict[str, str] = field(default_factory=dict)
    applications: dict[str, str] = field(default_factory=dict)
    cards: dict[str, Path] = field(default_factory=dict)
    families: list[list[str]] = field(default_factory=list)
    """Codes of families of four without cards, by whom a move can be notified."""
    moves: dict[str, str] = field(default_factory=dict)
    moving: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Numbers of moves, and the records of who moves."""
    lifted_until: float = 0.0
    """When a measure that was lifted for a time is in force again, on the monotonic clock."""

    @property
    def files(self) -> Path:
        """Register files and the like, which hold personal texts as a matter of course."""
        return self.folder / "files"

    @property
    def state(self) -> Path:
        """The center's data folder."""
        return self.folder / "center"

    @property
    def temporary(self) -> Path:
        """Where every program puts its temporary files."""
        return self.folder / "temporary"

    @property
    def backup(self) -> Path:
        """Where the backup lies."""
        return self.folder / "backup"

    @property
    def center_config(self) -> Path:
        """The center's configuration, for the operator's commands."""
        return self.folder / "center.toml"

    @property
    def residence_config(self) -> Path:
        """The configuration of the terminal in Tokorozawa, whose clerks keep its register."""
        return self.window("112089")

    @property
    def second_residence_config(self) -> Path:
        """The configuration of another window in Tokorozawa, with another clerk."""
        return second_window(self.folder, self.residence_config, "112089")

    def window(self, municipality: str) -> Path:
        """The configuration of a terminal in another municipality, which is enrolled first."""
        identity = PeerIdentity(Role.TERMINAL, "01", municipality)
        pki = PKIFolder(self.folder / "pki")
        if not pki.peer_path(identity).exists():
            make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))
            sign_in_everywhere(self.folder, only=[identity.uri])
        path = self.folder / f"terminal-{municipality}.toml"
        text = self.config.read_text(encoding="utf-8")
        path.write_text(text.replace("131016-01", f"{municipality}-01"), encoding="utf-8")
        return path

    def clerk(
        self,
        command: str,
        request: Mapping[str, object],
        *options: str,
        config: Path | None = None,
    ) -> Run:
        """Run `juki-terminal resident` at the residence; what comes back is remembered."""
        run = self.terminal(
            *("resident", command, "--from", "-", *options),
            config=config or self.residence_config,
            stdin=json.dumps(request, ensure_ascii=False),
        )
        self.remember([request, run.answer])
        return run

    def agency_config(self, agency: str) -> Path:
        """The configuration of an agency's client."""
        return self.folder / AGENCIES[agency]

    def agency(self, agency: str, *arguments: str, stdin: str = "") -> Run:
        """Run `juki-agency --json`; what comes back is remembered."""
        options = ["--config", str(self.agency_config(agency)), "--json", "--lang", "en"]
        run = self._run([sys.executable, "-c", AGENCY, *options, *arguments], stdin)
        self.remember(run.answer)
        return run

    def confirm(self, agency: str, affair: str, person: Mapping[str, str], *options: str) -> Run:
        """Ask for a person as an agency."""
        asked = json.dumps(person, ensure_ascii=False)
        arguments = ("confirm", "--affair", affair, "--from", "-", *options)
        return self.agency(agency, *arguments, stdin=asked)

    def record(self, code: str) -> dict[str, Any]:
        """Return a record of Tokorozawa as its clerks see it."""
        run = self.clerk("show", {"code": code})
        assert run.exit_code == 0, (run.answer, run.said)
        found: dict[str, Any] = run.result["record"]
        return found

    def version(self, code: str) -> int:
        """Return the number of a record's newest version."""
        return int(self.record(code)["version"])

    def store(self) -> sqlite3.Connection:
        """Open the store to look at it; without the keys, it shows what a thief would see."""
        path = (self.state / "center.sqlite").resolve()
        return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)

    def ask_store(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the store a question in SQL."""
        with closing(self.store()) as sql:
            return sql.execute(question, values).fetchall()

    def operate(self, *arguments: str, stdin: str = "") -> Run:
        """Run `juki-center --json` on this center."""
        return self.operator(*arguments, "--config", str(self.center_config), "--json", stdin=stdin)

    def _run(self, command: list[str], stdin: str) -> Run:
        """Run a command of ours in this process, any other in its own."""
        if command[2:3] not in ([AGENCY], [CENTER], [TERMINAL]):
            return super()._run(command, stdin)
        # Imported late: gRPC reads its settings when it is imported.
        from juki_agency.cli import main as agency
        from juki_center.cli.commands import app as center
        from juki_terminal.cli import main as terminal

        mains = {AGENCY: agency, CENTER: center, TERMINAL: terminal}
        began = time.monotonic()
        ended = run_here(mains[command[2]], command[3:], stdin=stdin, environment=self.environment)
        return finished(ended.exit_code, ended.out, ended.said, time.monotonic() - began)

    def remember(self, facts: object) -> None:
        """Keep every text in an answer or a line of a file that tells who somebody is."""
        for name, text in _texts(facts):
            if name in _TELLING and text:
                self.personal |= {text, *text.split("\u3000")} - {""}

    def remember_file(self, path: Path) -> None:
        """Keep the personal texts of a register file."""
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self.remember(row)


def today() -> str:
    """Return today's date in Japan as an office writes it."""
    day = day_in_japan(datetime.now(UTC))
    return f"令和{day.year - 2018}年{day.month}月{day.day}日"


def _texts(facts: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(facts, str):
        yield name, facts
    elif isinstance(facts, Mapping):
        for key, value in facts.items():
            yield from _texts(value, str(key))
    elif isinstance(facts, Iterable):
        for value in facts:
            yield from _texts(value, name)


@contextmanager
def opened_tour(folder: Path, *, with_clerks: bool = True) -> Iterator[TourStage]:
    """Bring up a center whose files, logs and temporary files all lie in the folder.

    Without clerks, a scenario signs them in.
    """
    for part in ("files", "temporary", "backup"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    settings = dev_texts.center_toml(NODE).replace("[listen]", f'[listen]\nlocal = "{SOCKET}"')
    (folder / "center.toml").write_text(settings, encoding="utf-8")
    temporary = str(folder / "temporary")
    environment = {name: temporary for name in ("TMPDIR", "SQLITE_TMPDIR")}
    log = folder / "center" / "process.log"
    process = CenterProcess(folder, log=log, environment=environment, with_clerks=with_clerks)
    with process as center:
        stage = TourStage(folder, center, VirtualSlots(), environment)
        yield stage
