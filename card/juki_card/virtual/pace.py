"""PACE with generic mapping, the card's side (TR-03110-2, 3.2; TR-03110-3, B.1 and B.11.1).

The PIN's counter falls in memory before the token is compared, so that no cut of power after a
guess can win the try back.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from juki_card import cvc, ec, pace, tlv
from juki_card.apdu import SW, ResponseAPDU
from juki_card.chat import Right, TerminalType
from juki_card.errors import ParseError
from juki_card.passwords import PasswordReference
from juki_card.virtual.chance import draw_scalar
from juki_card.virtual.memory import PIN_TRIES, PinState
from juki_card.virtual.session import (
    Agreed,
    Counted,
    Mapped,
    NonceSent,
    PaceDone,
    PaceFacts,
    PasswordNamed,
    PasswordRequest,
    SecuredBy,
    Session,
)
from juki_card.virtual.turn import Refused, Transition

if TYPE_CHECKING:
    from juki_card.chat import CHAT
    from juki_card.ec import Domain
    from juki_card.passwords import Can, Pin, TransportPin
    from juki_card.virtual.memory import CardMemory
    from juki_card.virtual.turn import Turn

_TRUST_POINTS: Final = (pace.TRUST_POINT, pace.OLDER_TRUST_POINT)


def name_password(turn: Turn) -> Transition:
    """MSE:Set AT: take the password and the CHAT, and tell how many tries are left."""
    turn.expects_no_answer_data()
    request = _parse_request(turn)
    if request.reference is PasswordReference.CAN:
        _check_can(turn.memory, request.chat)
        return turn.onward(PasswordNamed(request))
    return _name_pin(turn, request)


def send_nonce(turn: Turn, stage: PasswordNamed) -> Transition:
    """Send the nonce, encrypted with the key of the password."""
    turn.expects_answer_data()
    if tlv.expect(turn.command.data, pace.DYNAMIC_DATA):
        raise ParseError("PACE: the first step has no data")
    nonce = turn.chance.octets(pace.NONCE_SIZE)
    encrypted = pace.encrypt_nonce(_password(turn.memory, stage.request.reference), nonce)
    return turn.onward(NonceSent(stage.request, nonce), _dynamic(pace.ENCRYPTED_NONCE, encrypted))


def map_generator(turn: Turn, stage: NonceSent) -> Transition:
    """Exchange mapping keys; the nonce maps the generator."""
    point = _point(turn, pace.MAP_READER)
    domain = _domain(turn.memory)
    own = draw_scalar(turn.chance, domain)
    generator = ec.map_generator(stage.nonce, own, ec.decode_point(domain, point))
    answer = _dynamic(pace.MAP_CARD, ec.encode_point(own.key().public_key()))
    return turn.onward(Mapped(stage.request, generator), answer)


def agree(turn: Turn, stage: Mapped) -> Transition:
    """Exchange ephemeral keys over the mapped generator, and derive the session's keys."""
    point = _point(turn, pace.KEY_READER)
    domain = _domain(turn.memory)
    peer = ec.decode_point(domain, point)
    scalar = draw_scalar(turn.chance, domain)
    own = ec.encode_point(stage.generator.public_key(scalar))
    agreement = pace.agree(scalar, point, own, peer=peer)
    agreed = Agreed(stage.request, agreement, ec.compress(own))
    return turn.onward(agreed, _dynamic(pace.KEY_CARD, own))


def count(turn: Turn, stage: Agreed) -> Transition:
    """Take the terminal's token and use one try up; `compare` follows after the save."""
    turn.expects_answer_data()
    token = pace.dynamic_data(turn.command.data, pace.TOKEN_READER)
    memory = turn.memory
    if stage.request.reference is PasswordReference.PIN:
        if memory.pin.is_blocked:
            raise Refused(SW.METHOD_BLOCKED)
        memory = memory.with_pin(memory.pin.counted())
    session = replace(turn.session, stage=Counted(stage, token))
    return Transition(memory, session, None)


