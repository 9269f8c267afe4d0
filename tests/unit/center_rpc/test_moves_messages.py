"""Answers about moves: every field reaches the wire, and the longest ones fit into a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.moves import answers
from juki_center.areas.moves.numbers import MoveNumber, VerificationCode
from juki_center.areas.moves.rows import AlertKind, Document, Move, MoveAlert, MoveMember, Transfer
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.moves.waiting_rows import MOST_SHOWN, NoticeFate, NoticeSent
from juki_center.areas.residents.civil_date_texts import TEXT_LENGTH
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Precision
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    Nationality,
    PersonID,
    ProtectiveMeasure,
    ResidenceRecord,
    Sex,
)
from juki_center.rpc import moves_messages as messages
from juki_center.rpc.options import access_rules
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support import move_requests as ask
from tests.support.center import SAMPLES
from tests.support.register_records import resident

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
NUMBER = MoveNumber(ask.NUMBER)
CHIYODA, TOKOROZAWA = MunicipalityCode("131016"), MunicipalityCode("112089")
MEMBERS = (
    MoveMember(PersonID(bytes(16)), MemberState.MOVED, 2, 3),
    MoveMember(PersonID(b"\x01" * 16), MemberState.STAYED),
)
OPEN = Move(
    number=NUMBER,
    origin=TOKOROZAWA,
    destination=CHIYODA,
    kind=MoveKind.SPECIAL,
    state=MoveState.NOTIFIED,
    version=2,
    planned_on=date(2026, 11, 20),
    notified_on=date(2026, 11, 19),
    filed_at=NOW,
    members=MEMBERS,
    last_day=date(2026, 12, 21),
)
CLAIM = Transfer(b"t" * 16, CHIYODA, "juki://x", b"", date(2026, 11, 21), NOW)
MOST_PERSONS = 20
METHODS = access_rules([pb.DESCRIPTOR.services_by_name["MoveService"]])


def limit_of(method: str) -> int:
    """Return how large an answer of a method may be."""
    return METHODS[f"/jukinet.moves.v1.MoveService/{method}"].message_limit


# Field by field


def test_an_open_move_tells_its_plan_and_nothing_of_an_arrival() -> None:
    message = messages.move_message(OPEN)

    assert message == records.Move(
        number=ask.NUMBER,
        origin_code="112089",
        planned_destination_code="131016",
        kind=records.Move.KIND_SPECIAL,
        state=records.Move.STATE_NOTIFIED,
        notice_version=2,
        planned_date="2026-11-20",
        notice_date="2026-11-19",
        file_time=message.file_time,
        last_day="2026-12-21",
        member_count=2,
        moved_count=1,
    )
    assert message.file_time.ToDatetime(UTC) == NOW


def test_a_claimed_move_names_who_fetched_and_an_arrived_one_where() -> None:
    claimed = messages.move_message(replace(OPEN, state=MoveState.TRANSFERRED, transfer=CLAIM))
    arrived = messages.move_message(
        replace(
            OPEN,
            kind=MoveKind.ORDINARY,
            state=MoveState.COMPLETED,
            destination=None,
            last_day=None,
            arrived_in=CHIYODA,
            moved_on=date(2026, 11, 21),
            registered_late=True,
            ended_at=NOW,
            certificates=2,
        )
    )

    assert (claimed.destination_code, claimed.HasField("end_time")) == ("131016", False)
    assert (arrived.destination_code, arrived.moved_date) == ("131016", "2026-11-21")
    assert (arrived.planned_destination_code, arrived.last_day) == ("", "")
    assert (arrived.registered_late, arrived.certificate_count) == (True, 2)
    assert arrived.end_time.ToDatetime(UTC) == NOW


@pytest.mark.parametrize("state", MoveState)
def test_every_state_has_its_value(state: MoveState) -> None:
    message = messages.move_message(replace(OPEN, state=state))

    assert records.Move.State.Name(message.state) == f"STATE_{state}"


@pytest.mark.parametrize("why", [None, *answers.SpecialRefusal])
def test_a_notice_tells_why_it_became_an_ordinary_one(why: answers.SpecialRefusal | None) -> None:
    message = messages.filed_message(answers.MoveFiled(OPEN, why, household_needs_head=True))

    name = pb.FileMoveOutResponse.SpecialRefusal.Name(message.special_refused_because)
    assert name == f"SPECIAL_REFUSAL_{why or 'UNSPECIFIED'}"
    assert message.household_needs_head
    assert not message.HasField("certificate")


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_has_its_value_and_its_times(kind: AlertKind) -> None:
    seen = NOW + timedelta(days=1)

    new = messages.alert_message(MoveAlert(b"\x0f" * 16, CHIYODA, NUMBER, kind, NOW))
    old = messages.alert_message(MoveAlert(b"\x0f" * 16, CHIYODA, NUMBER, kind, NOW, seen))

    assert records.MoveAlert.Kind.Name(new.kind) == f"KIND_{kind}"
    assert (new.alert_id, new.move_number) == ("0f" * 16, ask.NUMBER)
    assert (new.time.ToDatetime(UTC), new.HasField("acknowledge_time")) == (NOW, False)
    assert old.acknowledge_time.ToDatetime(UTC) == seen


def test_a_paper_shows_persons_codes_and_who_is_protected() -> None:
    sample = SAMPLES[ask.TARO].record
    shielded = replace(sample, measure=ProtectiveMeasure())
    persons = (answers.MovingPerson(3, sample), answers.MovingPerson(4, shielded))

    message = messages.issued_message(answers.MoveChanged(OPEN, paper_of(*persons))).certificate

    assert (message.move_number, message.verification_code) == (ask.NUMBER, ask.VERIFICATION_CODE)
    assert message.document == records.MovingOutCertificate.DOCUMENT_EQUIVALENT
    assert (message.planned_date, message.notice_date, message.issue_date) == (
        "2026-11-20",
        "2026-11-19",
        "2026-11-23",
    )
    assert [(one.version, one.is_protected) for one in message.persons] == [(3, False), (4, True)]
    assert message.persons[0].entries.name == sample.name
    assert message.persons[0].code == sample.code.digits


def test_a_read_move_tells_codes_and_waiting_corrections() -> None:
    record = SAMPLES[ask.TARO].record
    sent_at = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    answer = answers.MoveRead(
        OPEN,
        (record.code,),
        reissue_certificate=True,
        corrections=(answers.WaitingCorrection(record, sent_at),),
    )

    message = messages.read_message(answer)

    (correction,) = message.corrections
    assert (list(message.codes), message.reissue_certificate) == ([record.code.digits], True)
    assert correction.entries.address == record.address
    # Half past midnight in Japan is the next day there.
    assert (correction.correction_date.month, correction.correction_date.day) == (11, 24)
    assert correction.send_time.ToDatetime(UTC) == sent_at


@pytest.mark.parametrize("fate", NoticeFate)
def test_every_fate_of_a_notice_has_its_value_and_its_times(fate: NoticeFate) -> None:
    ended_at = None if fate in {NoticeFate.WAITS, NoticeFate.SET_ASIDE} else NOW
    sent = NoticeSent(MunicipalityCode("131016"), AlertKind.CORRECTION, NOW, fate, ended_at)

    (message,) = messages.read_message(answers.MoveRead(OPEN, notices=(sent,))).notices

    assert records.MoveNotice.State.Name(message.state) == f"STATE_{fate}"
    assert (message.receiver_code, message.kind) == ("131016", records.MoveAlert.KIND_CORRECTION)
    assert message.send_time.ToDatetime(UTC) == NOW
    assert message.HasField("end_time") == (ended_at is not None)


def test_a_registered_person_has_record_cards_and_days() -> None:
    one = answers.Registered(
        resident(), lapsed_cards=2, continue_until=date(2027, 2, 21), card_faces=1
    )

    moved_in = messages.moved_in_message(
        answers.MovedIn(OPEN, (one,), household_needs_head=True), NOW
    )
    within = messages.moved_within_message(
        answers.MovedWithin((replace(one, continue_until=None),), registered_late=True), NOW
    )

    (registered,) = moved_in.registered
    assert (registered.record.version, registered.lapsed_card_count) == (3, 2)
    assert (registered.continue_until, registered.card_face_count) == ("2027-02-21", 1)
    assert moved_in.household_needs_head
    assert (within.registered[0].continue_until, within.registered_late) == ("", True)


# Sizes


def longest_date() -> CivilDate:
    """Return a date with the longest text that a register keeps."""
    return CivilDate(Calendar.GREGORIAN, Precision.UNKNOWN, original_text="不" * TEXT_LENGTH)


def longest_record() -> ResidenceRecord:
    """Return a record each of whose texts is as long as a register takes it."""
    address, name, day = "\U00020bb7" * 200, "\U00020bb7" * 100, longest_date()
    return ResidenceRecord(
        code=ResidentCode(ask.code(ask.TARO)),
        name=name,
        kana="ア" * 150,
        birth=day,
        sex=Sex.FEMALE,
        address=address,
        resident_since=day,
        relationship=address,
        nationality=Nationality.FOREIGN,
        building=address,
        alias=name,
        address_since=day,
        notified=day,
        previous_address=address,
        registered_domicile=address,
        family_register_head=name,
        kanji_name=name,
        former_codes=(ResidentCode(ask.code(ask.HANAKO)),),
        measure=ProtectiveMeasure(date(2027, 1, 1), NOW + timedelta(hours=1)),
    )


def paper_of(*persons: answers.MovingPerson) -> answers.Certificate:
    """Return a paper for these persons, with the longest planned address."""
    return answers.Certificate(
        number=NUMBER,
        code=VerificationCode(ask.VERIFICATION_CODE),
        count=1,
        document=Document.EQUIVALENT,
        origin_name="埼玉県所沢市",
        destination_name="東京都千代田区",
        destination_address="\U00020bb7" * 200,
        planned_on=date(2026, 11, 20),
        notified_on=date(2026, 11, 19),
        issued_on=date(2026, 11, 23),
        persons=persons,
    )


def test_twenty_persons_with_the_longest_entries_fit_into_every_answer() -> None:
    record = longest_record()
    move = replace(OPEN, members=MEMBERS * 10, transfer=CLAIM, ended_at=NOW)
    people = (answers.MovingPerson(2**32 - 1, record, returns=True),) * MOST_PERSONS
    change = ChangeInformation(ChangeReason.SPECIAL_MOVE_IN, longest_date(), NOW)
    alerts = (
        tuple(MoveAlert(bytes(16), CHIYODA, NUMBER, kind, NOW) for kind in AlertKind) * MOST_PERSONS
    )
    registered = answers.Registered(
        replace(resident(), record=record, change=change), 2**31, date(2027, 2, 21), 2**31
    )
    paper = paper_of(*people)
    notice = NoticeSent(CHIYODA, AlertKind.CORRECTION, NOW, NoticeFate.DELIVERED, NOW)
    sizes = {
        "FileMoveOut": messages.filed_message(
            answers.MoveFiled(move, answers.SpecialRefusal.NOTIFIED_LATE, paper)
        ),
        "ChangeMoveOut": messages.changed_message(answers.MoveChanged(move, paper)),
        "IssueMovingOutCertificate": messages.issued_message(answers.MoveChanged(move, paper)),
        "FetchTransferInformation": messages.fetched_message(
            answers.TransferFetched(
                move, "埼玉県所沢市", "\U00020bb7" * 200, people, bytes(16), date(2026, 12, 21)
            )
        ),
        "RegisterMoveIn": messages.moved_in_message(
            answers.MovedIn(move, (registered,) * MOST_PERSONS, alerts), NOW
        ),
        "RegisterMoveWithin": messages.moved_within_message(
            answers.MovedWithin((registered,) * MOST_PERSONS), NOW
        ),
        "GetMove": messages.read_message(
            answers.MoveRead(
                move,
                (record.code,) * MOST_PERSONS,
                corrections=(answers.WaitingCorrection(record, NOW),) * MOST_PERSONS,
                notices=(notice,) * (2 * MOST_SHOWN),
            )
        ),
        "AcceptCorrection": messages.accepted_message(
            answers.CorrectionAccepted(registered.record), NOW
        ),
        "ListMoves": messages.page_message(answers.MovePage((move,) * 200, "9" * 18)),
        "ListMoveAlerts": messages.alerts_message(answers.AlertPage(alerts[:200], "9" * 18)),
    }

    for method, message in sizes.items():
        assert message.ByteSize() <= limit_of(method), method
    # Were they smaller, the limit of all other methods would do.
    assert sizes["FetchTransferInformation"].ByteSize() > 65_536


def test_twenty_persons_with_the_longest_texts_fit_into_every_request() -> None:
    long = "\U00020bb7" * 200
    arrivals = [
        records.Arrival(
            code=ask.code(ask.TARO), expected_version=2**32 - 1, relationship_to_householder=long
        )
    ] * MOST_PERSONS
    moving_in = ask.moving_in_by_paper(
        late_reason=long,
        arrivals=arrivals,
        place=ask.new_place(address=long, building_and_room=long),
        handed_in_card_numbers=[CardNumber(ask.CARD_NUMBER)] * MOST_PERSONS,
    )

    assert moving_in.ByteSize() <= limit_of("RegisterMoveIn")
    assert ask.taking_back().ByteSize() <= limit_of("CancelMoveIn")
