"""The windows of moves: what is filed and fetched at the origin, and entered at the destination.

Each looks up what a clerk would have on the screen, the records' versions and the notice, just
before it acts.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from juki_center.areas.cards.continuations import continue_card
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, Purpose
from juki_center.areas.moves.answers import (
    Certificate,
    TransferFetched,
)
from juki_center.areas.moves.certificates import issue_certificate
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.commands import (
    AbandonMoveIn,
    Arrival,
    AtWindow,
    ByCard,
    CancelMoveIn,
    CancelMoveOut,
    ChangeMoveOut,
    ContinueCard,
    Fetched,
    FetchTransfer,
    FileMoveOut,
    IssueCertificate,
    Mover,
    Notification,
    Paper,
    Place,
    RegisterMoveIn,
    RegisterMoveWithin,
    Within,
)
from juki_center.areas.moves.commands import Plan as MovePlan
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.rows import Channel, Filer, Move
from juki_center.areas.moves.states import MoveKind
from juki_center.areas.moves.take_backs import cancel_move_in
from juki_center.areas.moves.transfers import abandon_move_in, fetch_transfer
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.moves.within import register_move_within
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.synthetic_draws import happens
from juki_center.simulation.errands import Errand
from juki_center.simulation.move_errands import (
    ChangeMove,
    ContinueUse,
    FetchPaper,
    FileMove,
    MoveIn,
    MoveWithin,
    StopHalfway,
    TakeBack,
    WithdrawMove,
)
from juki_center.simulation.register_window import look
from juki_center.simulation.town import CLERK, RestsOnNothing, Town, window

_LATE_REASON: Final = "届出の期間を知らなかったため"
_IN_A_HOUSE_OF_MANY: Final = 0.5


class MoveWindow:
    """The move windows of all municipalities; they remember each move by the plan's number."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._policy = town.policies.moves
        self._moves: dict[int, Move] = {}
        self._papers: dict[int, Certificate] = {}

    # At the origin

    def file(self, errand: FileMove) -> None:
        """Enter a notice. Raises Refusal."""
        command = FileMoveOut(
            at=self._at(errand),
            kind=MoveKind.SPECIAL if errand.by_card else MoveKind.ORDINARY,
            notification=Notification(
                Channel.POST if errand.by_post else Channel.COUNTER, Filer.HOUSEHOLD_MEMBER
            ),
            plan=MovePlan(errand.destination, errand.planned_on),
            movers=self._movers(errand, errand.persons),
        )
        filed = self._town.do(
            "file_move_out", lambda tx: file_move_out(tx, command, errand.at, self._policy)
        )
        self._moves[errand.move] = filed.move
        self._keep_paper(errand.move, filed.certificate)

    def change(self, errand: ChangeMove) -> None:
        """Change the day of a notice. Raises Refusal."""
        move = self._move(errand.move)
        command = ChangeMoveOut(
            at=self._at(errand),
            number=move.number,
            expected_version=move.version,
            plan=MovePlan(errand.destination, errand.planned_on),
            movers=self._movers(errand, errand.persons),
        )
        changed = self._town.do(
            "change_move_out", lambda tx: change_move_out(tx, command, errand.at, self._policy)
        )
        self._moves[errand.move] = changed.move
        self._keep_paper(errand.move, changed.certificate)

    def withdraw(self, errand: WithdrawMove) -> None:
        """Take a notice back. Raises Refusal."""
        command = CancelMoveOut(self._at(errand), self._move(errand.move).number)
        self._town.do(
            "cancel_move_out", lambda tx: cancel_move_out(tx, command, errand.at, self._policy)
        )

    def fetch_paper(self, errand: FetchPaper) -> None:
        """Issue the certificate of moving out, in place of the card or again. Raises Refusal."""
        command = IssueCertificate(
            self._at(errand),
            self._move(errand.move).number,
            give_up_special=errand.gives_up_card,
        )
        issued = self._town.do(
            "issue_certificate",
            lambda tx: issue_certificate(tx, command, errand.at, self._policy),
        )
        self._keep_paper(errand.move, issued.certificate)

    def within(self, errand: MoveWithin) -> None:
        """Enter a move within the municipality. Raises Refusal."""
        movers = tuple(
            Within(seen.record.code, seen.version, relationship)
            for seen, relationship in zip(
                (look(self._town, errand, one) for one in errand.persons),
                errand.relationships,
                strict=True,
            )
        )
        command = RegisterMoveWithin(
            at=self._at(errand),
            movers=movers,
            place=self._place(errand.office),
            moved_on=errand.moved_on,
            same_household=errand.same_household,
            late_reason=_LATE_REASON if errand.is_late else "",
        )
        self._town.do(
            "register_move_within",
            lambda tx: register_move_within(tx, command, errand.at, self._policy),
        )

    # At the destination

    def move_in(self, errand: MoveIn) -> None:
        """Enter persons who have come, by card or against their paper. Raises Refusal."""
        # The cards are laid on the counter before they lapse.
        handed_in = tuple(CardNumber(self._card(one).number) for one in errand.hands_in)
        ground: Fetched | Paper
        if errand.bearer is None:
            ground = self._paper(errand)
            arrivals = self._arrivals_by_paper(errand)
        else:
            fetched = self._fetch(errand, errand.move, errand.bearer, errand.moved_on)
            ground = Fetched(fetched.transfer_id, fetched.move.version)
            arrivals = self._arrivals_by_card(errand, fetched)
        command = RegisterMoveIn(
            self._at(errand), ground, arrivals, self._place(errand.office), handed_in
        )
        registered = self._town.do(
            "register_move_in",
            lambda tx: register_move_in(tx, command, errand.at, self._policy),
        )
        self._moves[errand.move] = registered.move

    def stop_halfway(self, errand: StopHalfway) -> None:
        """Fetch the information of a move, and give it back. Raises Refusal."""
        fetched = self._fetch(errand, errand.move, errand.bearer, errand.moved_on)
        command = AbandonMoveIn(self._at(errand), fetched.transfer_id)
        self._town.do(
            "abandon_move_in", lambda tx: abandon_move_in(tx, command, errand.at, self._policy)
        )

    def take_back(self, errand: TakeBack) -> None:
        """Cancel a completed move. Raises Refusal."""
        moved = tuple(
            Arrival(seen.record.code, seen.version)
            for seen in (look(self._town, errand, one) for one in errand.persons)
        )
        command = CancelMoveIn(self._at(errand), self._move(errand.move).number, moved)
        self._town.do(
            "cancel_move_in", lambda tx: cancel_move_in(tx, command, errand.at, self._policy)
        )

    def continue_use(self, errand: ContinueUse) -> None:
        """Continue the use of a card at the new residence. Raises Refusal."""
        session = self._town.session(
            window(errand.office),
            Purpose.PIN_PROOF,
            self._card(errand.person),
            errand,
            errand.person,
        )
        command = ContinueCard(self._at(errand), session.session_id)
        self._town.do(
            "continue_card", lambda tx: continue_card(tx, command, errand.at, self._policy)
        )

    def _move(self, move: int) -> Move:
        if move not in self._moves:
            raise RestsOnNothing("notice")
        return self._moves[move]

    def _at(self, errand: Errand) -> AtWindow:
        return AtWindow(window(errand.office), self._town.request_id(), CLERK)

    def _movers(self, errand: Errand, persons: tuple[int, ...]) -> tuple[Mover, ...]:
        seen = (look(self._town, errand, one) for one in persons)
        return tuple(Mover(one.record.code, one.version) for one in seen)

    def _keep_paper(self, move: int, paper: Certificate | None) -> None:
        if paper is not None:
            self._papers[move] = paper

    def _paper(self, errand: MoveIn) -> Paper:
        if errand.move not in self._papers:
            raise RestsOnNothing("paper")
        paper = self._papers[errand.move]
        reason = _LATE_REASON if errand.is_late else ""
        return Paper(paper.number, paper.code, errand.moved_on, reason)

    def _fetch(self, errand: Errand, move: int, bearer: int, moved_on: date) -> TransferFetched:
        if self._policy.is_pushed and self._move(move).destination == errand.office:
            self._fetched(errand, FetchTransfer(self._at(errand), self._move(move).number))
        session = self._town.session(
            window(errand.office), Purpose.SPECIAL_MOVE_IN, self._card(bearer), errand, bearer
        )
        by = ByCard(session.session_id, moved_on)
        return self._fetched(errand, FetchTransfer(self._at(errand), by))

    def _fetched(self, errand: Errand, command: FetchTransfer) -> TransferFetched:
        return self._town.do(
            "fetch_transfer", lambda tx: fetch_transfer(tx, command, errand.at, self._policy)
        )

    def _arrivals_by_card(self, errand: MoveIn, fetched: TransferFetched) -> tuple[Arrival, ...]:
        versions = {one.record.code: one.version for one in fetched.persons}
        return tuple(
            Arrival(code, versions[code], relationship)
            for code, relationship in zip(
                map(self._town.code, errand.persons), errand.relationships, strict=True
            )
        )

    def _arrivals_by_paper(self, errand: MoveIn) -> tuple[Arrival, ...]:
        return tuple(
            Arrival(self._town.code(person), 0, relationship)
            for person, relationship in zip(errand.persons, errand.relationships, strict=True)
        )

    def _place(self, municipality: MunicipalityCode) -> Place:
        places, draws = self._town.places, self._town.draws
        building = places.building(draws) if happens(draws, _IN_A_HOUSE_OF_MANY) else ""
        return Place(places.address(draws, municipality), building)

    def _card(self, person: int) -> Card:
        return self._town.card_of(person)
