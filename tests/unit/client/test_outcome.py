"""Reasons, parts, exit codes and envelopes are those that scripts rely on."""

from __future__ import annotations

import pytest

from juki_client.outcome import Exit, Language, Part, Problem, Retry, failure, success
from jukinet.error.v1 import error_reason_pb2

ALL_REASONS = [
    name.removeprefix("ERROR_REASON_")
    for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    if name != "ERROR_REASON_UNSPECIFIED"
]


@pytest.mark.parametrize("reason", ALL_REASONS)
def test_every_reason_has_part_retry_texts_and_remedies(reason: str) -> None:
    problem = Problem(reason)

    assert problem.part in Part
    assert problem.retry in Retry
    for language in Language:
        assert problem.text(language)
        assert problem.remedy(language)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("PIN_WRONG", 3),
        ("CARD_SUSPENDED", 3),
        ("ISSUE_SUPPRESSED", 3),
        ("CARD_REMOVED", 4),
        ("CARD_TIMEOUT", 4),
        ("READER_NOT_FOUND", 4),
        ("CENTER_UNREACHABLE", 5),
        ("STORE_UNAVAILABLE", 5),
        ("OUTCOME_UNKNOWN", 6),
        ("CONFIGURATION_INVALID", 2),
        ("TERMINAL_DEFECT", 1),
        ("INTERRUPTED", 130),
        ("A_REASON_OF_NEXT_YEAR", 3),
    ],
)
def test_reason_decides_the_exit_code(reason: str, code: int) -> None:
    assert Problem(reason).exit == Exit(code)


def test_unknown_reason_is_a_refusal_by_the_center_that_is_not_retried() -> None:
    problem = Problem("A_REASON_OF_NEXT_YEAR")

    assert (problem.part, problem.retry) == (Part.CENTER, Retry.NEVER)
    assert problem.text(Language.JAPANESE) == "A_REASON_OF_NEXT_YEAR"


def test_failure_envelope_is_the_fixed_one() -> None:
    problem = Problem("PIN_WRONG", {"attemptsRemaining": "2"})

    assert failure("copy issue", problem, Language.ENGLISH) == {
        "schema": "juki/1",
        "command": "copy issue",
        "ok": False,
        "error": {
            "reason": "PIN_WRONG",
            "part": "pin",
            "message": "The PIN is wrong.",
            "remedy": "Ask the holder again; attemptsRemaining says how often.",
            "retry": "new_request",
            "metadata": {"attemptsRemaining": "2"},
        },
    }


def test_success_envelope_is_the_fixed_one() -> None:
    assert success("readers", {"readers": []}) == {
        "schema": "juki/1",
        "command": "readers",
        "ok": True,
        "result": {"readers": []},
    }
