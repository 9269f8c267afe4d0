"""The keys' part of the tour: each is replaced while agencies go on looking people up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.telling import Scenario
from tests.e2e.tour_agencies import ICHIRO, PASSPORTS, birth_of
from tests.e2e.tour_import import TOKOROZAWA
from tests.e2e.tour_stage import TourStage

if TYPE_CHECKING:
    from juki_agency.center import Center


@dataclass
class Looked:
    """What somebody was told who looked up one person again and again, by code and by name."""

    outcomes: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def look(self, stage: TourStage) -> None:
        """Ask until told to stop; whatever goes wrong is an outcome, too."""
        from juki_agency.center import Center
        from juki_agency.config import AgencyConfig

        config = AgencyConfig.load(stage.agency_config(PASSPORTS))
        with Center.of(config) as center:
            while not self.stop.is_set():
                for by in ({"code": stage.code("takahashi-ichiro")}, by_name()):
                    self.outcomes.append(_asked(center, by))


def by_name() -> dict[str, str]:
    """Return how one asks for a resident of Tokorozawa by attributes."""
    return {**ICHIRO, "birth": birth_of("takahashi-ichiro")}


def _asked(center: Center, person: dict[str, str]) -> str:
    from juki_agency import answers
    from juki_agency.questions import question_of
    from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

    question = question_of(person)
    try:
        if question.WhichOneof("question") == "code":
            request = pb.ConfirmByCodeRequest(affair="passport", code=question.code)
            answer = center.confirm_by_code(request)
        else:
            by = pb.ConfirmByAttributesRequest(affair="passport", attributes=question.attributes)
            answer = center.confirm_by_attributes(by)
    except Exception as problem:  # the thread tells of it, and the scenario judges
        return type(problem).__name__ + str(problem)
    return answers.outcome_name(answer.outcome)


@contextmanager
def looking_up(stage: TourStage) -> Iterator[Looked]:
    """Let an agency look somebody up all the time."""
    looked = Looked()
    thread = threading.Thread(target=looked.look, args=(stage,))
    thread.start()
    try:
        yield looked
    finally:
        looked.stop.set()
        thread.join()


def data_key(stage: TourStage) -> str:
    """The data key of a register is replaced and destroyed while the register is read."""
    before = _versions(stage, "municipality_keys", "municipality = '112089'")
    with looking_up(stage) as looked:
        run = stage.operate("keys", "rotate", "--municipality", TOKOROZAWA)

    assert run.exit_code == 0, (run.answer, run.said)
    after = _versions(stage, "municipality_keys", "municipality = '112089'")
    assert after == {max(before) + 1}
    assert _versions(stage, "records", "municipality = '112089'", "key_version") == after
    assert _versions(stage, "record_history", "municipality = '112089'", "key_version") == after
    return f"version {max(before)} -> {max(after)}; {_all_found(looked)}"


def look_up_keys(stage: TourStage) -> str:
    """The look-up keys of codes and attributes are replaced while people are looked up."""
    before = _versions(stage, "code_index", column="key_version")
    with looking_up(stage) as looked:
        run = stage.operate("keys", "rotate", "--look-up")

    assert run.exit_code == 0, (run.answer, run.said)
    after = _versions(stage, "code_index", column="key_version")
    assert after == {max(before) + 1}
    assert _versions(stage, "attribute_index", column="key_version") == after
    return f"version {max(before)} -> {max(after)} of every token; {_all_found(looked)}"


def _all_found(looked: Looked) -> str:
    assert len(looked.outcomes) >= 2, "nobody looked meanwhile"
    assert set(looked.outcomes) == {"MATCH"}, set(looked.outcomes)
    return f"{len(looked.outcomes)} look-ups meanwhile, all of them found"


def _versions(stage: TourStage, table: str, where: str = "1", column: str = "version") -> set[int]:
    rows = stage.ask_store(f"SELECT DISTINCT {column} FROM {table} WHERE {where}")
    return {int(version) for (version,) in rows}


KEYS = (
    Scenario("A register's key is replaced", data_key),
    Scenario("The look-up keys are replaced", look_up_keys),
)
