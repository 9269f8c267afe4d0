"""Exactly once: the first answer to a request id is the only one.

The record of an answer commits with the change that it reports. It is sealed, under the key of the
residence where it shows a register's content, and can be opened for 24 hours; after that the id
still stands, with the resource that the request made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal

KEPT_FOR = timedelta(hours=24)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Request:
    """A changing request: who sent it under which id, and its whole content in one encoding."""

    caller_uri: str
    request_id: UUID
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stored:
    """The record of an answer. `answer` is None once it may no longer be opened."""

    same_content: bool
    resource: str
    answered_at: datetime
    answer: bytes | None = field(repr=False)


class Answers(Protocol):
    """What the store keeps of answers."""

    def find(self, request: Request) -> Stored | None:
        """Return the answer that was given to this caller and id."""

    def put(
        self,
        request: Request,
        answer: bytes,
        *,
        resource: str,
        sealed_for: MunicipalityCode | None,
        now: datetime,
    ) -> None:
        """Keep an answer; the id is new for this caller.

        It is sealed under a municipality's key, or under the center's own where it says nothing
        about anybody and must stand whoever is disconnected.
        """

    def answer_of(self, caller_uri: str, request_id: UUID) -> bytes | None:
        """Open the answer to a request whose content is not at hand; None once it is forgotten."""

    def wipe(self, caller_uri: str, request_id: UUID) -> None:
        """Forget an answer's content for good; the id still stands."""

    def wipe_before(self, moment: datetime) -> None:
        """Forget the content of all answers that were given before a time."""


class AnswersTx(Protocol):
    """What keeping answers needs of a transaction."""

    @property
    def answers(self) -> Answers: ...


def forget_old_answers(tx: AnswersTx, now: datetime) -> None:
    """Act: forget the content of all answers that are no longer given back."""
    tx.answers.wipe_before(now - KEPT_FOR)


def first_answer(answers: Answers, request: Request, now: datetime) -> bytes | None:
    """Return the answer that this request had before, or None where it is new.

    Raises Refusal: REQUEST_ID_REUSED for another content, ANSWER_EXPIRED where the answer is no
    longer kept.
    """
    stored = answers.find(request)
    if stored is None:
        return None
    if not stored.same_content:
        raise Refusal(Reason.REQUEST_ID_REUSED)
    if stored.answer is None or now - stored.answered_at > KEPT_FOR:
        raise Refusal(Reason.ANSWER_EXPIRED, resource=stored.resource)
    return stored.answer
