"""A center that makes cards over gRPC, a terminal's library, and blanks in files.

The center runs on a loop of its own thread, so that the terminal's blocking code meets it as it
does in life. `killed` drops everything that is not on the disk.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from juki_cardbox.blanks import make_blank
from juki_center.areas.cards.application_rows import (
    Application,
    ApplicationKind,
    ApplicationPapers,
    ApplicationState,
    Place,
)
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import CardStatus, CardStyle
from juki_center.areas.cards.window import Window
from juki_center.areas.residents.codes import ResidentCode, resident_check_digit
from juki_center.areas.residents.records import Whereabouts
from juki_center.cli import shipped
from juki_center.cli.accountable_services import operations_service
from juki_center.cli.clerk_services import clerk_gates, terminal_service
from juki_center.cli.fleet_parts import Fleet
from juki_center.cli.watch_parts import watch_parts
from juki_center.config import SessionTimes
from juki_center.rpc import card_session, cards, personalise_stream, server, terminals
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.control_bell import ControlBell
from juki_center.rpc.making_material import load_making_material
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rpc.personalisations import Personalisations
from juki_center.rpc.terminal_sign_in import SignInParts
from juki_center.rule_sets import RuleSet
from juki_center.storage.samples import load_samples
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki.identity import PeerIdentity, Role
from juki_terminal.channel import Center
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import Surroundings
from juki_terminal.trust import Trust
from jukinet.card.v1 import card_session_service_pb2, card_session_service_pb2_grpc
from jukinet.cards.v1 import card_service_pb2, card_service_pb2_grpc
from tests.support.center import SAMPLES, TOKOROZAWA, make_signer, open_test_store
from tests.support.center_edge import running
from tests.support.clerks import clerk_policy, sign_in_for_good

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from juki_cardbox.power import PowerSupply
    from juki_center.areas.callers import Terminal
    from juki_center.areas.ports import Store, Tx
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder

T = TypeVar("T")
CLERK = "所沢　花子"
HOLDER = "yoshida-taro"
MOST_TRIES = 2_000
_ENDED = frozenset({CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.VOID})
SURROUNDINGS = Surroundings(card_wait_seconds=1.0)
PHOTO = b"\xff\xd8 a photo \xff\xd9"


def policy() -> CardPolicy:
    """Return the policy of 2003 over all municipalities."""
    return CardPolicy(RuleSet.R2003_08, shipped.municipalities())


def furnish(folder: Path) -> None:
    """Leave a closed store with all samples in it, and no card."""

    async def run() -> None:
        store = open_test_store(folder)
        await store.act(lambda tx: load_samples(tx, datetime.now(UTC)))
        store.close()

    asyncio.run(run())


def apply_for(
    tx: Tx,
    key: str = HOLDER,
    *,
    state: ApplicationState = ApplicationState.APPROVED,
    style: CardStyle = CardStyle.STYLE_1,
    photo: bytes | None = None,
) -> ApplicationNumber:
    """Act: enter an application of a sample resident, as the window for applications leaves it.

    Whoever has applied already gets a namesake, who applies: nobody has two applications at once.
    """
    holder = _free(tx, key)
    number = ApplicationNumber.drawn(uuid.uuid4().bytes[:8])
    has_ended = state in {ApplicationState.REJECTED, ApplicationState.CANCELLED}
    application = Application(
        number=number,
        municipality=holder.municipality,
        person=holder.person,
        state=state,
        kind=ApplicationKind.FIRST,
        style=style,
        submitted_at=datetime.now(UTC),
        papers=ApplicationPapers(CLERK, Place.COUNTER),
        ended_at=datetime.now(UTC) if has_ended else None,
    )
    tx.applications.add(application, photo)
    return number


def _free(tx: Tx, key: str) -> Whereabouts:
    """Return a sample resident without card and application, or a namesake of that one."""
    holder = tx.residents.by_code(SAMPLES[key].record.code)
    assert holder is not None
    has_card = any(card.status not in _ENDED for card in tx.cards.of_person(holder.person))
    if not (has_card or tx.applications.open_of_person(holder.person)):
        return holder
    body = f"{uuid.uuid4().int % 10**10:010d}"
    code = ResidentCode(body + resident_check_digit(body))
    record = replace(SAMPLES[key].record, code=code)
    tx.residents.enter(holder.municipality, tx.residents.new_household(), record)
    namesake = tx.residents.by_code(code)
    assert namesake is not None
    return namesake


def window(
    terminal: Terminal = TOKOROZAWA, *, clerk: str = CLERK, at: datetime | None = None
) -> Window:
    """Return a window of Tokorozawa, now."""
    return Window(terminal, clerk, at or datetime.now(UTC), policy())


@dataclass
class Loop:
    """An event loop in a thread of its own."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, act: Coroutine[object, object, T]) -> T:
        """Run to the end; raise what it raises."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(30)

    def close(self) -> None:
        """End the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass
