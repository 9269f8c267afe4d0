"""A small simulated year ends clean, and its audit names what is corrupted afterwards."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ChangeReason, ResidenceState, Resident
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.simulation.audit import audit, headcount, unforeseen
from juki_center.simulation.errands import Column, Lose
from juki_center.simulation.findings import Rule
from juki_center.simulation.ledger import Ledger, read_ledger
from juki_center.simulation.run import STORE, Outcome
from juki_center.simulation.town import RestsOnNothing, came_of
from juki_center.simulation.year import Year
from juki_center.storage.keys import KeyEncryptionKey
from tests.support.planned_year import rates
from tests.support.simulated_year import live

pytestmark = pytest.mark.embedded

OFTEN = 16
"""How much more happens to these few than to a real town."""
RESIDENTS = 150
VARIED = {
    "never_notified": 0.08,
    "returns": 0.1,
    "taken_back": 0.08,
    "one_stays": 0.3,
    "withdrawn": 0.08,
    "changed": 0.1,
    "notified_late": 0.15,
    "card_lost": 0.08,
    "abandoned": 0.1,
}
"""Rare ways taken so often that these few take all of them."""
# The months in which most happens, and those in which what was left open comes to its end.
SPAN = Year(date(2024, 2, 15), date(2024, 8, 14))
SPRING = Year(date(2024, 3, 18), date(2024, 4, 20))
MORNING_AFTER = SPAN.last + timedelta(days=1)


class Lived:
    """A year that was simulated once for all tests of a law, and copies of its store."""

    def __init__(self, folder: Path, rule_set: RuleSet) -> None:
        self.folder = folder
        self.continues = rule_set >= RuleSet.R2012_07_09
        found = rates(OFTEN, **VARIED)
        self.outcome: Outcome = live(
            folder, found, residents=RESIDENTS, rule_set=rule_set, year=SPAN
        )

    def copy(self, to: Path) -> Path:
        for name in (STORE, "kek"):
            shutil.copy(self.folder / name, to / name)
        return to

    def ledger(self, folder: Path | None = None) -> Ledger:
        where = folder or self.folder
        kek = KeyEncryptionKey.load(where / "kek")
        return read_ledger(where / STORE, kek, MORNING_AFTER, cards_continue=self.continues)


@pytest.fixture(scope="module")
def first_law(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(tmp_path_factory.mktemp("2003"), RuleSet.R2003_08)


@pytest.fixture(scope="module")
def later_law(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(tmp_path_factory.mktemp("2023"), RuleSet.R2023_02_06)


def corrupt(folder: Path, *statements: str) -> int:
    """Run statements behind the center's back; return how many rows the last one changed."""
    with closing(sqlite3.connect(folder / STORE)) as sql, sql:
        changed = [sql.execute(statement).rowcount for statement in statements]
    return changed[-1]


def broken(ledger: Ledger) -> set[Rule]:
    """Return the rules that the audit finds broken."""
    return {one.rule for one in audit(ledger)}


def test_small_year_ends_clean(first_law: Lived) -> None:
    assert [str(finding) for finding in first_law.outcome.findings] == []


def test_small_year_under_the_newest_law_ends_clean(later_law: Lived) -> None:
    assert [str(finding) for finding in later_law.outcome.findings] == []


def test_small_year_has_something_of_everything(first_law: Lived, later_law: Lived) -> None:
    weeks = first_law.outcome.weeks

    assert all(weeks.of_year(column) > 0 for column in Column)
    assert {
        "resume_card",
        "reissue_card",
        "record_reply",
        "hand_over",
        "fetch_transfer",
        "issue_certificate",
        "cancel_move_out",
        "cancel_move_in",
    } <= first_law.outcome.acts.keys()
    assert "continue_card" in later_law.outcome.acts


def test_small_year_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    one, two = (
        live(tmp_path / name, rates(OFTEN), residents=RESIDENTS, year=SPRING)
        for name in ("one", "two")
    )

    assert list(one.weeks.table()) == list(two.weeks.table())
    assert (one.acts, one.refused, one.residents) == (two.acts, two.refused, two.residents)


