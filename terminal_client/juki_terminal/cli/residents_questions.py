"""What a clerk is asked for where no file is given; one function for each kind of request.

For a change of a record, the record is shown first: its version goes into the request, and its
entries are what a correction starts from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from juki_client import civil_date
from juki_client.outcome import Problem
from juki_client.report import say
from juki_terminal.cli.residents_tables import record_table
from juki_terminal.cli.residents_texts import Text
from juki_terminal.register_words import (
    ENTRIES,
    NATIONALITIES,
    REASONS,
    SEXES,
    Label,
    entry_text,
)
from jukinet.residents.v1 import residence_record_pb2 as records_pb
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from jukinet.residents.v1.civil_date_pb2 import CivilDate

_DATES: Final = frozenset(("date_of_birth", "resident_since", "address_since", "notification_date"))
_CHOICES: Final[Mapping[str, Mapping[int, str]]] = {"sex": SEXES, "nationality": NATIONALITIES}
_CORRECTIONS: Final[Mapping[int, str]] = {
    number: REASONS[number]
    for number in (
        records_pb.CHANGE_REASON_CORRECTION_EX_OFFICIO,
        records_pb.CHANGE_REASON_NAME_CHANGE,
        records_pb.CHANGE_REASON_NATURALISATION,
        records_pb.CHANGE_REASON_NATIONALITY_LOST,
    )
}
_BLANK: Final = "-"


@dataclass(frozen=True, slots=True)
class Questions:
    """Asks at the prompt; `look` returns the record with a code, as the center has it."""

    language: Language
    look: Callable[[str], records_pb.ResidenceRecord]

    def fill(self, command: str, request: Message) -> None:
        """Ask for what the command's request needs, and put it in."""
        match request:
            case pb.GetRecordRequest() | pb.ListHouseholdRequest() | pb.LockRecordRequest():
                request.code = self._ask(Text.ASK_CODE)
            case pb.RegisterBirthRequest():
                self._birth(request)
            case pb.ChangeHouseholdRequest():
                self._household(request)
            case _:
                self._fill_edit(command, request)

    def _fill_edit(self, command: str, request: Message) -> None:
        match request:
            case pb.RegisterDeathRequest():
                self._edited(request)
                request.date_of_death.CopyFrom(self._date(Text.ASK_DEATH, "date_of_death"))
            case pb.DeleteRecordRequest():
                self._edited(request)
                self._change_date(request.change_date)
            case pb.CorrectRecordRequest():
                self._correction(request)
            case pb.ChangeResidentCodeRequest():
                self._edited(request)
            case pb.CancelEntryRequest():
                record = self._shown(Text.ASK_CODE)
                request.code, request.cancelled_version = record.code, record.version
            case pb.SetProtectiveMeasureRequest():
                self._measure(command, request)
            case _:
                raise Problem("USAGE_INVALID", {"field": "from"})

    def _birth(self, request: pb.RegisterBirthRequest) -> None:
        request.household_of_code = self._ask(Text.ASK_HOUSEHOLD_OF)
        request.entries.nationality = records_pb.Entries.NATIONALITY_JAPANESE
        self.entries(request.entries)

    def _correction(self, request: pb.CorrectRecordRequest) -> None:
        record = self._edited(request)
        request.entries.CopyFrom(record.entries)
        self.entries(request.entries)
        reason = self._choice(Text.ASK_REASON.say(self.language), _CORRECTIONS, 0, "reason")
        request.reason = records_pb.ChangeReason.ValueType(reason)
        self._change_date(request.change_date)

    def _household(self, request: pb.ChangeHouseholdRequest) -> None:
        while code := self._ask(Text.ASK_MEMBER):
            record = self._look(code)
            request.members.add(
                code=code,
                expected_version=record.version,
                relationship_to_householder=self._ask(Text.ASK_RELATIONSHIP),
            )
        target = self._ask(Text.ASK_TARGET)
        if target:
            request.household_of_code = target
        else:
            request.new_household = True
        self._change_date(request.change_date)

    def _measure(self, command: str, request: pb.SetProtectiveMeasureRequest) -> None:
        self._edited(request)
        if command != "protect":
            return
        answer = self._ask(Text.ASK_PLANNED_END)
        if answer:
            planned = civil_date.parse(answer, "begin.planned_end")
            request.begin.planned_end.CopyFrom(planned)

    def _edited(
        self,
        request: pb.RegisterDeathRequest
        | pb.DeleteRecordRequest
        | pb.CorrectRecordRequest
        | pb.ChangeResidentCodeRequest
        | pb.SetProtectiveMeasureRequest,
    ) -> records_pb.ResidenceRecord:
        record = self._shown(Text.ASK_CODE)
        request.code, request.expected_version = record.code, record.version
        return record

    def _shown(self, question: Text) -> records_pb.ResidenceRecord:
        return self._look(self._ask(question))

    def _look(self, code: str) -> records_pb.ResidenceRecord:
        record = self.look(code)
        say(record_table(record, self.language))
        return record

    def entries(self, entries: records_pb.Entries) -> None:
        """Ask for each entry, beginning with what stands."""
        say(Text.KEEP_OR_BLANK.say(self.language))
        for name, label in ENTRIES.items():
            self._entry(entries, name, label)

    def _entry(self, entries: records_pb.Entries, name: str, label: Label) -> None:
        question, before = label.say(self.language), entry_text(entries, name)
        if name in _CHOICES:
            choice = self._choice(question, _CHOICES[name], getattr(entries, name), name)
            setattr(entries, name, choice)
            return
        answer = self._prompt(question, before)
        if answer in ("", before):
            return
        if answer == _BLANK:
            entries.ClearField(name)  # type: ignore[arg-type]  # a field's name
        elif name in _DATES:
            getattr(entries, name).CopyFrom(civil_date.parse(answer, f"entries.{name}"))
        else:
            setattr(entries, name, answer)

    def _change_date(self, date: CivilDate) -> None:
        date.CopyFrom(self._date(Text.ASK_CHANGE_DATE, "change_date"))

    def _date(self, question: Text, field: str) -> CivilDate:
        return civil_date.parse(self._ask(question), field)

    def _choice(self, question: str, words: Mapping[int, str], before: int, field: str) -> int:
        shown = "/".join(words.values())
        answer = self._prompt(f"{question} [{shown}]", words.get(before, ""))
        for number, word in words.items():
            if answer == word:
                return number
        raise Problem("USAGE_INVALID", {"field": field, "rule": shown})

    def _ask(self, question: Text) -> str:
        return self._prompt(question.say(self.language), "")

    def _prompt(self, question: str, before: str) -> str:
        answer: str = typer.prompt(question, default=before, show_default=bool(before), err=True)
        return answer.strip()
