"""The making of a card, cut everywhere: the card's power, the stream, the center itself.

After each cut either a second run with the same chip finishes, or the card is given up and another
blank is taken. Never are there two usable cards, nor a card of ours that the center does not know,
nor a lost try of a PIN; and nothing stays open.

Long by JUKI_LONG=1: the power goes at every point. Short: at a dozen, each kind of point among
them, chosen by a seed that a failure prints. The stream and the center are cut everywhere always.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from juki_card.virtual.memory import PIN_TRIES, CardMemory
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import serial_of
from juki_cardbox.power import CutAt, CutPoint
from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.personalisations import reconcile
from juki_center.areas.cards.register import CardStatus
from juki_center.errors import Reason, Refusal
from juki_client.outcome import Problem
from juki_client.stream import Stream
from juki_terminal.personalisation import Wanted, open_ones, personalise, prove, write
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.support.card_factory import (
    CLERK,
    SURROUNDINGS,
    Factory,
    Loop,
    card_factory,
    furnish,
    patiently,
)
from tests.support.sampling import sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_cardbox.power import PowerSupply
    from juki_center.areas.cards.application_rows import Application
    from juki_center.areas.cards.numbers import ApplicationNumber
    from juki_center.areas.ports import Tx
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder
    from juki_terminal.channel import Center

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

T = TypeVar("T")
USABLE = frozenset({CardStatus.MADE, CardStatus.HELD, CardStatus.ACTIVE, CardStatus.SUSPENDED})
MESSAGES = 12
"""Of a whole run: hello, five batches, their answers, the result."""
ACTS = ("expect", "begin", "know the card", "record the proof")


@dataclass
class Run:
    """An application and the chip that is to become its card."""

    factory: Factory
    terminal: Center
    number: ApplicationNumber
    chip: Path

    @classmethod
    def new(cls, factory: Factory, terminal: Center) -> Run:
        return cls(factory, terminal, factory.apply(), factory.blank())

    def write(self, supply: PowerSupply | None = None) -> str:
        """Write the chip; return its access number."""
        return write(
            self.terminal,
            self.factory.reader(self.chip, supply),
            Wanted(self.number),
            surroundings=SURROUNDINGS,
        ).card_access_number

    def prove(self, access_number: str, supply: PowerSupply | None = None) -> None:
        reader = self.factory.reader(self.chip, supply)
        prove(self.terminal, reader, access_number, surroundings=SURROUNDINGS)

    def finish(self) -> None:
        """Run it again, with the same chip."""
        patiently(
            lambda: personalise(
                self.terminal,
                self.factory.reader(self.chip),
                Wanted(self.number),
                surroundings=SURROUNDINGS,
            )
        )

    def give_up_and_take_another(self) -> None:
        """Declare void what was begun, if anything was, and make a card of another blank."""
        given_up, self.chip = self.chip, self.factory.blank()
        self._give_up()
        try:
            self.finish()
        except Problem as problem:
            if problem.reason != "PERSONALISATION_OPEN":
                raise
            # What the torn stream had begun was not on disk yet when it was asked for.
            self._give_up()
            self.finish()
        self.check_chip(given_up, {CardStatus.VOID})

    def _give_up(self) -> None:
        row = self.factory.read(lambda tx: tx.personalisations.newest_of(self.number))
        if row is None:
            return
        request = pb.VoidPersonalisationRequest(
            request_id=str(uuid.uuid4()),
            clerk_name=CLERK,
            personalisation_id=row.personalisation_id,
        )
        self.terminal.call(self.terminal.cards.VoidPersonalisation, request)

    def check(self) -> None:
        """Look at center, card and list, when all should be well."""
        person = self.application.person
        cards = self.factory.read(lambda tx: tx.cards.of_person(person))
        assert self.application.state is ApplicationState.READY
        assert sum(card.status in USABLE for card in cards) == 1
        assert not [card for card in cards if card.status is CardStatus.MAKING]
        self.check_chip(self.chip, {CardStatus.MADE})
        assert not open_ones(self.terminal)
        left = self.factory.read(
            lambda tx: reconcile(tx, "juki://center/test", datetime.now(UTC), is_trial=True)
        )
        assert (left.given_up, left.left) == ((), ())

    def check_chip(self, chip: Path, expected: set[CardStatus]) -> None:
        """A chip that answers as a card is known, in the right state, with all its tries."""
        memory = CardFile(chip).read()
        if not isinstance(memory, CardMemory):
            return
        serial = serial_of(memory)
        known = self.factory.read(lambda tx: tx.cards.card(serial))
        assert known is not None
        assert known.status in expected
        assert memory.pin.tries_left == PIN_TRIES

    def settle(self) -> None:
        """End the person's card, so that the next run is about one card again."""

        def end(tx: Tx) -> None:
            for card in tx.cards.of_person(self.application.person):
                if card.status in USABLE:
                    tx.cards.set_status(card.serial, CardStatus.REVOKED)

        self.factory.act(end)

    @property
    def application(self) -> Application:
        found = self.factory.read(lambda tx: tx.applications.application(self.number))
        assert found is not None
        return found


