"""Copies of persons who move, which are not confirmed as printed, are void from then on."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import cbor2
import pytest

from juki_center.areas.copies.answer_codec import decode_copy, encode_issue
from juki_center.areas.copies.commands import (
    ConfirmPrint,
    GetIssue,
    Issue,
    IssuedCopy,
    PrintState,
    RecallCopy,
    RecallReason,
    Scope,
    SignedContent,
    Verdict,
    VerifyCopy,
)
from juki_center.areas.copies.find import get_issue
from juki_center.areas.copies.prints import confirm_print
from juki_center.areas.copies.recall import recall_copy
from juki_center.areas.copies.verify import verify_copy
from juki_center.areas.copies.voids import forget_persons_of_copies, void_unprinted
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from tests.support.center import CHIYODA, NOW, SAMPLES, Center
from tests.support.clerks import clerk_policy
from tests.support.leaves import leaves
from tests.support.rows import rows

JOB = "juki://center/job"
TARO, HANAKO = "yoshida-taro", "yoshida-hanako"


async def issued(center: Center, key: str = TARO, scope: Scope = Scope.SELF) -> IssuedCopy:
    """Issue a copy."""
    return await center.issue(await center.command(key, scope=scope))


async def report(center: Center, copy: IssuedCopy, state: PrintState, attempt: int = 1) -> Issue:
    """Report what became of the paper."""
    number = copy.issue.issue_number
    command = ConfirmPrint(CHIYODA, uuid.uuid4(), number, state, attempt)
    return await center.store.act(lambda tx: confirm_print(tx, command, center.now))


async def void(center: Center, *keys: str) -> int:
    """Void what is not printed of these persons."""
    codes = [SAMPLES[key].record.code for key in keys]
    found = center.store.read(lambda tx: [tx.residents.by_code(code) for code in codes])
    persons = [one.person for one in found if one]
    return await center.store.act(lambda tx: void_unprinted(tx, persons, NOW, JOB))


def found(center: Center, copy: IssuedCopy) -> IssuedCopy:
    """Ask what became of a copy."""
    asked = GetIssue(CHIYODA, copy.issue.issue_number)
    return center.store.read(lambda tx: get_issue(tx, asked, center.now, clerk_policy()))


def known(center: Center) -> int:
    """Count whose copies are known."""
    return len(rows(center.store.path, "SELECT number FROM issue_persons"))


async def test_an_unprinted_copy_of_somebody_who_moves_is_recalled_and_its_content_gone(
    center: Center,
) -> None:
    copy = await issued(center)

    count = await void(center, TARO)

    answer = found(center, copy)
    assert count == 1
    assert answer.signed_content == b""
    assert answer.issue.print_state is PrintState.ABANDONED
    assert (answer.issue.recalled_at, answer.issue.recall_reason) == (
        NOW,
        RecallReason.RESIDENT_MOVED,
    )
    leaf = leaves(center.store)[-1]
    assert (leaf["ev"], leaf["more"]) == ("COPY_RECALLED", {"reason": "RESIDENT_MOVED"})
    assert known(center) == 0


async def test_a_late_report_of_a_printed_paper_is_refused_and_says_why(center: Center) -> None:
    copy = await issued(center)
    await void(center, TARO)

    with pytest.raises(Refusal) as refused:
        await report(center, copy, PrintState.PRINTED)

    assert refused.value.reason is Reason.PRINT_STATE_CONFLICT
    assert refused.value.metadata == {"printState": "ABANDONED", "recallReason": "RESIDENT_MOVED"}


async def test_a_failed_print_can_still_be_printed_and_is_voided_too(center: Center) -> None:
    copy = await issued(center)
    await report(center, copy, PrintState.FAILED)

    assert await void(center, TARO) == 1
    assert found(center, copy).issue.print_attempts == 1


@pytest.mark.parametrize("state", [PrintState.PRINTED, PrintState.ABANDONED])
async def test_a_paper_that_was_reported_stays_what_it_is_and_nobody_is_kept_with_it(
    center: Center, state: PrintState
) -> None:
    copy = await issued(center)
    await report(center, copy, state)

    assert known(center) == 0
    assert await void(center, TARO) == 0
    assert found(center, copy).issue.recalled_at is None


async def test_a_recalled_copy_keeps_its_reason_and_nobody_is_kept_with_it(center: Center) -> None:
    copy = await issued(center)
    number = copy.issue.issue_number
    command = RecallCopy(CHIYODA, uuid.uuid4(), number, RecallReason.WRONG_PERSON)
    answer = await center.store.act(lambda tx: recall_copy(tx, command, NOW))
    again = await center.store.act(lambda tx: recall_copy(tx, command, NOW))

    assert answer == again
    assert known(center) == 0
    assert await void(center, TARO) == 0
    assert found(center, copy).issue.recall_reason is RecallReason.WRONG_PERSON


async def test_a_copy_of_the_household_is_void_when_any_of_its_persons_moves_and_only_once(
    center: Center,
) -> None:
    await issued(center, scope=Scope.HOUSEHOLD)
    other = await issued(center, "takahashi-ichiro")

    counts = [await void(center, HANAKO, TARO), await void(center, TARO)]

    assert counts == [1, 0]
    assert found(center, other).issue.recalled_at is None


async def test_a_copy_of_oneself_is_not_void_when_another_member_moves(center: Center) -> None:
    copy = await issued(center)

    assert await void(center, HANAKO) == 0
    assert found(center, copy).signed_content == copy.signed_content


async def test_a_voided_copy_verifies_as_recalled_without_its_reason(center: Center) -> None:
    copy = await issued(center)
    await void(center, TARO)

    command = VerifyCopy(SignedContent(copy.signed_content))
    answer = center.store.read(lambda tx: verify_copy(tx, command, center.trust))

    assert answer.verdict is Verdict.RECALLED
    assert answer.issue is not None
    assert answer.issue.recall_reason is None


def test_an_answer_from_before_there_was_a_reason_to_keep_can_still_be_read() -> None:
    issue = Issue(
        "n-1", NOW, MunicipalityCode("131016"), PrintState.FAILED, 2, NOW, RecallReason.PAPER_LOST
    )
    now = encode_issue(issue, b"content")
    before = cbor2.dumps(cbor2.loads(now)[:-1], canonical=True)

    assert decode_copy(now) == IssuedCopy(issue, b"content")
    assert decode_copy(before) == IssuedCopy(replace(issue, recall_reason=None), b"content")


async def test_copies_are_voided_while_the_residence_is_disconnected(center: Center) -> None:
    await issued(center)
    residence = MunicipalityCode("112089")
    await center.store.act(lambda tx: tx.registers.set_connected(residence, connected=False))

    assert await void(center, TARO) == 1


async def test_whom_an_old_copy_shows_is_forgotten_when_it_can_be_printed_no_more(
    center: Center,
) -> None:
    await issued(center)

    day = timedelta(hours=24)
    await center.store.act(lambda tx: forget_persons_of_copies(tx, NOW + day))
    assert known(center) == 1
    await center.store.act(lambda tx: forget_persons_of_copies(tx, NOW + day + day / 1_000))

    assert known(center) == 0
