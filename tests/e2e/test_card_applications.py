"""A window and a center in a process of its own: from the application to the printed card."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from juki_terminal.cli import app
from tests.support.center_process import CenterProcess
from tests.support.pdf_text import pages_of
from tests.support.photos import jpeg
from tests.support.register_service import code_of
from tests.support.renderings import found_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
FUMI, KEN, MAKOTO, MISAKI, HARUTO = (
    code_of(key)
    for key in ("ichigaya-fumi", "yamazaki-ken", "tsuji-makoto", "tsuji-misaki", "tsuji-haruto")
)
NUMBER, NUMBER_AS_HASHED = "3012-3456 7890", "301234567890"
LICENCE = {"kind": "KIND_DRIVING_LICENCE", "number": NUMBER, "chip_verified": True}
FORM: dict[str, object] = {
    "style": "CARD_STYLE_1",
    "place": "PLACE_BRANCH",
    "documents": [LICENCE],
    "lapsed_card": "LAPSED_CARD_NONE_HELD",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, object]:
        result = json.loads(self.out.splitlines()[-1]).get("result")
        assert isinstance(result, dict), self.out
        return result

    @property
    def reason(self) -> object:
        return json.loads(self.out.splitlines()[-1])["error"]["reason"]

    def of(self, name: str, key: str) -> str:
        found = self.result[name]
        assert isinstance(found, dict)
        return str(found[key])


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("applications"), is_forked=True) as serving:
        yield serving


@pytest.fixture
def run(center: CenterProcess) -> Run:
    config = _impatient(center.folder / "terminal.toml")

    def run(*arguments: str, form: object = None, reader: str = "") -> Ended:
        options = ["--config", str(config), "--json", "--lang", "ja"]
        options += ["--reader", reader] if reader else []
        source = ["--from", "-"] if form is not None else []
        line = [*options, *arguments, *source]
        ended = CliRunner().invoke(app, line, input=json.dumps(form))
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run


def _impatient(config: Path) -> Path:
    """Return a configuration with which an unanswered request is not sent again by itself."""
    path = config.with_name("impatient.toml")
    text = config.read_text(encoding="utf-8")
    impatient = text.replace("[session]\n", "[session]\nretry_seconds = 0\n")
    assert impatient != text
    path.write_text(impatient, encoding="utf-8")
    return path


@pytest.fixture
def new_code(run: Run) -> Callable[[str], str]:
    """Give a resident a new code: the card is revoked, and another can be applied for."""

    def new_code(code: str) -> str:
        shown = run("resident", "show", form={"code": code})
        version = int(shown.of("record", "version"))
        changed = run("resident", "change-code", form={"code": code, "expected_version": version})
        return changed.of("record", "code")

    return new_code


def submit(run: Run, code: str, *options: str, **changes: object) -> Ended:
    form = {"form": {**FORM, "code": code, **changes}}
    return run("application", "submit", "--yes", *options, form=form)


def test_inquiry_is_answered_and_the_card_is_printed(
    run: Run, new_code: Callable[[str], str], center: CenterProcess, tmp_path: Path
) -> None:
    """Case 29: applied for at a branch office, by letter and reply, to a card of style 2.

    The number of the licence stays at the window.
    """
    photo, paper = tmp_path / "photo.jpg", tmp_path / "letter.pdf"
    photo.write_bytes(jpeg())
    taken_on = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    with_photo = ("--photo", str(photo), "--taken-on", taken_on, "--out", str(paper))

    taken = submit(run, new_code(MAKOTO), *with_photo, style="CARD_STYLE_2")
    number = taken.of("application", "number")
    again = run("application", "letter", number, "--out", str(tmp_path / "again.pdf"))
    listed = run("application", "list", "--state", "inquiry-sent")
    letter, _ = pages_of(paper.read_bytes())
    answered = run(
        *("application", "reply", number, "--yes"),
        form={
            "letter_number": taken.of("letter", "number"),
            "brought_by_applicant": True,
            "documents": [LICENCE],
            "oral_questions_answered": True,
        },
    )
    blank = f"virtual:{center.folder / 'blanks' / 'blank-01.card'}"
    made = run("card", "personalise", number, reader=blank)
    face, picture = tmp_path / "face.pdf", tmp_path / "face.png"
    printed = run("card", "print-face", number, "--out", str(face))
    pictured = run("card", "print-face", number, "--out", str(picture))
    shown = run("application", "show", number)

    assert [one.code for one in (taken, again, listed, answered)] == [0] * 4, taken.err
    assert [one.code for one in (made, printed, pictured)] == [0] * 3, made.out + made.err
    assert "辻󠄁　誠　様".encode() in letter.encode()
    assert "東京都千代田区神田神保町二丁目20番地　神保町ハイツ702" in letter
    assert "東京都千代田区長" in letter
    assert taken.of("letter", "number") in letter
    assert paper.read_bytes() == (tmp_path / "again.pdf").read_bytes()
    assert number in listed.out
    assert answered.of("application", "state") == "APPLICATION_STATE_APPROVED"
    assert shown.of("application", "state") == "APPLICATION_STATE_READY"
    (page,) = pages_of(face.read_bytes())
    assert "辻󠄁　誠".encode() in page.encode()
    assert "昭和43年4月29日" in page
    assert "千代田区" in page
    card = str(printed.result["card_number"])
    assert f"{card[:4]}-{card[4:8]}-{card[8:]}" in page
    with Image.open(io.BytesIO(picture.read_bytes())) as drawn:
        assert drawn.size == (2022, 1275)
    assert _files_with(center.folder, NUMBER_AS_HASHED) == []
    assert _files_with(center.folder, number) != []


def _files_with(folder: Path, text: str) -> list[str]:
    """Return the files that hold a text: center, terminal and their logs lie in one folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if found_in(path.read_bytes(), text)]


