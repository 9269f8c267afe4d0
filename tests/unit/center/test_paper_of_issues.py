"""After the issue: reports about the paper, recalls, lists, and verdicts on what somebody holds."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import timedelta

import base45
import cbor2
import pytest

from juki_center.areas.callers import Operator, Terminal
from juki_center.areas.copies.commands import (
    ConfirmPrint,
    GetIssue,
    Issue,
    IssueCopy,
    IssuedCopy,
    IssuePage,
    ListIssues,
    PrintState,
    QRText,
    RecallCopy,
    RecallReason,
    SignedContent,
    Verdict,
    Verification,
    VerifyCopy,
)
from juki_center.areas.copies.find import get_issue, list_issues
from juki_center.areas.copies.prints import REPORTS, confirm_print, reported_row
from juki_center.areas.copies.recall import recall_copy
from juki_center.areas.copies.signature import take_apart
from juki_center.areas.copies.verify import verify_copy
from juki_center.areas.requests.answers import forget_old_answers
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from tests.support.center import CHIYODA, CHIYODA_2, NOW, TOKOROZAWA, Center, make_signer
from tests.support.clerks import clerk_policy
from tests.support.leaves import leaves

OPERATOR = Operator("juki://operator/1")
DAY = timedelta(hours=24)
PDF = b"p" * 32


async def issued(center: Center, key: str = "yoshida-taro") -> tuple[IssueCopy, IssuedCopy]:
    """Issue a copy; return the request and its answer."""
    command = await center.command(key)
    return command, await center.issue(command)


def report(
    copy: IssuedCopy, state: PrintState, attempt: int = 1, terminal: Terminal = CHIYODA
) -> ConfirmPrint:
    """Return a report about the paper."""
    pdf = PDF if state is PrintState.PRINTED else None
    number = copy.issue.issue_number
    return ConfirmPrint(terminal, uuid.uuid4(), number, state, attempt, pdf)


async def confirm(center: Center, command: ConfirmPrint) -> Issue:
    """Report."""
    return await center.store.act(lambda tx: confirm_print(tx, command, center.now))


async def recall(center: Center, copy: IssuedCopy, caller: Operator | Terminal = CHIYODA) -> Issue:
    """Recall."""
    command = RecallCopy(
        caller, uuid.uuid4(), copy.issue.issue_number, RecallReason.ISSUED_IN_ERROR
    )
    return await center.store.act(lambda tx: recall_copy(tx, command, center.now))


def ask(center: Center, key: uuid.UUID | str, terminal: Terminal = CHIYODA) -> IssuedCopy:
    """Ask what became of an issue."""
    return center.store.read(
        lambda tx: get_issue(tx, GetIssue(terminal, key), center.now, clerk_policy())
    )


def verdict(center: Center, evidence: SignedContent | QRText) -> Verification:
    """Ask what a copy is worth."""
    return center.store.read(lambda tx: verify_copy(tx, VerifyCopy(evidence), center.trust))


def short_text(copy: IssuedCopy, **changes: object) -> QRText:
    """Return the short text of a copy's QR code."""
    sealed = take_apart(copy.signed_content)
    claim = {
        "no": copy.issue.issue_number,
        "sha": cbor2.loads(sealed.payload)["sha"],
        "kid": sealed.key_id,
        "sig": sealed.signature,
        **changes,
    }
    return QRText("JUKI1:" + base45.b45encode(cbor2.dumps(claim, canonical=True)).decode())


async def test_a_printed_paper_is_known_and_its_content_is_not_given_back(center: Center) -> None:
    command, copy = await issued(center)

    issue = await confirm(center, report(copy, PrintState.PRINTED))

    assert (issue.print_state, issue.print_attempts) == (PrintState.PRINTED, 1)
    assert ask(center, command.request_id) == IssuedCopy(issue, b"")
    assert leaves(center.store)[-1]["more"] == {
        "state": "PRINTED",
        "attempt": "1",
        "pdf": PDF.hex(),
    }


async def test_a_failed_print_is_followed_by_the_next_attempt_under_the_same_number(
    center: Center,
) -> None:
    command, copy = await issued(center)

    await confirm(center, report(copy, PrintState.FAILED, 1))
    before = ask(center, command.request_id)
    issue = await confirm(center, report(copy, PrintState.PRINTED, 2))

    assert before.signed_content == copy.signed_content
    assert (issue.issue_number, issue.print_attempts) == (copy.issue.issue_number, 2)


