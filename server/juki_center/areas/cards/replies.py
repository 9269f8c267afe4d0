"""The act of recording a reply to an inquiry letter.

A reply that does not count ends the application, and the answer says so: that is no refusal. One
that only lacks something beside it is refused, and may be brought again.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_codec import decode_taken, encode_taken
from juki_center.areas.cards.application_commands import RecordReply, Taken
from juki_center.areas.cards.application_reads import FindTx, find_application
from juki_center.areas.cards.application_rows import Application, ApplicationPapers, EndReason
from juki_center.areas.cards.application_rules import ApplicationEvent, after
from juki_center.areas.cards.applications import facts_of
from juki_center.areas.cards.identification import (
    IDENTIFICATIONS,
    refuse_reply_without_evidence,
)
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.errors import Reason, Refusal


class ReplyTx(WindowTx, FindTx, Protocol):
    """What recording a reply needs of a transaction."""


def record_reply(tx: ReplyTx, command: RecordReply, now: datetime, policy: CardPolicy) -> Taken:
    """Record a reply: the application is APPROVED, or REJECTED where the reply does not count.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        application = find_application(tx, window, found, command.application)
        replied = _replied(window, application, command)
        tx.applications.update(replied)
        return Done(
            encode_taken(Taken(replace(replied, papers=None))),
            Event.INQUIRY_REPLIED,
            subjects=(replied.person,),
            resource=replied.number,
            details=facts_of(replied),
        )

    return decode_taken(
        once(
            tx,
            window,
            command,
            request_id=command.request_id,
            act=act,
            refused=Event.APPLICATION_REFUSED,
        )
    )


def _replied(window: Window, application: Application, command: RecordReply) -> Application:
    approved = after(application.state, ApplicationEvent.REPLIED)
    papers = application.papers
    if papers is None:
        raise Refusal(Reason.APPLICATION_NOT_FOUND)
    written = replace(
        papers,
        reply_documents=command.documents,
        reply_clerk_name=window.clerk_name,
        oral_questions_answered=command.oral_questions_answered,
    )
    fault = _fault(window, application, papers, command)
    if fault is not None:
        return replace(
            application,
            state=after(application.state, ApplicationEvent.REPLY_REFUSED),
            papers=written,
            ended_at=window.now,
            end_reason=fault,
        )
    refuse_reply_without_evidence(
        IDENTIFICATIONS[window.policy.rule_set],
        command.documents,
        questions_answered=command.oral_questions_answered,
    )
    return replace(application, state=approved, papers=written)


def _fault(
    window: Window, application: Application, papers: ApplicationPapers, command: RecordReply
) -> EndReason | None:
    """Return why the reply does not count, whatever was brought beside it."""
    if not command.brought_by_applicant:
        return EndReason.NOT_THE_PERSON
    if application.reply_until is None or window.today > application.reply_until:
        return EndReason.REPLY_TOO_LATE
    sent = (papers.letter_number or "").encode()
    if not hmac.compare_digest(sent, command.letter.encode()):
        return EndReason.LETTER_NUMBER_WRONG
    return None
