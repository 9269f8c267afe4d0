"""Windows of municipalities, driven by their commands: moves out, moves in, and what papers say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from typer.testing import CliRunner

from juki_center.cli import dev_texts
from juki_terminal.cli import app
from tests.support.center_process import CenterProcess
from tests.support.pdf_text import pages_of

CHIYODA, TOKOROZAWA, NAHA = "131016", "112089", "472018"
_JST = timezone(timedelta(hours=9))
_CODE = re.compile(r"\d{4} \d{4} \d{4} \d{4} \d{2}")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    envelope: dict[str, object]
    err: str

    @property
    def result(self) -> dict[str, object]:
        result = self.envelope.get("result")
        assert isinstance(result, dict), (self.envelope, self.err)
        return result

    @property
    def reason(self) -> object:
        error = self.envelope.get("error")
        assert isinstance(error, dict), self.envelope
        return error["reason"]

    @property
    def move(self) -> dict[str, object]:
        move = self.result["move"]
        assert isinstance(move, dict)
        return move

    @property
    def number(self) -> str:
        return str(self.move["number"])


@dataclass(frozen=True)
class Window:
    """A terminal of a municipality, with an empty reader unless a card is named."""

    config: Path
    municipality: str
    cards: Path
    papers: Path

    def run(self, *arguments: str, form: object = None, card: str = "") -> Ended:
        """Run a command; a card opens with the PIN of all samples."""
        line = ["--config", str(self.config), "--json", "--lang", "ja"]
        line += ["--reader", f"virtual:{self.cards / card}.card"] if card else []
        line += [*arguments]
        if form is not None:
            path = self.papers / f"form-{len(list(self.papers.iterdir()))}.json"
            path.write_text(json.dumps(form), encoding="utf-8")
            line += ["--from", str(path)]
        if card:
            pin = self.papers / "pin"
            pin.write_text(f"{dev_texts.PIN}\n", encoding="ascii")
            line += ["--pin-from", str(pin)]
        ended = CliRunner().invoke(app, line)
        return Ended(ended.exit_code, json.loads(ended.stdout.splitlines()[-1]), ended.stderr)

    def record(self, code: str) -> dict[str, object]:
        """Return a person's record here."""
        record = self.run("resident", "show", form={"code": code}).result["record"]
        assert isinstance(record, dict)
        return record

    def movers(self, *codes: str) -> list[dict[str, object]]:
        """Return persons with the versions of their records."""
        return [{"code": c, "expected_version": self.record(c)["version"]} for c in codes]

    def move_out(
        self, to: str, *codes: str, kind: str = "SPECIAL", on: str = "", out: Path | None = None
    ) -> Ended:
        """Enter a move-out notice."""
        form = {
            "kind": f"KIND_{kind}",
            "notification": {"channel": "CHANNEL_POST", "filer": "FILER_SELF"},
            "plan": {"destination_code": to, "planned_date": on or day()},
            "movers": self.movers(*codes),
        }
        paper = str(out or self.papers / "unused.pdf")
        return self.run("move", "out", "--out", paper, "--yes", form=form)

    def move_in(self, form: object, *options: str, card: str = "") -> Ended:
        """Register a move in."""
        return self.run("move", "in", "--yes", *options, form=form, card=card)

    def certificate(self, number: str, *options: str) -> str:
        """Issue a certificate of moving out; return the text of its first page."""
        out = self.papers / f"{number}.pdf"
        ended = self.run("move", "certificate", number, "--out", str(out), "--yes", *options)
        assert ended.code == 0, (ended.envelope, ended.err)
        return pages_of(out.read_bytes())[0]


@dataclass(frozen=True)
class Offices:
    """The windows of two municipalities."""

    tokorozawa: Window
    chiyoda: Window


def day(days: int = 0) -> str:
    """Return today in Japan, or a day before or after it."""
    return (datetime.now(UTC).astimezone(_JST).date() + timedelta(days=days)).isoformat()


def household(*codes: str, head: str) -> list[dict[str, object]]:
    """Return arrivals: the first one given heads the new household."""
    return [
        {"code": code, "relationship_to_householder": "世帯主" if code == head else "家族"}
        for code in codes
    ]


def place(address: str) -> dict[str, object]:
    """Return a new household at an address."""
    return {"address": address, "new_household": True}


def verification(page: str, number: str) -> str:
    """Read the verification code from a paper, as a clerk does."""
    found = _CODE.search(page.partition(number)[2])
    assert found is not None, page
    return found[0]


def window_of(center: CenterProcess, municipality: str) -> Window:
    """Return the window of a municipality at a center."""
    text = (center.folder / "terminal.toml").read_text(encoding="utf-8")
    config = center.folder / f"terminal-{municipality}.toml"
    config.write_text(text.replace(f"{CHIYODA}-01", f"{municipality}-01"), encoding="utf-8")
    papers = center.folder / f"papers-{municipality}"
    papers.mkdir()
    return Window(config, municipality, center.folder / "cards", papers)


def born_into(window: Window, code: str) -> str:
    """Register a newborn in a household; return the code."""
    entries = {
        "name": "𠮷田　三四郎",
        "name_kana": "ヨシダ　サンシロウ",
        "nationality": "NATIONALITY_JAPANESE",
        "date_of_birth": "令和8年11月1日",
        "sex": "SEX_MALE",
        "relationship_to_householder": "子",
        "resident_since": "令和8年11月1日",
        "registered_domicile": "埼玉県所沢市並木三丁目2番",
        "family_register_head": "𠮷田　太郎",
    }
    ended = window.run("resident", "birth", form={"household_of_code": code, "entries": entries})
    record = ended.result["record"]
    assert isinstance(record, dict)
    return str(record["code"])


def moved_by_paper(offices: Offices, code: str) -> str:
    """Move somebody from Tokorozawa to Chiyoda by paper; return the number of the move."""
    origin, destination = offices.tokorozawa, offices.chiyoda
    paper = origin.papers / f"paper-{code}.pdf"
    out = origin.move_out(CHIYODA, code, kind="ORDINARY", out=paper)
    ground = {
        "move_number": out.number,
        "verification_code": verification(pages_of(paper.read_bytes())[0], out.number),
        "moved_date": day(),
    }
    there = place("東京都千代田区麹町二丁目1番")
    form = {"paper": ground, "arrivals": household(code, head=code), "place": there}
    assert destination.move_in(form).code == 0
    return out.number
