"""The paper of a move out: a certificate of moving out, or a document equivalent to one.

Every paper has a verification code of its own, so that the one before it opens nothing any more:
that one was lost, or shows an older notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found, sender_of
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import (
    Certificate,
    MoveChanged,
    MovingPerson,
)
from juki_center.areas.moves.books import open_books
from juki_center.areas.moves.commands import IssueCertificate
from juki_center.areas.moves.departures import departed_persons
from juki_center.areas.moves.expectations import tell_planned
from juki_center.areas.moves.guards import OriginTx, end_residence
from juki_center.areas.moves.numbers import CODE_CHANCE_OCTETS, VerificationCode
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Move, MovePapers
from juki_center.areas.moves.states import MoveEvent, MoveKind, MoveState
from juki_center.areas.moves.window import MoveWindow, leaving, once, window_of
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.household_order import in_paper_order
from juki_center.areas.residents.records import Resident, Residents
from juki_center.errors import Reason, Refusal, RuleBroken


class BookTx(Protocol):
    """What looking into the origin's book needs of a transaction."""

    @property
    def residents(self) -> Residents: ...


def issue_certificate(
    tx: OriginTx, command: IssueCertificate, now: datetime, policy: MovePolicy
) -> MoveChanged:
    """Issue the paper of a move, first or again; for a special one that ends the special case.

    Raises Refusal with a reason that the proto's method lists (article 24; order 23).
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        before = leaving(tx, here, found, command.number)
        open_books(tx, here.register)
        move, papers = _ordinary(tx, here, before, command), tx.moves.papers(before)
        move, papers, certificate = printed(tx, here, move, papers)
        tx.moves.update(move)
        tx.moves.put_papers(move, papers)
        return Done(
            encode_answer(MoveChanged(move, certificate)),
            Event.MOVING_OUT_CERTIFIED,
            subjects=move.persons,
            resource=move.number,
            details=(
                ("count", str(certificate.count)),
                ("document", certificate.document),
                ("special_given_up", str(before.kind is MoveKind.SPECIAL).lower()),
            ),
        )

    return decode_answer(once(tx, here, command.at, command, act), MoveChanged)


def _ordinary(tx: OriginTx, here: MoveWindow, move: Move, command: IssueCertificate) -> Move:
    """Return the move as one by paper, which it stays for good.

    Raises NotAllowed; RuleBroken, ABROAD; Refusal(SPECIAL_MUST_BE_GIVEN_UP).
    """
    ordinary = move.after(MoveEvent.PAPER_ISSUED)
    if move.destination is None:
        # Nobody moves in anywhere against it.
        raise RuleBroken("ABROAD", "move_number")
    if move.kind is MoveKind.ORDINARY:
        return ordinary
    if move.state is MoveState.NOTIFIED:
        if not command.give_up_special:
            raise Refusal(Reason.SPECIAL_MUST_BE_GIVEN_UP)
        tell_planned(tx, here, move, None)
    # By card they were needed beyond the planned day; by paper they end with it.
    end_residence(tx, here, departed_persons(move))
    return replace(ordinary, kind=MoveKind.ORDINARY, last_day=None)


def printed(
    tx: OriginTx, here: MoveWindow, move: Move, papers: MovePapers
) -> tuple[Move, MovePapers, Certificate]:
    """Return a move by paper with its next paper; the caller writes the move and what is sealed."""
    code = VerificationCode.drawn(tx.chance.octets(CODE_CHANCE_OCTETS))
    move = replace(move, certificates=move.certificates + 1, certificate_version=move.version)
    papers = replace(papers, verification_code=code, printed_codes=own_codes(tx, move))
    members = [tx.residents.resident(one) for one in move.moving]
    return move, papers, certificate_of(here, move, papers, members)


def own_codes(tx: BookTx, move: Move) -> tuple[ResidentCode, ...]:
    """Return the persons' codes as the origin's own book has them, in the order of the notice.

    Somebody of the notice may live elsewhere by now: what code was given there is no matter of the
    origin's.
    """
    own = (tx.residents.own_last(person, move.origin) for person in move.persons)
    return tuple(one.record.code for one in own if one is not None)


def certificate_of(
    here: MoveWindow, move: Move, papers: MovePapers, members: Sequence[Resident]
) -> Certificate:
    """Return the newest paper of a move to another municipality, with the entries of its members.

    Raises RuleBroken, ABROAD or NOT_PRINTED, for a move without a paper.
    """
    if move.destination is None:
        raise RuleBroken("ABROAD")
    if papers.verification_code is None:
        raise RuleBroken("NOT_PRINTED")
    destination = here.policy.municipalities.office_on(move.destination, move.planned_on)
    return Certificate(
        number=move.number,
        code=papers.verification_code,
        count=move.certificates,
        document=papers.document,
        origin_name=sender_of(here.window),
        destination_name=destination.full_name,
        destination_address=papers.destination_address,
        planned_on=move.planned_on,
        notified_on=move.notified_on,
        issued_on=here.window.today,
        persons=tuple(MovingPerson(one.version, one.record) for one in in_paper_order(members)),
    )
