"""The act of ending an application at the window, without a card.

A card that was made for it and never handed over is given up in the same act.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_codec import decode_taken, encode_taken
from juki_center.areas.cards.application_commands import RejectApplication, Taken
from juki_center.areas.cards.application_reads import FindTx, find_application
from juki_center.areas.cards.application_rows import Application, ApplicationState
from juki_center.areas.cards.application_rules import CLERKS_ENDS, after
from juki_center.areas.cards.applications import facts_of
from juki_center.areas.cards.personalisation_rows import PersonalisationState
from juki_center.areas.cards.personalisations import FinishTx, give_up
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.errors import Reason, Refusal


class RejectTx(WindowTx, FindTx, FinishTx, Protocol):
    """What ending an application needs of a transaction."""


def reject_application(
    tx: RejectTx, command: RejectApplication, now: datetime, policy: CardPolicy
) -> Taken:
    """End an application for a reason that a clerk gives.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        application = find_application(tx, window, found, command.application)
        ended = _ended(tx, window, application, command)
        return Done(
            encode_taken(Taken(ended)),
            Event.APPLICATION_ENDED,
            subjects=(ended.person,),
            resource=ended.number,
            details=facts_of(ended),
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


def _ended(
    tx: RejectTx, window: Window, application: Application, command: RejectApplication
) -> Application:
    ended = replace(
        application,
        state=after(application.state, CLERKS_ENDS[command.reason]),
        papers=None,
        card_number=None,
        ended_at=window.now,
        end_reason=command.reason,
    )
    _give_up_card(tx, window, application)
    tx.applications.set_state(
        ended.number, ended.state, ended_at=ended.ended_at, end_reason=ended.end_reason
    )
    return ended


def _give_up_card(tx: RejectTx, window: Window, application: Application) -> None:
    """Give up a card that waits for its holder. Raises Refusal(PERSONALISATION_OPEN)."""
    if application.state is ApplicationState.INQUIRY_SENT:
        return
    made = tx.personalisations.newest_of(application.number)
    if made is None:
        return
    if made.state is PersonalisationState.OPEN:
        raise Refusal(Reason.PERSONALISATION_OPEN)
    give_up(tx, made, window.terminal.uri, window.now)