async def test_an_abandoned_copy_is_wiped_and_never_issued_again(center: Center) -> None:
    command, copy = await issued(center)

    await confirm(center, report(copy, PrintState.ABANDONED, 0))

    assert ask(center, command.request_id).signed_content == b""
    with pytest.raises(Refusal) as refused:
        await center.issue(command)
    assert refused.value.reason is Reason.ANSWER_EXPIRED
    assert refused.value.metadata == {"resource": copy.issue.issue_number}


@pytest.mark.parametrize(
    ("state", "told"), [*itertools.product(PrintState, set(PrintState) - {PrintState.UNCONFIRMED})]
)
async def test_every_report_in_every_state_is_in_the_table_or_a_conflict(
    center: Center, state: PrintState, told: PrintState
) -> None:
    _, copy = await issued(center)
    row = center.store.read(lambda tx: tx.issues.by_number(copy.issue.issue_number))
    assert row is not None
    row = replace(row, print_state=state, print_attempts=1)
    command = report(copy, told, 2 if told is not PrintState.ABANDONED else 1)

    if told in REPORTS[state]:
        assert reported_row(row, command).print_state is told
    else:
        with pytest.raises(Refusal) as refused:
            reported_row(row, command)
        assert refused.value.reason is Reason.PRINT_STATE_CONFLICT
        assert refused.value.metadata == {"printState": state}


@pytest.mark.parametrize("attempt", [0, 1])
async def test_a_report_of_an_attempt_that_was_reported_is_a_conflict(
    center: Center, attempt: int
) -> None:
    _, copy = await issued(center)
    await confirm(center, report(copy, PrintState.FAILED, 1))

    with pytest.raises(Refusal) as refused:
        await confirm(center, report(copy, PrintState.FAILED, attempt))

    assert refused.value.reason is Reason.PRINT_STATE_CONFLICT


async def test_the_same_report_twice_is_recorded_once(center: Center) -> None:
    _, copy = await issued(center)
    command = report(copy, PrintState.PRINTED)

    first = await confirm(center, command)
    log = leaves(center.store)
    second = await confirm(center, command)

    assert first == second
    assert leaves(center.store) == log


async def test_a_report_with_the_id_of_another_is_refused(center: Center) -> None:
    _, copy = await issued(center)
    command = report(copy, PrintState.FAILED)
    await confirm(center, command)

    with pytest.raises(Refusal) as refused:
        await confirm(center, replace(command, print_state=PrintState.ABANDONED))

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_a_report_works_while_the_residence_is_disconnected(center: Center) -> None:
    _, copy = await issued(center)
    code = MunicipalityCode("112089")
    await center.store.act(lambda tx: tx.registers.set_connected(code, connected=False))

    issue = await confirm(center, report(copy, PrintState.PRINTED))

    assert issue.print_state is PrintState.PRINTED


async def test_content_of_a_disconnected_residence_is_not_given_back(center: Center) -> None:
    command, _ = await issued(center)
    code = MunicipalityCode("112089")
    await center.store.act(lambda tx: tx.registers.set_connected(code, connected=False))

    with pytest.raises(Refusal) as refused:
        ask(center, command.request_id)

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED


@pytest.mark.parametrize("terminal", [CHIYODA_2, TOKOROZAWA])
async def test_another_terminals_issue_is_not_found(center: Center, terminal: Terminal) -> None:
    _, copy = await issued(center)

    for attempt in (
        lambda: ask(center, copy.issue.issue_number, terminal),
        lambda: ask(center, uuid.uuid4(), terminal),
    ):
        with pytest.raises(Refusal) as refused:
            attempt()
        assert refused.value.reason is Reason.ISSUE_NOT_FOUND
    with pytest.raises(Refusal) as unreported:
        await confirm(center, report(copy, PrintState.PRINTED, terminal=terminal))
    assert unreported.value.reason is Reason.ISSUE_NOT_FOUND


async def test_content_is_given_back_for_24_hours_by_number_and_by_request(center: Center) -> None:
    command, copy = await issued(center)

    center.now = NOW + DAY
    by_both = {ask(center, command.request_id), ask(center, copy.issue.issue_number)}
    center.now = NOW + DAY + timedelta(microseconds=1)
    later = ask(center, command.request_id)

    assert by_both == {copy}
    assert later == IssuedCopy(copy.issue, b"")


async def test_old_answers_are_forgotten_and_younger_ones_kept(center: Center) -> None:
    old, _ = await issued(center)
    center.now = NOW + timedelta(hours=2)
    young, _ = await issued(center)

    await center.store.act(lambda tx: forget_old_answers(tx, NOW + DAY + timedelta(hours=1)))

    kept = center.store.read(
        lambda tx: [
            tx.answers.answer_of(CHIYODA.uri, command.request_id) is not None
            for command in (old, young)
        ]
    )
    assert kept == [False, True]


