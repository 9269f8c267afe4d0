"""Which cards a session takes: every purpose with every kind and state, and the act after it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.admission import ADMISSIONS, admit
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardSession, CardStatus, Purpose
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.sessions import RecordSession, record_session, use_session
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal
from tests.support.center import CHIYODA, CHIYODA_2, NOW, Center, serial_of
from tests.support.leaves import leaves

CARD = Card(
    serial=bytes(32),
    person=PersonID(bytes(16)),
    kind=CardKind.RESIDENT,
    status=CardStatus.ACTIVE,
    municipality=MunicipalityCode("112089"),
    valid_until=date(2033, 8, 24),
    number=CardNumber.drawn(bytes(8)),
    made_on=date(2023, 8, 25),
)
# The word of each state for services that take an active card only.
ACTIVE_ONLY = {
    CardStatus.MAKING: Reason.CARD_NOT_ACTIVE,
    CardStatus.MADE: Reason.CARD_NOT_ACTIVE,
    CardStatus.ACTIVE: None,
    CardStatus.HELD: Reason.CARD_SUSPENDED,
    CardStatus.SUSPENDED: Reason.CARD_SUSPENDED,
    CardStatus.REVOKED: Reason.CARD_REVOKED,
    CardStatus.LAPSED: Reason.CARD_REVOKED,
    CardStatus.RETURNED: Reason.CARD_REVOKED,
    CardStatus.VOID: Reason.CARD_REVOKED,
}
IN_HAND = ACTIVE_ONLY | {CardStatus.MADE: None}
ANY_BUT_VOID = dict.fromkeys(CardStatus) | {CardStatus.VOID: Reason.CARD_REVOKED}
EXPECTED = {
    Purpose.CERTIFICATE_COPY: (CardKind.RESIDENT, ACTIVE_ONLY),
    Purpose.PIN_PROOF: (CardKind.RESIDENT, IN_HAND),
    Purpose.CARD_CHECK: (CardKind.RESIDENT, ANY_BUT_VOID),
    Purpose.PIN_UNLOCK: (CardKind.RESIDENT, IN_HAND),
    Purpose.CLERK_SIGN_IN: (CardKind.CLERK, ACTIVE_ONLY),
    Purpose.SPECIAL_MOVE_IN: (CardKind.RESIDENT, ACTIVE_ONLY),
    Purpose.OWN_DISCLOSURE: (CardKind.RESIDENT, ACTIVE_ONLY),
}


def outcome(card: Card, purpose: Purpose) -> Reason | None:
    """Return why a card is refused, None where it is taken."""
    try:
        admit(card, purpose, NOW)
    except Refusal as refusal:
        return refusal.reason
    return None


def test_every_purpose_says_which_cards_it_takes() -> None:
    assert ADMISSIONS.keys() == set(Purpose) == EXPECTED.keys()


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("kind", list(CardKind))
def test_every_state_of_every_kind_is_taken_or_refused_by_its_reason(
    purpose: Purpose, kind: CardKind
) -> None:
    wanted, by_state = EXPECTED[purpose]
    expected = by_state if kind is wanted else dict.fromkeys(CardStatus, _NOT_FOR_PURPOSE)

    found = {
        status: outcome(replace(CARD, kind=kind, status=status), purpose) for status in CardStatus
    }

    assert found == expected


_NOT_FOR_PURPOSE = Reason.CARD_NOT_FOR_PURPOSE


@pytest.mark.parametrize(
    ("purpose", "reason"),
    [
        (Purpose.CERTIFICATE_COPY, Reason.CARD_PIN_PENDING),
        (Purpose.PIN_PROOF, None),
        (Purpose.CARD_CHECK, None),
        (Purpose.PIN_UNLOCK, None),
        (Purpose.CLERK_SIGN_IN, Reason.CARD_PIN_PENDING),
        (Purpose.SPECIAL_MOVE_IN, Reason.CARD_PIN_PENDING),
    ],
)
def test_a_card_that_owes_the_proof_of_its_pin_gets_no_service(
    purpose: Purpose, reason: Reason | None
) -> None:
    pending = replace(CARD, kind=ADMISSIONS[purpose].kind, pin_pending=True)

    assert outcome(pending, purpose) is reason


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_card_past_its_day_is_good_for_handing_in_only(purpose: Purpose) -> None:
    expired = replace(CARD, kind=ADMISSIONS[purpose].kind, valid_until=date(2020, 1, 1))

    expected = None if purpose is Purpose.CARD_CHECK else Reason.CARD_EXPIRED
    assert outcome(expired, purpose) is expected


TODAY = date(2026, 11, 23)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("last_day", [TODAY, TODAY + timedelta(days=90)])
def test_a_card_whose_use_was_not_continued_proves_its_pin_or_is_handed_in(
    purpose: Purpose, last_day: date
) -> None:
    waiting = replace(CARD, kind=ADMISSIONS[purpose].kind, continue_until=last_day)

    may_wait = purpose in {Purpose.PIN_PROOF, Purpose.CARD_CHECK}
    assert outcome(waiting, purpose) is (None if may_wait else Reason.CARD_NOT_CONTINUED)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.SUSPENDED])
def test_after_the_last_day_for_continuing_it_a_card_counts_as_lapsed(
    purpose: Purpose, status: CardStatus
) -> None:
    over = replace(
        CARD,
        kind=ADMISSIONS[purpose].kind,
        status=status,
        continue_until=TODAY - timedelta(days=1),
    )

    expected = None if purpose is Purpose.CARD_CHECK else Reason.CARD_REVOKED
    assert outcome(over, purpose) is expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": CardStatus.SUSPENDED}, Reason.CARD_SUSPENDED),
        ({"status": CardStatus.REVOKED}, Reason.CARD_REVOKED),
        ({"valid_until": date(2020, 1, 1)}, Reason.CARD_EXPIRED),
        ({"pin_pending": True}, Reason.CARD_NOT_CONTINUED),
    ],
)
def test_what_nobody_can_mend_is_told_before_what_a_window_can(
    changes: dict[str, object], reason: Reason
) -> None:
    card = replace(CARD, continue_until=TODAY, **changes)  # type: ignore[arg-type]  # its fields

    assert outcome(card, Purpose.CERTIFICATE_COPY) is reason


def test_the_kind_is_told_before_state_day_and_pin() -> None:
    clerks = replace(
        CARD,
        kind=CardKind.CLERK,
        status=CardStatus.SUSPENDED,
        valid_until=date(2020, 1, 1),
        pin_pending=True,
    )

    found = {outcome(clerks, purpose) for purpose in Purpose if purpose is not _CLERK}

    assert found == {Reason.CARD_NOT_FOR_PURPOSE}


_CLERK = Purpose.CLERK_SIGN_IN


def recorded(purpose: Purpose, key: str = "yoshida-taro") -> RecordSession:
    """Return a finished session that read no code."""
    return RecordSession(
        terminal=CHIYODA,
        session_id=uuid.uuid4().bytes,
        purpose=purpose,
        card_serial=serial_of(key),
        resident_code=None,
        transcript_hash=hashlib.sha256(b"transcript").digest(),
    )


async def session_for(center: Center, purpose: Purpose) -> CardSession:
    command = recorded(purpose)
    return await center.store.act(lambda tx: record_session(tx, command, NOW))


@pytest.mark.parametrize(
    "purpose",
    [Purpose.PIN_PROOF, Purpose.CARD_CHECK, Purpose.PIN_UNLOCK, Purpose.SPECIAL_MOVE_IN],
)
async def test_a_session_without_a_code_is_kept_for_the_holder_and_logged_at_both_places(
    center: Center, purpose: Purpose
) -> None:
    session = await session_for(center, purpose)

    kept = center.store.read(lambda tx: tx.cards.session(session.session_id))
    leaf = leaves(center.store)[-1]
    assert kept == session
    assert (leaf["ev"], leaf["more"]) == ("CARD_AUTHENTICATED", {"purpose": purpose})
    assert (leaf["iss"], leaf["res"]) == ("131016", "112089")


async def test_a_check_says_who_holds_a_card_while_its_municipality_is_disconnected(
    center: Center,
) -> None:
    code = MunicipalityCode("112089")
    await center.store.act(lambda tx: tx.registers.set_connected(code, connected=False))

    session = await session_for(center, Purpose.CARD_CHECK)

    assert session.card_serial == serial_of("yoshida-taro")


async def test_a_session_is_used_once_by_its_terminal_for_its_purpose(center: Center) -> None:
    session = await session_for(center, Purpose.PIN_PROOF)

    used = await center.store.act(
        lambda tx: use_session(tx, session.session_id, CHIYODA.uri, Purpose.PIN_PROOF, NOW)
    )

    assert used == session
    assert await refused_use(center, session) is Reason.SESSION_USED


async def refused_use(
    center: Center,
    session: CardSession,
    *,
    terminal: Terminal = CHIYODA,
    purpose: Purpose = Purpose.PIN_PROOF,
    later: timedelta = timedelta(),
) -> Reason:
    with pytest.raises(Refusal) as caught:
        await center.store.act(
            lambda tx: use_session(tx, session.session_id, terminal.uri, purpose, NOW + later)
        )
    return caught.value.reason


async def test_a_session_of_another_terminal_purpose_or_time_is_not_used(center: Center) -> None:
    session = await session_for(center, Purpose.PIN_PROOF)
    unknown = replace(session, session_id=bytes(16))

    assert await refused_use(center, session, terminal=CHIYODA_2) is Reason.SESSION_NOT_FOUND
    assert await refused_use(center, session, purpose=Purpose.CARD_CHECK) is _NOT_FOUND
    assert await refused_use(center, session, purpose=Purpose.CERTIFICATE_COPY) is _NOT_FOUND
    assert await refused_use(center, unknown) is Reason.SESSION_NOT_FOUND
    assert await refused_use(center, session, later=timedelta(seconds=301)) is _EXPIRED


_NOT_FOUND = Reason.SESSION_NOT_FOUND
_EXPIRED = Reason.SESSION_EXPIRED


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (Purpose.PIN_PROOF, Purpose.SPECIAL_MOVE_IN),
        (Purpose.CERTIFICATE_COPY, Purpose.SPECIAL_MOVE_IN),
        (Purpose.CARD_CHECK, Purpose.SPECIAL_MOVE_IN),
        (Purpose.SPECIAL_MOVE_IN, Purpose.PIN_PROOF),
        (Purpose.SPECIAL_MOVE_IN, Purpose.CERTIFICATE_COPY),
    ],
)
async def test_a_session_for_a_move_is_for_nothing_else_and_no_other_opens_a_move(
    center: Center, held: Purpose, wanted: Purpose
) -> None:
    session = await session_for(center, held)

    assert await refused_use(center, session, purpose=wanted) is _NOT_FOUND
    assert not await is_used(center, session)


async def is_used(center: Center, session: CardSession) -> bool:
    kept = center.store.read(lambda tx: tx.cards.session(session.session_id))
    assert kept is not None
    return kept.is_used


async def test_a_suspension_between_session_and_act_wins_and_leaves_the_session_unused(
    center: Center,
) -> None:
    session = await session_for(center, Purpose.PIN_PROOF)
    lost = ChangeStatus("juki://operator/1", session.card_serial, CardEvent.REPORTED_LOST)
    await center.store.act(lambda tx: change_status(tx, lost, NOW))

    assert await refused_use(center, session) is Reason.CARD_SUSPENDED
    kept = center.store.read(lambda tx: tx.cards.session(session.session_id))
    assert kept is not None
    assert not kept.is_used


async def test_an_act_that_is_refused_after_taking_the_session_leaves_it_unused(
    center: Center,
) -> None:
    session = await session_for(center, Purpose.PIN_PROOF)

    def act(tx: object) -> None:
        use_session(tx, session.session_id, CHIYODA.uri, Purpose.PIN_PROOF, NOW)  # type: ignore[arg-type]
        raise Refusal(Reason.FIELD_INVALID)

    with pytest.raises(Refusal):
        await center.store.act(act)

    kept = center.store.read(lambda tx: tx.cards.session(session.session_id))
    assert kept is not None
    assert not kept.is_used


async def test_an_unlock_begun_between_session_and_issue_wins(center: Center) -> None:
    command = await center.command("yoshida-taro")
    serial = serial_of("yoshida-taro")
    await center.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=True))

    with pytest.raises(Refusal) as caught:
        await center.issue(command)

    assert caught.value.reason is Reason.CARD_PIN_PENDING
    assert center.found(command) is None


@pytest.mark.parametrize(
    ("change", "purpose", "reason"),
    [
        (lambda tx, s: tx.cards.set_status(s, CardStatus.SUSPENDED), "PIN_PROOF", "CARD_SUSPENDED"),
        (lambda tx, s: tx.cards.set_status(s, CardStatus.VOID), "CARD_CHECK", "CARD_REVOKED"),
        (
            lambda tx, s: tx.cards.set_status(s, CardStatus.MAKING),
            "CARD_CHECK",
            "PERSONALISATION_NOT_FOUND",
        ),
    ],
)
async def test_what_changed_while_the_card_was_in_the_reader_is_seen_when_it_is_recorded(
    center: Center, change: Callable[[object, bytes], None], purpose: str, reason: str
) -> None:
    serial = serial_of("yoshida-taro")
    await center.store.act(lambda tx: change(tx, serial))
    command = recorded(Purpose[purpose])

    with pytest.raises(Refusal) as caught:
        await center.store.act(lambda tx: record_session(tx, command, NOW))

    assert caught.value.reason == reason
    assert isinstance(caught.value, DeniedAttempt)
    assert leaves(center.store)[-1]["out"] == reason
    assert center.store.read(lambda tx: tx.cards.session(command.session_id)) is None
