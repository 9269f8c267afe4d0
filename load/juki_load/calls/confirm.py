"""An agency's questions: confirmation by code, and the broad search by name in a prefecture."""

from __future__ import annotations

import uuid
from itertools import cycle
from typing import TYPE_CHECKING, Final, Protocol

from google.protobuf.message import DecodeError

from juki_audit.receipts import OwnAct
from juki_client import civil_date
from juki_client.outcome import Problem
from juki_load.calls.template import Template
from juki_load.calls.verification import ANSWER_WRONG
from juki_load.wire.header_blocks import Ending
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1 import civil_date_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from juki_load.callers import Caller
    from juki_load.calls.verification import Verification

    Answer: TypeAlias = pb.ConfirmByCodeResponse | pb.ConfirmByAttributesResponse

_SERVICE: Final = "/jukinet.agencies.v1.IdentityConfirmationService/"
CODE_PATH: Final = _SERVICE + "ConfirmByCode"
SEARCH_PATH: Final = _SERVICE + "ConfirmByAttributes"
_EVENT: Final = "IDENTITY_CONFIRMED"
_AFFAIR: Final = "passport"
_ITEMS: Final = (pb.ITEM_NAME, pb.ITEM_DATE_OF_BIRTH, pb.ITEM_SEX, pb.ITEM_ADDRESS)
_ANY_CODE: Final = b"?" * 11
_ANY_QUESTION: Final = b"!" * 36


class Ended(Protocol):
    """Who counts the end of a call."""

    def __call__(self, ending: Ending) -> None: ...


class _Listener:
    """Hears of one question; looks at the answer where the question belongs to the sample."""

    __slots__ = ("_ended", "_look", "_octets")

    def __init__(self, ended: Ended, look: Callable[[bytes], Ending | None] | None) -> None:
        self._ended = ended
        self._look = look
        self._octets = b""

    def message(self, octets: bytes) -> None:
        """Keep the answer."""
        self._octets = octets

    def ended(self, ending: Ending) -> None:
        """Count the end; an answer of the sample that is wrong is no answer."""
        fault = self._look(self._octets) if self._look is not None and ending.is_ok else None
        self._ended(fault or ending)


class ByCode:
    """Confirms persons by code, one after the other, asked by each agency in turn."""

    def __init__(
        self, agencies: Sequence[Caller], codes: Sequence[str], verification: Verification
    ) -> None:
        """There must be an agency and a code."""
        message = pb.ConfirmByCodeRequest(
            affair=_AFFAIR,
            code=_ANY_CODE.decode(),
            items=_ITEMS,
            question_id=_ANY_QUESTION.decode(),
        )
        self._template = Template.of(message, _ANY_CODE, _ANY_QUESTION)
        self._agencies = cycle(agencies)
        self._codes = cycle([code.encode("ascii") for code in codes])
        self._verification = verification

    def start(self, ended: Ended) -> None:
        """Ask the next question."""
        caller, question = next(self._agencies), uuid.uuid4()
        look = None
        if self._verification.is_drawn():
            look = _looking(pb.ConfirmByCodeResponse, self._verification, caller, question)
        octets = self._template.filled(next(self._codes), str(question).encode("ascii"))
        caller.call(CODE_PATH, octets, _Listener(ended, look))


class Search:
    """Searches by name and birth date in a whole prefecture: the questions that cost the most."""

    def __init__(
        self,
        agencies: Sequence[Caller],
        residents: Sequence[dict[str, str]],
        verification: Verification,
    ) -> None:
        """There must be an agency, and a resident whose birth date is a plain one."""
        self._templates = cycle([_search(line) for line in residents if _date(line) is not None])
        self._agencies = cycle(agencies)
        self._verification = verification

    def start(self, ended: Ended) -> None:
        """Ask the next question."""
        self.start_at(next(self._agencies), ended)

    def start_at(self, caller: Caller, ended: Ended) -> None:
        """Ask the next question as this agency."""
        question = uuid.uuid4()
        look = None
        if self._verification.is_drawn():
            look = _looking(pb.ConfirmByAttributesResponse, self._verification, caller, question)
        octets = next(self._templates).filled(str(question).encode("ascii"))
        caller.call(SEARCH_PATH, octets, _Listener(ended, look))


def _search(line: dict[str, str]) -> Template:
    message = pb.ConfirmByAttributesRequest(
        affair=_AFFAIR,
        attributes=pb.Attributes(
            name=line["name"],
            date_of_birth=_date(line),
            prefecture_code=line["municipality"][:2],
        ),
        items=_ITEMS,
        question_id=_ANY_QUESTION.decode(),
    )
    return Template.of(message, _ANY_QUESTION)


def _date(line: dict[str, str]) -> civil_date_pb2.CivilDate | None:
    """Return the birth date as the question has it; None for one that is not a plain day."""
    try:
        found = civil_date.parse(line["birth"], "birth")
    except Problem:
        return None
    return found if found.precision == civil_date_pb2.CivilDate.PRECISION_DAY else None


def _looking(
    kind: type[Answer], verification: Verification, caller: Caller, question: uuid.UUID
) -> Callable[[bytes], Ending | None]:
    act = OwnAct(_EVENT, caller.uri, 0, request_id=question.bytes)

    def look(octets: bytes) -> Ending | None:
        try:
            answer = kind.FromString(octets)
        except DecodeError:
            return ANSWER_WRONG
        if not answer.confirmation.outcome:
            return ANSWER_WRONG
        return verification.fault(answer.receipt if answer.HasField("receipt") else None, act)

    return look