@pytest.mark.parametrize("caller", [CHIYODA, CHIYODA_2, OPERATOR])
async def test_a_copy_is_recalled_by_its_office_or_an_operator(
    center: Center, caller: Operator | Terminal
) -> None:
    command, copy = await issued(center)

    issue = await recall(center, copy, caller)

    assert issue.recalled_at == NOW
    assert ask(center, command.request_id) == IssuedCopy(issue, b"")
    assert leaves(center.store)[-1]["more"] == {"reason": "ISSUED_IN_ERROR"}


async def test_another_office_recalls_nothing(center: Center) -> None:
    _, copy = await issued(center)

    with pytest.raises(Refusal) as refused:
        await recall(center, copy, TOKOROZAWA)

    assert refused.value.reason is Reason.ISSUE_NOT_FOUND


async def test_a_recalled_copy_is_not_recalled_again(center: Center) -> None:
    _, copy = await issued(center)
    await recall(center, copy)

    with pytest.raises(Refusal) as refused:
        await recall(center, copy)

    assert refused.value.reason is Reason.ALREADY_RECALLED


async def test_the_same_recall_twice_is_done_once(center: Center) -> None:
    _, copy = await issued(center)
    command = RecallCopy(OPERATOR, uuid.uuid4(), copy.issue.issue_number, RecallReason.PAPER_LOST)

    first = await center.store.act(lambda tx: recall_copy(tx, command, NOW))
    second = await center.store.act(lambda tx: recall_copy(tx, command, NOW + DAY))

    assert first == second


async def test_a_genuine_copy_is_valid_by_content_and_by_both_qr_texts(center: Center) -> None:
    _, copy = await issued(center)
    full = QRText("JUKI1F:" + base45.b45encode(copy.signed_content).decode())

    verdicts = [
        verdict(center, evidence)
        for evidence in (SignedContent(copy.signed_content), full, short_text(copy))
    ]

    assert verdicts == [Verification(Verdict.VALID, copy.issue)] * 3


async def test_a_recalled_copy_is_recalled_by_content_and_by_qr_text(center: Center) -> None:
    _, copy = await issued(center)
    await recall(center, copy)

    verdicts = {
        verdict(center, evidence).verdict
        for evidence in (SignedContent(copy.signed_content), short_text(copy))
    }

    assert verdicts == {Verdict.RECALLED}


async def test_a_changed_content_is_altered(center: Center) -> None:
    _, copy = await issued(center)
    altered = copy.signed_content.replace("埼玉県".encode(), "群馬県".encode())

    assert verdict(center, SignedContent(altered)) == Verification(Verdict.ALTERED, None)


@pytest.mark.parametrize("part", ["sha", "sig"])
async def test_a_changed_qr_text_is_altered(center: Center, part: str) -> None:
    _, copy = await issued(center)
    size = 32 if part == "sha" else 64

    found = verdict(center, short_text(copy, **{part: bytes(size)}))

    assert found == Verification(Verdict.ALTERED, None)


async def test_a_qr_text_under_another_issues_number_is_altered(center: Center) -> None:
    _, copy = await issued(center)
    _, other = await issued(center)

    found = verdict(center, short_text(copy, no=other.issue.issue_number))

    assert found == Verification(Verdict.ALTERED, None)


async def test_a_copy_signed_by_nobody_known_has_an_unknown_signer(center: Center) -> None:
    _, copy = await issued(center)
    stranger, _ = make_signer()
    forged = stranger.sign(take_apart(copy.signed_content).payload)

    verdicts = {
        verdict(center, evidence).verdict
        for evidence in (SignedContent(forged), short_text(copy, kid=bytes(16)))
    }

    assert verdicts == {Verdict.UNKNOWN_SIGNER}


async def test_a_well_signed_copy_that_was_never_issued_is_not_issued(center: Center) -> None:
    document = {"no": "131016-20261123-000009-0000"}
    signed = center.policy.signer.sign(cbor2.dumps({"doc": document, "sha": bytes(32)}))

    found = verdict(center, SignedContent(signed))

    assert found == Verification(Verdict.NOT_ISSUED, None)


