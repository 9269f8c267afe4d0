"""A window of the residence and the desk's telephone: a card's life by their commands alone.

What a card, the center and a terminal each say of it afterwards is looked at in each of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from juki_card.virtual.memory import CardMemory
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.cli import app as card_app
from juki_center.cli import main as center_main
from juki_desk.cli import main as desk_main
from juki_pki.folder import PKIFolder
from juki_terminal.cli import main as terminal_main
from tests.e2e.shell import run_here
from tests.e2e.stage import Run, Stage, finished

DESK_CLERK = "受付\u3000電子"
LICENCE = {"kind": "KIND_DRIVING_LICENCE", "number": "3012-3456 7890"}
PENSION_BOOK = {"kind": "KIND_PENSION_BOOK", "number": "1234-567890"}
ONE: Mapping[str, object] = {"documents": [LICENCE]}
TWO: Mapping[str, object] = {"documents": [LICENCE, PENSION_BOOK]}
FORM: Mapping[str, object] = {
    "style": "CARD_STYLE_1",
    "place": "PLACE_COUNTER",
    "documents": [LICENCE],
}
LOSS: Mapping[str, object] = {
    "reporter": "REPORTER_HOLDER",
    "channel": "CHANNEL_PHONE",
    "reason": "REASON_LOST",
    "questions": [
        {"topic": "TOPIC_NAME", "answered_rightly": True},
        {"topic": "TOPIC_BIRTH_DATE", "answered_rightly": True},
    ],
    "police_report": "所沢 第12号",
}


@dataclass(frozen=True)
class Seen:
    """What the chip, the center and a terminal say of one card, each by itself.

    `chip` is the state of its PIN and the tries left, `center` its state in the register, `window`
    the same as a clerk is told, `reader` the tries that a terminal reads from the card.
    """

    chip: tuple[str, int]
    center: str
    window: str
    reader: int


@dataclass(frozen=True)
class CardLife:
    """The window; `files` takes PINs and numbers that a test types in place of a holder."""

    stage: Stage
    config: Path
    files: Path

    def clerk(
        self,
        *arguments: str,
        form: Mapping[str, object] | None = None,
        card: Path | None = None,
        **entries: str,
    ) -> Run:
        """Run a command of the window, with a card in the reader where one is given.

        `entries` are what people type: options whose files hold one entry a line.
        """
        line = [*arguments, *(["--from", "-"] if form is not None else [])]
        stdin = json.dumps(form, ensure_ascii=False) if form is not None else ""
        if card is None:
            return self.here(*line, *self._typed(entries), stdin=stdin)
        with self.stage.slots.insert(card) as reader:
            return self.stage.terminal(
                *line, *self._typed(entries), config=self.config, reader=reader, stdin=stdin
            )

    def here(self, *arguments: str, stdin: str = "") -> Run:
        """Run a command of the window that needs no card, in this process."""
        options = ("--config", str(self.config), "--json", "--lang", "en")
        ended = run_here(terminal_main, (*options, *arguments), stdin=stdin)
        return finished(ended.exit_code, ended.out, ended.said, 0.0)

    def at_reader(self, card: Path, *arguments: str, config: Path | None = None, **e: str) -> Run:
        """Run a command that a holder brings a card to, at this or another terminal."""
        with self.stage.slots.insert(card) as reader:
            return self.stage.terminal(
                *arguments, *self._typed(e), config=config or self.config, reader=reader
            )

    def copy(self, card: Path, *pins: str, config: Path | None = None) -> Run:
        """Ask for a copy with these PINs, one after the other."""
        out = str(self.files / "copy.pdf")
        return self.at_reader(
            card, "copy", "issue", "--out", out, config=config, pin_from="\n".join(pins)
        )

    def apply(self, code: str, *options: str, **changes: object) -> Run:
        """Apply for a first card."""
        form = {"form": {**FORM, "code": code, **changes}}
        return self.clerk("application", "submit", "--yes", *options, form=form)

    def blank(self, name: str) -> Path:
        """Make a blank chip of this issuer."""
        path = self.files / f"{name}.card"
        path.unlink(missing_ok=True)
        make_blank(path, PKIFolder(self.stage.folder / "pki").personalisation_key())
        return path

    def make(self, application: str, card: Path) -> Run:
        """Make a card of the blank in the reader."""
        return self.clerk("card", "personalise", application, card=card)

    def hand_over(self, application: str, card: Path, *pins: str) -> Run:
        """Hand a card over; its holder enters the PIN twice."""
        typed = "\n".join(pins)
        return self.clerk(
            "card", "hand-over", application, "--yes", form=ONE, card=card, new_pin_from=typed
        )

    def unlock(self, number: str, card: Path, *options: str, **entries: str) -> Run:
        """Unlock a card's PIN, with two documents."""
        return self.clerk(
            *("card", "unlock", number, "--yes", *options),
            form=TWO,
            card=card,
            can_from=can_of(card),
            **entries,
        )

    def desk(self, *arguments: str, stdin: str = "") -> Run:
        """Run a command of the desk's."""
        config = str(self.stage.folder / "desk.toml")
        line = ("--config", config, "--json", "--lang", "en", *arguments)
        ended = run_here(desk_main, line, stdin=stdin)
        return finished(ended.exit_code, ended.out, ended.said, 0.0)

    def report_loss(self, card: Mapping[str, str]) -> Run:
        """Take a loss at the desk's telephone: by `code` or `card_number`."""
        report = json.dumps({**LOSS, "card": card}, ensure_ascii=False)
        return self.desk("suspend", "--from", "-", "--clerk", DESK_CLERK, stdin=report)

    def seen(self, card: Path, number: str) -> Seen:
        """Look at the card, the center and the terminal."""
        shown = run_here(card_app, ("show", str(card), "--json"))
        chip = json.loads(shown.out)["result"]
        config = ("--config", str(self.stage.folder / "center.toml"), "--json")
        status = run_here(center_main, ("cards", "status", *config, "--serial", chip["serial"]))
        (center,) = json.loads(status.out)["result"]["cards"]
        told = self.clerk("card", "show", number, form={}).result["cards"]
        read = self.at_reader(card, "card", "status", "--wait", "5")
        return Seen(
            (str(chip["pin_state"]), int(chip["tries_left"])),
            str(center["status"]),
            str(told[0]["state"]).removeprefix("CARD_STATE_"),
            int(read.result["tries_left"]),
        )

    def _typed(self, entries: Mapping[str, str]) -> list[str]:
        line: list[str] = []
        for name, text in entries.items():
            path = self.files / f"typed-{name}"
            path.write_text(text + "\n", encoding="utf-8")
            line += [f"--{name.replace('_', '-')}", str(path)]
        return line


def can_of(card: Path) -> str:
    """The access number on the card's face."""
    memory = CardFile(card).read()
    assert isinstance(memory, CardMemory)
    return memory.can.octets().decode("ascii")
