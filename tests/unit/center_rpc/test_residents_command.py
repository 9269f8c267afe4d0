"""`juki-center residents` at the command line: files, envelopes and exit codes."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from juki_center.cli.commands import app
from juki_center.storage.keys import create_kek
from tests.support.register_files import people, text_of

CONFIG = """\
environment = "test"
pki.dir = "pki"
keys.kek = "kek"
store.url = "sqlite:///center.db"
"""


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """What --json printed."""
        (line,) = self.out.splitlines()
        envelope: dict[str, Any] = json.loads(line)
        assert envelope["schema"] == "juki/1"
        return envelope


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the configuration of a center without anybody."""
    create_kek(tmp_path / "kek")
    (tmp_path / "center.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "center.toml"


def run(*arguments: str | Path) -> Ran:
    result = CliRunner().invoke(app, ["residents", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def write(config: Path, text: str) -> Path:
    file = config.parent / "register.csv"
    file.write_text(text, encoding="utf-8", newline="")
    return file


def test_generated_residents_can_be_imported(config: Path) -> None:
    file = config.parent / "register.csv"

    made = run("generate", "--count", "60", "--seed", "5", "--out", file, "--json")
    ran = run("import", file, "--config", config, "--host", "--json")

    assert (made.code, made.envelope["result"]["count"]) == (0, 60)
    assert made.envelope["result"]["lines_per_second"] > 0
    result = ran.envelope["result"]
    assert ran.code == 0
    assert (result["lines"], result["applied"], result["mode"]) == (60, 60, "lines")
    assert (result["duplicate"], result["held"], result["refused"], result["freed"]) == (0, 0, 0, 0)
    assert result["lines_per_second"] > 0
    assert result["peak_rss_mib"] > 10


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("1", "2", "3"))
    for file, seed in ((first, "4"), (second, "4"), (other, "5")):
        assert run("generate", "--count", "40", "--seed", seed, "--out", file).code == 0

    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


def test_lines_are_written_to_standard_output_where_no_file_is_named() -> None:
    ran = run("generate", "--count", "3", "--municipality", "112089", "--municipality", "131016")

    rows = list(csv.DictReader(ran.out.splitlines()))
    assert (ran.code, len(rows)) == (0, 3)
    assert {row["municipality"] for row in rows} <= {"112089", "131016"}
    assert ran.err.startswith("3 residents")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json",), "name a file by --out"),
        (("--municipality", "11208"), "a municipality code is 6 digits"),
        (("--municipality", "112080"), "the code's check digit is wrong"),
        (("--municipality", "141046"), "its city keeps the register"),
        (("--municipality", "471992"), "no municipality has or had this code"),
    ],
)
def test_what_cannot_be_generated_is_said(arguments: tuple[str, ...], said: str) -> None:
    ran = run("generate", "--count", "3", *arguments)

    assert ran.code == 2
    assert said in ran.err


def test_refused_lines_end_with_3_and_stand_in_the_report(config: Path) -> None:
    good = people(4)
    bad = good[1] | {"name": "㈱吉田", "code": people(1, 77)[0]["code"]}
    early = people(1, 78)[0] | {"version": "2"}
    file = write(config, text_of([good[0], bad, *good[1:], early]))
    report = config.parent / "report.csv"

    ran = run("import", file, "--config", config, "--host", "--report", report, "--json")

    error = ran.envelope["error"]
    assert (ran.code, ran.envelope["ok"], error["reason"]) == (3, False, "LINES_REFUSED")
    counts = {key: error["metadata"][key] for key in ("lines", "applied", "held", "refused")}
    assert counts == {"lines": "6", "applied": "4", "held": "1", "refused": "1"}
    assert list(csv.reader(report.read_text(encoding="utf-8").splitlines())) == [
        ["line", "outcome", "field", "rule", "missing_version"],
        ["2", "APPLIED", "", "", ""],
        ["3", "REFUSED", "name", "NO_NAME_CHARACTER U+3231", ""],
        ["4", "APPLIED", "", "", ""],
        ["5", "APPLIED", "", "", ""],
        ["6", "APPLIED", "", "", ""],
        ["7", "HELD", "", "", "1"],
    ]
    assert "吉田" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("environment", "options", "applied"),
    [
        ("test", (), 3),
        ("dev", (), 3),
        ("production", (), 0),
        ("production", ("--host",), 3),
        ("dev", ("--no-host",), 0),
    ],
)
def test_registers_begin_with_an_import_by_themselves_outside_of_production_only(
    config: Path, environment: str, options: tuple[str, ...], applied: int
) -> None:
    config.write_text(CONFIG.replace('"test"', f'"{environment}"'), encoding="utf-8")

    ran = run("import", write(config, text_of(people(3))), "--config", config, *options)

    assert f"3 lines, {applied} applied" in ran.out + ran.err
    assert (ran.code, "again with --host" in ran.err) == ((0, False) if applied else (3, True))


def test_the_most_frequent_rules_are_counted_without_a_word_of_a_line(config: Path) -> None:
    rows = people(5)
    for row, name in zip(rows, ("㈱吉田", "吉田①", "", "", ""), strict=True):
        row["name"] = name or row["name"]
    rows[2]["birth"] = "2199年1月1日"

    ran = run("import", write(config, text_of([*rows, "x"])), "--config", config, "--json")

    error = ran.envelope["error"]
    rules = "2 name: NO_NAME_CHARACTER, 1 birth: BIRTH_DATE_NOT_IN_ERA, 1 COLUMNS_MISSING"
    assert error["metadata"]["rules"] == rules
    assert (
        f"2 applied, 0 duplicate, 0 held, 4 refused, 0 freed; most often {rules}; "
        in (error["message"])
    )
    assert "吉田" not in ran.out + ran.err


