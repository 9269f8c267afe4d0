from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.judge import Application, Seen, violations

RIGHT = Seen("131016-20261123-000001", "𠮷田 太郎", b"h" * 32, "request-1")


def application(*answers: Seen, final: Seen | None = RIGHT) -> Application:
    return Application("𠮷田 太郎", "131016-01", "request-1", b"h" * 32, list(answers), final)


def test_one_answer_repeated_is_clean() -> None:
    assert violations([application(RIGHT, RIGHT)]) == []


@pytest.mark.parametrize(
    ("history", "word"),
    [
        ([application(RIGHT, replace(RIGHT, issue_number="other"))], "double issue"),
        ([application(RIGHT, final=None)], "lost acknowledged issue"),
        ([application(replace(RIGHT, person="髙橋 花子"))], "another person"),
        ([application(replace(RIGHT, transcript_hash=b"x" * 32))], "another session"),
        ([application(replace(RIGHT, request_id="request-2"))], "another request"),
        (
            [application(RIGHT), replace(application(RIGHT), request_id="request-2")],
            "one number, 2 requests",
        ),
    ],
)
def test_each_broken_promise_is_named(history: list[Application], word: str) -> None:
    assert any(word in found for found in violations(history))
