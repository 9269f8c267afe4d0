"""What comes from outside the terminal's own code: configuration, forms, dates, PINs."""

from __future__ import annotations

import os
import pty
import termios
import threading
from pathlib import Path

import pytest

from juki_card.passwords import Pin
from juki_client import civil_date
from juki_client.outcome import Language, Problem
from juki_terminal.application import DocumentKind
from juki_terminal.cli.form import Form
from juki_terminal.config import TerminalConfig
from juki_terminal.pin import FilePin, PromptPin
from jukinet.residents.v1.civil_date_pb2 import CivilDate

CONFIG = """
environment = "dev"
[center]
address = "127.0.0.1:7443"
[identity]
certificate = "pki/terminal/131016-01/chain.pem"
key = "pki/terminal/131016-01/key.pem"
[trust]
dir = "pki/trust"
[reader]
name = "virtual:cards/NAME.card"
[journal]
path = "terminal/131016-01.journal"
[paper]
fee_yen = 300
[session]
pin_timeout_seconds = 90
"""


def load(tmp_path: Path, text: str) -> TerminalConfig:
    path = tmp_path / "terminal.toml"
    path.write_text(text, encoding="utf-8")
    return TerminalConfig.load(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, CONFIG)

    assert config.trust_dir == tmp_path / "pki" / "trust"
    assert config.reader == f"virtual:{tmp_path / 'cards' / 'NAME.card'}"
    assert (config.fee_yen, config.pin_timeout_seconds, config.card_wait_seconds) == (300, 90, 30)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("fee_yen = 300", "fee_yen = 300\ncolour = 1", "paper.colour"),
        ("[paper]", "[pager]", "pager"),
        ('environment = "dev"', 'environment = "moon"', "environment"),
        ('environment = "dev"', "", "environment"),
        ('address = "127.0.0.1:7443"', "address = 1", "center.address"),
        ('dir = "pki/trust"', "", "trust.dir"),
        ("fee_yen = 300", "fee_yen = -1", "paper.fee_yen"),
        ("fee_yen = 300", "fee_yen = true", "paper.fee_yen"),
        ("fee_yen = 300", 'fee_yen = "300"', "paper.fee_yen"),
        ('name = "virtual:cards/NAME.card"', 'name = "usb:1"', "reader.name"),
        ("pin_timeout_seconds = 90", "pin_timeout_seconds = 900", "session.pin_timeout_seconds"),
        ("[paper]\nfee_yen = 300", "paper = 3", "paper"),
        ("[paper]", "[paper", ""),
    ],
)
def test_configuration_at_fault_is_refused_by_the_name_of_its_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    text = CONFIG.replace(old, new)
    assert text != CONFIG

    with pytest.raises(Problem) as caught:
        # A bare key belongs before the first table.
        load(tmp_path, text if new != "paper = 3" else new + text)

    assert caught.value.reason == "CONFIGURATION_INVALID"
    assert caught.value.metadata["key"] == key


def test_missing_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        TerminalConfig.load(tmp_path / "none.toml")

    assert caught.value.reason == "CONFIGURATION_INVALID"


@pytest.mark.parametrize(
    ("text", "calendar", "era", "parts", "precision"),
    [
        ("昭和45年3月2日", "ERA", "SHOWA", (45, 3, 2), "DAY"),
        ("S45.3.2", "ERA", "SHOWA", (45, 3, 2), "DAY"),
        ("平成元年1月8日", "ERA", "HEISEI", (1, 1, 8), "DAY"),
        ("令和６年１２月３１日", "ERA", "REIWA", (6, 12, 31), "DAY"),
        ("昭和45年3月", "ERA", "SHOWA", (45, 3, 0), "MONTH"),
        ("大正15年", "ERA", "TAISHO", (15, 0, 0), "YEAR"),
        ("1970-03-02", "GREGORIAN", "UNSPECIFIED", (1970, 3, 2), "DAY"),
        ("1970年3月2日", "GREGORIAN", "UNSPECIFIED", (1970, 3, 2), "DAY"),
        ("1970", "GREGORIAN", "UNSPECIFIED", (1970, 0, 0), "YEAR"),
        ("昭和20年頃", "ERA", "SHOWA", (20, 0, 0), "APPROXIMATE"),
        ("明治45年 月日不詳", "ERA", "MEIJI", (45, 0, 0), "YEAR"),
        ("昭和25年5月 日不詳", "ERA", "SHOWA", (25, 5, 0), "MONTH"),
        ("推定昭和20年", "ERA", "SHOWA", (20, 0, 0), "APPROXIMATE"),
        ("1985年春", "GREGORIAN", "UNSPECIFIED", (1985, 0, 0), "APPROXIMATE"),
        ("年月日不詳", "ERA", "UNSPECIFIED", (0, 0, 0), "UNKNOWN"),
        ("令和2年3月1日から5日までの間", "ERA", "REIWA", (2, 0, 0), "RANGE"),
    ],
)
def test_date_is_read_in_its_own_calendar_and_precision(
    text: str, calendar: str, era: str, parts: tuple[int, int, int], precision: str
) -> None:
    date = civil_date.parse(text, "birth")

    assert CivilDate.Calendar.Name(date.calendar) == f"CALENDAR_{calendar}"
    assert CivilDate.Era.Name(date.era) == f"ERA_{era}"
    assert (date.year, date.month, date.day) == parts
    assert CivilDate.Precision.Name(date.precision) == f"PRECISION_{precision}"


def test_text_of_an_inexact_date_goes_along_in_the_registers_digits() -> None:
    assert civil_date.parse("昭和２５年　５月頃", "birth").original_text == "昭和25年5月頃"


