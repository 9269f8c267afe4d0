"""What an agency may ask, and what it is answered: the proto's messages as records."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from juki_center.areas.callers import Agency
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeReason, Sex
from juki_center.errors import Reason, RuleBroken

MOST_LINES = 100_000
MOST_LINES_AT_ONCE = 100
_AFFAIR = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_AFFAIR = 64


@dataclass(frozen=True, slots=True)
class AffairCode:
    """What an affair is called on the wire, such as "passport"; well-formed, perhaps unknown.

    >>> AffairCode("child-rearing-allowance").text
    'child-rearing-allowance'
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > _LONGEST_AFFAIR or not _AFFAIR.fullmatch(self.text):
            raise RuleBroken("AFFAIR_CODE")

    def __str__(self) -> str:
        return self.text


class Kind(StrEnum):
    """A kind of provision, for which an agency is authorised or not.

    A line of a batch needs BATCH and the kind of its question; watching a person needs CHANGES
    beside the kind of the question.
    """

    BY_CODE = "BY_CODE"
    BY_ATTRIBUTES = "BY_ATTRIBUTES"
    BATCH = "BATCH"
    CHANGES = "CHANGES"


class Outcome(StrEnum):
    """Outcomes of a question; the proto's names without their prefix."""

    MATCH = "MATCH"
    MATCH_WITH_VARIANT = "MATCH_WITH_VARIANT"
    AMBIGUOUS = "AMBIGUOUS"
    NO_MATCH = "NO_MATCH"
    DELETED = "DELETED"
    CODE_CHANGED = "CODE_CHANGED"


@dataclass(frozen=True, slots=True)
class ByCode:
    """Question: who has this resident record code?"""

    code: ResidentCode


@dataclass(frozen=True, slots=True)
class ByAttributes:
    """Question: who has these attributes? What is empty or None was not given.

    Texts are in the form in which a register stores them (`residents.names`); `prefecture` is 01
    to 47. Raises RuleBroken, with the field, where neither name nor reading is given, and where
    municipality and prefecture contradict each other.
    """

    name: str = field(repr=False)
    birth: CivilDate = field(repr=False)
    kana: str = field(default="", repr=False)
    sex: Sex | None = field(default=None, repr=False)
    address: str = field(default="", repr=False)
    municipality: MunicipalityCode | None = None
    prefecture: str = ""

    def __post_init__(self) -> None:
        if not self.name and not self.kana:
            raise RuleBroken("NAME_OR_KANA", "name")
        if self.prefecture and not _is_prefecture(self.prefecture):
            raise RuleBroken("NO_PREFECTURE", "prefecture_code")
        in_municipality = self.municipality.prefecture if self.municipality else ""
        if self.prefecture and in_municipality not in {"", self.prefecture}:
            raise RuleBroken("OTHER_PREFECTURE", "prefecture_code")


Question = ByCode | ByAttributes


@dataclass(frozen=True, slots=True)
class Confirm:
    """Command: confirm one person. No items ask for a yes or no.

    `question_id` is the agency's own name for the question, under which the log has it.
    """

    agency: Agency
    affair: AffairCode
    question: Question
    items: tuple[Item, ...] = ()
    watch: bool = False
    question_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Information:
    """The items that were asked for; the others are empty or None.

    `alias` comes with the name; `address` begins with the prefecture.
    """

    name: str = field(default="", repr=False)
    alias: str = field(default="", repr=False)
    birth: CivilDate | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    address: str = field(default="", repr=False)
    code: ResidentCode | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """Why a record was deleted, and from which day on."""

    reason: ChangeReason = field(repr=False)
    date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Answer: what is known of a person after a question.

    `count` goes with AMBIGUOUS; `varied` names the items that fit by their search key only, with
    MATCH_WITH_VARIANT and with a deleted record that fits so; `deletion` goes with DELETED, and is
    None where the register was taken over with the record deleted and no reason given.
    `subject_reference`, 16 bytes, is there where the person is watched from now on; `provision_id`
    where the answer says something of a person.
    """

    outcome: Outcome
    count: int = 0
    varied: tuple[Item, ...] = field(default=(), repr=False)
    information: Information | None = field(default=None, repr=False)
    deletion: Deletion | None = field(default=None, repr=False)
    subject_reference: bytes = b""
    provision_id: str = ""


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """Command: begin a batch, or take it up again. 1 to 100,000 lines, counted from 1.

    `results_from_line` is the first line whose result the agency lacks; 0 for the first that the
    center has not done. `content_digest` tells the agency's questions apart, 32 bytes or none.
    """

    agency: Agency
    batch_id: UUID
    affair: AffairCode
    line_count: int
    items: tuple[Item, ...] = ()
    watch: bool = False
    results_from_line: int = 0
    content_digest: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.line_count <= MOST_LINES:
            raise RuleBroken("LINE_COUNT", "line_count")


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer: the line that the center wants next; one more than there are where all are done."""

    next_line: int


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a line is refused: a reason, and with FIELD_INVALID the field and its rule."""

    reason: Reason
    field: str = ""
    rule: str = ""


Line = Question | LineError


@dataclass(frozen=True, slots=True)
class ConfirmLines:
    """Command: answer 1 to 100 lines of a batch that was opened.

    A line that could not be read comes as the error that was found, and is counted as refused.
    """

    agency: Agency
    batch_id: UUID
    first_line: int
    lines: tuple[Line, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if self.first_line < 1:
            raise RuleBroken("FROM_ONE", "first_line")
        if not 1 <= len(self.lines) <= MOST_LINES_AT_ONCE:
            raise RuleBroken("LINES_AT_ONCE", "lines")


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line."""

    line: int
    outcome: Confirmation | LineError


@dataclass(frozen=True, slots=True)
class FinishBatch:
    """Command: say what came out of a batch whose lines are all done."""

    agency: Agency
    batch_id: UUID


@dataclass(frozen=True, slots=True)
class Totals:
    """Answer: the sums over all lines; outcomes that no line had are left out."""

    line_count: int
    counts: tuple[tuple[Outcome, int], ...]
    refused: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Command: the next change notices after a cursor, which is empty for the beginning."""

    agency: Agency
    affair: AffairCode
    cursor: bytes = b""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of a watched person, and the cursor from which the stream goes on after it."""

    subject_reference: bytes
    recorded_at: datetime
    cursor: bytes = field(repr=False)
    reason: ChangeReason = field(repr=False)
    date: CivilDate = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notices:
    """Answer: notices in order, and the cursor after them and after what was passed over.

    `is_caught_up` tells that nothing more is to be had now; `waiting` are the municipalities whose
    notices wait until they are connected again.
    """

    notices: tuple[Notice, ...]
    cursor: bytes = field(repr=False)
    is_caught_up: bool
    waiting: tuple[MunicipalityCode, ...] = ()


def _is_prefecture(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isdecimal() and 1 <= int(text) <= 47