def test_a_held_line_that_is_refused_when_its_turn_comes_is_in_the_report(config: Path) -> None:
    row = people(1)[0]
    later = {"change_date": "令和2年4月1日"}
    early = row | later | {"version": "3", "reason": "MOVE_IN"}
    second = row | later | {"version": "2", "reason": "NAME_CHANGE", "kana": "ヨシタ"}
    file, report = write(config, text_of([early, row, second])), config.parent / "report.csv"

    ran = run("import", file, "--config", config, "--report", report, "--json")

    metadata = ran.envelope["error"]["metadata"]
    rows = list(csv.reader(report.read_text(encoding="utf-8").splitlines()))[1:]
    assert (ran.code, metadata["rules"]) == (3, "1 state: NOT_IN_THIS_STATE")
    assert (metadata["applied"], metadata["held"], metadata["refused"]) == ("2", "1", "0")
    assert rows == [
        ["2", "HELD", "", "", "1"],
        ["3", "APPLIED", "", "", ""],
        ["4", "APPLIED", "state", "HELD_VERSION_3_REFUSED NOT_IN_THIS_STATE", ""],
    ]


def test_a_birth_in_the_future_is_named_by_the_files_column(config: Path) -> None:
    row = people(1)[0] | {"birth": "令和80年1月1日"}
    report = config.parent / "report.csv"

    run("import", write(config, text_of([row])), "--config", config, "--report", report)

    assert report.read_text(encoding="utf-8").splitlines()[1:] == ["2,REFUSED,birth,FUTURE,"]


def test_a_file_as_a_whole_names_the_lines_that_stood_in_its_way(config: Path) -> None:
    file = write(config, text_of([*people(3), "x"]))
    report = config.parent / "report.csv"

    ran = run("import", file, "--config", config, "--host", "--mode", "file", "--report", report)

    rows = list(csv.reader(report.read_text(encoding="utf-8").splitlines()))[1:]
    assert ran.code == 3
    assert "LINES_REFUSED: 4 lines, 0 applied" in ran.err
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("2", "REFUSED", "FILE_NOT_APPLIED"),
        ("3", "REFUSED", "FILE_NOT_APPLIED"),
        ("4", "REFUSED", "FILE_NOT_APPLIED"),
        ("5", "REFUSED", "COLUMNS_MISSING"),
    ]


@pytest.mark.parametrize(
    ("octets", "problem", "said"),
    [
        (text_of(people(9)).encode("cp932", "replace"), "SHIFT_JIS", "iconv -f CP932 -t UTF-8"),
        (text_of(people(9)).encode("euc_jp", "replace"), "EUC_JP", "iconv -f EUC-JP -t UTF-8"),
        (text_of(people(9)).encode("utf-16"), "UTF_16", "iconv -f UTF-16 -t UTF-8"),
        (b"", "EMPTY_FILE", "the file is empty"),
        (b"x" * 70_000, "LINE_TOO_LONG", "header: a line is at most 64 KiB"),
        (text_of(people(2)).replace("kana", "yomi", 1).encode(), "COLUMN_UNKNOWN", "'yomi'"),
        (text_of(people(2)).split("\n", 1)[1].encode(), "HEADER_MISSING", "name the columns"),
    ],
)
def test_a_file_that_is_no_register_file_is_refused_by_what_is_wrong(
    config: Path, octets: bytes, problem: str, said: str
) -> None:
    file = config.parent / "register.csv"
    file.write_bytes(octets)

    ran = run("import", file, "--config", config, "--json")

    error = ran.envelope["error"]
    assert (ran.code, error["reason"], error["metadata"]) == (
        3,
        "FILE_NOT_USABLE",
        {"problem": problem},
    )
    assert said in error["message"]
    assert "所沢" not in ran.out + ran.err


def test_a_file_that_is_not_there_is_said(config: Path) -> None:
    ran = run("import", config.parent / "none.csv", "--config", config)

    assert ran.code == 3
    assert "none.csv: No such file or directory" in ran.err


def test_held_updates_are_listed_and_end_with_3(config: Path) -> None:
    assert run("held", "--config", config).out == "nothing is held\n"
    early = people(1)[0] | {"version": "3"}
    run("import", write(config, text_of([early])), "--config", config, "--host")

    ran = run("held", "--config", config, "--json")

    (gap,) = ran.envelope["result"]["gaps"]
    assert ran.code == 3
    assert (gap["municipality"], gap["missing_version"]) == ("112089", 2)
    assert (gap["persons"], gap["updates"]) == (1, 1)
    shown = run("held", "--config", config)
    assert shown.out.startswith("112089  version 2 is missing: 1 persons, 1 updates wait since ")


def test_imports_are_listed_the_newest_first(config: Path) -> None:
    assert run("imports", "--config", config).out == "nothing was imported\n"
    file = write(config, text_of(people(3)))
    run("import", file, "--config", config, "--host")
    run("import", file, "--config", config)

    newest, oldest = run("imports", "--config", config, "--json").envelope["result"]["imports"]

    assert (newest["duplicate"], oldest["applied"]) == (3, 3)
    assert (newest["is_finished"], newest["file"]) == (True, str(file))
    assert "finished: 3 lines, 0 applied, 3 duplicate" in run("imports", "--config", config).out
