"""A window where moves are notified: its command, its book, its lists, and what is typed there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stage import RIGHT_PIN, Run
from tests.e2e.tour_cards import days_ago
from tests.e2e.tour_import import TOKOROZAWA
from tests.e2e.tour_residents import done
from tests.e2e.tour_stage import TourStage
from tests.e2e.window import CHIYODA
from tests.support.pdf_text import pages_of

Form = Mapping[str, object]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Office:
    """The window of a municipality where moves are notified."""

    stage: TourStage
    municipality: str

    @property
    def config(self) -> Path:
        """The configuration of its terminal, which has a journal of its own."""
        here = self.municipality
        return self.stage.config if here == CHIYODA else self.stage.window(here)

    def move(
        self,
        *arguments: str,
        form: Form | None = None,
        card: Path | None = None,
        pin: str = RIGHT_PIN,
    ) -> Run:
        """Run `juki-terminal move` as its clerk, with a card in the reader where one is given."""
        line, stdin = list(arguments), ""
        if form is not None:
            line += ["--from", "-", "--yes"]
            stdin = json.dumps(form, ensure_ascii=False)
        if card is None:
            return self._run(line, form, stdin)
        typed = self.stage.files / "typed-pin"
        typed.write_text(pin + "\n", encoding="ascii")
        with self.stage.slots.insert(card) as reader:
            return self._run([*line, "--pin-from", str(typed)], form, stdin, reader)

    def agreed(self, *arguments: str, form: Form) -> Run:
        """Run a command whose summary the clerk reads and agrees to."""
        path = self.stage.files / "move-form.json"
        path.write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
        return self._run([*arguments, "--from", str(path)], form, "yes\n")

    def record(self, code: str) -> Record:
        """Return a record as this municipality's book has it."""
        found: Record = done(self._show(code))["record"]
        return found

    def knows(self, code: str) -> bool:
        """Tell whether this municipality's book has the person at all."""
        return self._show(code).reason != "RESIDENT_NOT_FOUND"

    def listed(self, which: str) -> list[str]:
        """Return the numbers of the moves in one of the lists."""
        return [str(move["number"]) for move in done(self.move("list", which))["moves"]]

    def alerts(self, number: str) -> set[str]:
        """Return what this municipality was told about a move."""
        told = done(self.move("alerts"))["alerts"]
        return {str(one["kind"])[len("KIND_") :] for one in told if one["move_number"] == number}

    def records(self, codes: Sequence[str]) -> list[Record]:
        """Return records as this municipality's book has them."""
        return [self.record(code) for code in codes]

    def _show(self, code: str) -> Run:
        return self.stage.clerk("show", {"code": code}, config=self.config)

    def _run(self, line: Sequence[str], form: Form | None, stdin: str, reader: str = "") -> Run:
        """Run a command; what is sent and what comes back is remembered."""
        command = ("move", *line)
        run = self.stage.terminal(*command, config=self.config, reader=reader, stdin=stdin)
        self.stage.remember([form, run.answer])
        return run


def offices(stage: TourStage) -> tuple[Office, Office]:
    """Return the windows of Tokorozawa and Chiyoda."""
    return Office(stage, TOKOROZAWA), Office(stage, CHIYODA)


def movers(records: Sequence[Record]) -> list[dict[str, object]]:
    """Return persons as a notice names them: with the versions that the clerk saw."""
    return [{"code": one["code"], "expected_version": one["version"]} for one in records]


def roles(records: Sequence[Record]) -> list[dict[str, object]]:
    """Return persons with the relationships that they have in this book."""
    name = "relationship_to_householder"
    return [{"code": one["code"], name: one["entries"][name]} for one in records]


def states(records: Sequence[Record]) -> set[str]:
    """Return the states of records."""
    return {str(record["state"])[len("STATE_") :] for record in records}


def notice(kind: str, to: str, people: Sequence[Record], planned_ago: int = 0) -> dict[str, object]:
    """Return a notice of the day before a move: one by card is sent by post."""
    return {
        "kind": f"KIND_{kind}",
        "notification": {
            "channel": "CHANNEL_POST" if kind == "SPECIAL" else "CHANNEL_COUNTER",
            "filer": "FILER_HOUSEHOLDER",
            "notice_date": days_ago(planned_ago + 1),
        },
        "plan": {"destination_code": to, "planned_date": days_ago(planned_ago)},
        "movers": movers(people),
    }


def arriving(arrivals: object, place: Form, **more: object) -> dict[str, object]:
    """Return what a destination's clerk enters: who has come, where to, on what ground."""
    return {"arrivals": arrivals, "place": {**place, "new_household": True}, **more}


def typed_paper(run: Run, **more: object) -> dict[str, object]:
    """Return what a clerk types from the paper that a command printed."""
    paper = done(run)["certificate"]
    return {
        "move_number": paper["move_number"],
        "verification_code": paper["verification_code"],
        "moved_date": days_ago(0),
        **more,
    }


def printed(stage: TourStage, run: Run, out: Path) -> str:
    """Return the text of a paper that came out; its verification code must be found nowhere."""
    stage.personal.add(str(done(run)["certificate"]["verification_code"]))
    return "".join(pages_of(out.read_bytes()))


def told_to_both(origin: Office, destination: Office, number: str) -> None:
    """Require that both municipalities' lists and the origin's alerts have an arrival."""
    assert "ARRIVED" in origin.alerts(number)
    assert number not in origin.listed("out")
    assert number in origin.listed("out-all")
    assert number in destination.listed("in-done")


def names_all(paper: Path, number: str, records: Sequence[Record]) -> None:
    """Require that a receipt says the move's number and all names, but no code."""
    text = "".join(pages_of(paper.read_bytes()))
    assert number in text
    assert all(record["entries"]["name"] in text for record in records)
    assert not any(record["code"] in text for record in records)