Recovery = Callable[[Run], None]
RECOVERIES: dict[str, Recovery] = {
    "finished": Run.finish,
    "given-up": Run.give_up_and_take_another,
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture(scope="module")
def factory(
    tmp_path_factory: pytest.TempPathFactory, furnished: Path, pki: PKIFolder
) -> Iterator[Factory]:
    folder = Path(shutil.copytree(furnished, tmp_path_factory.mktemp("factory") / "store"))
    with card_factory(folder, pki) as running:
        yield running


@pytest.fixture(scope="module")
def terminal(factory: Factory) -> Iterator[Center]:
    with factory.terminal() as center:
        yield center


@dataclass
class Witness:
    """A supply that cuts nothing and notes every point that a run reaches."""

    points: list[CutAt] = field(default_factory=list)

    def reached(self, point: CutPoint, exchange: int, write_number: int) -> None:
        self.points.append(CutAt(point, exchange, write_number))


def _sampled(points: list[CutAt], where: str) -> list[CutAt]:
    return sampled(points, 12, where=where, kind=lambda cut: cut.point)


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_power_cut_anywhere_while_the_chip_is_written(
    factory: Factory, terminal: Center, recovery: str
) -> None:
    witness, whole = Witness(), Run.new(factory, terminal)
    whole.write(witness)
    whole.finish()
    whole.settle()

    for cut in _sampled(witness.points, f"written {recovery}"):
        run = Run.new(factory, terminal)
        with cut_off("CARD_REMOVED"):
            run.write(cut)
        RECOVERIES[recovery](run)
        run.check()
        run.settle()

    assert {cut.exchange for cut in witness.points} == set(range(1, 12))
    assert {cut.point for cut in witness.points} == set(CutPoint)


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_power_cut_anywhere_while_the_card_proves_itself(
    factory: Factory, terminal: Center, recovery: str
) -> None:
    witness, whole = Witness(), Run.new(factory, terminal)
    whole.prove(whole.write(), witness)
    whole.settle()

    for cut in _sampled(witness.points, f"proved {recovery}"):
        run = Run.new(factory, terminal)
        access_number = run.write()
        with cut_off("CARD_REMOVED"):
            run.prove(access_number, cut)
        RECOVERIES[recovery](run)
        run.check()
        run.settle()

    assert len(witness.points) > 2 * MESSAGES


@pytest.mark.parametrize("recovery", RECOVERIES)
@pytest.mark.parametrize("messages", range(1, MESSAGES + 1))
def test_stream_torn_after_any_message(
    factory: Factory, terminal: Center, messages: int, recovery: str
) -> None:
    run = Run.new(factory, terminal)

    torn(run, messages)
    RECOVERIES[recovery](run)

    run.check()
    run.settle()


@pytest.mark.parametrize("recovery", RECOVERIES)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, len(ACTS) + 1), ids=ACTS)
def test_center_killed_around_any_act(
    tmp_path: Path, furnished: Path, pki: PKIFolder, number: int, moment: str, recovery: str
) -> None:
    loop, alive = Loop(), Path(shutil.copytree(furnished, tmp_path / "alive"))
    mortal = Mortal(alive, tmp_path / "disk", number, moment)
    with (
        card_factory(alive, pki, loop=loop, wrap=mortal.around) as running,
        running.terminal() as terminal,
    ):
        run = Run.new(running, terminal)
        with suppress(Problem):
            run.prove(run.write())

    with (
        card_factory(tmp_path / "disk", pki, loop=loop) as risen,
        risen.terminal() as terminal,
    ):
        after = Run(risen, terminal, run.number, run.chip)
        RECOVERIES[recovery](after)
        after.check()
    loop.close()


