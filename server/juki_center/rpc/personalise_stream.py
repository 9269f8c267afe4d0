"""PersonaliseCard: a blank at one end of a stream, the store at the other, acts between batches.

    hello, [expect] identify, open, [begin] generate key, [know_card] write, close, result

What is in brackets is committed before the next batch leaves. The keys of the chip's channel live
in this stream's memory only. What each act allows is decided in `areas.cards.making`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from juki_card import personalisation
from juki_card.apdu import SW
from juki_card.blank_key import CHALLENGE_SIZE
from juki_card.errors import CardError, ContentDiffers, NotABlank, UnexpectedStatus
from juki_card.flow import Batch, Dialogue
from juki_card.passwords import Can, TransportPin
from juki_center.areas.calls import about_card
from juki_center.areas.cards.batches import Origin
from juki_center.areas.cards.making import begin, expect, know_card, refuse_chip
from juki_center.areas.cards.window import Window
from juki_center.areas.days import day_in_japan
from juki_center.errors import Reason, Refusal
from juki_center.rpc import card_messages
from juki_center.rpc import personalisations_translation as translate
from juki_center.rpc.callers import terminal as terminal_of
from juki_center.rpc.card_stream import Deadline, Messages
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from juki_card.flow import Flow
    from juki_card.personalisation import FoundBlank, OpenChip
    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.personalisation_commands import Begun, PersonaliseCard, Written
    from juki_center.areas.cards.policy import CardPolicy
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.making_material import MakingMaterial
    from juki_center.rpc.open_sessions import OpenSessions

    Said = Messages[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse]

T = TypeVar("T")
_HELLO_WITHIN: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Parts:
    """What making a card stands on. `material` may read files; `within` is a whole run's time.

    A terminal has one place for its card sessions and the cards that it makes.
    """

    store: Store
    policy: CardPolicy
    material: Callable[[], MakingMaterial]
    open_sessions: OpenSessions
    within: timedelta
    clock: Callable[[], datetime]


async def personalise(
    parts: Parts,
    requests: AsyncIterator[pb.PersonaliseCardRequest],
    write: Callable[[pb.PersonaliseCardResponse], Awaitable[None]],
) -> None:
    """Run one stream of the calling terminal; refusals leave as exceptions."""
    terminal = terminal_of(current_caller().identity)
    messages: Said = Messages(requests, write, parts.clock)
    with parts.open_sessions.slot(terminal.uri):
        await _Making(parts, terminal, messages).run()


class _Making:
    """One stream from hello to result."""

    def __init__(self, parts: Parts, terminal: Terminal, messages: Said) -> None:
        self._parts = parts
        self._terminal = terminal
        self._messages = messages

    async def run(self) -> None:
        now = self._parts.clock()
        in_time = Deadline.after(
            now, _HELLO_WITHIN, Reason.STEP_OUT_OF_ORDER, expected="hello", got="nothing"
        )
        message = await self._messages.next("hello", in_time)
        command = translate.personalise_hello(message.hello, self._terminal)
        deadline = Deadline.after(now, self._parts.within, Reason.SESSION_EXPIRED)
        chip = _ChipAtTerminal(self._messages, deadline)
        result = translate.result_message(await self._make(command, chip))
        # A terminal that has the result may hang up before the write returns; the card stands.
        with contextlib.suppress(asyncio.CancelledError):
            await self._messages.write(result)

    async def _make(self, command: PersonaliseCard, chip: _ChipAtTerminal) -> Written:
        earlier = await self._act(command, lambda tx, window: expect(tx, window, command))
        try:
            found = await chip.run(personalisation.identify())
        except NotABlank:
            # The answer to closing the chip may have been lost. Whether this is that card, and no
            # other, the session over the CAN will show.
            if earlier is not None:
                return earlier
            await self._refuse(command, Refusal(Reason.CARD_NOT_BLANK))
            raise
        except CardError as error:
            await self._refuse(command, _refusal_of(error))
            raise
        try:
            return await self._write(command, chip, found)
        except CardError as error:
            await self._refuse(command, _refusal_of(error))
            raise

    async def _write(
        self, command: PersonaliseCard, chip: _ChipAtTerminal, found: FoundBlank
    ) -> Written:
        about_card(Origin(day_in_japan(self._parts.clock()), found.chip_serial))
        material = await asyncio.to_thread(self._parts.material)
        blank_key = material.master.blank_key(found.chip_serial)
        challenge = secrets.token_bytes(CHALLENGE_SIZE)
        opened = await chip.run(personalisation.open_chip(found, blank_key, challenge))
        with contextlib.closing(opened.channel):
            return await self._fill(command, chip, opened, material)

    async def _fill(
        self,
        command: PersonaliseCard,
        chip: _ChipAtTerminal,
        opened: OpenChip,
        material: MakingMaterial,
    ) -> Written:
        serial = opened.state.chip_serial
        begun = await self._act(command, lambda tx, window: begin(tx, window, command, serial))
        intent = begun.personalisation.personalisation_id
        key = await chip.run(personalisation.generate_key(opened))
        written = await self._act(
            command, lambda tx, window: know_card(tx, window, intent, key.serial)
        )
        card_security = await asyncio.to_thread(material.card_security, key)
        await chip.run(personalisation.write(opened, _content(begun, material, card_security)))
        await chip.run(personalisation.terminate(opened))
        return written

    async def _act(self, command: PersonaliseCard, act: Callable[[Tx, Window], T]) -> T:
        window = Window(self._terminal, command.clerk_name, self._parts.clock(), self._parts.policy)
        return await durably(self._parts.store.act(lambda tx: act(tx, window)))

    async def _refuse(self, command: PersonaliseCard, refusal: Refusal) -> None:
        await self._act(command, lambda _tx, window: refuse_chip(window, refusal))


class _ChipAtTerminal:
    """The chip at the other end, which flows are run against one after the other."""

    def __init__(self, messages: Said, in_time: Deadline) -> None:
        self._messages = messages
        self._in_time = in_time
        self._number = 0

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow; raise CardError for the chip's answers, Refusal for the terminal's."""
        with contextlib.closing(Dialogue(flow)) as dialogue:
            state = dialogue.start()
            while isinstance(state, Batch):
                self._number += 1
                batch = card_messages.batch_of(
                    state, self._number, card_pb.Batch.PROTECTION_END_TO_END
                )
                await self._messages.write(pb.PersonaliseCardResponse(batch=batch))
                message = await self._messages.next("answers", self._in_time)
                answers = card_messages.answers(message.answers, state, self._number)
                state = dialogue.answer(answers)
        return state.value


def _content(
    begun: Begun, material: MakingMaterial, card_security: bytes
) -> personalisation.Content:
    row = begun.personalisation
    if row.secrets is None:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    return personalisation.Content(
        trust_points=material.trust_points,
        # The day of the intent, so that a run that is taken up the next day writes the same.
        today=row.begun_at.astimezone(UTC).date(),
        resident_code=begun.resident_code.digits,
        card_security=card_security,
        can=Can(row.secrets.card_access_number),
        transport_pin=TransportPin(row.secrets.transport_pin),
    )


def _refusal_of(error: CardError) -> Refusal:
    """Return what a chip's answer means to the caller; nothing that would help a forger."""
    match error:
        case UnexpectedStatus(status_word=status_word, command=command):
            return Refusal(Reason.CARD_REFUSED, statusWord=f"{status_word:04X}", command=command)
        case ContentDiffers(part=part):
            return Refusal(
                Reason.CARD_REFUSED,
                statusWord=f"{SW.FILE_EXISTS:04X}",
                command=f"PUT CONTENT ({part})",
            )
        case _:
            return Refusal(Reason.CARD_NOT_AUTHENTIC)