@pytest.mark.parametrize(
    "text",
    ["", "きのう", "昭和45年13月2日", "昭和45年3月32日", "0000-01-01", "1970-00-01", "x" * 41],
)
def test_text_that_is_no_date_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Problem) as caught:
        civil_date.parse(text, "photo_id.birth")

    assert caught.value.metadata["field"] == "photo_id.birth"
    assert not text or text not in str(caught.value.metadata)


PHOTO = """{"photo_id": {"kind": "passport", "number": "TK1234567", "name": "髙橋", "birth":
"1980-05-06", "address": "a", "municipality": "112089"},
"members": [{"name": "髙橋 花", "birth": "平成12年4月1日"}]}"""


def read_whole(path: Path) -> None:
    form = Form.read(str(path), Language.JAPANESE)
    form.photo_document()
    form.members()


def test_form_gives_document_and_members(tmp_path: Path) -> None:
    path = tmp_path / "form.json"
    path.write_text(PHOTO, encoding="utf-8")

    form = Form.read(str(path), Language.JAPANESE)

    assert form.photo_document().kind is DocumentKind.PASSPORT
    assert form.names_members
    assert [member.name for member in form.members()] == ["髙橋 花"]


def test_each_reading_of_a_form_draws_a_salt_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "form.json"
    path.write_text(PHOTO, encoding="utf-8")

    documents = [Form.read(str(path), Language.JAPANESE).photo_document() for _ in range(2)]

    assert [len(document.salt) for document in documents] == [16, 16]
    assert documents[0].salt != documents[1].salt
    assert documents[0].number_hash() != documents[1].number_hash()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"kind": "passport"', '"kind": "library card"', "photo_id.kind"),
        ('"kind": "passport"', '"sort": "passport"', "photo_id"),
        ('"number": "TK1234567"', '"number": 7', "photo_id.number"),
        ('"members"', '"friends"', "from"),
        ('"birth": "平成12年4月1日"', '"birth": ""', "members[0].birth"),
        ('[{"name": "髙橋 花", "birth": "平成12年4月1日"}]', '"all"', "members"),
        ('{"photo_id"', '["photo_id"', "from"),
    ],
)
def test_form_at_fault_is_refused_by_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    path = tmp_path / "form.json"
    path.write_text(PHOTO.replace(old, new), encoding="utf-8")

    with pytest.raises(Problem) as caught:
        read_whole(path)

    assert caught.value.reason == "USAGE_INVALID"
    assert caught.value.metadata["field"] == field


def test_records_of_an_applicant_show_nothing_personal(tmp_path: Path) -> None:
    path = tmp_path / "form.json"
    path.write_text(PHOTO, encoding="utf-8")
    form = Form.read(str(path), Language.JAPANESE)

    shown = repr(form.photo_document()) + repr(form.members()) + repr(form)

    for personal in ("髙橋", "TK1234567", "1980", "平成", '"c"'):
        assert personal not in shown


def test_pins_of_a_file_are_given_one_by_one_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "pins"
    path.write_text("0000\n4649\n", encoding="ascii")
    source = FilePin.read(str(path))

    given = [source.ask(None, 1), source.ask(2, 1)]

    assert given == [Pin("0000"), Pin("4649")]
    assert "4649" not in repr(source)
    with pytest.raises(Problem, match="PIN_NOT_ENTERED"):
        source.ask(1, 1)


@pytest.mark.parametrize("text", ["12", "12345", "12a4", "一二三四"])
def test_pin_of_another_form_is_refused_before_any_card(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pins"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Problem) as caught:
        FilePin.read(str(path)).ask(None, 1)

    assert caught.value.reason == "USAGE_INVALID"
    assert text not in repr(caught.value)


class Window:
    """A terminal device with a person at it."""

    def __init__(self) -> None:
        self.person, self._device = pty.openpty()
        self.name = os.ttyname(self._device)
        self.shown = b""

    def type_after_prompt(self, *lines: bytes) -> threading.Thread:
        def work() -> None:
            for line in lines:
                while not self.shown.endswith(b": "):
                    self.shown += os.read(self.person, 1)
                os.write(self.person, line)
                self.shown += b"|"

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._device)[3] & termios.ECHO)

    def close(self) -> None:
        os.close(self.person)
        os.close(self._device)


def prompt(tries_left: int | None, malformed: bool) -> str:
    return f"{tries_left} {malformed}: "


def test_typed_pin_is_taken_without_echo_and_asked_again_where_it_is_none() -> None:
    window = Window()
    typing = window.type_after_prompt(b"12a4\n", b"4649\n")

    pin = PromptPin(prompt, device=window.name).ask(2, 10)
    typing.join()
    os.set_blocking(window.person, False)
    shown = window.shown + os.read(window.person, 100)

    assert pin == Pin("4649")
    assert b"2 False: " in shown
    assert b"2 True: " in shown
    assert b"4649" not in shown
    assert window.echoes()
    window.close()


def test_nobody_who_types_is_no_pin_and_the_echo_comes_back() -> None:
    window = Window()

    with pytest.raises(Problem, match="PIN_NOT_ENTERED"):
        PromptPin(prompt, device=window.name).ask(None, 0.01)

    assert window.echoes()
    window.close()


def test_rest_of_a_line_that_was_too_long_is_no_pin() -> None:
    window = Window()
    typing = window.type_after_prompt(b"x" * 64 + b"1111\n", b"4649\n")

    pin = PromptPin(prompt, device=window.name).ask(2, 10)
    typing.join()

    assert pin == Pin("4649")
    window.close()


def test_no_terminal_device_is_said_so() -> None:
    with pytest.raises(Problem) as caught:
        PromptPin(prompt, device="/nonexistent/tty").ask(None, 1)

    assert caught.value.reason == "USAGE_INVALID"
