"""The end of making a card: proved by the card itself, or given up; and what is still open.

A card counts as made when a session over the CAN has shown that the chip is a card of ours. One
that was given up is void for ever, its chip is never used again, and its application waits for
another. How a card is begun is in `making`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, cast

import cbor2

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards import application_rules
from juki_center.areas.cards.application_rows import Application, Applications, ApplicationState
from juki_center.areas.cards.application_rules import ApplicationEvent
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.personalisation_commands import (
    ListPersonalisations,
    PersonalisationPage,
    VoidPersonalisation,
)
from juki_center.areas.cards.personalisation_rows import (
    Personalisation,
    Personalisations,
    PersonalisationState,
)
from juki_center.areas.cards.register import Card, Cards, CardStatus
from juki_center.areas.cards.rules import CardEvent, after
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.areas.requests.page_tokens import cursor_of
from juki_center.errors import NotAllowed, Reason, Refusal

GIVEN_UP_AFTER = timedelta(days=30)
"""How long a card may lie half made before the center gives it up by itself."""
_PAGE_SIZE = 50
RECONCILED_AT_ONCE = 100
_ENDED = frozenset({CardStatus.VOID, CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED})


class FinishTx(Protocol):
    """What ending the making of a card needs of a transaction."""

    @property
    def applications(self) -> Applications: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def personalisations(self) -> Personalisations: ...


class VoidTx(FinishTx, WindowTx, Protocol):
    """What giving up a card at a window needs of a transaction."""


class Why(StrEnum):
    """Why the center gives a card up by itself."""

    APPLICATION_ENDED = "APPLICATION_ENDED"
    TOO_OLD = "TOO_OLD"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of a page of open ones: given up, or left to a window.

    `next_after` is where the next page begins; None on the last one.
    """

    given_up: tuple[tuple[Personalisation, Why], ...]
    left: tuple[Personalisation, ...]
    next_after: int | None


def finish(tx: FinishTx, card: Card, caller_uri: str, now: datetime) -> None:
    """Write that a card was made: MAKING becomes MADE, its application READY.

    Needs no municipality's key. Raises Refusal(PERSONALISATION_NOT_FOUND) where nothing open has
    made the card, or its application has ended meanwhile, and NotAllowed for a card in another
    state.
    """
    made = tx.personalisations.of_card(card.serial)
    if made is None or made.state is not PersonalisationState.OPEN:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    application = _application(tx, made)
    if application is None:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    state = application_rules.after(application.state, ApplicationEvent.CARD_MADE)
    status = after(card.status, CardEvent.PROVED)
    tx.cards.set_status(card.serial, status)
    tx.personalisations.end(made.personalisation_id, PersonalisationState.DONE, now)
    tx.applications.update(replace(application, state=state, card_number=card.number))
    tx.audit.append(
        AuditEvent(
            event=Event.CARD_MADE,
            at=now,
            caller_uri=caller_uri,
            residence=card.municipality,
            subjects=(card.person,),
            resource=card.serial.hex(),
            details=(("status", status),),
        )
    )


def void(tx: VoidTx, window: Window, command: VoidPersonalisation) -> Application:
    """Give up a card that was begun, or made and found dead before it was handed over.

    Returns the application as it is after that. Raises DeniedAttempt: PERSONALISATION_NOT_FOUND,
    NOT_IN_THIS_STATE, CLERK_NAME_REQUIRED; and Refusal as `window.once` does.
    """
    octets = once(
        tx,
        window,
        command,
        request_id=command.request_id,
        act=lambda found: _void(tx, window, command, found),
    )
    number, state = cast("tuple[str, str]", cbor2.loads(octets))
    return _as_it_was(tx, ApplicationNumber(number), ApplicationState(state))


def give_up(tx: FinishTx, row: Personalisation, caller_uri: str, now: datetime) -> None:
    """Make a card in the making void: its row, its secrets, and its application's hold on it.

    Needs no municipality's key. A card that has ended stays as it ended. Raises NotAllowed where it
    was handed over, or given up before.
    """
    application = _application(tx, row)
    is_over = row.state is PersonalisationState.DONE and application is None
    if is_over or row.state is PersonalisationState.VOID:
        raise NotAllowed(row.state, CardEvent.GIVEN_UP)
    card = None if row.card_serial is None else tx.cards.card(row.card_serial)
    if card is not None and card.status not in _ENDED:
        change_status(tx, ChangeStatus(caller_uri, card.serial, CardEvent.GIVEN_UP), now)
    tx.personalisations.end(row.personalisation_id, PersonalisationState.VOID, now)
    tx.personalisations.forget_secrets(row.personalisation_id)
    if application is not None:
        state = application_rules.after(application.state, ApplicationEvent.CARD_GIVEN_UP)
        tx.applications.update(replace(application, state=state, card_number=None))


