"""What is sent again, after how long, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from juki_client.outcome import Problem
from juki_client.patience import Patience, send, send_once_only, told_seconds
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb

Answer = TypeVar("Answer", bound=Message)
REQUEST = pb.ConfirmPrintRequest(request_id="7d0d6a0e-2f1c-4a5e-9d0b-6f4f6a3c1b11")


def overloaded(seconds: str) -> Problem:
    return Problem("OVERLOADED", {"retryAfterSeconds": seconds})


def served(_request: Message) -> pb.ConfirmPrintResponse:
    return pb.ConfirmPrintResponse()


@dataclass
class Center:
    """Answers with one problem after the other, and then well; its clock is that of the pauses."""

    problems: list[Problem]
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    seen_tree_size: int = 5
    seen: list[int | None] = field(default_factory=list)

    def call(
        self, method: Callable[..., Answer], request: Message, *, seen: int | None = None
    ) -> Answer:
        self.seen.append(seen)
        if self.problems:
            raise self.problems.pop(0)
        return method(request)

    def patience(self, seconds: float = 20.0) -> Patience:
        def sleep(pause: float) -> None:
            self.pauses.append(pause)
            self.now += pause

        return Patience(seconds, sleep=sleep, monotonic=lambda: self.now)


def test_who_is_told_to_come_back_waits_as_told_and_is_served() -> None:
    center = Center([overloaded("2"), overloaded("3")])

    send(center, served, REQUEST, center.patience())

    assert [2.0 <= center.pauses[0] <= 2.2, 3.0 <= center.pauses[1] <= 3.3] == [True, True]
    assert center.seen == [5, 5, 5]


def test_without_a_told_time_the_wait_is_a_second() -> None:
    center = Center([Problem("OVERLOADED")])

    send(center, served, REQUEST, center.patience())

    assert center.pauses == [1.0]


def test_a_told_time_beyond_the_patience_is_not_waited_for() -> None:
    center = Center([overloaded("30")])

    with pytest.raises(Problem) as raised:
        send(center, served, REQUEST, center.patience(20.0))

    assert raised.value.reason == "OVERLOADED"
    assert center.pauses == []


def test_patience_ends_although_the_center_goes_on_telling() -> None:
    center = Center([overloaded("6")] * 10)

    with pytest.raises(Problem):
        send(center, served, REQUEST, center.patience(20.0))

    assert sum(center.pauses) <= 20.0


def test_shed_after_an_unknown_outcome_the_outcome_stays_unknown() -> None:
    center = Center([Problem("CENTER_UNREACHABLE"), overloaded("60")])

    with pytest.raises(Problem) as raised:
        send_once_only(center, served, REQUEST, center.patience())

    assert raised.value.reason == "OUTCOME_UNKNOWN"


def test_shed_at_the_first_try_nothing_was_done() -> None:
    center = Center([overloaded("60")])

    with pytest.raises(Problem) as raised:
        send_once_only(center, served, REQUEST, center.patience())

    assert raised.value.reason == "OVERLOADED"


def test_other_refusals_with_a_time_are_told_at_once() -> None:
    center = Center([Problem("RESIDENCE_DISCONNECTED", {"retryAfterSeconds": "1"})])

    with pytest.raises(Problem):
        send(center, served, REQUEST, center.patience())

    assert center.pauses == []


@pytest.mark.parametrize("told", ["", "soon", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_no_time(told: str) -> None:
    assert told_seconds(overloaded(told)) is None
