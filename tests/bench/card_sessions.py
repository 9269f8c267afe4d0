"""What a card session costs the center, beside a bare stream with its messages and bare crypto.

G3 takes the time of the listed primitives from the session; G4 adds it to the bare stream. Real
virtual cards answer, behind PACE, in the process that measures; only the server's CPU counts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from juki_load.callers import Caller
from juki_load.calls.conversation import Conversation
from juki_load.wire.dial import Address
from tests.bench.bare_server import BIDI, question
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part
from tests.bench.people import CardSessions, Overheard, Peopled, Sizes, peopled_center
from tests.bench.primitives import listed, seconds_of_session
from tests.bench.server_cpu import Ask, Cost, Load, bare_server, interleaved

G3, G4 = 1.35, 1.35


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G3 and G4."""
    with (
        peopled_center(folder, terminals=effort.at_once, cards=effort.at_once) as peopled,
        bare_server(peopled.center.folder / "pki") as (bare_pid, bare_address),
    ):
        bare = Address.parse(bare_address)
        yield asyncio.run(_measured(peopled, bare_pid, bare, effort))


async def _measured(peopled: Peopled, bare_pid: int, bare: Address, effort: Effort) -> Part:
    sizes = await said_and_told(peopled)
    callers, echoing = peopled.terminals(peopled.address), peopled.terminals(bare)
    sessions = CardSessions(peopled.folder, callers)
    loads = [
        Load(peopled.center.pid, sessions.one, at_once=effort.at_once),
        Load(bare_pid, _echo(echoing, sizes), at_once=effort.at_once),
    ]
    primitives, crypto = listed(), []
    whole, stream = [], []
    for _ in range(effort.pairs):
        session, echo = await interleaved(loads, pairs=1, seconds=effort.seconds)
        crypto.append(seconds_of_session(primitives))
        whole += session.cpu_of_rounds
        stream += echo.cpu_of_rounds
    for caller in (*callers, *echoing):
        await caller.close()
    return _part(Cost(whole, []), Cost(stream, []), crypto, sizes)


async def said_and_told(peopled: Peopled) -> Sizes:
    """Run one session; return the octets of its messages, pair by pair."""
    label, people = peopled.folder.manifest.terminals[0], peopled.folder
    caller = Overheard(peopled.address, people.terminal(label), people.center_leaves)
    await CardSessions(people, [caller]).one()
    await caller.close()
    return caller.sizes


def _echo(callers: list[Caller], sizes: Sizes) -> Ask:
    """Return how to hold the conversation of a session with a server that only answers."""
    free = deque(callers)
    asked = [question(max(said, 4), told) for said, told in sizes]

    async def ask() -> None:
        caller = free.popleft()
        talk = await Conversation.begin(caller, BIDI)
        for one in asked:
            talk.send(one)
            await talk.receive()
        talk.finish()
        free.append(caller)

    return ask


def _part(session: Cost, echo: Cost, crypto: list[dict[str, float]], sizes: Sizes) -> Part:
    sums = [sum(each.values()) for each in crypto]
    turns = list(zip(session.cpu_of_rounds, echo.cpu_of_rounds, sums, strict=True))
    costs = {
        "a card session": session.cpu_us,
        "a bare stream with its messages": echo.cpu_us,
        "its primitives, in a tight loop": median(sums) * 1e6,
    }
    figures = [Figure(f"CPU of {name}", us, f"{us:.0f} µs") for name, us in costs.items()]
    for name in crypto[0]:
        us = median(each[name] for each in crypto) * 1e6
        figures.append(Figure(f"of these, {name}", us, f"{us:.1f} µs"))
    shown = ", ".join(f"{said}/{told}" for said, told in sizes)
    figures.append(Figure("octets said/told, turn by turn", len(sizes), shown))
    goals = [
        Goal(
            "G3 ratio", median((one - bare_crypto) / bare for one, bare, bare_crypto in turns), G3
        ),
        Goal(
            "G4 ratio", median(one / (bare + bare_crypto) for one, bare, bare_crypto in turns), G4
        ),
    ]
    return Part("Card sessions, beside a bare stream with their messages", figures, goals)
