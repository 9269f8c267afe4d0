"""What a clerk has on the desk while a move is entered: the center, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from juki_client.report import say
from juki_terminal import moves, residents
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.prompts import ask, ask_choices
from juki_terminal.cli.residents_tables import household_table
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.residents.v1 import residence_record_pb2 as records_pb
from jukinet.residents.v1 import resident_service_pb2 as residents_pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_client.outcome import Language
    from juki_terminal.channel import Center


@dataclass(frozen=True, slots=True)
class Desk:
    """A center, a language. `can_ask` tells that somebody answers at the prompt."""

    center: Center
    language: Language
    can_ask: bool = True

    def record(self, code: str) -> records_pb.ResidenceRecord:
        """Return a person's record; raise Problem with the center's reason."""
        asked = residents_pb.GetRecordRequest(code=code)
        answered = residents.question(self.center, "show", asked)
        return cast("residents_pb.GetRecordResponse", answered.message).record

    def household(self, code: str) -> Sequence[records_pb.ResidenceRecord]:
        """Return a person's household; raise Problem with the center's reason."""
        asked = residents_pb.ListHouseholdRequest(code=code)
        answered = residents.question(self.center, "household", asked)
        return cast("residents_pb.ListHouseholdResponse", answered.message).records

    def move(self, number: str) -> pb.GetMoveResponse:
        """Return a move; raise Problem with the center's reason."""
        asked = pb.GetMoveRequest(move_number=number)
        answered = moves.question(self.center, "show", asked)
        return cast("pb.GetMoveResponse", answered.message)

    def choose(self) -> tuple[list[records_pb.ResidenceRecord], bool]:
        """Ask which members of a household move; say also whether these are all of them."""
        records: Sequence[records_pb.ResidenceRecord] = ()
        while not records:
            records = self.household(ask(Text.ASK_HOUSEHOLD.say(self.language)))
            say(household_table(records, self.language))
        chosen = ask_choices(Text.ASK_WHO.say(self.language), len(records))
        return [records[number - 1] for number in chosen], len(chosen) == len(records)
