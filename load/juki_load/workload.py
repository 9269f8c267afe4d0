"""What one process of a run has to do: its callers, and its calls in the order of their times."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from juki_cardbox.cardfile import CardFile
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_load import arrivals
from juki_load.arrivals import Model
from juki_load.callers import Caller
from juki_load.calls.batch import run_batch
from juki_load.calls.confirm import ByCode, Search
from juki_load.calls.conversation import Over
from juki_load.calls.copy import Copies, PreparedSessions, Window
from juki_load.calls.held_card import HeldCard
from juki_load.calls.moves import Moves
from juki_load.calls.status import Reports
from juki_load.calls.verification import Verification
from juki_load.calls.watch import Watch
from juki_load.engine import Due, in_order
from juki_load.scenario import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from juki_load.prepared import Prepared
    from juki_load.scenario import Calls, Scenario
    from juki_load.wire.dial import Address
    from juki_load.wire.header_blocks import Ending

    Start = Callable[[Callable[[Ending], None]], None]
    Begun = Callable[[str, float], Callable[[Ending], None]]

_Some = TypeVar("_Some")
_MOST_ASKED: Final = 20_000
"""So many residents are asked for in turn: more would not be found in any cache of the center."""
_MOST_CARDS: Final = 2_000
_SESSIONS_AHEAD: Final = 50


class Starter(Protocol):
    """A kind of call."""

    def start(self, ended: Callable[[Ending], None]) -> None:
        """Make the next call, as whoever's turn it is."""


