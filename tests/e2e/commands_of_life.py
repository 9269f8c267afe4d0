"""A card's whole life by the terminal's commands, any of which may be cut off by kill -9, once.

Who is killed is the terminal or its center. Afterwards a clerk gives the same command again, or
gives the chip up and takes another. What holds after every cut, and what holds when the command has
ended, is in `commands_checks`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from juki_card.virtual.memory import CardMemory, PinRecord
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import serial_of
from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.ports import Tx
from juki_center.areas.residents.records import PersonID
from juki_center.cli.clock import system_clock
from juki_center.cli.opening import open_with_key, opened_store
from juki_center.config import CenterConfig
from juki_pki.folder import PKIFolder
from tests.e2e.killed_commands import MortalTerminals, mortal_terminals
from tests.e2e.stage import Run
from tests.support.card_factory import apply_for
from tests.support.center import SAMPLES
from tests.support.center_process import CenterProcess

T = TypeVar("T")
HOLDERS = ("yamazaki-ken", "tsuji-makoto", "tsuji-misaki", "ichigaya-fumi")
FIRST, SECOND, THIRD = "4649", "7135", "2580"
_DEATH_SECONDS = 5.0
USABLE = frozenset({CardStatus.MADE, CardStatus.ACTIVE, CardStatus.SUSPENDED})
DOCUMENTS = """{"documents": [
  {"kind": "KIND_DRIVING_LICENCE", "number": "501234567890"},
  {"kind": "KIND_PENSION_BOOK", "number": "1234-567890"}]}"""


@dataclass(frozen=True)
class Cut:
    """Where a command is cut off. `event` is one of the terminal's, counted from 1.

    `act` is a point in one of the center's acts, such as `written 2`, in place of an event.
    """

    event: int = 0
    act: str = ""
    kills_center: bool = False

    def __str__(self) -> str:
        who = "center" if self.kills_center else "terminal"
        return f"{who} killed at {self.act or f'event {self.event}'}"


@dataclass
class Counter:
    """A center and the terminal before it, either of which may die."""

    center: CenterProcess
    terminals: MortalTerminals
    made: int = 0

    @property
    def orders(self) -> Path:
        """The file by which the center is told in which act to die."""
        return self.terminals.folder / "center-cut"

    @property
    def _seen(self) -> Path:
        return self.orders.with_suffix(".seen")

    def read(self, question: Callable[[Tx], T]) -> T:
        """Look into the center's store, whether or not the center lives."""
        config = CenterConfig.load(self.center.folder / "center.toml")
        with closing(open_with_key(config)) as store:
            return store.read(question)

    def act(self, act: Callable[[Tx], T]) -> T:
        """Do something in the center's store, beside the center."""
        config = CenterConfig.load(self.center.folder / "center.toml")

        async def run() -> T:
            async with opened_store(config) as store:
                return await store.act(act)

        return asyncio.run(run())

    def run(
        self, *arguments: str, card: Path, stdin: str = "", cut: Cut | None = None
    ) -> Run | None:
        """Run a command of the terminal; None where the terminal was killed."""
        cut = cut or Cut()
        self._seen.unlink(missing_ok=True)
        if cut.act:
            self.orders.write_text(f"{cut.act} {uuid.uuid4()}", encoding="ascii")
        run = self.terminals.run(
            *arguments,
            stdin=stdin,
            fatal=cut.event,
            reader=f"virtual:{card}",
            victim=self.center.pid if cut.kills_center and cut.event else 0,
        )
        self.orders.unlink(missing_ok=True)
        return run

    def acts(self) -> int:
        """Return how many acts the center began in the last run with orders."""
        return int(self._seen.read_text(encoding="ascii")) if self._seen.exists() else 0

    def revive(self, cut: Cut) -> bool:
        """Start the center again where it is dead; say whether it was.

        A process is gone only once the last of its threads is.
        """
        if not self.center.wait_for_death(_DEATH_SECONDS if cut.kills_center else 0):
            return False
        self.center.start(cuts=str(self.orders))
        return True

    def blank(self) -> Path:
        """Take a new blank chip."""
        self.made += 1
        path = self.terminals.folder / f"chip-{self.made}.card"
        make_blank(path, PKIFolder(self.center.folder / "pki").personalisation_key())
        return path