def test_what_nobody_takes_up_again_is_given_up_by_the_center(
    factory: Factory, terminal: Center
) -> None:
    run = Run.new(factory, terminal)
    run.write()
    later = datetime.now(UTC) + timedelta(days=31)

    reconciled = factory.act(lambda tx: reconcile(tx, "juki://center/test", later))

    assert [row.application for row, _ in reconciled.given_up] == [run.number]
    run.check_chip(run.chip, {CardStatus.VOID})
    assert not open_ones(terminal)
    assert run.application.state is ApplicationState.APPROVED


def test_what_belongs_to_an_application_that_has_ended_is_given_up_by_the_center(
    factory: Factory, terminal: Center
) -> None:
    run = Run.new(factory, terminal)
    run.write()
    now = datetime.now(UTC)
    factory.act(
        lambda tx: tx.applications.set_state(
            run.number, ApplicationState.CANCELLED, ended_at=now, end_reason=None
        )
    )

    reconciled = factory.act(lambda tx: reconcile(tx, "juki://center/test", now))

    assert [row.application for row, _ in reconciled.given_up] == [run.number]
    run.check_chip(run.chip, {CardStatus.VOID})
    assert run.application.state is ApplicationState.CANCELLED


def test_card_of_an_application_that_ended_while_it_was_written_is_not_made(
    factory: Factory, terminal: Center
) -> None:
    run = Run.new(factory, terminal)
    access_number = run.write()
    now = datetime.now(UTC)
    factory.act(
        lambda tx: tx.applications.set_state(
            run.number, ApplicationState.CANCELLED, ended_at=now, end_reason=None
        )
    )

    with cut_off("PERSONALISATION_NOT_FOUND"):
        run.prove(access_number)

    run.check_chip(run.chip, {CardStatus.MAKING})
    factory.act(lambda tx: reconcile(tx, "juki://center/test", now))
    run.check_chip(run.chip, {CardStatus.VOID})


class Mortal:
    """A store whose center dies before or after the nth act, with what is on the disk then."""

    def __init__(self, alive: Path, disk: Path, number: int, moment: str) -> None:
        self._alive = alive
        self._disk = disk
        self._left = number
        self._moment = moment
        self._is_dead = False

    def around(self, store: SQLiteStore) -> _Dying:
        return _Dying(store, self)

    def enters(self) -> bool:
        """Count an act; say whether it is the one."""
        if self._is_dead:
            raise Refusal(Reason.STORE_UNAVAILABLE)
        self._left -= 1
        return self._left == 0

    def dies(self, moment: str) -> None:
        if moment == self._moment:
            self._is_dead = True
            shutil.copytree(self._alive, self._disk)
            raise Refusal(Reason.STORE_UNAVAILABLE)


class _Dying:
    """What the services of a mortal center see of its store."""

    def __init__(self, store: SQLiteStore, mortal: Mortal) -> None:
        self._store = store
        self._mortal = mortal

    async def act(self, act: Callable[[Tx], T]) -> T:
        is_last = self._mortal.enters()
        if is_last:
            self._mortal.dies("before")
        answer = await self._store.act(act)
        if is_last:
            self._mortal.dies("after")
        return answer

    def read(self, question: Callable[[Tx], T]) -> T:
        return self._store.read(question)

    async def ask(self, question: Callable[[Tx], T]) -> T:
        return await self._store.ask(question)


@contextmanager
def cut_off(reason: str) -> Iterator[None]:
    """Expect the run to end for a reason."""
    with pytest.raises(Problem) as caught:
        yield
    assert caught.value.reason == reason


def torn(run: Run, messages: int) -> None:
    """Go so many messages far, and vanish."""
    center, reader = run.terminal, run.factory.reader(run.chip)
    stream: Stream[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse] = Stream(
        lambda steps: center.cards.PersonaliseCard(steps, timeout=20), seconds=10
    )
    said = 1
    hello = pb.PersonaliseHello(clerk_name=CLERK, application_number=run.number)
    with closing(stream), closing(reader):
        reader.connect(1)
        stream.send(pb.PersonaliseCardRequest(hello=hello))
        while said < messages:
            step = stream.receive()
            said += 1
            if step.WhichOneof("step") == "result" or said == messages:
                return
            responses = [reader.transmit(command.apdu) for command in step.batch.commands]
            answers = card_pb.Answers(batch_number=step.batch.number, responses=responses)
            stream.send(pb.PersonaliseCardRequest(answers=answers))
            said += 1
