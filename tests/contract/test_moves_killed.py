"""The center killed (-9) at each write of a move: both books or neither, and then the answer.

Long by JUKI_LONG=1: every write. Short: the first, the last, after the last, and some between.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.message import Message

from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import ResidentCode
from juki_center.rule_sets import RuleSet
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support import move_requests as ask
from tests.support.center import SAMPLES, open_test_store, serial_of
from tests.support.center_process import ROOT
from tests.support.mortal_moves import Order
from tests.support.move_books import content, disagreements
from tests.support.move_service import finished_session
from tests.support.register_records import CODE

LONG: Final = os.environ.get("JUKI_LONG") == "1"
BETWEEN: Final = 1
pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.timeout(3600 if LONG else 120)]
ORIGIN, DESTINATION = "112089", "131016"


@dataclass(frozen=True)
class Answered:
    """How a call ended in a center that lived."""

    message: Any
    writes: int


@dataclass
class Centers:
    """The centers of one folder after the other, each for one call."""

    folder: Path
    process: subprocess.Popen[str]
    rule_set: RuleSet = RuleSet.R2012_07_09
    no_transaction: bool = False

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / "center.db"

    def copied(self, name: str) -> Centers:
        """Return the same in a copy of the folder."""
        folder = self.folder.parent / name
        return replace(self, folder=Path(shutil.copytree(self.folder, folder)))

    def call(self, request: Message, municipality: str) -> Answered:
        """Call a center that lives; the call must be answered."""
        assert not self._ordered(request, municipality, 0)
        told = json.loads((self.folder / "answer.json").read_text(encoding="utf-8"))
        assert told["reason"] == "", told
        kind = getattr(pb, request.DESCRIPTOR.name.replace("Request", "Response"))
        return Answered(kind.FromString(bytes.fromhex(told["answer"])), told["writes"])

    def die(self, request: Message, municipality: str, fatal: int) -> None:
        """Call a center that dies before a write."""
        assert self._ordered(request, municipality, fatal), fatal

    def _ordered(self, request: Message, municipality: str, fatal: int) -> bool:
        order = Order(
            folder=str(self.folder),
            method=request.DESCRIPTOR.name.removesuffix("Request"),
            request=request.SerializeToString().hex(),
            municipality=municipality,
            rule_set=self.rule_set,
            fatal=fatal,
            no_transaction=self.no_transaction,
        )
        (self.folder / "answer.json").unlink(missing_ok=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        return bool(json.loads(self.process.stdout.readline())["killed"])

    def session(self) -> bytes:
        """Finish a session of Taro's card in Chiyoda."""
        store = open_test_store(self.folder)
        try:
            return asyncio.run(finished_session(store, serial_of(ask.TARO)))
        finally:
            store.close()

    def grow(self) -> None:
        """Enter a fourth member of the family."""
        child = SAMPLES[ask.SAKURA].record

        def act(tx: Tx) -> None:
            where = tx.residents.by_code(child.code)
            assert where is not None
            sister = tx.residents.resident(where.person)
            record = replace(child, code=ResidentCode(CODE))
            tx.residents.enter(sister.municipality, sister.household, record)

        store = open_test_store(self.folder)
        try:
            asyncio.run(store.act(act))
        finally:
            store.close()


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[str]]:
    """The process that forks centers."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal_moves"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    yield started
    assert started.stdin is not None
    started.stdin.close()
    started.wait(20)


@pytest.fixture
def centers(folder: Path, process: subprocess.Popen[str]) -> Centers:
    """Centers of a folder with everybody in it, and with a fourth one in Taro's family."""
    found = Centers(folder, process)
    found.grow()
    return found


Prepared = tuple[Message, str]


def notice(_: Centers) -> Prepared:
    """Four persons are to move by card."""
    return ask.filing(movers=family()), ORIGIN


def family() -> list[pb.Mover]:
    """Return the four of Taro's family."""
    return [*ask.movers(*ask.FAMILY), pb.Mover(code=CODE, expected_version=1)]


