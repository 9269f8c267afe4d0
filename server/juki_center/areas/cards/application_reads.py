"""Looking at applications: one with its letter or notice, or a page of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditLog, Event
from juki_center.areas.cards.application_codec import decode_taken, encode_taken
from juki_center.areas.cards.application_commands import (
    ApplicationPage,
    GetApplication,
    InquiryLetter,
    IssueNotice,
    ListApplications,
    Taken,
)
from juki_center.areas.cards.application_rows import Application, Applications, ApplicationState
from juki_center.areas.cards.application_rules import OPEN_STATES
from juki_center.areas.cards.applications import addressee_of
from juki_center.areas.cards.identification import IDENTIFICATIONS
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.window import (
    Done,
    Found,
    Window,
    WindowTx,
    look,
    refuse_abolished,
    sender_of,
)
from juki_center.areas.days import day_in_japan
from juki_center.areas.requests.page_tokens import cursor_of
from juki_center.areas.residents.records import Residents
from juki_center.errors import Reason, Refusal

_PAGE_SIZE: Final = 50


class FindTx(Protocol):
    """What finding an application needs of a transaction."""

    @property
    def applications(self) -> Applications: ...


class ReadTx(WindowTx, FindTx, Protocol):
    """What looking at an application needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def residents(self) -> Residents: ...


def find_application(
    tx: FindTx, window: Window, found: Found, number: ApplicationNumber
) -> Application:
    """Return an application of the window's own municipality, with its papers.

    Nothing of another municipality is opened to find that out. Raises Refusal:
    APPLICATION_NOT_FOUND, RESIDENCE_DISCONNECTED.
    """
    application = None
    if tx.applications.municipality_of(number) == window.register:
        application = tx.applications.application(number)
    if application is None:
        raise Refusal(Reason.APPLICATION_NOT_FOUND)
    found.is_about(application.person, resource=number)
    return application


def get_application(
    tx: ReadTx, command: GetApplication, now: datetime, policy: CardPolicy
) -> Taken:
    """Return an application, with its letter or notice where that is wanted and still due.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED, APPLICATION_NOT_FOUND,
    RESIDENCE_DISCONNECTED.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        application = find_application(tx, window, found, command.application)
        taken = Taken(replace(application, papers=None))
        if command.with_letter:
            taken = replace(
                taken,
                letter=_letter(window, application),
                notice=_notice(tx, window, application),
            )
        return Done(
            encode_taken(taken),
            Event.APPLICATION_READ,
            subjects=(application.person,),
            resource=application.number,
        )

    return decode_taken(look(tx, window, act, Event.APPLICATION_REFUSED))


def list_applications(
    tx: FindTx, command: ListApplications, now: datetime, policy: CardPolicy
) -> ApplicationPage:
    """Return a page of the applications of the caller's municipality, oldest first.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED; FIELD_INVALID for a page token that this
    center did not make.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)
    refuse_abolished(window)
    if not window.clerk_name.strip():
        raise Refusal(Reason.CLERK_NAME_REQUIRED)
    limit = command.page_size or _PAGE_SIZE
    rows = tx.applications.page(
        window.register,
        command.states or OPEN_STATES,
        after=cursor_of(command.page_token),
        limit=limit + 1,
    )
    shown = rows[:limit]
    token = str(shown[-1][0]) if len(rows) > limit else ""
    return ApplicationPage(tuple(one for _, one in shown), token)


def _letter(window: Window, application: Application) -> InquiryLetter | None:
    """Return the letter as it was sent, while its reply is awaited."""
    papers, reply_until = application.papers, application.reply_until
    if application.state is not ApplicationState.INQUIRY_SENT or papers is None:
        return None
    number, sent_on, sent_to = papers.letter_number, papers.letter_sent_on, papers.letter_sent_to
    if number is None or sent_on is None or sent_to is None or reply_until is None:
        return None
    rules = IDENTIFICATIONS[window.policy.rule_set]
    return InquiryLetter(
        number=number,
        addressee=sent_to,
        sent_on=sent_on,
        reply_until=reply_until,
        registered_mail=rules.registered_mail,
        document_required=rules.reply_needs_document,
        municipality_name=sender_of(window),
    )


def _notice(tx: ReadTx, window: Window, application: Application) -> IssueNotice | None:
    """Return the notice of a card that was issued without a letter, where the rule set wants it."""
    ended_at = application.ended_at
    was_same_day = application.state is ApplicationState.DELIVERED and not application.reply_until
    rules = IDENTIFICATIONS[window.policy.rule_set]
    if not (rules.notice_after_same_day and was_same_day and ended_at is not None):
        return None
    record = tx.residents.resident(application.person).record
    return IssueNotice(addressee_of(record), day_in_japan(ended_at), sender_of(window))