def test_same_day_application_at_the_counter_has_no_letter(
    run: Run, new_code: Callable[[str], str], tmp_path: Path
) -> None:
    """Case 28, 31: identified by a licence; a second application is refused."""
    code, out = new_code(KEN), tmp_path / "letter.pdf"

    taken = submit(run, code, "--out", str(out), place="PLACE_COUNTER")
    second = submit(run, code, place="PLACE_COUNTER")
    number = taken.of("application", "number")
    letter = run("application", "letter", number, "--out", str(out))
    ended = run("application", "end", number, "--reason", "withdrawn", "--yes")

    assert taken.of("application", "state") == "APPLICATION_STATE_APPROVED"
    assert (second.code, second.reason) == (3, "APPLICATION_OPEN")
    assert (letter.code, letter.reason) == (3, "NOT_IN_THIS_STATE")
    assert not out.exists()
    assert ended.of("application", "state") == "APPLICATION_STATE_CANCELLED"


def test_child_needs_a_representative_and_variants_reach_the_letter(
    run: Run, new_code: Callable[[str], str], tmp_path: Path
) -> None:
    """Case 45: a name beyond the basic plane, from a birth to the letter, octet for octet."""
    entries = {
        "name": "葛󠄀城　𠮷乃",
        "name_kana": "カツラギ　ヨシノ",
        "nationality": "NATIONALITY_JAPANESE",
        "date_of_birth": "令和8年11月1日",
        "sex": "SEX_FEMALE",
        "relationship_to_householder": "子",
        "resident_since": "令和8年11月1日",
    }
    family = new_code(MISAKI)
    born = run("resident", "birth", form={"household_of_code": family, "entries": entries})
    code, out = born.of("record", "code"), tmp_path / "letter.pdf"
    mother = {"name": "辻󠄁　美咲", "shown_by": "戸籍謄本"}

    alone = submit(run, code)
    taken = submit(run, code, "--out", str(out), representative=mother)

    assert (alone.code, alone.reason) == (3, "REPRESENTATIVE_REQUIRED")
    assert taken.code == 0, taken.out
    assert "葛󠄀城　𠮷乃　様".encode() in pages_of(out.read_bytes())[0].encode()


def test_altered_letter_number_ends_the_application(
    run: Run, new_code: Callable[[str], str], tmp_path: Path
) -> None:
    """Case 29: the number of another letter; a slip of the pen is found before."""
    taken = submit(run, new_code(FUMI), "--out", str(tmp_path / "letter.pdf"))
    number, right = taken.of("application", "number"), taken.of("letter", "number")
    slip = right[:-1] + str((int(right[-1]) + 1) % 10)
    reply = {"brought_by_applicant": True, "documents": [LICENCE], "oral_questions_answered": True}
    command = ("application", "reply", number, "--yes")

    slipped = run(*command, form={**reply, "letter_number": slip})
    altered = run(*command, form={**reply, "letter_number": "L000000000195"})
    right_one = run(*command, form={**reply, "letter_number": right})

    assert (slipped.code, slipped.reason) == (2, "USAGE_INVALID")
    assert altered.code == 3
    assert altered.of("application", "state") == "APPLICATION_STATE_REJECTED"
    assert (right_one.code, right_one.reason) == (3, "NOT_IN_THIS_STATE")


def test_application_whose_answer_was_lost_with_the_center_is_taken_once(
    center: CenterProcess, run: Run, new_code: Callable[[str], str], tmp_path: Path
) -> None:
    """The salts of the documents follow from the request id, so that the repetition is the same."""
    code, out = new_code(HARUTO), tmp_path / "letter.pdf"
    center.stop()
    center.start(cut="apply:committed")

    lost = submit(run, code, "--out", str(out))
    center.start()
    again = submit(run, code, "--out", str(out))
    listed = run("application", "list")

    assert (lost.code, lost.reason) == (6, "OUTCOME_UNKNOWN")
    assert again.code == 0, again.out
    assert again.result["repeated"] is True
    assert listed.out.count(again.of("application", "number")) == 1
    assert again.of("letter", "number") in pages_of(out.read_bytes())[0]
