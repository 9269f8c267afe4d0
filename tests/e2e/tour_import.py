"""The import's part of the tour: broken lines, odd characters and dates, a cut in the middle."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import ParseDict

from juki_terminal.register_words import date_text
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.e2e.scenarios import refused
from tests.e2e.stage import CENTER, Run
from tests.e2e.telling import Scenario
from tests.e2e.tour_stage import TourStage, today
from tests.support.byte_search import ByteSearch
from tests.support.center_process import ROOT

DONE, REFUSED = 0, 3
TOKOROZAWA, OSAKA = "112089", "271004"
SOUND = 400
CUT_LINES = 2_000
_CUT_SECONDS = 60.0
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A defect put into a line, and what the report must say of it."""

    column: str
    value: str
    said: str


FAULTS = (
    Fault("code", "25208017644", "INVALID_CHECK_DIGIT"),
    Fault("municipality", "112080", "INVALID_CHECK_DIGIT"),
    Fault("name", "山田\u202e太郎", "U+202E"),
    Fault("name", "山\u200d田\u3000太郎", "U+200D"),
    Fault("name", "\ue000田\u3000太郎", "U+E000"),
    Fault("name", "㈱山田\u3000太郎", "U+3231"),
    Fault("name", "관田\u3000太郎", "U+AD00"),
    Fault("kanji_name", "ｶﾞ山", "U+FF76"),
    Fault("birth", "", "REQUIRED"),
    Fault("birth", "昭和45年13月2日", ""),
    Fault("sex", "man", ""),
)
# Some characters are written as escapes, because an editor that normalises would replace
# or lose them.
ODD_NAMES = (
    "𠮷田\u3000一",
    "山\ufa11\u3000二郎",
    "\ufa19谷\u3000三郎",
    "葛\U000e0100城\u3000四郎",
    "䶒藤\U000e0103\u3000太朗\U000e0105",
    "渡\U0002e7bd\u3000五郎",
    "髙橋\u3000六郎",
    "佐々木\u3000〆子",
)
ODD_DATES = (
    "明治45年7月30日",
    "大正15年12月25日",
    "昭和50年2月29日",
    "推定昭和5年3月",
    "昭和20年頃",
    "昭和22年春",
    "年月日不詳",
    "昭和10年5月上旬",
)


def generate(stage: TourStage, path: Path, count: int, seed: int, *codes: str) -> list[Row]:
    """Invent residents of these municipalities; return the lines of the file."""
    places = [option for code in codes for option in ("--municipality", code)]
    run = stage.operator(
        *("residents", "generate", "--count", str(count), "--seed", str(seed)),
        *("--out", str(path), "--json", *places),
    )
    assert run.exit_code == DONE, run.said
    stage.remember_file(path)
    return read_rows(path)


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def import_file(stage: TourStage, path: Path, *options: str) -> Run:
    """Run `juki-center residents import`."""
    return stage.operate("residents", "import", str(path), "--host", *options)


def totals(run: Run) -> dict[str, int]:
    """Return what an import says of its lines, with refused ones or without."""
    facts = run.result or run.answer["error"]["metadata"]
    return {name: int(facts[name]) for name in ("applied", "duplicate", "held", "refused")}


def broken_lines(stage: TourStage) -> str:
    """Broken lines are refused one by one, by line, field and code point; all others count."""
    path, report = stage.files / "broken.csv", stage.files / "broken-report.csv"
    rows = generate(stage, path, SOUND + len(FAULTS), 20, TOKOROZAWA, OSAKA)
    for row, fault in zip(rows[10:], FAULTS, strict=False):
        row[fault.column] = fault.value
    later = {**rows[0], "version": "3", "reason": "NAME_CHANGE", "change_date": today()}
    write_rows(path, [*rows, rows[1], later])
    with path.open("ab") as file:
        file.write("112089,名前だけ".encode())

    run = import_file(stage, path, "--report", str(report))

    assert (run.exit_code, run.reason) == (REFUSED, "LINES_REFUSED"), (run.answer, run.said)
    wanted = {"applied": SOUND, "duplicate": 1, "held": 1, "refused": len(FAULTS) + 1}
    assert totals(run) == wanted, (totals(run), wanted)
    told = {int(row["line"]): row for row in read_rows(report)}
    assert len(told) == sum(wanted.values())
    for line, fault in enumerate(FAULTS, start=12):
        assert told[line]["outcome"] == "REFUSED", (line, told[line])
        assert told[line]["field"] == fault.column, (line, told[line], fault)
        assert fault.said in told[line]["rule"], (line, told[line], fault)
    assert told[len(rows) + 3]["missing_version"] == "2"
    hits = ByteSearch(stage.personal).hits(report.read_bytes())
    assert not hits, "the report quotes a line"
    return " + ".join(f"{count} {name}" for name, count in wanted.items()) + " = all lines"