class Workload:
    """The share of one process, `part` of `parts`."""

    def __init__(
        self, scenario: Scenario, folder: Prepared, address: Address, part: int, parts: int
    ) -> None:
        """Read what the calls need; raises Problem where the folder has too little of something."""
        self.center = str(address)
        self._scenario = scenario
        self._folder = folder
        self._address = address
        self._part, self._parts = part, parts
        self._verification = Verification(
            folder.log(), scenario.verified_percent, scenario.seed + part
        )
        self._agencies = self._make_agencies()
        self._labels = folder.manifest.terminals[part::parts]
        self._sessions: PreparedSessions | None = None
        self._agencies_of_offices: list[Caller] = []
        self._terminals: dict[str, Caller] = {}
        self._windows: dict[str, Window] = {}
        self._people = folder.residents(_MOST_ASKED)
        self._starters = {calls.kind: self._starter(calls.kind) for calls in scenario.calls}
        self._require_terminals()
        self._is_over = asyncio.Event()

    @property
    def handshakes(self) -> int:
        """How many connections were made."""
        return sum(one.handshakes for one in self._callers())

    @property
    def verified_receipts(self) -> int:
        """How many receipts were verified and good."""
        return self._verification.verified

    async def prepare(self) -> None:
        """Run the card sessions that are run ahead; raises Problem where one is refused."""
        if self._sessions is None:
            return
        try:
            await self._sessions.prepare()
        except Over as over:
            facts = {"field": "scenario", "rule": f"a card session ended: {over.ending.name}"}
            raise Problem("USAGE_INVALID", facts) from over

    def calls(self) -> Iterator[Due]:
        """Yield this process's calls in order."""
        return in_order(
            *(
                schedule
                for order, calls in enumerate(self._scenario.calls)
                for schedule in self._schedules(order, calls)
            )
        )

    async def keep_streams(self, begun: Begun, now: Callable[[], float]) -> None:
        """Open the streams of the scenario and keep them; send its batches one after the other."""
        watches = [
            (one, Watch(self._terminal(label), lambda kind: begun(kind, now())))
            for one in self._scenario.watches
            for label in self._labels[: -(-one.terminals // self._parts)]
        ]
        async with asyncio.TaskGroup() as tasks:
            for number, (wanted, watch) in enumerate(watches):
                wait = wanted.open_within_seconds * number / len(watches)
                tasks.create_task(self._open_later(watch, wait))
            for batches in self._scenario.batches:
                for agency in self._agencies[self._part : batches.agencies : self._parts]:
                    tasks.create_task(self._keep_batches(agency, batches.lines, begun, now))
        await self._is_over.wait()
        for _, watch in watches:
            watch.close()

    def finish_streams(self) -> None:
        """Begin no more batches, and end the streams."""
        self._is_over.set()

    async def stop(self) -> None:
        """Hang up."""
        self._is_over.set()
        # Streams that end now were ended by this run.
        await asyncio.sleep(0)
        for caller in self._callers():
            await caller.close()

    def _callers(self) -> list[Caller]:
        return [*self._agencies, *self._agencies_of_offices, *self._terminals.values()]

    async def _open_later(self, watch: Watch, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await watch.open()

    async def _keep_batches(
        self, agency: Caller, lines: int, begun: Begun, now: Callable[[], float]
    ) -> None:
        codes = [line["code"] for line in self._people]
        while not self._is_over.is_set():
            await run_batch(
                agency, codes, lines, lambda: begun("batch", now()), self._is_over.is_set
            )

    def _schedules(self, order: int, calls: Calls) -> Iterator[Iterator[Due]]:
        """Yield schedules that are each in order: one, or one for each office of this process."""
        seed, seconds = self._scenario.seed * 1_000 + order, self._scenario.seconds
        if calls.arrivals is not Model.OFFICES:
            times = (
                arrivals.poisson(calls.rate, seconds, seed)
                if calls.arrivals is Model.POISSON
                else arrivals.constant(calls.rate, seconds)
            )
            mine = arrivals.share(times, self._part, self._parts)
            yield _dues(order, calls.kind, mine, self._starters[calls.kind].start)
            return
        for number in self._offices(order, calls):
            times = arrivals.office(
                number,
                seconds,
                seed,
                within=calls.connect_within_seconds,
                pause=calls.pause_seconds,
            )
            yield _dues(order, calls.kind, times, self._at_office(number, calls.kind))

    def _offices(self, order: int, calls: Calls) -> Iterator[int]:
        """Yield the numbers of this process's offices that make calls of this kind.

        The shares of the kinds before take other offices.
        """
        before = sum(
            other.share for other in self._scenario.calls[:order] if other.arrivals is Model.OFFICES
        )
        count = calls.offices or len(self._folder.manifest.terminals)
        for number in range(self._part, count, self._parts):
            drawn = arrivals.draw(self._scenario.seed, number)
            if before <= drawn < before + calls.share:
                yield number

    def _at_office(self, number: int, kind: Kind) -> Start:
        """Return how an office calls: over a connection of its own."""
        starter = self._starters[kind]
        if isinstance(starter, Copies):
            window = self._window(self._labels[number // self._parts % len(self._labels)])
            return partial(starter.start_at, window)
        if isinstance(starter, Search):
            names = self._folder.manifest.agencies
            identity = self._folder.agency(names[number % len(names)])
            caller = Caller(self._address, identity, self._folder.center_leaves)
            self._agencies_of_offices.append(caller)
            return partial(starter.start_at, caller)
        return starter.start

    def _make_agencies(self) -> list[Caller]:
        leaves, folder = self._folder.center_leaves, self._folder
        return [
            Caller(self._address, folder.agency(name), leaves)
            for _ in range(self._scenario.connections_per_agency)
            for name in folder.manifest.agencies
        ]

    def _terminal(self, label: str) -> Caller:
        """Return a terminal's caller; it is made when it is first needed."""
        if label not in self._terminals:
            identity = self._folder.terminal(label)
            self._terminals[label] = Caller(self._address, identity, self._folder.center_leaves)
        return self._terminals[label]

    def _window(self, label: str) -> Window:
        if label not in self._windows:
            caller = self._terminal(label)
            files = self._folder.terminal(label)
            self._windows[label] = Window(caller, ClientIdentity.load(files.chain, files.key))
        return self._windows[label]

    def _starter(self, kind: Kind) -> Starter:
        match kind:
            case Kind.CONFIRM:
                self._require(self._agencies, "agencies")
                codes = [line["code"] for line in self._people[self._part :: self._parts]]
                return ByCode(self._agencies, self._require(codes, "residents"), self._verification)
            case Kind.SEARCH:
                self._require(self._agencies, "agencies")
                return Search(self._agencies, self._people, self._verification)
            case Kind.STATUS:
                labels = self._require(list(self._labels), "terminals")
                return Reports([self._terminal(label) for label in labels])
            case Kind.MOVE:
                labels = self._require(list(self._folder.manifest.windows), "windows")
                windows = {label.partition("-")[0]: self._terminal(label) for label in labels}
                return Moves(windows, self._people[self._part :: self._parts])
            case Kind.COPY | Kind.SESSION:
                return self._copies(issues=kind is Kind.COPY)
            case Kind.ISSUE:
                self._sessions = PreparedSessions(self._copies(issues=False), _SESSIONS_AHEAD)
                return self._sessions

    def _copies(self, *, issues: bool) -> Copies:
        labels = self._require(list(self._labels), "terminals")
        facts = islice(self._folder.cards(), self._part, _MOST_CARDS * self._parts, self._parts)
        files = self._require(list(facts), "cards")
        cards = [HeldCard(CardFile(self._folder.path / "cards" / one.file).load()) for one in files]
        windows = [self._window(label) for label in labels]
        return Copies(windows, cards, self._verification, issues=issues)

    def _require_terminals(self) -> None:
        """Refuse to open fewer streams than the scenario says."""
        wanted = sum(one.terminals for one in self._scenario.watches)
        there = len(self._folder.manifest.terminals)
        if wanted > there:
            rule = f"the scenario wants {wanted} terminals, and the folder has {there}"
            raise Problem("USAGE_INVALID", {"field": "from", "rule": rule})

    def _require(self, found: list[_Some], name: str) -> list[_Some]:
        if not found:
            rule = f"the folder has no {name} for process {self._part + 1} of {self._parts}"
            raise Problem("USAGE_INVALID", {"field": "from", "rule": rule})
        return found


def _dues(order: int, kind: Kind, times: Iterator[float], start: Start) -> Iterator[Due]:
    return (Due(second, order, str(kind), start) for second in times)
