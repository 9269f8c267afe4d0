"""`juki-agency batch`: each line once in the result, whatever is cut, and sums that add up."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from juki_agency import batch as batch_module
from juki_agency.batch import BatchFiles, run_batch
from juki_agency.batch_state import BatchOrder
from juki_agency.center import Center
from juki_agency.config import AgencyConfig
from juki_agency.patience import Patience
from juki_agency.question_file import QuestionFile
from juki_agency.result_file import ResultFile, opened_result
from juki_client.outcome import Problem
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from tests.unit.agency.center_double import AgencyDouble, Line
from tests.unit.agency.conftest import Run

CODE = "24727059608"


def questions(folder: Path, count: int, text: str = CODE) -> Path:
    """Write a file of so many questions."""
    path = folder / "questions.csv"
    path.write_text("code\n" + f"{text}\n" * count, encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def lines_of(path: Path) -> list[int]:
    return [int(row["line"]) for row in rows(path)]


def test_each_line_has_its_result_in_order(run: Run, double: AgencyDouble, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    ended = run(
        "batch", str(questions(tmp_path, 250)), "--affair", "pension", "--items", "name",
        "--out", str(out),
    )  # fmt: skip

    (hello,) = double.hellos
    result = ended.envelope["result"]
    assert ended.code == 0
    assert (result["lines"], result["counts"], result["refused"]) == (250, {"MATCH": 250}, 0)
    assert lines_of(out) == list(range(1, 251))
    assert (hello.affair, list(hello.items), hello.line_count) == ("pension", [pb.ITEM_NAME], 250)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not (tmp_path / "out.csv.state").exists()


def test_refused_lines_are_told_apart_and_the_sums_add_up(
    run: Run, double: AgencyDouble, tmp_path: Path
) -> None:
    file = tmp_path / "questions.csv"
    file.write_text(
        "name,birth,address\n"
        "髙橋　一郎,昭和45年3月2日,埼玉県所沢市並木1\n"
        "髙橋　一郎,いつか,埼玉県所沢市並木1\n"
        '"髙橋,昭和45年3月2日,埼玉県\n'
        "髙橋　一郎,昭和45年3月2日\n"
        "\n"
        "𠮷田　花子,1970-03-02,東京都",
        encoding="utf-8",
    )
    outcomes = {
        "髙橋　一郎": pb.Confirmation.OUTCOME_MATCH,
        "𠮷田　花子": pb.Confirmation.OUTCOME_NO_MATCH,
    }
    double.answer = lambda line: pb.Confirmation(outcome=outcomes[line.attributes.name])
    out = tmp_path / "out.csv"

    ended = run("batch", str(file), "--affair", "pension", "--out", str(out))

    error = ended.envelope["error"]
    assert (ended.code, error["reason"]) == (3, "LINES_REFUSED")
    assert {key: error["metadata"][key] for key in ("refused", "lines", "MATCH", "NO_MATCH")} == {
        "refused": "4", "lines": "6", "MATCH": "1", "NO_MATCH": "1",
    }  # fmt: skip
    found = [(row["outcome"], row["field"], row["rule"]) for row in rows(out)]
    assert found == [
        ("MATCH", "", ""),
        ("REFUSED", "birth", "昭和45年3月2日 / 1970-03-02"),
        ("REFUSED", "line", "quotes are not closed"),
        ("REFUSED", "line", "3 fields are wanted"),
        ("REFUSED", "line", "an empty line"),
        ("NO_MATCH", "", ""),
    ]


def test_table_for_people_sums_up(run: Run, tmp_path: Path) -> None:
    ended = run(
        "batch", str(questions(tmp_path, 3)), "--affair", "pension",
        "--out", str(tmp_path / "out.csv"), as_json=False, lang="ja",
    )  # fmt: skip

    assert ended.code == 0
    assert all(word in ended.out for word in ("MATCH", "一致", "合計", "3"))


@pytest.mark.parametrize("cuts", [[1], [50], [51], [100], [149, 200], [250], [10, 10, 10]])
def test_center_that_goes_down_is_asked_again_and_no_line_is_there_twice(
    center: Center, double: AgencyDouble, tmp_path: Path, cuts: list[int]
) -> None:
    double.cuts = list(cuts)
    files = files_of(tmp_path, 250)
    order = BatchOrder.of(files.questions, "pension", (), watch=False)
    pauses: list[float] = []

    outcome = run_batch(center, files, order, Patience(60, pauses.append), lambda _: None)

    assert outcome.line_count == 250
    assert lines_of(files.out) == list(range(1, 251))
    assert len({hello.batch_id for hello in double.hellos}) == 1
    assert len(pauses) == len(cuts)


def files_of(folder: Path, count: int) -> BatchFiles:
    return BatchFiles(QuestionFile.examine(questions(folder, count)), folder / "out.csv")


@pytest.fixture
def center(config: Path) -> Center:
    return Center.of(AgencyConfig.load(config))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


def killing(original: Callable[..., object], at: int, *, before: bool) -> Callable[..., object]:
    """Return a function that dies at its nth call, before or after doing its work."""
    calls = 0

    def dying(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == at and before:
            raise Killed
        answer = original(*arguments, **named)
        if calls == at:
            raise Killed
        return answer

    return dying


POINTS = [
    ("begin", 1, True), ("begin", 1, False),
    ("append", 1, True), ("append", 1, False), ("append", 3, True), ("append", 3, False),
    ("keep", 1, True), ("keep", 1, False), ("keep", 2, True), ("keep", 2, False),
    ("keep", 4, True), ("keep", 4, False),
    ("unlink", 1, True), ("require_empty", 1, True), ("require_empty", 1, False),
]  # fmt: skip


@pytest.mark.parametrize(("what", "at", "before"), POINTS)
def test_client_that_is_killed_at_any_point_goes_on_and_writes_each_line_once(
    center: Center,
    double: AgencyDouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    at: int,
    before: bool,
) -> None:
    files = files_of(tmp_path, 230)
    order = BatchOrder.of(files.questions, "pension", (), watch=False)
    owner = {"keep": batch_module.BatchState, "unlink": Path}.get(what, ResultFile)
    with monkeypatch.context() as patch:
        patch.setattr(owner, what, killing(getattr(owner, what), at, before=before))
        with pytest.raises(Killed):
            run_batch(center, files, order, Patience(0), lambda _: None)

    outcome = run_batch(center, files, order, Patience(0), lambda _: None)

    assert (outcome.line_count, outcome.counts) == (230, {"MATCH": 230})
    assert lines_of(files.out) == list(range(1, 231))
    assert len({hello.batch_id for hello in double.hellos}) <= 1 + (what == "keep" and at == 1)


def test_half_a_line_at_the_end_of_the_result_is_cut_off(
    center: Center, double: AgencyDouble, tmp_path: Path
) -> None:
    double.cuts = [120]
    files = files_of(tmp_path, 130)
    order = BatchOrder.of(files.questions, "pension", (), watch=False)
    with pytest.raises(Problem):
        run_batch(center, files, order, Patience(0), lambda _: None)
    with files.out.open("ab") as stream:
        stream.write(b"101,MATCH,")

    run_batch(center, files, order, Patience(0), lambda _: None)

    assert lines_of(files.out) == list(range(1, 131))


def test_center_that_forgot_the_batch_is_asked_from_the_start_and_nothing_is_written_twice(
    center: Center, double: AgencyDouble, tmp_path: Path
) -> None:
    double.cuts = [120]
    files = files_of(tmp_path, 130)
    order = BatchOrder.of(files.questions, "pension", (), watch=False)
    with pytest.raises(Problem):
        run_batch(center, files, order, Patience(0), lambda _: None)
    double.done.clear()

    run_batch(center, files, order, Patience(0), lambda _: None)

    assert lines_of(files.out) == list(range(1, 131))
    assert double.lines_seen.count(1) == 2


@pytest.mark.parametrize("other", ["affair", "items", "file"])
def test_batch_is_taken_up_with_the_same_order_alone(
    run: Run, double: AgencyDouble, tmp_path: Path, other: str
) -> None:
    double.cuts = [10]
    file, out = questions(tmp_path, 30), str(tmp_path / "out.csv")
    base = ["batch", str(file), "--out", out, "--patience", "0"]
    cut = run(*base, "--affair", "pension")
    if other == "file":
        questions(tmp_path, 29)
    extra = {"affair": ["--affair", "passport"], "items": ["--affair", "pension", "--items", "sex"]}

    ended = run(*base, *extra.get(other, ["--affair", "pension"]))

    assert (cut.code, cut.envelope["error"]["reason"]) == (5, "SHUTTING_DOWN")
    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "BATCH_NOT_THE_SAME")


def test_result_that_exists_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")

    ended = run("batch", str(questions(tmp_path, 1)), "--affair", "pension", "--out", str(out))

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "FILE_NOT_USABLE")
    assert out.read_text(encoding="utf-8") == "mine"


def test_two_runs_do_not_write_one_result(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with opened_result(out):
        ended = run("batch", str(questions(tmp_path, 1)), "--affair", "pension", "--out", str(out))

    assert "another run" in ended.envelope["error"]["metadata"]["problem"]


def test_result_shorter_than_its_state_is_refused(
    run: Run, double: AgencyDouble, tmp_path: Path
) -> None:
    double.cuts = [60]
    out = tmp_path / "out.csv"
    command = ["batch", str(questions(tmp_path, 90)), "--affair", "pension", "--out", str(out)]
    run(*command, "--patience", "0")
    os.truncate(out, 100)

    ended = run(*command)

    assert "shorter" in ended.envelope["error"]["metadata"]["problem"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"v": 1, "batch_id": 3}', "\x00"])
def test_state_that_is_none_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "out.csv.state").write_text(content, encoding="utf-8")

    ended = run(
        "batch", str(questions(tmp_path, 1)), "--affair", "pension",
        "--out", str(tmp_path / "out.csv"),
    )  # fmt: skip

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "FILE_NOT_USABLE")


def test_disk_that_is_full_is_said_and_no_defect(run: Run, tmp_path: Path) -> None:
    """The limit on a file's size stands for a full disk: both make a write fail half-way."""
    out = tmp_path / "out.csv"
    command = ["batch", str(questions(tmp_path, 200)), "--affair", "p", "--out", str(out)]
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500, old[1]))
    try:
        full = run(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)

    again = run(*command)

    assert (full.code, full.envelope["error"]["reason"]) == (3, "FILE_NOT_USABLE")
    assert again.code == 0
    assert lines_of(out) == list(range(1, 201))


