"""Refusals on the wire, reason by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from juki_center.errors import Reason, Refusal
from juki_center.rpc.errors import Statuses

if TYPE_CHECKING:
    from google.protobuf.any_pb2 import Any as AnyMessage


def details(refusal: Refusal) -> list[AnyMessage]:
    status = Statuses.from_descriptor().status(refusal)
    ((_, octets),) = status.trailing_metadata
    return list(status_pb2.Status.FromString(octets).details)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_status(reason: Reason) -> None:
    status = Statuses.from_descriptor().status(Refusal(reason))

    assert status.code is not grpc.StatusCode.OK
    assert status.details


def test_reason_that_says_wait_says_how_long() -> None:
    info, retry = details(Refusal(Reason.RESIDENCE_DISCONNECTED))

    assert info.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)
    delay = error_details_pb2.RetryInfo()
    assert retry.Unpack(delay)
    assert delay.retry_delay.seconds == 60


def test_store_that_cannot_be_used_tells_when_to_come_back() -> None:
    _, retry = details(Refusal(Reason.STORE_UNAVAILABLE))

    delay = error_details_pb2.RetryInfo()
    assert retry.Unpack(delay)
    assert delay.retry_delay.seconds == 1


def test_reason_without_waiting_has_no_delay() -> None:
    assert len(details(Refusal(Reason.FIELD_INVALID, field="x", rule="y"))) == 1


def test_neutral_refusal_looks_the_same_whatever_its_cause() -> None:
    statuses = Statuses.from_descriptor()

    protected = statuses.status(Refusal(Reason.ISSUE_SUPPRESSED, cause="protected"))

    assert protected == statuses.status(Refusal(Reason.ISSUE_SUPPRESSED))