def compare(memory: CardMemory, session: Session, stage: Counted) -> Transition:
    """Compare the token: right opens the channel and forgives, wrong drops the session."""
    agreed = stage.agreed
    if not hmac.compare_digest(agreed.agreement.token_reader, stage.token):
        return _wrong(memory, agreed.request.reference)
    if agreed.request.reference is PasswordReference.PIN:
        memory = memory.with_pin(memory.pin.forgiven())
    facts = PaceFacts(agreed.request.reference, agreed.request.chat, agreed.id_picc)
    onward = replace(session, stage=PaceDone(facts), secured=SecuredBy(agreed.agreement.keys))
    return Transition(memory, onward, ResponseAPDU(_last_answer(memory, agreed), SW.OK))


def _parse_request(turn: Turn) -> PasswordRequest:
    """Parse what the reader asks for; this card wants its domain parameters named, tag 84."""
    wanted = pace.decode_mse_set_at(turn.command.data)
    if wanted.reference is PasswordReference.MRZ:
        raise Refused(SW.REFERENCED_DATA_NOT_FOUND)
    if wanted.parameter_id != _domain(turn.memory).parameter_id:
        raise Refused(SW.REFERENCED_DATA_NOT_FOUND)
    chat = wanted.chat
    if chat is not None and chat.kind is not TerminalType.AUTHENTICATION:
        raise ParseError("PACE: only authentication terminals have rights on this card")
    return PasswordRequest(wanted.reference, chat, resumed=_has_shown_can(turn))


def _name_pin(turn: Turn, request: PasswordRequest) -> Transition:
    pin = turn.memory.pin
    if pin.value is None:
        return turn.dropped(SW.REFERENCE_DATA_UNUSABLE)
    status = SW.OK if pin.tries_left == PIN_TRIES else SW.PIN_BLOCKED | pin.tries_left
    held_back = turn.memory.is_suspended and not request.resumed
    if pin.is_blocked or held_back:
        return turn.dropped(status)
    return turn.onward(PasswordNamed(request), sw=status)


def _check_can(memory: CardMemory, chat: CHAT | None) -> None:
    """Refuse the CAN unless it opens a window session, or leads to the PIN and nothing else."""
    if chat is not None and chat.allows(Right.CAN_ALLOWED):
        return
    replaces_pin = memory.pin.state is PinState.TRANSPORT and memory.pin.value is None
    if chat is None and (memory.is_suspended or replaces_pin):
        return
    raise Refused(SW.SECURITY_NOT_SATISFIED)


def _has_shown_can(turn: Turn) -> bool:
    match turn.session.stage:
        case PaceDone(facts=PaceFacts(reference=PasswordReference.CAN, chat=None)):
            return True
        case _:
            return False


def _password(memory: CardMemory, reference: PasswordReference) -> Can | Pin | TransportPin:
    if reference is PasswordReference.CAN:
        return memory.can
    if memory.pin.value is None:
        raise Refused(SW.REFERENCE_DATA_UNUSABLE)
    return memory.pin.value


def _wrong(memory: CardMemory, reference: PasswordReference) -> Transition:
    is_pin = reference is PasswordReference.PIN
    status = SW.PIN_BLOCKED | memory.pin.tries_left if is_pin else SW.AUTHENTICATION_FAILED
    return Transition(memory, Session(), ResponseAPDU(b"", status))


def _last_answer(memory: CardMemory, agreed: Agreed) -> bytes:
    """Return 86 token, and 87, 88 the holders of the trust points where rights were asked for."""
    objects = tlv.encode(pace.TOKEN_CARD, agreed.agreement.token_card)
    if agreed.request.chat is not None:
        for tag, anchor in zip(_TRUST_POINTS, memory.trust_points, strict=False):
            objects += tlv.encode(tag, cvc.encode_reference(anchor.chr))
    return tlv.encode(pace.DYNAMIC_DATA, objects)


def _point(turn: Turn, tag: int) -> bytes:
    turn.expects_answer_data()
    return pace.dynamic_data(turn.command.data, tag)


def _dynamic(tag: int, value: bytes) -> bytes:
    return tlv.encode(pace.DYNAMIC_DATA, tlv.encode(tag, value))


def _domain(memory: CardMemory) -> Domain:
    return ec.domain_of_key(memory.chip_key)
