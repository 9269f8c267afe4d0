"""Terminal Authentication version 2, the card's side (TR-03110-2, 3.3; TR-03110-3, B.3).

A chain of certificates leads from a trust point of the card to the terminal, which then signs the
card's challenge. What the terminal may do is what every certificate and its CHAT in PACE allow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from juki_card import cvc, terminal_authentication
from juki_card.apdu import SHORT_NE, SW
from juki_card.chat import Right, Role
from juki_card.passwords import PasswordReference
from juki_card.terminal_authentication import CHALLENGE_SIZE
from juki_card.virtual.memory import PinState
from juki_card.virtual.session import (
    Challenged,
    IssuerNamed,
    PaceDone,
    TerminalDone,
    TerminalNamed,
)
from juki_card.virtual.turn import Refused

if TYPE_CHECKING:
    from juki_card.cvc import Verified
    from juki_card.virtual.memory import CardMemory
    from juki_card.virtual.turn import Transition, Turn


def name_issuer(turn: Turn, stage: PaceDone) -> Transition:
    """MSE:Set DST: name a trust point, or the holder of a certificate verified just before."""
    turn.expects_no_answer_data()
    _may_authenticate(turn.memory, stage)
    reference = terminal_authentication.decode_mse_set_dst(turn.command.data)
    anchors = tuple(cvc.trust_point(anchor) for anchor in turn.memory.trust_points)
    for holder in (*stage.chain, *anchors):
        if holder.reference == reference:
            return turn.onward(IssuerNamed(stage, holder))
    raise Refused(SW.REFERENCED_DATA_NOT_FOUND)


def verify_certificate(turn: Turn, stage: IssuerNamed) -> Transition:
    """PSO: VERIFY CERTIFICATE; a link certificate becomes a trust point, the date moves forward."""
    turn.expects_no_answer_data()
    certificate = cvc.CVCertificate.decode_value(turn.command.data)
    verified = cvc.verify_certificate(certificate, stage.issuer, turn.memory.today)
    memory = turn.memory.on(cvc.advanced(turn.memory.today, verified))
    if certificate.chat.role is Role.CVCA and certificate not in memory.trust_points:
        memory = memory.trusting(certificate)
    pace = replace(stage.pace, chain=(*stage.pace.chain, verified))
    return turn.onward(pace, memory=memory)


def name_terminal(turn: Turn, stage: PaceDone) -> Transition:
    """MSE:Set AT: name the terminal, its compressed ephemeral key and its auxiliary data."""
    turn.expects_no_answer_data()
    _may_authenticate(turn.memory, stage)
    announcement = terminal_authentication.decode_mse_set_at(turn.command.data)
    terminal = _last_of(stage)
    if announcement.reference != terminal.reference:
        raise Refused(SW.REFERENCED_DATA_NOT_FOUND)
    return turn.onward(TerminalNamed(stage, terminal, announcement))


def send_challenge(turn: Turn, stage: TerminalNamed) -> Transition:
    """GET CHALLENGE: send r_PICC."""
    turn.expects_no_data()
    if turn.command.ne not in (CHALLENGE_SIZE, SHORT_NE):
        raise Refused(SW.WRONG_LENGTH)
    nonce = turn.chance.octets(CHALLENGE_SIZE)
    return turn.onward(Challenged(stage, nonce), nonce)


def verify_signature(turn: Turn, stage: Challenged) -> Transition:
    """EXTERNAL AUTHENTICATE: verify the terminal's signature and settle its rights."""
    turn.expects_no_answer_data()
    named = stage.named
    facts = named.pace.facts
    terminal_authentication.verify(
        named.terminal,
        named.announcement,
        turn.command.data,
        id_picc=facts.id_picc,
        r_picc=stage.nonce,
    )
    wanted = 0 if facts.chat is None else facts.chat.rights
    rights = named.terminal.chat.limited_to(wanted)
    if facts.reference is PasswordReference.CAN and not rights.allows(Right.CAN_ALLOWED):
        raise Refused(SW.AUTHENTICATION_FAILED)
    return turn.onward(TerminalDone(facts, rights, named.announcement.ephemeral))


def _may_authenticate(memory: CardMemory, stage: PaceDone) -> None:
    """Refuse where PACE asked for no rights, or was run with a PIN that is not the holder's own.

    The CAN opens a window session in every state of the PIN: so a card is proved when it is made.
    """
    in_transport = memory.pin.state is PinState.TRANSPORT
    by_pin = stage.facts.reference is PasswordReference.PIN
    if stage.facts.chat is None or (in_transport and by_pin):
        raise Refused(SW.CONDITIONS_NOT_SATISFIED)


def _last_of(stage: PaceDone) -> Verified:
    """Return the terminal at the end of the chain; refuse a chain that ends above one."""
    if not stage.chain or stage.chain[-1].certificate.chat.role is not Role.TERMINAL:
        raise Refused(SW.CONDITIONS_NOT_SATISFIED)
    return stage.chain[-1]