@pytest.mark.parametrize(
    "evidence",
    [
        SignedContent(b"no copy"),
        SignedContent(cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"", b""]))),
        SignedContent(cbor2.dumps({"doc": {}})),
        QRText("JUKI1:"),
        QRText("JUKI1:::::"),
        QRText("JUKI1:" + base45.b45encode(cbor2.dumps([1])).decode()),
        QRText("JUKI1:" + base45.b45encode(cbor2.dumps({"no": 1})).decode()),
        QRText(
            "JUKI1:"
            + base45.b45encode(cbor2.dumps({"no": 1, "sha": 2, "sig": 3, "kid": 4})).decode()
        ),
        QRText("JUKI1F:AA"),
        QRText("JUKI2:AA"),
        QRText(""),
    ],
)
async def test_what_is_no_copy_at_all_is_a_wrong_field(
    center: Center, evidence: SignedContent | QRText
) -> None:
    with pytest.raises(Refusal) as refused:
        verdict(center, evidence)

    assert refused.value.reason is Reason.FIELD_INVALID
    assert refused.value.metadata["rule"] == "NO_COPY"


# CBOR that makes the library's decoder raise what is no CBORError.
HOSTILE = {
    "nested": b"\x81" * 20_000 + b"\x00",
    "a decimal out of range": b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "a fraction of one part": b"\xd8\x1e\x81\x01",
    "a fraction over zero": b"\xd8\x1e\x82\x01\x00",
    "a reference to itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a pattern": b"\xd8\x23\x63(((",
    "a list as key": b"\xa1\x81\x00\x00",
    "a length without content": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_octets_are_no_copy_wherever_they_stand(center: Center, kind: str) -> None:
    octets = HOSTILE[kind]
    header = cbor2.dumps(cbor2.CBORTag(18, [octets, {}, b"", b""]))
    in_qr = base45.b45encode(octets[:2_000]).decode()

    for evidence in (
        SignedContent(octets),
        SignedContent(header),
        SignedContent(center.policy.signer.sign(octets)),
        QRText("JUKI1:" + in_qr),
        QRText("JUKI1F:" + in_qr),
    ):
        with pytest.raises(Refusal) as refused:
            verdict(center, evidence)
        assert refused.value.reason is Reason.FIELD_INVALID


async def test_a_signed_payload_in_another_form_is_no_copy(center: Center) -> None:
    with pytest.raises(Refusal) as refused:
        verdict(center, SignedContent(center.policy.signer.sign(b"\xff")))

    assert refused.value.reason is Reason.FIELD_INVALID


@pytest.mark.parametrize("cut", [b"\x00", b""])
async def test_a_signed_content_with_trailing_or_missing_bytes_is_no_copy(
    center: Center, cut: bytes
) -> None:
    _, copy = await issued(center)
    changed = copy.signed_content + cut if cut else copy.signed_content[:-1]

    with pytest.raises(Refusal) as refused:
        verdict(center, SignedContent(changed))

    assert refused.value.reason is Reason.FIELD_INVALID


def listed(center: Center, caller: Operator | Terminal, **options: object) -> IssuePage:
    """List issues."""
    command = ListIssues(caller, **options)  # type: ignore[arg-type]  # by name
    return center.store.read(lambda tx: list_issues(tx, command, center.now))


async def test_pages_show_every_issue_once_newest_first(center: Center) -> None:
    numbers = [(await issued(center))[1].issue.issue_number for _ in range(5)]

    seen: list[str] = []
    token = ""
    for _ in range(3):
        page = listed(center, CHIYODA_2, page_size=2, page_token=token)
        seen += [issue.issue_number for issue in page.issues]
        token = page.next_page_token

    assert seen == numbers[::-1]
    assert token == ""


async def test_an_office_sees_its_own_issues_and_an_operator_all(center: Center) -> None:
    await issued(center)

    assert listed(center, TOKOROZAWA) == IssuePage((), "")
    assert len(listed(center, OPERATOR).issues) == len(listed(center, CHIYODA).issues) == 1


async def test_overdue_is_what_has_been_unconfirmed_for_15_minutes(center: Center) -> None:
    _, copy = await issued(center)
    _, printed = await issued(center)
    await confirm(center, report(printed, PrintState.PRINTED))

    center.now = NOW + timedelta(minutes=15) - timedelta(microseconds=1)
    early = listed(center, CHIYODA, only_overdue=True)
    center.now = NOW + timedelta(minutes=15)
    late = listed(center, CHIYODA, only_overdue=True)

    assert early.issues == ()
    assert [issue.issue_number for issue in late.issues] == [copy.issue.issue_number]


@pytest.mark.parametrize("token", ["x", "-1", "1.5", "１", "9" * 19])
async def test_a_page_token_of_nobody_is_a_wrong_field(center: Center, token: str) -> None:
    with pytest.raises(Refusal) as refused:
        listed(center, CHIYODA, page_token=token)

    assert refused.value.reason is Reason.FIELD_INVALID