def late_notice(_: Centers) -> Prepared:
    """The planned day was long ago: the records are deleted at once, and cards lapse."""
    long_ago = ask.plan(planned_date="2026-10-20")
    return ask.filing(movers=family(), plan=long_ago), ORIGIN


def withdrawal(centers: Centers) -> Prepared:
    """The four, who have left already, stay."""
    filed = centers.call(late_notice(centers)[0], ORIGIN).message
    return ask.withdrawal(filed.move.number), ORIGIN


def fetch(centers: Centers) -> Prepared:
    """Their information is fetched with Taro's card."""
    centers.call(*notice(centers))
    return ask.by_card(centers.session()), DESTINATION


def special_move_in(centers: Centers) -> Prepared:
    """Three of the four have come."""
    fetched = centers.call(*fetch(centers)).message
    return ask.moving_in(fetched.transfer_id), DESTINATION


def ordinary_move_in(centers: Centers) -> Prepared:
    """Three of the four have come, with a paper."""
    paper = centers.call(ask.by_paper(movers=family()), ORIGIN).message.certificate
    moving = ask.moving_in_by_paper(paper.move_number, paper.verification_code)
    return moving, DESTINATION


def give_back(centers: Centers) -> Prepared:
    """What was fetched is given back."""
    fetched = centers.call(*fetch(centers)).message
    return ask.giving_back(fetched.transfer_id), DESTINATION


def take_back(centers: Centers) -> Prepared:
    """The three are where they were."""
    done = centers.call(*special_move_in(centers)).message
    versions = {one.record.version for one in done.registered}
    assert len(versions) == 1
    return ask.taking_back(done.move.number, version=versions.pop()), DESTINATION


def within(_: Centers) -> Prepared:
    """Fumi moves within Chiyoda."""
    return ask.moving_within(), DESTINATION


ACTS: dict[str, Callable[[Centers], Prepared]] = {
    "file": notice,
    "file late": late_notice,
    "withdraw": withdrawal,
    "fetch": fetch,
    "register by card": special_move_in,
    "register by paper": ordinary_move_in,
    "give back": give_back,
    "take back": take_back,
    "within": within,
}


def fatal_writes(writes: int) -> list[int]:
    """Return before which writes a center dies; the last of them means: after the commit."""
    if LONG:
        return list(range(1, writes + 1))
    spread = {writes * part // (BETWEEN + 1) for part in range(1, BETWEEN + 1)}
    return sorted({1, *spread, writes - 1, writes})


@pytest.mark.parametrize("name", ACTS)
def test_center_that_is_killed_at_any_write_has_both_books_or_neither_and_gives_one_answer(
    centers: Centers, name: str
) -> None:
    request, municipality = ACTS[name](centers)
    before = content(centers.database)
    writes = centers.copied("rehearsal").call(request, municipality).writes
    assert writes > 5

    for fatal in fatal_writes(writes):
        killed = centers.copied(f"killed-{fatal}")
        killed.die(request, municipality, fatal)

        after = content(killed.database)
        assert (after == before) == (fatal < writes), (fatal, writes)
        assert disagreements(killed.database) == [], fatal
        first = killed.call(request, municipality).message
        written = content(killed.database)
        assert disagreements(killed.database) == [], fatal
        assert killed.call(request, municipality).message == first, fatal
        assert content(killed.database) == written, fatal
        # What was committed is not done again by the retry: it gets the answer that nobody had.
        assert fatal < writes or written == after, fatal
        shutil.rmtree(killed.folder)


def test_center_that_commits_each_write_by_itself_is_caught(centers: Centers) -> None:
    request, municipality = special_move_in(centers)
    writes = centers.copied("rehearsal").call(request, municipality).writes
    defective = replace(centers, no_transaction=True).copied("defective")

    defective.die(request, municipality, writes // 2)

    assert content(defective.database) != content(centers.database)
    assert disagreements(defective.database) != []