class Factory:
    """A center that makes cards, and a terminal in Tokorozawa before it."""

    folder: Path
    pki: PKIFolder
    loop: Loop
    store: SQLiteStore
    address: str

    def act(self, act: Callable[[Tx], T]) -> T:
        """Run an act in the center's store."""
        return self.loop.run(self.store.act(act))

    def read(self, question: Callable[[Tx], T]) -> T:
        """Run a question in the center's store."""

        async def ask() -> T:
            return self.store.read(question)

        return self.loop.run(ask())

    def apply(self, key: str = HOLDER, **what: object) -> ApplicationNumber:
        """Enter an application."""
        return self.act(lambda tx: apply_for(tx, key, **what))  # type: ignore[arg-type]  # passed on

    def code_of(self, number: ApplicationNumber) -> ResidentCode:
        """Return the code of whoever has applied."""

        def ask(tx: Tx) -> ResidentCode:
            application = tx.applications.application(number)
            assert application is not None
            return tx.residents.resident(application.person).record.code

        return self.read(ask)

    def blank(self, name: str = "blank") -> Path:
        """Make a blank chip of this issuer in a file, which no death of the center touches."""
        path = self.folder.parent / f"{name}-{uuid.uuid4().hex[:8]}.card"
        make_blank(path, self.pki.personalisation_key())
        return path

    @contextmanager
    def terminal(self, municipality: str = "112089", name: str = "01") -> Iterator[Center]:
        """Give a terminal's channel to the center."""
        folder = self.pki.peer_path(PeerIdentity(Role.TERMINAL, name, municipality))
        identity = ClientIdentity.load(folder / "chain.pem", folder / "key.pem")
        trust = Trust.load(self.pki.trust_path)
        with Center(self.address, identity, trust) as center:
            yield center

    def reader(self, card: Path, supply: PowerSupply | None = None) -> VirtualReader:
        """Return a reader with a card in it."""
        return VirtualReader(card, supply=supply)


@asynccontextmanager
async def _serving(
    pki: PKIFolder,
    store: Store,
    clock: Callable[[], datetime],
    gated: SQLiteStore | None,
) -> AsyncIterator[str]:
    sessions, times = OpenSessions(Metrics()), SessionTimes()
    material = MaterialSource(pki, clock())
    check = card_session.CardSessions(
        card_session.Parts(store, material.current, sessions, times, clock)
    )
    making = Personalisations(
        personalise_stream.Parts(
            store, policy(), lambda: load_making_material(pki), sessions, times.ready, clock
        )
    )
    life = cards.Cards(cards.Parts(store, policy(), clock, Metrics(), making))
    clerks = SignInParts(store, clerk_policy(), clock)
    news = watch_parts(
        store=store,
        bell=ControlBell(store),
        signer=make_signer()[0],
        metrics=Metrics(),
        clock=clock,
    )
    services = (
        server.Service(
            card_session_service_pb2.DESCRIPTOR.services_by_name["CardSessionService"],
            lambda s: card_session_service_pb2_grpc.add_CardSessionServiceServicer_to_server(
                check, s
            ),
        ),
        server.Service(
            card_service_pb2.DESCRIPTOR.services_by_name["CardService"],
            lambda s: card_service_pb2_grpc.add_CardServiceServicer_to_server(life, s),
        ),
        operations_service(store, clock),
        terminal_service(terminals.Parts(clerks, news)),
    )
    fleet = None if gated is None else Fleet.of(gated, clock)
    async with AsyncExitStack() as stack:
        live, gates = (None, ()) if fleet is None else (fleet.live, fleet.gates)
        edge = await stack.enter_async_context(
            running(pki, *services, clock=clock, live=live, gates=(*gates, *clerk_gates(clerks)))
        )
        if fleet is not None:
            await stack.enter_async_context(fleet.watching())
        yield edge.address
        sessions.close()


@contextmanager
def card_factory(
    folder: Path,
    pki: PKIFolder,
    *,
    loop: Loop | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    wrap: Callable[[SQLiteStore], Store] = lambda store: store,
    gated: bool = False,
) -> Iterator[Factory]:
    """Run a center on the store in a folder; `wrap` may stand between it and the services.

    With `gated` it minds who is cut off.
    """
    own = loop or Loop()
    store = open_test_store(folder, signer=pki.log_signer())
    windows = [peer.uri for peer in pki.peers(Role.TERMINAL)]
    own.run(store.act(lambda tx: sign_in_for_good(tx, windows, name=CLERK)))
    served = _serving(pki, wrap(store), clock, store if gated else None)
    address = own.run(served.__aenter__())
    try:
        yield Factory(folder, pki, own, store, address)
    finally:
        own.run(served.__aexit__(None, None, None))
        store.close()
        if loop is None:
            own.close()


def patiently(act: Callable[[], T]) -> T:
    """Try again while the center still ends the stream of before."""
    for _ in range(MOST_TRIES):
        try:
            return act()
        except Problem as problem:
            if problem.reason != "SESSION_LIMIT":
                raise
    raise AssertionError("the terminal's place was never given back")