@contextmanager
def opened_counter(center: CenterProcess, folder: Path) -> Iterator[Counter]:
    """Start a center that takes orders to die, and the process that forks terminals."""
    folder.mkdir(parents=True, exist_ok=True)
    center.start(cuts=str(folder / "center-cut"))
    config = center.folder / "mortal.toml"
    text = (center.folder / "terminal.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("[session]", "[session]\nretry_seconds = 1"), encoding="utf-8")
    (folder / "documents.json").write_text(DOCUMENTS, encoding="utf-8")
    try:
        with mortal_terminals(folder, config) as terminals:
            yield Counter(center, terminals)
    finally:
        center.stop()


@dataclass
class Life:
    """One application, its chips, and the PIN that its holder knows."""

    counter: Counter
    number: ApplicationNumber
    person: PersonID
    chip: Path
    chips: list[Path] = field(default_factory=list)

    @property
    def memory(self) -> CardMemory | None:
        """What is on the chip, None for a blank."""
        memory = CardFile(self.chip).read()
        return memory if isinstance(memory, CardMemory) else None

    @property
    def pin(self) -> PinRecord:
        """The PIN on the chip."""
        assert self.memory is not None
        return self.memory.pin

    @property
    def serial(self) -> bytes:
        """The serial of the card on the chip."""
        assert self.memory is not None
        return serial_of(self.memory)

    @property
    def card_number(self) -> str:
        """The number on the face."""
        card = self.counter.read(lambda tx: tx.cards.card(self.serial))
        assert card is not None
        return str(card.number)

    def run(self, *arguments: str, stdin: str = "", cut: Cut | None = None) -> Run | None:
        """Run a command with the chip in the reader."""
        return self.counter.run(*arguments, card=self.chip, stdin=stdin, cut=cut)

    def done(self, *arguments: str, stdin: str = "") -> Run:
        """Run a command that must succeed."""
        ended = self.run(*arguments, stdin=stdin)
        assert ended is not None
        assert ended.exit_code == 0, (arguments, ended.answer, ended.said)
        return ended


def begun_life(counter: Counter, key: str) -> Life:
    """End whatever card and application a sample resident has, and enter another application."""
    now = system_clock()

    def begin(tx: Tx) -> tuple[ApplicationNumber, PersonID]:
        holder = tx.residents.by_code(SAMPLES[key].record.code)
        assert holder is not None
        # A life that ended before its hand-over has left one open.
        for left in tx.applications.open_of_person(holder.person):
            tx.applications.set_state(
                left.number, ApplicationState.CANCELLED, ended_at=now, end_reason=None
            )
        for card in tx.cards.of_person(holder.person):
            if card.status in USABLE:
                tx.cards.set_status(card.serial, CardStatus.REVOKED)
        return apply_for(tx, key), holder.person

    number, person = counter.act(begin)
    chip = counter.blank()
    return Life(counter, number, person, chip, [chip])


Command = Callable[[Life, Cut | None], Run | None]


def personalise(life: Life, cut: Cut | None = None) -> Run | None:
    """Make the card of the chip."""
    return life.run("card", "personalise", str(life.number), cut=cut)


def hand_over(life: Life, cut: Cut | None = None) -> Run | None:
    """Hand the card over; its holder types a PIN twice."""
    return life.run(
        *("card", "hand-over", str(life.number), "--yes"),
        *("--from", _file(life, "documents.json", DOCUMENTS), "--new-pin-from", "-"),
        stdin=f"{FIRST}\n{FIRST}\n",
        cut=cut,
    )


def change_pin(life: Life, cut: Cut | None = None) -> Run | None:
    """Change the PIN, as the holder does."""
    return _change(life, FIRST, cut)


def unlock_keep(life: Life, cut: Cut | None = None) -> Run | None:
    """Give the PIN its tries back."""
    return life.run(*_unlock(life, "--keep"), "--pin-from", "-", stdin=f"{SECOND}\n", cut=cut)


def unlock_forgotten(life: Life, cut: Cut | None = None) -> Run | None:
    """Take the PIN away; the holder types another one twice."""
    return life.run(
        *_unlock(life, "--forgotten"), "--new-pin-from", "-", stdin=f"{THIRD}\n{THIRD}\n", cut=cut
    )


def _unlock(life: Life, how: str) -> tuple[str, ...]:
    assert life.memory is not None
    can = _file(life, "can", life.memory.can.octets().decode())
    documents = _file(life, "documents.json", DOCUMENTS)
    return (
        *("card", "unlock", life.card_number, how, "--yes"),
        *("--from", documents, "--can-from", can),
    )


def _change(life: Life, old: str, cut: Cut | None = None) -> Run | None:
    new = _file(life, "new-pin", f"{SECOND}\n{SECOND}\n")
    options = ("card", "change-pin", "--pin-from", "-", "--new-pin-from", new)
    return life.run(*options, stdin=f"{old}\n", cut=cut)


def lock(life: Life, right: str) -> None:
    """Type a wrong PIN until the card stops, whatever tries were left."""
    wrong = next(pin for pin in ("9406", "8317") if pin != right)
    new = _file(life, "new-pin", f"{THIRD}\n{THIRD}\n")
    options = ("card", "change-pin", "--pin-from", "-", "--new-pin-from", new)
    ended = life.run(*options, stdin=f"{wrong}\n" * 3)
    assert ended is not None
    assert ended.reason == "PIN_LOCKED", (ended.answer, ended.said)
    assert life.pin.tries_left == 0


def _file(life: Life, name: str, text: str) -> str:
    path = life.counter.terminals.folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def again(life: Life, command: Command) -> None:
    """Give the same command again, as the clerk is told to."""
    ended = command(life, None)
    assert ended is not None
    assert ended.exit_code == 0, (command.__name__, ended.answer, ended.said)


def again_unless_told(life: Life, command: Command) -> None:
    """Give the same command again; where the first run had ended, the center says that it has."""
    ended = command(life, None)
    assert ended is not None
    if ended.exit_code:
        told = ended.answer["error"]
        assert told["reason"] == "NOT_IN_THIS_STATE", (ended.answer, ended.said)
        assert told["metadata"]["state"] == "DELIVERED"


def give_up(life: Life, command: Command) -> None:
    """Give up the chip that was begun, if one was, and take another."""
    for row in life.done("card", "open").result["personalisations"]:
        life.done("card", "void", row["personalisation_id"])
        life.chip = life.counter.blank()
        life.chips.append(life.chip)
    again(life, command)


def new_pin_first(life: Life, command: Command) -> None:
    """Change the PIN again: the new one is tried first, and the old one if that is wrong."""
    ended = _change(life, SECOND)
    assert ended is not None
    if ended.exit_code:
        assert ended.reason == "PIN_WRONG", (ended.answer, ended.said)
        again(life, command)
