"""The table of a blank chip: which of its commands is obeyed when. What is not here is refused.

| state | command | row |
|---|---|---|
| any | GET STATE | `_tell_state` |
| nothing done, challenge sent | GET CHALLENGE | `_send_challenge` |
| challenge sent | MUTUAL AUTHENTICATE | `_authenticate` |
| authenticated | GENERATE KEY | `_generate_key` |
| authenticated | PUT CONTENT | `_put_content` |
| authenticated | TERMINATE | `_terminate` |

Files, PACE and everything else of a card come into being with TERMINATE.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from juki_card import blank
from juki_card.apdu import SW, ResponseAPDU
from juki_card.blank import NUMBERS, Instruction
from juki_card.blank_key import CHALLENGE_SIZE, Challenges, verify_token
from juki_card.virtual.chance import draw_scalar
from juki_card.virtual.session import BlankChallenged, BlankOpened, Idle, SecuredBy, Session
from juki_card.virtual.turn import Refused, Transition

if TYPE_CHECKING:
    from juki_card.apdu import CommandAPDU
    from juki_card.virtual.blank_memory import BlankMemory
    from juki_card.virtual.chance import Chance
    from juki_card.virtual.session import Stage

_KNOWN: Final = frozenset(Instruction)
_PARTS: Final = {number: part for part, number in NUMBERS.items()}
_WITH_DATA: Final = frozenset((Instruction.MUTUAL_AUTHENTICATE, Instruction.PUT_CONTENT))
_WITHOUT_ANSWER: Final = frozenset((Instruction.PUT_CONTENT, Instruction.TERMINATE))


@dataclass(frozen=True, slots=True)
class BlankTurn:
    """A blank and one plain command to it; `room` is how much data the answer can carry."""

    memory: BlankMemory
    session: Session
    command: CommandAPDU
    chance: Chance
    room: int

    def onward(
        self,
        stage: Stage,
        data: bytes = b"",
        *,
        memory: BlankMemory | None = None,
        secured: SecuredBy | None = None,
    ) -> Transition:
        """Answer and go to `stage`, with a new memory or new keys where they are given."""
        if len(data) > min(self.command.ne, self.room):
            raise Refused(SW.WRONG_LENGTH)
        session = replace(self.session, stage=stage, secured=secured or self.session.secured)
        return Transition(memory or self.memory, session, ResponseAPDU(data, SW.OK))


def look_up(turn: BlankTurn) -> Transition:
    """Obey a command that has a row in this state; raise Refused for any other."""
    instruction = _instruction(turn.command)
    match turn.session.stage, instruction:
        case (Idle() | BlankChallenged() | BlankOpened()) as stage, Instruction.GET_STATE:
            return _tell_state(turn, stage)
        case ((Idle() | BlankChallenged()), Instruction.GET_CHALLENGE):
            return _send_challenge(turn)
        case BlankChallenged() as stage, Instruction.MUTUAL_AUTHENTICATE:
            return _authenticate(turn, stage)
        case BlankOpened() as stage, Instruction.GENERATE_KEY:
            return _generate_key(turn, stage)
        case BlankOpened() as stage, Instruction.PUT_CONTENT:
            return _put_content(turn, stage)
        case BlankOpened(), Instruction.TERMINATE:
            return _terminate(turn)
        case _:
            raise Refused(SW.CONDITIONS_NOT_SATISFIED)


def _instruction(command: CommandAPDU) -> Instruction:
    """Return what is asked for; refuse what a blank does not know, and data or Le out of place."""
    if command.cla != blank.CLA or command.ins not in _KNOWN:
        raise Refused(SW.INS_NOT_SUPPORTED)
    instruction = Instruction(command.ins)
    numbers = _PARTS if instruction is Instruction.PUT_CONTENT else (0x00,)
    if command.p1 not in numbers or command.p2:
        raise Refused(SW.WRONG_P1P2)
    has_data, wants_answer = bool(command.data), bool(command.ne)
    if has_data is not (instruction in _WITH_DATA) or (
        wants_answer is (instruction in _WITHOUT_ANSWER)
    ):
        raise Refused(SW.WRONG_LENGTH)
    return instruction


def _tell_state(turn: BlankTurn, stage: Stage) -> Transition:
    """GET STATE: serial and parts; in a channel the key and the digests as well."""
    state = turn.memory.state(protected=turn.session.secured is not None)
    return turn.onward(stage, state.encode())


def _send_challenge(turn: BlankTurn) -> Transition:
    """GET CHALLENGE: 16 octets."""
    nonce = turn.chance.octets(CHALLENGE_SIZE)
    return turn.onward(BlankChallenged(nonce), nonce)


def _authenticate(turn: BlankTurn, stage: BlankChallenged) -> Transition:
    """MUTUAL AUTHENTICATE: verify the center's token, answer with the chip's, open the channel."""
    challenge, token = blank.decode_mutual_authenticate(turn.command.data)
    memory = turn.memory
    challenges = Challenges(memory.chip_serial, stage.nonce, challenge)
    verify_token(memory.key.center_token(challenges), token, whose="center")
    secured = SecuredBy(memory.key.session_keys(challenges))
    return turn.onward(BlankOpened(), memory.key.chip_token(challenges), secured=secured)


def _generate_key(turn: BlankTurn, stage: BlankOpened) -> Transition:
    """GENERATE KEY: make the key at the first call, tell it at every one."""
    memory = turn.memory
    if memory.chip_key is None:
        memory = memory.with_key(draw_scalar(turn.chance, memory.domain).key())
    return turn.onward(stage, blank.encode_public_key(memory.point or b""), memory=memory)


def _put_content(turn: BlankTurn, stage: BlankOpened) -> Transition:
    """PUT CONTENT: hold a part, once."""
    part = _PARTS[turn.command.p1]
    return turn.onward(stage, memory=turn.memory.holding(part, turn.command.data))


def _terminate(turn: BlankTurn) -> Transition:
    """TERMINATE: become a card; the answer is the last thing that the blank says."""
    return Transition(turn.memory.card(), Session(), ResponseAPDU(b"", SW.OK))