def gap_that_closes(stage: TourStage) -> str:
    """An update that came too early waits, is listed, and applies by itself when the gap closes."""
    path = stage.files / "gap.csv"
    (row, *_) = read_rows(stage.files / "broken.csv")
    waiting = stage.operate("residents", "held")
    assert waiting.exit_code == REFUSED, waiting.answer
    gap = {
        **row,
        "version": "2",
        "reason": "CORRECTION_EX_OFFICIO",
        "change_date": today(),
    }
    write_rows(path, [{**gap, "building": "日吉荘二階"}])
    stage.remember_file(path)

    run = import_file(stage, path)

    assert run.exit_code == DONE, (run.answer, run.said)
    assert (run.result["applied"], run.result["freed"]) == (1, 1)
    assert stage.operate("residents", "held").exit_code == DONE
    return "held until version 2 came: 1 applied, 1 freed, nothing waits"


def odd_characters_and_dates(stage: TourStage) -> str:
    """Every character and every form of a date comes back byte for byte."""
    path = stage.files / "odd.csv"
    rows = generate(stage, path, len(ODD_NAMES), 45, TOKOROZAWA)
    for row, name, birth in zip(rows, ODD_NAMES, ODD_DATES, strict=True):
        row.update(name=name, birth=birth, nationality="JAPANESE", kanji_name="", alias="")
    write_rows(path, rows)
    stage.remember_file(path)

    run = import_file(stage, path)

    assert (run.exit_code, totals(run)["applied"]) == (DONE, len(rows)), (run.answer, run.said)
    for row in rows:
        entries = stage.record(row["code"])["entries"]
        assert entries["name"].encode() == row["name"].encode(), ascii(entries["name"])
        assert shown_date(entries["date_of_birth"]) == row["birth"]
    return f"{'、'.join(ODD_NAMES[:6])}; {'、'.join(ODD_DATES[:4])}: the same bytes"


def shown_date(fields: dict[str, object]) -> str:
    """Return a date as a clerk reads it."""
    return date_text(ParseDict(fields, CivilDate()))


def import_killed(stage: TourStage) -> str:
    """An import is killed in the middle; it goes on behind the last line that counts."""
    path = stage.files / "cut.csv"
    rows = generate(stage, path, CUT_LINES, 99, OSAKA)
    before = records(stage)
    acknowledged = kill_in_the_middle(stage, path)
    half = records(stage) - before
    assert half == acknowledged, "something is half, or lost"
    assert 0 < acknowledged < len(rows)

    run = import_file(stage, path)

    assert run.exit_code == DONE, (run.answer, run.said)
    assert totals(run) == {"applied": len(rows), "duplicate": 0, "held": 0, "refused": 0}
    assert records(stage) - before == len(rows)
    again = import_file(stage, path)
    assert totals(again)["duplicate"] == len(rows), again.answer
    rate = run.result["lines_per_second"]
    cut = f"kill -9 after {acknowledged:,} of {len(rows):,}"
    return f"{cut}; resumed: none lost, none twice; {rate:,} lines a second"


def records(stage: TourStage) -> int:
    """Return how many persons the registers hold."""
    return int(stage.ask_store("SELECT count(*) FROM records")[0][0])


def kill_in_the_middle(stage: TourStage, path: Path) -> int:
    """Start an import, end it with SIGKILL once it has acknowledged lines; return how many."""
    command = ["residents", "import", str(path), "--config", str(stage.center_config)]
    process = subprocess.Popen(
        [sys.executable, "-c", CENTER, *command],
        cwd=ROOT,
        env=os.environ | stage.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: acknowledged_lines(stage, path) > 0 or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, process.returncode
    return acknowledged_lines(stage, path)


def acknowledged_lines(stage: TourStage, path: Path) -> int:
    """Return how many lines of a file count already, as the store says."""
    rows = stage.ask_store("SELECT applied FROM imports WHERE source = ?", str(path.resolve()))
    return int(rows[0][0]) if rows else 0


def wait_until(holds: Callable[[], bool]) -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + _CUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def empty_stock(stage: TourStage) -> str:
    """A register that was just begun has no codes: births wait until the center adds some."""
    rows = read_rows(stage.files / "broken.csv")
    row = next(row for row in rows if row["municipality"] == OSAKA)
    entries = {
        "nationality": "NATIONALITY_JAPANESE",
        "sex": "SEX_BLANK",
        "relationship_to_householder": "子",
        "date_of_birth": today(),
        "resident_since": today(),
    }
    birth = {"household_of_code": row["code"], "entries": entries}
    assert is_low(stage, OSAKA)

    refusal = stage.clerk("birth", birth, config=stage.window(OSAKA))
    filled = stage.operate("codes", "stock", "--municipality", OSAKA, "--count", "120")
    born = stage.clerk("birth", birth, config=stage.window(OSAKA))

    refused(refusal, "CODE_STOCK_EMPTY")
    assert filled.exit_code == DONE, filled.said
    assert born.exit_code == DONE, (born.answer, born.said)
    assert not is_low(stage, OSAKA)
    return "low, and told so; a birth: CODE_STOCK_EMPTY; 120 codes added: the child is entered"


def is_low(stage: TourStage, municipality: str) -> bool:
    """Ask whether a stock is below its alert level."""
    stocks = stage.operate("codes", "list").result["stocks"]
    return bool(next(one["low"] for one in stocks if one["municipality"] == municipality))


IMPORT = (
    Scenario("A register file with broken lines", broken_lines),
    Scenario("A stock that is empty", empty_stock),
    Scenario("An update that came too early", gap_that_closes),
    Scenario("Characters and dates as they are", odd_characters_and_dates),
    Scenario("An import killed in the middle", import_killed),
)