def test_refusal_is_not_tried_again(run: Run, double: AgencyDouble, tmp_path: Path) -> None:
    double.refusal = (grpc.StatusCode.PERMISSION_DENIED, "AFFAIR_NOT_AUTHORISED")

    ended = run(
        "batch", str(questions(tmp_path, 1)), "--affair", "x", "--out", str(tmp_path / "out.csv")
    )

    assert (ended.code, len(double.hellos)) == (3, 1)


def test_long_lines_go_in_messages_below_the_limit(
    run: Run, double: AgencyDouble, tmp_path: Path
) -> None:
    file = tmp_path / "questions.csv"
    person = f"{'髙' * 2000},1970-03-02\n"
    file.write_text("name,birth\n" + person * 150, encoding="utf-8")

    ended = run("batch", str(file), "--affair", "pension", "--out", str(tmp_path / "out.csv"))

    assert ended.code == 0
    assert double.lines_seen == list(range(1, 151))


def test_state_holds_no_personal_data(run: Run, double: AgencyDouble, tmp_path: Path) -> None:
    double.cuts = [10]
    out = tmp_path / "out.csv"

    run(
        "batch", str(questions(tmp_path, 30)), "--affair", "p", "--out", str(out), "--patience", "0"
    )

    state = json.loads((tmp_path / "out.csv.state").read_text(encoding="utf-8"))
    assert set(state) == {"v", "order", "batch_id", "done", "octets", "counts"}
    assert CODE not in json.dumps(state)


@pytest.mark.parametrize("results", ["twice", "gap", "too many"])
def test_results_out_of_order_are_refused(
    run: Run, double: AgencyDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: str
) -> None:
    def bent(first: int, lines: list[Line]) -> list[pb.LineResult]:
        numbers = {"twice": [1, 1], "gap": [1, 3], "too many": [1, 2, 3]}[results]
        return [
            pb.LineResult(line=number, confirmation=double.answer(lines[0])) for number in numbers
        ]

    monkeypatch.setattr(double, "_results", bent)

    ended = run(
        "batch", str(questions(tmp_path, 2)), "--affair", "p", "--out", str(tmp_path / "out.csv")
    )

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "STEP_OUT_OF_ORDER")
    assert lines_of(tmp_path / "out.csv") == []
