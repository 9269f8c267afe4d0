"""What runs when somebody is cut off: it ends with the reason in time, half of nothing is left.

A card session, the making of a card, an agency's batch and an import, each of them under way; and
each goes on after the connection, by a new try or from where it was.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_card.passwords import Pin
from juki_card.virtual.blank_memory import BlankMemory
from juki_cardbox.cardfile import CardFile
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.fleet.disconnections import (
    CENTER,
    Reconnect,
    Scope,
    Subject,
    reconnect,
)
from juki_center.areas.residents.codes import ResidentCode
from juki_center.cli.fleet_parts import Fleet
from juki_center.cli.queue_drain import drain
from juki_center.config import SessionTimes
from juki_center.rpc import server
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.card_session import CardSessions, Parts
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_client.outcome import Problem
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from tests.support import register_service
from tests.support.agencies import provision_rows
from tests.support.agency_service import FINISH, line, lines, reason_of
from tests.support.agency_service import hello as batch_hello
from tests.support.agency_service import serving as bureau_in
from tests.support.card_factory import Factory, card_factory, furnish
from tests.support.center import open_test_store
from tests.support.center_cards import MemoryCard
from tests.support.center_edge import running
from tests.support.disconnecting import OPERATOR, cut_in
from tests.support.register_service import finish, hello, update_row
from tests.support.undisturbed import Stopwatch
from tests.unit.center_rpc.test_agency_batches import Batch
from tests.unit.center_rpc.test_card_session_purposes import COPY, HOLDER, PIN, SERVICE, Center
from tests.unit.center_rpc.test_import_stream import code, opened
from tests.unit.center_rpc.test_making_cards import make
from tests.unit.center_rpc.test_making_stream import Bench, Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator
    from pathlib import Path

    from juki_center.areas.cards.numbers import ApplicationNumber
    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.records import PersonID
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder

WITHIN_SECONDS = 2.0
CHIYODA = Subject(Scope.MUNICIPALITY, "131016")
TOKOROZAWA = Subject(Scope.MUNICIPALITY, "112089")
DAY = "juki://cards/made/2026-11-23/2026-11-23"


def now() -> datetime:
    return datetime.now(UTC)


def service_of(name: str) -> Subject:
    return Subject(Scope.FUNCTION, name)


async def connect(store: SQLiteStore, subject: Subject) -> None:
    """Connect a subject again; that two want it is not asked at the store."""
    command = Reconnect(OPERATOR, uuid.uuid4(), subject)
    await store.act(lambda tx: reconnect(tx, command, now()))


async def ended(store: SQLiteStore, subject: Subject, waiting: Awaitable[object]) -> str:
    """Cut a subject off; return the reason with which what waits ends, which must be in time."""
    await cut_in(store, subject)
    watch = Stopwatch()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async with asyncio.timeout(10):
            await waiting
    assert watch.seconds() < WITHIN_SECONDS
    return reason_of(raised.value)[0]


@pytest.fixture
async def counter(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[Center]:
    """A center with card sessions that minds who is cut off, and an active card."""
    shutil.copytree(furnished_registers, tmp_path / "store")
    with closing(open_test_store(tmp_path / "store")) as store:
        material, places = MaterialSource(pki, now()), OpenSessions(Metrics())
        sessions = CardSessions(Parts(store, material.current, places, SessionTimes(), now))
        service = server.Service(
            SERVICE,
            lambda s: session_grpc.add_CardSessionServiceServicer_to_server(sessions, s),
        )
        holder = store.read(lambda tx: tx.residents.by_code(HOLDER.record.code))
        assert holder is not None
        fleet = Fleet.of(store, now)
        async with (
            running(pki, service, clock=now, live=fleet.live, gates=fleet.gates) as edge,
            fleet.watching(),
        ):
            card = MemoryCard.personalised(pki, HOLDER.record.code.digits)
            center = Center(edge, pki, store, card, holder)
            await center.enter()
            yield center
            for one in center.channels:
                await one.close()


CUTS_OF_A_SESSION = [
    (Subject(Scope.TERMINAL, "juki://municipality/131016/terminal/01"), "DISCONNECTED_TERMINAL"),
    (CHIYODA, "DISCONNECTED_MUNICIPALITY"),
    (service_of("jukinet.card.v1.CardSessionService"), "DISCONNECTED_FUNCTION"),
    (CENTER, "DISCONNECTED_CENTER"),
]


@pytest.mark.parametrize("answered", [0, 1])
@pytest.mark.parametrize(("subject", "reason"), CUTS_OF_A_SESSION)
async def test_card_session_between_two_messages_ends_and_nothing_of_it_counts(
    counter: Center, subject: Subject, reason: str, answered: int
) -> None:
    """The card holds a batch of the center, the first one or the second."""
    window = counter.window(Pin(PIN))
    await window.hello(COPY)
    await window.send(ready=window.present())
    for _ in range(answered):
        await window.send(answers=window.relay((await window.receive()).batch))
    await window.receive()

    assert await ended(counter.store, subject, window.receive()) == reason
    assert sessions_in(counter) == 0
    await connect(counter.store, subject)
    result = await counter.run(COPY)
    assert counter.store.read(lambda tx: tx.cards.session(result.session_id)) is not None


async def test_card_session_ends_when_the_batch_is_cut_off_that_its_card_is_of(
    counter: Center,
) -> None:
    made = Subject(Scope.CARD_BATCH, DAY)
    window = counter.window(Pin(PIN))
    await window.hello(COPY)
    await window.send(ready=window.present())
    await window.send(answers=window.relay((await window.receive()).batch))
    second = await window.receive()

    reason = await ended(counter.store, made, window.receive())
    with pytest.raises(grpc.aio.AioRpcError) as again:
        await counter.run(COPY)

    assert second.WhichOneof("step") == "batch"
    assert (reason, reason_of(again.value)[0]) == (("DISCONNECTED_CARD_BATCH",) * 2)
    assert sessions_in(counter) == 0
    await connect(counter.store, made)
    assert len((await counter.run(COPY)).session_id) == 16


async def test_card_session_with_a_card_of_another_batch_goes_on(counter: Center) -> None:
    window = counter.window(Pin(PIN))
    await window.hello(COPY)
    await window.send(ready=window.present())
    await window.send(answers=window.relay((await window.receive()).batch))
    second = (await window.receive()).batch

    await cut_in(counter.store, Subject(Scope.CARD_BATCH, "juki://cards/chip/00"))
    await window.send(answers=window.relay(second))

    assert (await window.receive()).WhichOneof("step") == "result"


def sessions_in(counter: Center) -> int:
    """Return how many sessions the store has recorded."""
    with closing(sqlite3.connect(counter.store.path)) as sql:
        found: int = sql.execute("SELECT count(*) FROM card_sessions").fetchone()[0]
        return found


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory, pki: PKIFolder) -> Iterator[Factory]:
    """A center that makes cards and minds who is cut off."""
    folder = tmp_path_factory.mktemp("factory")
    furnish(folder)
    with card_factory(folder, pki, gated=True) as running_factory:
        yield running_factory


CUTS_OF_A_MAKING = [
    (Subject(Scope.TERMINAL, "juki://municipality/112089/terminal/01"), "DISCONNECTED_TERMINAL"),
    (TOKOROZAWA, "DISCONNECTED_MUNICIPALITY"),
    (service_of("jukinet.cards.v1.CardService"), "DISCONNECTED_FUNCTION"),
]
MAKINGS = [(*CUTS_OF_A_MAKING[1], answered) for answered in range(5)] + [
    (*CUTS_OF_A_MAKING[0], 2),
    (*CUTS_OF_A_MAKING[2], 3),
    (None, "DISCONNECTED_CARD_BATCH", 1),
    (None, "DISCONNECTED_CARD_BATCH", 4),
]


@pytest.mark.parametrize(("subject", "reason", "answered"), MAKINGS)
def test_making_of_a_card_ends_after_each_message_and_the_same_chip_is_finished_later(
    factory: Factory, subject: Subject | None, reason: str, answered: int
) -> None:
    """Without a subject the lot is cut off that the chip is of."""
    number, chip = factory.apply(), factory.blank()
    person = factory.read(lambda tx: applicant(tx, number))
    memory = CardFile(chip).read()
    assert isinstance(memory, BlankMemory)
    cut = subject or Subject(Scope.CARD_BATCH, f"juki://cards/chip/{memory.chip_serial.hex()}")
    with factory.terminal() as terminal:
        with Bench(factory, Clock(), terminal).talk(chip) as talk:
            batch = talk.hello(number)
            for _ in range(answered):
                batch = talk.onward(batch)
            factory.loop.run(cut_in(factory.store, cut))
            watch = Stopwatch()
            with pytest.raises(Problem) as caught:
                talk.stream.receive()
            took = watch.seconds()
        made = factory.read(lambda tx: made_for(tx, person))
        factory.loop.run(connect(factory.store, cut))

        finished = make(factory, terminal, number, chip)

    assert (caught.value.reason, made) == (reason, [])
    assert took < WITHIN_SECONDS
    assert factory.read(lambda tx: made_for(tx, person)) == [finished.card_number]


def applicant(tx: Tx, number: ApplicationNumber) -> PersonID:
    """Return who has applied."""
    application = tx.applications.application(number)
    assert application is not None
    return application.person


def made_for(tx: Tx, person: PersonID) -> list[str]:
    """Return the numbers of the cards of a person that count as made."""
    cards = tx.cards.of_person(person)
    return [str(card.number) for card in cards if card.status is CardStatus.MADE]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject(Scope.AGENCY, "juki://agency/pension-1"), "DISCONNECTED_AGENCY"),
        (
            service_of("jukinet.agencies.v1.IdentityConfirmationService"),
            "DISCONNECTED_FUNCTION",
        ),
        (CENTER, "DISCONNECTED_CENTER"),
    ],
)
async def test_batch_of_an_agency_ends_behind_its_last_answered_line_and_goes_on_from_there(
    pki: PKIFolder, furnished_agencies: Path, tmp_path: Path, subject: Subject, reason: str
) -> None:
    opening = batch_hello(4)
    key = "takahashi-ichiro"
    async with bureau_in(pki, furnished_agencies, tmp_path / "center", gated=True) as bureau:
        pension = bureau.agency("pension-1")
        async with bureau.stub(pension) as stub:
            batch = Batch(stub.ConfirmBatch())
            await batch.ask(opening)
            await batch.results(lines(1, line(key), line(key)))

            assert await ended(bureau.store, subject, batch.receive()) == reason
            during = len(provision_rows(bureau.store))
            again = Batch(stub.ConfirmBatch())
            assert await ended(bureau.store, subject, again.receive()) == reason
        await connect(bureau.store, subject)
        async with bureau.stub(pension) as stub:
            batch = Batch(stub.ConfirmBatch())
            welcome = (await batch.ask(opening)).welcome
            results = await batch.results(lines(3, line(key), line(key)))
            totals = (await batch.ask(FINISH)).totals

        assert (during, welcome.next_line) == (2, 3)
        assert [one.line for one in results] == [3, 4]
        assert (totals.line_count, len(provision_rows(bureau.store))) == (4, 4)


async def test_batch_of_another_agency_goes_on(
    pki: PKIFolder, furnished_agencies: Path, tmp_path: Path
) -> None:
    async with (
        bureau_in(pki, furnished_agencies, tmp_path / "center", gated=True) as bureau,
        bureau.stub(bureau.agency("pension-1")) as stub,
    ):
        batch = Batch(stub.ConfirmBatch())
        await batch.ask(batch_hello(1))

        await cut_in(bureau.store, Subject(Scope.AGENCY, "juki://agency/passport-1"))
        results = await batch.results(lines(1, line("takahashi-ichiro")))

    assert [one.line for one in results] == [1]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (CHIYODA, "DISCONNECTED_MUNICIPALITY"),
        (
            Subject(Scope.TERMINAL, "juki://municipality/131016/terminal/01"),
            "DISCONNECTED_TERMINAL",
        ),
        (service_of("jukinet.residents.v1.ResidentService"), "DISCONNECTED_FUNCTION"),
    ],
)
async def test_import_ends_behind_its_last_row_and_goes_on_from_there(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path, subject: Subject, reason: str
) -> None:
    import_id, folder = str(uuid.uuid4()), tmp_path / "center"
    async with register_service.serving(pki, furnished_registers, folder, gated=True) as office:
        store = office.center.store
        async with opened(office) as stream:
            await stream.say(hello(import_id))
            await stream.results(update_row(code(1)), update_row(code(2)))

            assert await ended(store, subject, stream.read()) == reason
        await connect(store, subject)
        # What comes before the queue of the closed register is over would stand behind it.
        await drain(store, now)
        known = [known_in(store, number) for number in (1, 2, 3)]
        async with opened(office) as stream:
            welcome = (await stream.say(hello(import_id))).welcome
            await stream.results(update_row(code(3)), first=welcome.next_row)
            totals = (await stream.say(finish(3))).totals

        assert (known, welcome.next_row) == ([True, True, False], 3)
        assert (totals.row_count, totals.applied) == (3, 3)
        assert known_in(store, 3)


def known_in(store: SQLiteStore, number: int) -> bool:
    """Return whether a row of the import has become a record."""
    return store.read(lambda tx: tx.residents.by_code(ResidentCode(code(number)))) is not None
