"""Requests about copies, field by field: what is taken, and which rule refuses the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from juki_center.areas.callers import Operator, Terminal
from juki_center.areas.copies import commands
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc import callers
from juki_center.rpc import copies_translation as translate
from juki_pki.identity import PeerIdentity
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.residents.v1 import civil_date_pb2

TERMINAL = Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016"))
REQUEST_ID = "6f3a2c9e-0d7b-4f57-9a3e-1c2d3e4f5a6b"
SALT = bytes(range(16))
BIRTH = civil_date_pb2.CivilDate(
    calendar=civil_date_pb2.CivilDate.CALENDAR_ERA,
    era=civil_date_pb2.CivilDate.ERA_SHOWA,
    year=45,
    month=3,
    day=2,
    precision=civil_date_pb2.CivilDate.PRECISION_DAY,
)


def by_card(**changes: object) -> pb.IssueCopyRequest:
    request = pb.IssueCopyRequest(
        request_id=REQUEST_ID,
        card_session_id=bytes(16),
        scope=pb.IssueCopyRequest.SCOPE_SELF,
        fee_yen=300,
    )
    request.MergeFrom(pb.IssueCopyRequest(**changes))  # type: ignore[arg-type]  # named per test
    return request


def photo() -> pb.PhotoIdentification:
    return pb.PhotoIdentification(
        kind=pb.PhotoIdentification.KIND_PASSPORT,
        number_hash=bytes(32),
        name="𠮷田太郎",
        birth_date=BIRTH,
        address="埼玉県所沢市並木一丁目1番地の1",
        municipality="112089",
        clerk_name="係員",
        number_salt=SALT,
    )


def test_request_by_card_becomes_the_command() -> None:
    items = [pb.IssueCopyRequest.ITEM_RELATIONSHIP]

    command = translate.issue_copy(by_card(items=items), TERMINAL)

    assert command == commands.IssueCopy(
        terminal=TERMINAL,
        request_id=UUID(REQUEST_ID),
        proof=commands.CardProof(bytes(16)),
        scope=commands.Scope.SELF,
        fee_yen=300,
        items=(commands.Item.RELATIONSHIP,),
    )


def test_listed_subjects_keep_their_dates() -> None:
    subject = pb.Subject(name="髙橋花子", birth_date=BIRTH)
    request = by_card(scope=pb.IssueCopyRequest.SCOPE_LISTED, subjects=[subject])

    command = translate.issue_copy(request, TERMINAL)

    born = CivilDate(Calendar.ERA, Precision.DAY, 45, 3, 2, Era.SHOWA)
    assert command.subjects == (commands.Subject("髙橋花子", born),)


def test_text_of_a_date_says_what_its_parts_leave_out() -> None:
    subject = pb.Subject(name="髙橋花子")
    subject.birth_date.CopyFrom(
        civil_date_pb2.CivilDate(
            calendar=civil_date_pb2.CivilDate.CALENDAR_ERA,
            era=civil_date_pb2.CivilDate.ERA_REIWA,
            year=3,
            precision=civil_date_pb2.CivilDate.PRECISION_RANGE,
            original_text="令和3年5月1日から10日頃までの間",
        )
    )
    request = by_card(scope=pb.IssueCopyRequest.SCOPE_LISTED, subjects=[subject])

    command = translate.issue_copy(request, TERMINAL)

    assert command.subjects[0].birth_date.sort_to == 20210510


def test_photo_document_becomes_the_proof() -> None:
    command = translate.issue_copy(by_card(photo_identification=photo()), TERMINAL)

    assert isinstance(command.proof, commands.PhotoProof)
    assert command.proof.kind is commands.DocumentKind.PASSPORT
    assert command.proof.municipality == MunicipalityCode("112089")
    assert command.proof.number_salt == SALT


def test_missing_clerk_name_is_left_to_the_act() -> None:
    document = photo()
    document.clerk_name = ""

    command = translate.issue_copy(by_card(photo_identification=document), TERMINAL)

    assert isinstance(command.proof, commands.PhotoProof)
    assert command.proof.clerk_name == ""


def _photo_with(**changes: object) -> pb.IssueCopyRequest:
    document = photo()
    for name, value in changes.items():
        setattr(document, name, value)
    return by_card(photo_identification=document)


def _without_proof() -> pb.IssueCopyRequest:
    request = by_card()
    request.ClearField("card_session_id")
    return request


def _listed(*subjects: pb.Subject) -> pb.IssueCopyRequest:
    return by_card(scope=pb.IssueCopyRequest.SCOPE_LISTED, subjects=subjects)


def _born(**changes: int | str) -> pb.Subject:
    subject = pb.Subject(name="山田", birth_date=BIRTH)
    for name, value in changes.items():
        setattr(subject.birth_date, name, value)
    return subject


RELATIONSHIP = pb.IssueCopyRequest.ITEM_RELATIONSHIP
BAD_ISSUES: list[tuple[Callable[[], pb.IssueCopyRequest], str, str]] = [
    (lambda: by_card(request_id="x"), "request_id", "UUID_V4"),
    (lambda: by_card(request_id=REQUEST_ID.upper()), "request_id", "UUID_V4"),
    (lambda: by_card(request_id=REQUEST_ID.replace("-4f", "-1f")), "request_id", "UUID_V4"),
    (_without_proof, "proof", "REQUIRED"),
    (lambda: by_card(card_session_id=bytes(15)), "card_session_id", "BYTES_16"),
    (pb.IssueCopyRequest, "scope", "REQUIRED"),
    (lambda: by_card(scope=99), "scope", "UNKNOWN_VALUE"),
    (lambda: by_card(fee_yen=10_001), "fee_yen", "RANGE_0_10000"),
    (lambda: by_card(items=[RELATIONSHIP, RELATIONSHIP]), "items", "EACH_AT_MOST_ONCE"),
    (lambda: by_card(items=[0]), "items", "REQUIRED"),
    (lambda: by_card(subjects=[_born()]), "subjects", "ONLY_WITH_SCOPE_LISTED"),
    (_listed, "subjects", "RANGE_1_20"),
    (lambda: _listed(*[_born()] * 21), "subjects", "RANGE_1_20"),
    (lambda: _listed(pb.Subject(name="山田")), "subjects[0].birth_date", "REQUIRED"),
    (lambda: _listed(_born(), pb.Subject(birth_date=BIRTH)), "subjects[1].name", "REQUIRED"),
    (lambda: _listed(_born(month=13)), "subjects[0].birth_date", "MONTH"),
    (lambda: _listed(_born(day=0)), "subjects[0].birth_date", "PARTS_AND_PRECISION"),
    (lambda: _listed(_born(calendar=0)), "subjects[0].birth_date.calendar", "REQUIRED"),
    (lambda: _listed(_born(era=77)), "subjects[0].birth_date.era", "UNKNOWN_VALUE"),
    (
        lambda: _listed(_born(original_text="昭和46年3月2日")),
        "subjects[0].birth_date",
        "TEXT_AND_PARTS",
    ),
    (lambda: _listed(_born(original_text="45.3.2")), "subjects[0].birth_date", "DATE_TEXT"),
    (
        lambda: _listed(_born(original_text="あ" * 41)),
        "subjects[0].birth_date.original_text",
        "TOO_LONG",
    ),
    (lambda: _photo_with(kind=0), "photo_identification.kind", "REQUIRED"),
    (lambda: _photo_with(number_hash=b"1"), "photo_identification.number_hash", "BYTES_32"),
    (lambda: _photo_with(number_salt=b""), "photo_identification.number_salt", "BYTES_16"),
    (lambda: _photo_with(number_salt=bytes(15)), "photo_identification.number_salt", "BYTES_16"),
    (lambda: _photo_with(number_salt=bytes(17)), "photo_identification.number_salt", "BYTES_16"),
    (lambda: _photo_with(name=""), "photo_identification.name", "REQUIRED"),
    (lambda: _photo_with(name="あ" * 101), "photo_identification.name", "TOO_LONG"),
    (
        lambda: _photo_with(name="吉\n田"),
        "photo_identification.name",
        "CONTROL_CHARACTER U+000A",
    ),
    (
        lambda: _photo_with(name="吉\u202e田"),
        "photo_identification.name",
        "INVISIBLE_CHARACTER U+202E",
    ),
    (lambda: _photo_with(name="\ue000"), "photo_identification.name", "PRIVATE_USE U+E000"),
    (lambda: _photo_with(name="\u3000 "), "photo_identification.name", "REQUIRED"),
    (
        lambda: _photo_with(address="所沢市\u200d"),
        "photo_identification.address",
        "INVISIBLE_CHARACTER U+200D",
    ),
    (
        lambda: _photo_with(clerk_name="a\nb"),
        "photo_identification.clerk_name",
        "CONTROL_CHARACTER",
    ),
    (lambda: _photo_with(address=""), "photo_identification.address", "REQUIRED"),
    (
        lambda: _photo_with(municipality="112088"),
        "photo_identification.municipality",
        "INVALID_CHECK_DIGIT",
    ),
    (lambda: _photo_with(clerk_name="あ" * 51), "photo_identification.clerk_name", "TOO_LONG"),
]


@pytest.mark.parametrize(("request_of", "field", "rule"), BAD_ISSUES)
def test_bad_issue_request_names_field_and_rule(
    request_of: Callable[[], pb.IssueCopyRequest], field: str, rule: str
) -> None:
    with pytest.raises(Refusal) as raised:
        translate.issue_copy(request_of(), TERMINAL)

    assert raised.value.reason is Reason.FIELD_INVALID
    assert raised.value.metadata == {"field": field, "rule": rule}


def test_refusal_does_not_echo_the_text() -> None:
    with pytest.raises(Refusal) as raised:
        translate.issue_copy(_photo_with(name="秘密の名前" * 30), TERMINAL)

    assert "秘密" not in repr(raised.value) + str(raised.value.metadata)


def confirmation(**changes: object) -> pb.ConfirmPrintRequest:
    request = pb.ConfirmPrintRequest(
        request_id=REQUEST_ID,
        issue_number="131016-20261123-000042-7K3Q",
        print_state=pb.PRINT_STATE_PRINTED,
        attempt=1,
        pdf_sha256=bytes(32),
    )
    for name, value in changes.items():
        setattr(request, name, value)
    return request


def test_confirmation_becomes_the_command() -> None:
    command = translate.confirm_print(confirmation(), TERMINAL)

    assert (command.print_state, command.attempt) == (commands.PrintState.PRINTED, 1)
    assert command.pdf_sha256 == bytes(32)


def test_abandoned_paper_may_have_had_no_attempt() -> None:
    request = confirmation(print_state=pb.PRINT_STATE_ABANDONED, attempt=0, pdf_sha256=b"")

    assert translate.confirm_print(request, TERMINAL).attempt == 0


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"print_state": 0}, "print_state", "REQUIRED"),
        (
            {"print_state": pb.PRINT_STATE_UNCONFIRMED},
            "print_state",
            "PRINTED_FAILED_OR_ABANDONED",
        ),
        ({"attempt": 0}, "attempt", "RANGE_1_1000"),
        ({"pdf_sha256": b"x"}, "pdf_sha256", "BYTES_32"),
        ({"issue_number": ""}, "issue_number", "REQUIRED"),
        ({"issue_number": "1" * 41}, "issue_number", "TOO_LONG"),
    ],
)
def test_bad_confirmation_names_field_and_rule(
    changes: dict[str, object], field: str, rule: str
) -> None:
    with pytest.raises(Refusal) as raised:
        translate.confirm_print(confirmation(**changes), TERMINAL)

    assert raised.value.metadata == {"field": field, "rule": rule}


def test_issue_is_asked_for_by_request_or_by_number() -> None:
    by_request = translate.get_issue(pb.GetIssueRequest(request_id=REQUEST_ID), TERMINAL)
    by_number = translate.get_issue(pb.GetIssueRequest(issue_number="n-1"), TERMINAL)

    assert by_request.key == UUID(REQUEST_ID)
    assert by_number.key == "n-1"


@pytest.mark.parametrize(
    "act",
    [
        lambda: translate.get_issue(pb.GetIssueRequest(), TERMINAL),
        lambda: translate.verify_copy(pb.VerifyCopyRequest()),
        lambda: translate.verify_copy(pb.VerifyCopyRequest(signed_content=b"")),
        lambda: translate.verify_copy(pb.VerifyCopyRequest(qr_text="x" * 4_001)),
        lambda: translate.recall_copy(
            pb.RecallCopyRequest(request_id=REQUEST_ID, issue_number="n"), TERMINAL
        ),
        lambda: translate.recall_copy(
            pb.RecallCopyRequest(
                request_id=REQUEST_ID,
                issue_number="n",
                recall_reason=pb.RecallCopyRequest.RECALL_REASON_RESIDENT_MOVED,
            ),
            TERMINAL,
        ),
        lambda: translate.list_issues(pb.ListIssuesRequest(page_size=201), TERMINAL),
        lambda: translate.list_issues(pb.ListIssuesRequest(page_token="x" * 201), TERMINAL),
    ],
)
def test_bad_question_is_refused(act: Callable[[], object]) -> None:
    with pytest.raises(Refusal) as raised:
        act()

    assert raised.value.reason is Reason.FIELD_INVALID


def test_operator_and_terminal_are_told_apart() -> None:
    operator = PeerIdentity.from_uri("juki://operator/operator-1")
    window = PeerIdentity.from_uri(TERMINAL.uri)

    assert callers.terminal_or_operator(operator) == Operator("juki://operator/operator-1")
    assert callers.terminal_or_operator(window) == TERMINAL


def test_agency_is_no_terminal() -> None:
    with pytest.raises(Refusal) as raised:
        callers.terminal(PeerIdentity.from_uri("juki://agency/passport-1"))

    assert raised.value.reason is Reason.ROLE_NOT_ALLOWED


def issue(recalled_at: datetime | None = None) -> commands.Issue:
    moment = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    return commands.Issue(
        "n-1", moment, MunicipalityCode("131016"), commands.PrintState.FAILED, 2, recalled_at
    )


def test_issue_goes_out_with_every_field() -> None:
    message = translate.issue_message(issue())

    assert message.print_state == pb.PRINT_STATE_FAILED
    assert message.issued_at.ToDatetime(UTC) == issue().issued_at
    assert (message.issuing_municipality, message.print_attempts) == ("131016", 2)
    assert not message.HasField("recalled_at")
    assert message.recall_reason == pb.RecallCopyRequest.RECALL_REASON_UNSPECIFIED


def test_recalled_issue_goes_out_with_its_reason() -> None:
    moment = issue().issued_at
    recalled = replace(issue(moment), recall_reason=commands.RecallReason.RESIDENT_MOVED)

    message = translate.issue_message(recalled)

    assert message.recalled_at.ToDatetime(UTC) == moment
    assert message.recall_reason == pb.RecallCopyRequest.RECALL_REASON_RESIDENT_MOVED


def test_verdict_without_issue_has_none() -> None:
    message = translate.verification_message(
        commands.Verification(commands.Verdict.NOT_ISSUED, None)
    )

    assert message.verdict == pb.VerifyCopyResponse.VERDICT_NOT_ISSUED
    assert not message.HasField("issue")


@pytest.mark.parametrize(
    ("members", "enum"),
    [
        (commands.Scope, pb.IssueCopyRequest.Scope.DESCRIPTOR),
        (commands.Item, pb.IssueCopyRequest.Item.DESCRIPTOR),
        (commands.DocumentKind, pb.PhotoIdentification.Kind.DESCRIPTOR),
        (commands.PrintState, pb.PrintState.DESCRIPTOR),
        (commands.RecallReason, pb.RecallCopyRequest.RecallReason.DESCRIPTOR),
        (commands.Verdict, pb.VerifyCopyResponse.Verdict.DESCRIPTOR),
        (Era, civil_date_pb2.CivilDate.Era.DESCRIPTOR),
        (Calendar, civil_date_pb2.CivilDate.Calendar.DESCRIPTOR),
        (Precision, civil_date_pb2.CivilDate.Precision.DESCRIPTOR),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_value_of_the_proto_has_its_member(members: type, enum: object) -> None:
    names = {value.name for value in enum.values if value.number}  # type: ignore[attr-defined]

    assert names == {translate.fields.proto_name(member, enum) for member in members}  # type: ignore[attr-defined]
