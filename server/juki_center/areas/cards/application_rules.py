"""How an application for a card may go on, and in which state it begins.

An application is decided in the act in which it is made: it has no state before its first one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from juki_center.areas.cards.application_rows import ApplicationState, EndReason
from juki_center.areas.cards.identification import Way
from juki_center.errors import NotAllowed

FIRST_STATES: Final = {
    Way.SAME_DAY: ApplicationState.APPROVED,
    Way.INQUIRY: ApplicationState.INQUIRY_SENT,
}
"""In which state an application begins, by the way on which its applicant is identified."""


class ApplicationEvent(StrEnum):
    """What happens to an application."""

    REPLIED = "REPLIED"
    REPLY_REFUSED = "REPLY_REFUSED"
    REPLY_OVERDUE = "REPLY_OVERDUE"
    LETTER_RETURNED = "LETTER_RETURNED"
    CARD_MADE = "CARD_MADE"
    CARD_GIVEN_UP = "CARD_GIVEN_UP"
    HANDED_OVER = "HANDED_OVER"
    NOT_COLLECTED = "NOT_COLLECTED"
    NOT_THE_PERSON = "NOT_THE_PERSON"
    WITHDRAWN = "WITHDRAWN"
    HOLDER_GONE = "HOLDER_GONE"
    CODE_CHANGED = "CODE_CHANGED"


TRANSITIONS: Final = {
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.REPLIED): ApplicationState.APPROVED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.REPLY_REFUSED): ApplicationState.REJECTED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.REPLY_OVERDUE): ApplicationState.REJECTED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.LETTER_RETURNED): ApplicationState.REJECTED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.NOT_THE_PERSON): ApplicationState.REJECTED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.WITHDRAWN): ApplicationState.CANCELLED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.HOLDER_GONE): ApplicationState.CANCELLED,
    (ApplicationState.INQUIRY_SENT, ApplicationEvent.CODE_CHANGED): ApplicationState.CANCELLED,
    (ApplicationState.APPROVED, ApplicationEvent.CARD_MADE): ApplicationState.READY,
    (ApplicationState.APPROVED, ApplicationEvent.CARD_GIVEN_UP): ApplicationState.APPROVED,
    (ApplicationState.APPROVED, ApplicationEvent.NOT_THE_PERSON): ApplicationState.REJECTED,
    (ApplicationState.APPROVED, ApplicationEvent.WITHDRAWN): ApplicationState.CANCELLED,
    (ApplicationState.APPROVED, ApplicationEvent.HOLDER_GONE): ApplicationState.CANCELLED,
    (ApplicationState.APPROVED, ApplicationEvent.CODE_CHANGED): ApplicationState.CANCELLED,
    (ApplicationState.READY, ApplicationEvent.CARD_GIVEN_UP): ApplicationState.APPROVED,
    (ApplicationState.READY, ApplicationEvent.HANDED_OVER): ApplicationState.DELIVERED,
    (ApplicationState.READY, ApplicationEvent.NOT_COLLECTED): ApplicationState.REJECTED,
    (ApplicationState.READY, ApplicationEvent.NOT_THE_PERSON): ApplicationState.REJECTED,
    (ApplicationState.READY, ApplicationEvent.WITHDRAWN): ApplicationState.CANCELLED,
    (ApplicationState.READY, ApplicationEvent.HOLDER_GONE): ApplicationState.CANCELLED,
    (ApplicationState.READY, ApplicationEvent.CODE_CHANGED): ApplicationState.CANCELLED,
}  # Anything else raises NotAllowed: what has ended stays as it ended.

OPEN_STATES: Final = (
    ApplicationState.INQUIRY_SENT,
    ApplicationState.APPROVED,
    ApplicationState.READY,
)
"""The states of an application that has not ended."""

CLERKS_ENDS: Final = {
    EndReason.LETTER_RETURNED: ApplicationEvent.LETTER_RETURNED,
    EndReason.NOT_THE_PERSON: ApplicationEvent.NOT_THE_PERSON,
    EndReason.WITHDRAWN: ApplicationEvent.WITHDRAWN,
    EndReason.NOT_COLLECTED: ApplicationEvent.NOT_COLLECTED,
}
"""What a clerk's reason for ending an application means to it."""


def after(state: ApplicationState, event: ApplicationEvent) -> ApplicationState:
    """Return the state after an event. Raises NotAllowed."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotAllowed(state, event) from None