def list_open(tx: FinishTx, window: Window, command: ListPersonalisations) -> PersonalisationPage:
    """Return a page of the open ones of the window's municipality, oldest first.

    The access number of a card stands there only once the card is known, because only then there
    can be a card that takes it; and not while the municipality is disconnected. Raises Refusal:
    CLERK_NAME_REQUIRED, FIELD_INVALID for a page token that this center did not make.
    """
    if not window.clerk_name.strip():
        raise Refusal(Reason.CLERK_NAME_REQUIRED)
    limit = command.page_size or _PAGE_SIZE
    found = tx.personalisations.open_ones(
        window.register, after=cursor_of(command.page_token), limit=limit + 1
    )
    shown = found[:limit]
    token = str(shown[-1][0]) if len(found) > limit else ""
    return PersonalisationPage(tuple(_opened(tx, row) for _, row in shown), token)


def reconcile(  # a question where `is_trial`, an act otherwise
    tx: FinishTx,
    caller_uri: str,
    now: datetime,
    *,
    older_than: timedelta = GIVEN_UP_AFTER,
    after_cursor: int = 0,
    is_trial: bool = False,
) -> Reconciled:
    """Act: give up what nobody can or will finish, a page at a time; list what is left.

    Given up is what is older than `older_than`, and what belongs to an application that has ended.
    What is left waits for a window: its chip is put into a reader again, or it is declared void.
    """
    page = tx.personalisations.open_ones(None, after=after_cursor, limit=RECONCILED_AT_ONCE)
    given_up: list[tuple[Personalisation, Why]] = []
    left: list[Personalisation] = []
    for _, row in page:
        why = _why(tx, row, now - older_than)
        if why is None:
            left.append(row)
            continue
        given_up.append((row, why))
        if not is_trial:
            give_up(tx, row, caller_uri, now)
            tx.audit.append(_given_up(row, caller_uri, why, now))
    is_last = len(page) < RECONCILED_AT_ONCE
    return Reconciled(tuple(given_up), tuple(left), None if is_last else page[-1][0])


def _void(tx: VoidTx, window: Window, command: VoidPersonalisation, found: Found) -> Done:
    row = tx.personalisations.by_id(command.personalisation_id)
    if row is None or row.municipality != window.register:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    found.is_about(row.person, resource=row.application)
    give_up(tx, row, window.terminal.uri, window.now)
    application = tx.applications.application(row.application)
    state = ApplicationState.CANCELLED if application is None else application.state
    return Done(
        cbor2.dumps([str(row.application), str(state)]),
        Event.PERSONALISATION_VOID,
        subjects=(row.person,),
        resource=row.application,
    )


def _as_it_was(tx: FinishTx, number: ApplicationNumber, state: ApplicationState) -> Application:
    """Return an application as it was after a card was given up, whatever came after that."""
    application = tx.applications.application(number)
    if application is None:
        raise Refusal(Reason.APPLICATION_NOT_FOUND)
    if state is not ApplicationState.APPROVED:
        return application
    return replace(application, state=state, card_number=None, ended_at=None, end_reason=None)


def _application(tx: FinishTx, row: Personalisation) -> Application | None:
    """Return the application of a card unless it has ended; without its papers."""
    open_ones = tx.applications.open_of_person(row.person)
    return next((one for one in open_ones if one.number == row.application), None)


def _opened(tx: FinishTx, row: Personalisation) -> Personalisation:
    if row.card_serial is None:
        return row
    try:
        return tx.personalisations.by_id(row.personalisation_id) or row
    except Refusal:
        return row


def _why(tx: FinishTx, row: Personalisation, oldest: datetime) -> Why | None:
    if _application(tx, row) is None:
        return Why.APPLICATION_ENDED
    return Why.TOO_OLD if row.begun_at < oldest else None


def _given_up(row: Personalisation, caller_uri: str, why: Why, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=Event.PERSONALISATION_VOID,
        at=now,
        caller_uri=caller_uri,
        residence=row.municipality,
        subjects=(row.person,),
        resource=row.application,
        details=(("why", why),),
    )
