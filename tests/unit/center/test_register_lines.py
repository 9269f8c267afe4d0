"""The lines of a register file, whatever the file is."""

from __future__ import annotations

import io
import resource
from itertools import islice

import pytest

from juki_center.areas.residents.register_file import COLUMNS, REQUIRED, Layout, split_line
from juki_center.errors import RuleBroken
from juki_center.storage.register_lines import LONGEST_LINE, Line, check_beginning, lines

GIGABYTE = 1 << 30
HEADER = ",".join(COLUMNS)


class Endless(io.RawIOBase):
    """A file whose second line is a gigabyte long, and which is nowhere."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._parts = [before, after]
        self._left = GIGABYTE

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        assert (offset, whence) == (0, 0)
        return 0

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # the caller gives a buffer
        if len(self._parts) == 2:
            octets = self._parts.pop(0)
        elif self._left:
            octets = b"x" * min(len(view), self._left)
            self._left -= len(octets)
        else:
            octets = self._parts.pop(0) if self._parts else b""
        view[: len(octets)] = octets
        return len(octets)


def read(octets: bytes) -> list[Line]:
    return list(lines(io.BytesIO(octets)))


def rule_of(octets: bytes) -> str:
    with pytest.raises(RuleBroken) as refused:
        check_beginning(io.BytesIO(octets))
    return refused.value.rule


def test_lines_end_with_lf_or_crlf_and_the_mark_in_front_is_dropped() -> None:
    found = read("\ufeff氏名,b\r\nc\n,\r\n".encode())

    assert [line.text for line in found] == ["氏名,b", "c", ","]
    assert [line.number for line in found] == [1, 2, 3]
    assert found[-1].end == len("\ufeff氏名,b\r\nc\n,\r\n".encode())


def test_a_mark_on_a_later_line_stays_for_the_entry_to_refuse() -> None:
    assert read("a\n\ufeffb\n".encode())[1].text == "\ufeffb"


def test_reading_goes_on_from_any_line_that_was_read() -> None:
    octets = "\r\n".join(f"行{number}" for number in range(50)).encode() + b"\n"
    whole = read(octets)

    for known in whole:
        rest = list(lines(io.BytesIO(octets), after=known.number, offset=known.end))
        assert rest == whole[known.number :]


def test_a_last_line_without_an_end_is_said_to_be_unfinished() -> None:
    (_, last) = read(b"header\n112089,2472705")

    assert last == Line(2, 21, broken="LAST_LINE_UNFINISHED")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_of_exactly_the_limit_is_read(end: bytes) -> None:
    (line,) = read(b"x" * LONGEST_LINE + end)

    assert len(line.text) == LONGEST_LINE


@pytest.mark.parametrize("more", [1, 2, 3, LONGEST_LINE, 5 * LONGEST_LINE])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_longer_line_is_refused_and_the_next_one_is_read(more: int, end: bytes) -> None:
    octets = b"x" * (LONGEST_LINE + more) + end + b"next\n"

    assert read(octets) == [
        Line(1, len(octets) - 5, broken="LINE_TOO_LONG"),
        Line(2, len(octets), "next"),
    ]


def test_a_line_that_is_too_long_and_never_ends_is_refused() -> None:
    (line,) = read(b"x" * (3 * LONGEST_LINE))

    assert line == Line(1, 3 * LONGEST_LINE, broken="LINE_TOO_LONG")


def test_a_line_of_a_gigabyte_is_read_past_in_bounded_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    file = io.BufferedReader(Endless(b"header\n", b"\nnext\n"), 1 << 20)

    found = list(lines(file))

    assert [(line.number, line.broken) for line in found] == [
        (1, ""),
        (2, "LINE_TOO_LONG"),
        (3, ""),
    ]
    assert found[-1].text == "next"
    assert found[-1].end == 7 + GIGABYTE + 6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


def test_a_line_that_is_not_utf_8_is_refused_alone() -> None:
    found = read("東京\n".encode() + "東京\n".encode("cp932") + b"next\n")

    assert [line.broken for line in found] == ["", "NOT_UTF_8", ""]


def test_a_line_never_shows_its_text() -> None:
    assert "髙橋" not in repr(read("髙橋\n".encode())[0])


@pytest.mark.parametrize(
    ("encoding", "rule"),
    [
        ("cp932", "SHIFT_JIS"),
        ("euc_jp", "EUC_JP"),
        ("iso2022_jp", "ISO_2022_JP"),
        ("utf-16", "UTF_16"),
        ("utf-16-le", "UTF_16"),
        ("utf-16-be", "UTF_16"),
    ],
)
def test_a_file_in_another_encoding_is_refused_by_its_name(encoding: str, rule: str) -> None:
    text = HEADER + "\n" + "112089,24727059608,1,吉田　太郎,ヨシダ　タロウ,埼玉県所沢市並木\n" * 40

    assert rule_of(text.encode(encoding)) == rule


def test_a_file_of_no_known_encoding_is_refused() -> None:
    assert rule_of(b"name\n" + b"\x81 \xff\n" * 9) == "NOT_UTF_8"


@pytest.mark.parametrize("octets", [b"", b"\xef\xbb\xbf", b"\r\n\n", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(octets: bytes) -> None:
    assert rule_of(octets) == "EMPTY_FILE"


def test_a_file_with_a_few_broken_lines_is_read() -> None:
    good = "吉田\n".encode()

    check_beginning(io.BytesIO(good * 9 + "吉田\n".encode("cp932")))


def test_a_sample_that_ends_within_a_character_says_nothing_about_the_encoding() -> None:
    text = ("x" + "吉" * 30_000 + "\n") * 3

    check_beginning(io.BytesIO(text.encode()))


def test_a_header_may_name_the_columns_in_any_order() -> None:
    columns = tuple(reversed(COLUMNS))

    assert Layout.parse(",".join(columns)).columns == columns


def test_a_header_without_the_columns_that_may_be_missing_is_read() -> None:
    assert set(Layout.parse(",".join(sorted(REQUIRED))).columns) == REQUIRED


@pytest.mark.parametrize("column", sorted(REQUIRED))
def test_a_header_without_a_required_column_is_refused_by_its_name(column: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        Layout.parse(",".join(sorted(REQUIRED - {column})))

    assert (refused.value.rule, refused.value.field) == ("COLUMN_MISSING", column)


@pytest.mark.parametrize(
    ("header", "rule", "named"),
    [
        (f"{HEADER},height", "COLUMN_UNKNOWN", "'height'"),
        (f"{HEADER},氏名", "COLUMN_UNKNOWN", r"'\u6c0f\u540d'"),
        (f"{HEADER},", "COLUMN_UNKNOWN", "''"),
        (f"{HEADER},kana", "COLUMN_TWICE", "kana"),
        ("112089,24727059608,1,吉田　太郎", "HEADER_MISSING", ""),
        ('"municipality', "QUOTE_OPEN", ""),
    ],
)
def test_a_wrong_header_is_refused(header: str, rule: str, named: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        Layout.parse(header)

    assert (refused.value.rule, refused.value.field) == (rule, named)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("a,b", ["a", "b"]),
        (",,", ["", "", ""]),
        ('"a,b",c', ["a,b", "c"]),
        ('"a ""b""",', ['a "b"', ""]),
        ("a\x00b", ["a\x00b"]),
        ('"a\x00b"', ["a\x00b"]),
    ],
)
def test_a_line_is_split_at_its_commas(line: str, values: list[str]) -> None:
    assert split_line(line) == values


@pytest.mark.parametrize("line", ['a,"b', 'a,"b"c', '"a\r"b', 'a,b"c"\r"'])
def test_a_quote_that_is_not_closed_is_refused(line: str) -> None:
    with pytest.raises(RuleBroken, match="QUOTE_OPEN"):
        split_line(line)


def test_a_line_with_another_number_of_values_is_refused() -> None:
    layout = Layout(("a", "b", "c"))

    assert layout.values("1,2,3") == {"a": "1", "b": "2", "c": "3"}
    for line, rule in (("1,2", "COLUMNS_MISSING"), ("1,2,3,4", "COLUMNS_TOO_MANY"), ("", "EMPTY")):
        with pytest.raises(RuleBroken, match=rule):
            layout.values(line)


def test_reading_is_lazy() -> None:
    file = io.BytesIO(b"a\n" * 1_000_000)

    list(islice(lines(file), 3))

    assert file.tell() < 100