_ANYBODY = "(SELECT person FROM records ORDER BY person LIMIT 1)"
_GOOD_CARD = "status = 'ACTIVE' AND valid_until > '2024-09-01'"
_HOLDER = f"(SELECT min(person) FROM cards WHERE {_GOOD_CARD})"
_CHANGED = "(SELECT person FROM record_history ORDER BY person LIMIT 1)"
_ELSEWHERE = "(SELECT code FROM municipalities WHERE code <> municipality LIMIT 1)"
_TOGETHER = (
    "(SELECT max(r.person) FROM records r JOIN directory d ON d.person = r.person"
    " WHERE d.state = 'ACTIVE' GROUP BY r.household HAVING count(*) > 1 LIMIT 1)"
)
_COMPLETED = "SELECT number FROM moves WHERE state = 'COMPLETED' AND kind ="
_BY_CARD = f"({_COMPLETED} 'SPECIAL' ORDER BY cursor LIMIT 1)"
_BY_PAPER = f"({_COMPLETED} 'ORDINARY' ORDER BY cursor LIMIT 1)"
_MOVED = f"(SELECT person FROM move_members WHERE state = 'MOVED' AND number = {_BY_CARD})"
CORRUPTIONS = {
    "a person whom the directory has lost": (
        Rule.ONE_PLACE,
        (f"DELETE FROM directory WHERE person = {_ANYBODY}",),
    ),
    "a directory that says another place": (
        Rule.ONE_PLACE,
        (f"UPDATE directory SET municipality = {_ELSEWHERE} WHERE person = {_ANYBODY}",),
    ),
    "a record that is gone": (
        Rule.ONE_PLACE,
        (f"DELETE FROM records WHERE person = {_ANYBODY}",),
    ),
    "a record of another book": (
        Rule.OPENS,
        (f"UPDATE records SET municipality = {_ELSEWHERE} WHERE person = {_ANYBODY}",),
    ),
    "a household in two municipalities": (
        Rule.ONE_HOUSEHOLD,
        (f"UPDATE records SET municipality = {_ELSEWHERE} WHERE person = {_TOGETHER}",),
    ),
    "a version that is gone": (
        Rule.WHOLE_HISTORY,
        (f"DELETE FROM record_history WHERE person = {_CHANGED} AND version = 1",),
    ),
    "a person who died of nothing": (
        Rule.LAWFUL_STATES,
        (
            "UPDATE record_history SET state = 'DECEASED'"
            f" WHERE person = {_CHANGED} AND version = 1",
        ),
    ),
    "cards of the dead and the moved that are good": (
        Rule.CARD_FOLLOWS,
        ("UPDATE cards SET status = 'ACTIVE' WHERE status = 'LAPSED'",),
    ),
    "a mover's card that is good where it was": (
        Rule.CARD_FOLLOWS,
        (f"UPDATE cards SET status = 'ACTIVE' WHERE person IN {_MOVED}",),
    ),
    "a mover's card that is good where the mover is": (
        Rule.CARD_FOLLOWS,
        (
            "UPDATE cards SET status = 'ACTIVE', municipality = (SELECT municipality FROM"
            f" directory d WHERE d.person = cards.person) WHERE person IN {_MOVED}",
        ),
    ),
    "a card of another municipality": (
        Rule.CARD_FOLLOWS,
        (f"UPDATE cards SET municipality = {_ELSEWHERE} WHERE person = {_HOLDER}",),
    ),
    "a card that waits under a law that lets none wait": (
        Rule.CARD_FOLLOWS,
        (f"UPDATE cards SET continue_until = '2024-09-01' WHERE person = {_HOLDER}",),
    ),
    "an application of somebody who died": (
        Rule.CARD_FOLLOWS,
        (
            "UPDATE card_applications SET ended_at = NULL, person = (SELECT person FROM directory"
            " WHERE state = 'DECEASED' LIMIT 1) WHERE number = (SELECT max(number) FROM"
            " card_applications)",
        ),
    ),
    "a second card that is good": (
        Rule.ONE_CARD,
        (
            f"UPDATE cards SET person = (SELECT max(person) FROM cards WHERE {_GOOD_CARD})"
            f" WHERE person = {_HOLDER}",
        ),
    ),
    "a notice that is missing": (
        Rule.NOTICE_FOR_EACH,
        ("DELETE FROM changes WHERE position = (SELECT max(position) FROM changes)",),
    ),
    "a move that is gone": (
        Rule.MOVE_AND_RECORDS,
        (
            f"DELETE FROM move_arrivals WHERE number = {_BY_CARD}",
            f"DELETE FROM move_members WHERE number = {_BY_CARD}",
            f"DELETE FROM moves WHERE number = {_BY_CARD}",
        ),
    ),
    "a move that says another day": (
        Rule.MOVE_AND_RECORDS,
        (f"UPDATE moves SET moved_on = date(moved_on, '-1 day') WHERE number = {_BY_CARD}",),
    ),
    "a move that says another kind": (
        Rule.MOVE_AND_RECORDS,
        (f"UPDATE moves SET kind = 'ORDINARY' WHERE number = {_BY_CARD}",),
    ),
    "a move that names another version": (
        Rule.MOVE_AND_RECORDS,
        (
            "UPDATE move_members SET arrived_version = arrived_version + 1"
            f" WHERE state = 'MOVED' AND number = {_BY_CARD}",
        ),
    ),
    "an open move of who has arrived": (
        Rule.OPEN_MOVE,
        (
            f"UPDATE move_members SET state = 'MOVING' WHERE number = {_BY_PAPER}",
            "UPDATE moves SET state = 'ORDINARY', ended_at = NULL, arrived_in = NULL"
            f" WHERE number = {_BY_PAPER}",
        ),
    ),
    "an open move of whom the planned day has not ended": (
        Rule.OPEN_MOVE,
        ("UPDATE moves SET planned_on = '2024-11-30' WHERE ended_at IS NULL AND departed = 1",),
    ),
    "a move by card after its last day": (
        Rule.DEADLINE,
        (f"UPDATE moves SET planned_on = date(planned_on, '-60 day') WHERE number = {_BY_CARD}",),
    ),
    "a late move that is not marked": (
        Rule.DEADLINE,
        (f"UPDATE moves SET registered_late = 1 - registered_late WHERE number = {_BY_PAPER}",),
    ),
    "a notice that has run out and counts": (
        Rule.DEADLINE,
        ("UPDATE moves SET state = 'NOTIFIED' WHERE state = 'LAPSED'",),
    ),
    "a notice that has not run out and does not count": (
        Rule.DEADLINE,
        ("UPDATE moves SET planned_on = '2024-08-01' WHERE state = 'LAPSED'",),
    ),
    "a special notice that was filed too late": (
        Rule.DEADLINE,
        (f"UPDATE moves SET notified_on = date(planned_on, '+30 day') WHERE number = {_BY_CARD}",),
    ),
    "a missing arrival that nobody was told of": (
        Rule.DEADLINE,
        ("UPDATE moves SET missing_since = NULL WHERE missing_since IS NOT NULL",),
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_audit_names_what_is_corrupted(first_law: Lived, tmp_path: Path, name: str) -> None:
    rule, statements = CORRUPTIONS[name]
    folder = first_law.copy(tmp_path)

    changed = corrupt(folder, *statements)

    assert changed > 0
    assert rule in broken(first_law.ledger(folder))


LATER_CORRUPTIONS = {
    "a card that has waited too long": (
        "UPDATE cards SET continue_until = '2024-08-14' WHERE continue_until IS NOT NULL"
    ),
    "a card that waits for somebody who never moved": (
        "UPDATE cards SET continue_until = '2024-09-01' WHERE status = 'ACTIVE' AND person IN"
        " (SELECT person FROM records WHERE version = 1)"
    ),
    "a continued card of another municipality": (
        f"UPDATE cards SET municipality = {_ELSEWHERE} WHERE status = 'ACTIVE'"
        " AND continue_until IS NULL AND person IN (SELECT person FROM move_members)"
    ),
}


@pytest.mark.parametrize("name", LATER_CORRUPTIONS)
def test_audit_names_cards_that_wait_wrongly(later_law: Lived, tmp_path: Path, name: str) -> None:
    folder = later_law.copy(tmp_path)

    changed = corrupt(folder, LATER_CORRUPTIONS[name])

    assert changed > 0
    assert broken(later_law.ledger(folder)) == {Rule.CARD_FOLLOWS}


def test_death_of_a_dead_person_is_named(first_law: Lived) -> None:
    ledger = first_law.ledger()
    versions = next(
        versions
        for versions in ledger.versions.values()
        if len(versions) > 1 and versions[-1].state is ResidenceState.DECEASED
    )
    dead_before = replace(versions[-2], state=ResidenceState.DECEASED, version=7)
    twice = of_somebody(ledger, dead_before, replace(versions[-1], version=8))

    assert Rule.LAWFUL_STATES in broken(twice)


def of_somebody(ledger: Ledger, *versions: Resident) -> Ledger:
    """Return the ledger with other versions of one person."""
    person = versions[0].person.octets
    return replace(ledger, versions={**ledger.versions, person: list(versions)})


def test_two_persons_with_one_code_are_named(first_law: Lived) -> None:
    ledger = first_law.ledger()
    one, other = [versions[-1] for versions in list(ledger.versions.values())[:2]]
    twin = replace(other, record=replace(other.record, code=one.record.code))

    found = [
        finding for finding in audit(of_somebody(ledger, twin)) if finding.rule is Rule.ONE_CODE
    ]

    assert {finding.subject for finding in found} == {
        one.person.octets.hex(),
        other.person.octets.hex(),
    }


def test_arrival_without_a_reason_for_one_is_named(first_law: Lived) -> None:
    ledger = first_law.ledger()
    before, after = next(
        versions[-2:]
        for versions in ledger.versions.values()
        if len(versions) > 1 and versions[-1].municipality != versions[-2].municipality
    )
    assert after.change is not None
    secret = replace(after, change=replace(after.change, reason=ChangeReason.NAME_CHANGE))

    assert Rule.LAWFUL_STATES in broken(of_somebody(ledger, before, secret))


def test_notice_out_of_its_order_is_named(first_law: Lived) -> None:
    ledger = first_law.ledger()
    first, second, *others = ledger.notices
    gap = replace(ledger, notices=[first, replace(second, position=3), *others])

    assert Rule.NOTICE_GAPLESS in broken(gap)


def test_notice_of_a_version_that_never_was_is_named(first_law: Lived) -> None:
    ledger = first_law.ledger()
    invented = replace(ledger.notices[-1], position=len(ledger.notices) + 1, version=99)

    assert broken(replace(ledger, notices=[*ledger.notices, invented])) == {Rule.NOTICE_FOR_EACH}


def test_person_in_two_open_moves_is_named(first_law: Lived) -> None:
    ledger = first_law.ledger()
    open_one = next(one for one in ledger.moves if one.is_open and one.moving)

    twice = replace(ledger, moves=[*ledger.moves, open_one])

    assert any("in 2 open moves" in finding.problem for finding in audit(twice))


def test_resident_too_many_is_named(first_law: Lived) -> None:
    ledger, residents = first_law.ledger(), first_law.outcome.residents

    assert headcount(ledger, residents) == []
    assert [finding.rule for finding in headcount(ledger, residents + 1)] == [Rule.HEADCOUNT]


def test_year_without_its_nights_is_found(tmp_path: Path) -> None:
    """People who leave nobody's book, and notices that never run out."""
    outcome = live(
        tmp_path,
        rates(OFTEN, never_notified=0.3),
        residents=RESIDENTS,
        year=SPRING,
        night=lambda _store, _now: None,
    )

    assert {Rule.OPEN_MOVE, Rule.HEADCOUNT} <= {one.rule for one in outcome.findings}


def errand(foreseen: Reason | None) -> Lose:
    at = datetime(2024, 3, 1, tzinfo=UTC)
    return Lose(at, MunicipalityCode("112089"), foreseen, person=7)


def refuse() -> None:
    raise Refusal(Reason.CARD_SUSPENDED)


def test_errand_that_ends_as_foreseen_is_no_finding() -> None:
    assert came_of(errand(None), lambda: None) is None
    assert came_of(errand(Reason.CARD_SUSPENDED), refuse) is None


@pytest.mark.parametrize("foreseen", [None, Reason.DEADLINE_14])
def test_errand_that_is_refused_unforeseen_is_a_finding(foreseen: Reason | None) -> None:
    surprise = came_of(errand(foreseen), refuse)

    assert surprise is not None
    (finding,) = unforeseen([surprise])
    assert finding.rule is Rule.AS_FORESEEN
    assert "CARD_SUSPENDED" in finding.problem


@pytest.mark.parametrize("nothing", ["notice", "letter", "card"])
def test_errand_that_goes_on_with_nothing_is_a_finding(nothing: str) -> None:
    def go_on() -> None:
        raise RestsOnNothing(nothing)

    surprise = came_of(errand(None), go_on)

    assert surprise is not None
    assert surprise.came == f"RESTS_ON_NOTHING {nothing}"


def test_errand_that_is_not_refused_as_foreseen_is_a_finding() -> None:
    surprise = came_of(errand(Reason.DEADLINE_14), lambda: None)

    assert surprise is not None
    assert "accepted, not DEADLINE_14" in str(surprise)
