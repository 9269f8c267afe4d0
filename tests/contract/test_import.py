"""Imports into a store: both modes, resumption, and lines that cannot be applied."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.imports import Finding, Import, ImportMode
from juki_center.areas.residents.records import ResidenceState
from juki_center.areas.residents.synthetic import Line
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import RuleBroken
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.transaction import Transaction
from tests.support.center import NOW
from tests.support.register_files import (
    bulk_of,
    by_code,
    everybody,
    findings,
    import_into,
    moved,
    people,
    text_of,
    write,
)
from tests.support.rows import peeking

TOKOROZAWA = MunicipalityCode("112089")
MODES = pytest.mark.parametrize("mode", list(ImportMode))


@MODES
def test_every_line_of_a_good_file_is_applied(
    home: Path, empty: SQLiteStore, mode: ImportMode
) -> None:
    lines = people(60)

    done = import_into(home, write(home, [*lines]), mode)

    assert (done.totals.lines, done.totals.applied, done.is_finished) == (60, 60, True)
    assert findings(empty, done) == []
    for line in lines:
        found = by_code(empty, line)
        assert found is not None
        assert (found.record.name, found.record.address) == (line["name"], line["address"])
        assert (found.version, found.change) == (1, None)


@MODES
def test_members_of_a_household_number_share_a_household(
    home: Path, empty: SQLiteStore, mode: ImportMode
) -> None:
    lines = people(60)

    import_into(home, write(home, [*lines]), mode)

    for one in lines:
        for other in lines:
            first, second = by_code(empty, one), by_code(empty, other)
            assert first is not None
            assert second is not None
            is_same = one["household"] == other["household"]
            assert (first.household == second.household) is is_same


@MODES
def test_a_file_that_is_imported_again_has_duplicates_only(
    home: Path, empty: SQLiteStore, mode: ImportMode
) -> None:
    file = write(home, [*people(40)])
    import_into(home, file, mode)
    before = everybody(empty)

    done = import_into(home, file, mode)

    assert (done.totals.applied, done.totals.duplicate) == (0, 40)
    assert everybody(empty) == before


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_in_front_and_crlf_change_nothing(
    home: Path, empty: SQLiteStore, bom: str, end: str
) -> None:
    file = home / "register.csv"
    file.write_text(bom + text_of(people(15)).replace("\n", end), encoding="utf-8", newline="")

    assert import_into(home, file).totals.applied == 15


BROKEN = {
    "": Finding(0, Outcome.REFUSED, "", "EMPTY_LINE"),
    'a,"b': Finding(0, Outcome.REFUSED, "", "QUOTE_OPEN"),
    "a,b": Finding(0, Outcome.REFUSED, "", "COLUMNS_MISSING"),
    "," * 40: Finding(0, Outcome.REFUSED, "", "COLUMNS_TOO_MANY"),
    "," * 22: Finding(0, Outcome.REFUSED, "municipality", "REQUIRED"),
    "x" * 70_000: Finding(0, Outcome.REFUSED, "", "LINE_TOO_LONG"),
}


def test_a_broken_line_is_refused_alone(home: Path, empty: SQLiteStore) -> None:
    good = people(30)
    lines: list[Line | str] = []
    for number, line in enumerate(good):
        lines += [line, *list(BROKEN)[number : number + 1]]

    done = import_into(home, write(home, lines))

    assert done.totals.lines == done.line - 1 == len(lines)
    assert (done.totals.applied, done.totals.refused) == (30, len(BROKEN))
    assert [(one.field, one.rule) for one in findings(empty, done)] == [
        (one.field, one.rule) for one in BROKEN.values()
    ]
    assert [one.line for one in findings(empty, done)] == [3, 5, 7, 9, 11, 13]
    assert len(everybody(empty)) == 30


def test_a_last_line_that_was_cut_off_is_refused(home: Path, empty: SQLiteStore) -> None:
    whole = text_of(people(10)).encode()
    for octets in (whole[:-1], whole[:-30], whole[: whole.rindex(b",,") - 1]):
        file = home / f"{len(octets)}.csv"
        file.write_bytes(octets)

        done = import_into(home, file)

        assert (done.totals.lines, done.totals.refused) == (10, 1)
        last = findings(empty, done)[-1]
        assert last == Finding(11, Outcome.REFUSED, "", "LAST_LINE_UNFINISHED")


def test_a_line_in_another_encoding_is_refused_alone(home: Path, empty: SQLiteStore) -> None:
    head, *rest = text_of(people(10)).splitlines(keepends=True)
    file = home / "register.csv"
    rest[4] = rest[4].encode("cp932", "replace").decode("latin-1")
    octets = [
        line.encode("latin-1" if number == 4 else "utf-8") for number, line in enumerate(rest)
    ]
    file.write_bytes(b"".join([head.encode(), *octets]))

    done = import_into(home, file)

    assert findings(empty, done) == [Finding(6, Outcome.REFUSED, "", "NOT_UTF_8")]


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-16"])
@MODES
def test_a_file_in_another_encoding_is_refused_and_nothing_is_begun(
    home: Path, empty: SQLiteStore, mode: ImportMode, encoding: str
) -> None:
    file = home / "register.csv"
    file.write_bytes(text_of(people(40)).encode(encoding, "replace"))

    with pytest.raises(RuleBroken):
        import_into(home, file, mode)

    assert everybody(empty) == {}
    assert empty.read(lambda tx: tx.imports.newest(9)) == []


@MODES
def test_a_wrong_header_is_refused_and_nothing_is_begun(
    home: Path, empty: SQLiteStore, mode: ImportMode
) -> None:
    file = home / "register.csv"
    file.write_text(text_of(people(3)).replace("kana", "reading", 1), encoding="utf-8")

    with pytest.raises(RuleBroken, match="COLUMN_UNKNOWN"):
        import_into(home, file, mode)

    assert empty.read(lambda tx: tx.imports.newest(9)) == []


@pytest.mark.usefixtures("small_transactions")
def test_as_a_whole_one_refused_line_undoes_all(home: Path, empty: SQLiteStore) -> None:
    lines: list[Line | str] = [*people(50)]
    lines.insert(37, "a,b")
    lines.insert(12, "")

    done = import_into(home, write(home, lines), ImportMode.FILE)

    assert everybody(empty) == {}
    assert (done.totals.lines, done.totals.refused, done.is_finished) == (52, 52, True)
    assert findings(empty, done) == [
        Finding(14, Outcome.REFUSED, "", "EMPTY_LINE"),
        Finding(40, Outcome.REFUSED, "", "COLUMNS_MISSING"),
    ]
    assert not empty.read(lambda tx: tx.registers.is_hosted(TOKOROZAWA))


def test_a_file_that_was_refused_as_a_whole_is_applied_when_it_is_corrected(
    home: Path, empty: SQLiteStore
) -> None:
    lines = people(20)
    import_into(home, write(home, [*lines, ""]), ImportMode.FILE)

    done = import_into(home, write(home, [*lines]), ImportMode.FILE)

    assert (done.totals.applied, done.totals.refused) == (20, 0)
    assert len(everybody(empty)) == 20


@MODES
def test_a_version_that_comes_too_early_waits_and_is_set_free(
    home: Path, empty: SQLiteStore, mode: ImportMode
) -> None:
    first, other = people(2)
    lines: list[Line | str] = [moved(first, 3), moved(first, 2), other, first]

    done = import_into(home, write(home, lines), mode)

    totals = done.totals
    assert (totals.applied, totals.held, totals.freed, totals.lines) == (2, 2, 2, 4)
    assert findings(empty, done) == [
        Finding(2, Outcome.HELD, missing=1),
        Finding(3, Outcome.HELD, missing=1),
    ]
    found = by_code(empty, first)
    assert found is not None
    assert (found.version, found.record.address) == (3, "埼玉県所沢市並木3番地")
    assert empty.read(lambda tx: tx.pending.gaps()) == []


def test_a_held_update_that_is_refused_at_last_is_reported_with_the_line_that_freed_it(
    home: Path, empty: SQLiteStore
) -> None:
    (line,) = people(1)
    death = line | {"version": "2", "state": "DECEASED", "reason": "DEATH"}
    died = death | {"change_date": "令和8年5月1日"}

    done = import_into(home, write(home, [line, moved(line, 3), died]))

    assert (done.totals.applied, done.totals.held, done.totals.freed) == (2, 1, 0)
    rule = "HELD_VERSION_3_REFUSED NOT_IN_THIS_STATE"
    assert findings(empty, done)[-1] == Finding(4, Outcome.APPLIED, "state", rule)
    found = by_code(empty, line)
    assert found is not None
    assert found.state is ResidenceState.DECEASED


def test_gaps_are_counted_by_municipality_and_missing_version(
    home: Path, empty: SQLiteStore
) -> None:
    one, two, three = people(3)
    lines: list[Line | str] = [one, moved(one, 3), moved(one, 4), moved(two, 2), moved(three, 2)]

    import_into(home, write(home, lines))

    gaps = empty.read(lambda tx: tx.pending.gaps())
    assert [(gap.missing, gap.persons, gap.updates) for gap in gaps] == [(1, 2, 2), (2, 1, 2)]
    assert {(gap.municipality, gap.since) for gap in gaps} == {(TOKOROZAWA, NOW)}


def test_an_older_version_with_another_content_is_refused(home: Path, empty: SQLiteStore) -> None:
    (line,) = people(1)
    import_into(home, write(home, [line, moved(line, 2)]))

    done = import_into(home, write(home, [line | {"building": "別館"}], "other.csv"))

    assert [(one.outcome, one.rule) for one in findings(empty, done)] == [
        (Outcome.REFUSED, "VERSION_OLD")
    ]


def test_a_register_that_is_not_hosted_is_refused_unless_it_may_begin(
    home: Path, empty: SQLiteStore
) -> None:
    file = write(home, [*people(5)])

    refused = import_into(home, file, host=False)
    done = import_into(home, file, host=True)

    assert {(one.field, one.rule) for one in findings(empty, refused)} == {
        ("municipality", "REGISTER_NOT_HOSTED")
    }
    assert (refused.totals.refused, done.totals.applied) == (5, 5)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("141046", "NO_REGISTER_OF_ITS_OWN"),
        ("471992", "MUNICIPALITY_UNKNOWN"),
    ],
)
def test_a_ward_or_an_unknown_municipality_begins_no_register(
    home: Path, empty: SQLiteStore, code: str, rule: str
) -> None:
    lines: list[Line | str] = [line | {"municipality": code} for line in people(2)]

    done = import_into(home, write(home, lines))

    assert {one.rule for one in findings(empty, done)} == {rule}
    assert not empty.read(lambda tx: tx.registers.is_hosted(MunicipalityCode(code)))


async def test_a_disconnected_register_refuses_its_lines_and_no_others(
    home: Path, empty: SQLiteStore
) -> None:
    here, there = people(6), people(6, 2, "131016")
    await empty.act(lambda tx: tx.registers.host(TOKOROZAWA))
    await empty.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))

    done = import_into(home, write(home, [*here, *there]))

    assert (done.totals.applied, done.totals.refused) == (6, 6)
    assert {one.rule for one in findings(empty, done)} == {"RESIDENCE_DISCONNECTED"}
    assert all(by_code(empty, line) for line in there)


def host_and_add(tx: Transaction, importing: Import) -> None:
    with tx.alone():
        tx.registers.host(MunicipalityCode("131041"))
        tx.imports.add(importing)


def test_a_row_that_the_tables_cannot_hold_is_undone_alone(home: Path, empty: SQLiteStore) -> None:
    done = import_into(home, write(home, [*people(2)]))

    with (
        closing(bulk_of(home)) as connection,
        connection.committing() as tx,
    ):
        tx.registers.host(MunicipalityCode("131016"))
        with pytest.raises(RuleBroken, match="CONTRADICTS_THE_REGISTER"):
            host_and_add(tx, done)

    hosted = [
        empty.read(lambda tx, code=code: tx.registers.is_hosted(MunicipalityCode(code)))
        for code in ("131016", "131041")
    ]
    assert hosted == [True, False]


def test_the_same_code_at_two_municipalities_is_refused(home: Path, empty: SQLiteStore) -> None:
    (line,) = people(1)

    done = import_into(home, write(home, [line, line | {"municipality": "131016"}]))

    assert [(one.line, one.field) for one in findings(empty, done)] == [(3, "code")]


def test_a_refused_line_leaves_no_register_behind(home: Path, empty: SQLiteStore) -> None:
    (line,) = people(1)

    import_into(home, write(home, [line, line | {"municipality": "131016"}]))

    assert empty.read(lambda tx: tx.registers.is_hosted(TOKOROZAWA))
    assert not empty.read(lambda tx: tx.registers.is_hosted(MunicipalityCode("131016")))


def test_a_file_with_a_header_alone_has_no_lines(home: Path, empty: SQLiteStore) -> None:
    done = import_into(home, write(home, []))

    assert (done.totals.lines, done.is_finished) == (0, True)


def test_tables_of_imports_hold_no_word_of_a_line(home: Path, empty: SQLiteStore) -> None:
    lines = people(5)
    import_into(home, write(home, [lines[0] | {"name": "𠮷田１"}, *lines[1:], "渡邉,太郎"]))

    with peeking(empty) as sql:
        rows = [
            *sql.execute("SELECT * FROM imports").fetchall(),
            *sql.execute("SELECT * FROM import_findings").fetchall(),
            *sql.execute("SELECT content FROM audit_leaves").fetchall(),
        ]
    shown = repr(rows) + "".join(
        value.decode("utf-8", "replace")
        for row in rows
        for value in row
        if isinstance(value, bytes)
    )
    for text in ("𠮷田", "渡邉", lines[1]["name"], lines[1]["code"], lines[1]["address"]):
        assert text not in shown


GOOD = people(12, 3)
CHOICES = (
    *GOOD,
    *(moved(line, version) for line in GOOD[:3] for version in (2, 3)),
    GOOD[0] | {"building": "別館"},
    GOOD[1] | {"name": "㈱"},
    GOOD[2] | {"municipality": "131016"},
    "",
    'x,"',
    "," * 22,
)


@settings(
    max_examples=int(os.environ.get("JUKI_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=st.lists(st.sampled_from(CHOICES), max_size=30), mode=st.sampled_from(ImportMode))
def test_totals_always_add_up(
    home: Path, empty: SQLiteStore, lines: list[Line | str], mode: ImportMode
) -> None:
    done = import_into(home, write(home, lines), mode)

    totals = done.totals
    assert totals.lines == len(lines) == done.line - 1
    found = findings(empty, done)
    numbers = [one.line for one in found]
    assert numbers == sorted(set(numbers))
    assert all(2 <= number <= done.line for number in numbers)
    if not (mode is ImportMode.FILE and totals.refused):
        counted = {outcome: sum(one.outcome is outcome for one in found) for outcome in Outcome}
        assert counted[Outcome.DUPLICATE] == totals.duplicate
        assert counted[Outcome.HELD] == totals.held
        assert counted[Outcome.REFUSED] == totals.refused
    else:
        assert totals.refused == len(lines)
