"""Files of questions: what is read, and what is said of a file that cannot be."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path

import pytest

from juki_agency.question_file import LONGEST_LINE, Broken, QuestionFile
from juki_client.outcome import Problem
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

CODE = "24727059608"


def written(folder: Path, octets: bytes) -> Path:
    path = folder / "questions.csv"
    path.write_bytes(octets)
    return path


def problem(path: Path) -> str:
    with pytest.raises(Problem) as caught:
        QuestionFile.examine(path)
    assert caught.value.reason == "FILE_NOT_USABLE"
    return caught.value.metadata["problem"]


@pytest.mark.parametrize(
    "octets",
    [
        f"code\n{CODE}\n".encode(),
        f"code\r\n{CODE}\r\n".encode(),
        f"code\n{CODE}".encode(),
        f"\ufeffcode\n{CODE}\n".encode(),
        f'"code"\n"{CODE}"\n'.encode(),
        f"name,code,birth\n,{CODE},\n".encode(),
    ],
    ids=["LF", "CRLF", "no end", "BOM", "quotes", "other columns"],
)
def test_code_is_read(tmp_path: Path, octets: bytes) -> None:
    file = QuestionFile.examine(written(tmp_path, octets))

    assert file.line_count == 1
    assert file.digest == hashlib.sha256(octets).hexdigest()
    assert list(file.lines(1)) == [pb.ConfirmBatchRequest.Line(code=CODE)]


def test_lines_are_read_from_any_of_them_on(tmp_path: Path) -> None:
    codes = [f"{number:011}" for number in range(1, 6)]
    file = QuestionFile.examine(written(tmp_path, "\n".join(["code", *codes]).encode()))

    assert [line.code for line in file.lines(4) if not isinstance(line, Broken)] == codes[3:]
    assert list(file.lines(6)) == []


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "header: an empty line"),
        ("コード\n1\n".encode("cp932"), "Shift_JIS"),
        ("コード\n1\n".encode("utf-16"), "UTF-16"),
        (b"\xff\xfa\n1\n", "not UTF-8"),
        (b"code,nose\n1,2\n", "column 2"),
        (b"code,code\n1,2\n", "twice"),
        (b"code\n", "0 lines"),
        (b"code\n" + b"1\n" * 100_001, "100001 lines"),
        (b"x" * (LONGEST_LINE + 10), "at most"),
    ],
)
def test_file_that_is_none_is_said_what_is_wrong_with(
    tmp_path: Path, octets: bytes, said: str
) -> None:
    assert said in problem(written(tmp_path, octets))


def test_header_that_is_a_persons_data_is_not_repeated(tmp_path: Path) -> None:
    assert "髙橋" not in problem(written(tmp_path, "髙橋,1970-03-02\n".encode()))


def test_missing_file_is_named_as_missing(tmp_path: Path) -> None:
    assert problem(tmp_path / "none.csv") == "No such file or directory"


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("髙橋,1970-03-02".encode("cp932"), "Shift_JIS"),
        ("髙橋,1970-03-02".encode("euc_jp", "replace"), "not UTF-8"),
        ('"髙橋,1970-03-02'.encode(), "quotes are not closed"),
        ('"髙"橋,1970-03-02'.encode(), "quotes are not closed"),
        ("髙橋,1970-03-02,x".encode(), "2 fields"),
        (b" ", "an empty line"),
        ("髙\r橋,1970-03-02".encode(), "control"),
        ("髙\0橋,1970-03-02".encode(), "control"),
        (b"x" * (LONGEST_LINE + 1), "at most"),
        (b"x" * (LONGEST_LINE * 3) + b",", "at most"),
    ],
)
def test_broken_line_is_its_own_and_no_others(tmp_path: Path, line: bytes, broken: str) -> None:
    good = "山田,1970-03-02".encode()
    file = QuestionFile.examine(written(tmp_path, b"\n".join([b"name,birth", good, line, good])))

    before, found, after = file.lines(1)

    assert file.line_count == 3
    assert isinstance(found, Broken)
    assert found.field == "line"
    assert broken in found.rule
    assert isinstance(before, pb.ConfirmBatchRequest.Line)
    assert before == after


def test_endless_line_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    with path.open("wb") as stream:
        stream.write(b"code\n")
        stream.seek(1_000_000_000)
        stream.write(b"\n" + CODE.encode() + b"\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    file = QuestionFile.examine(path)

    assert file.line_count == 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    assert isinstance(next(file.lines(1)), Broken)
