"""`juki-terminal disclosure …`: card and PIN, pages, the screen, the paper, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from juki_terminal import disclosure_words as words
from tests.support.pdf_text import pages_of
from tests.unit.terminal.center_double import SessionDouble, serving
from tests.unit.terminal.clerk import Run, group_runner
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.disclosures_double import CODE, NAME, DisclosuresDouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_pki.folder import PKIFolder
    from tests.support.receipting import Receipting


@pytest.fixture
def disclosures(sessions: SessionDouble) -> DisclosuresDouble:
    return DisclosuresDouble(sessions)


@pytest.fixture
def address(
    pki: PKIFolder,
    sessions: SessionDouble,
    disclosures: DisclosuresDouble,
    receipting: Receipting,
) -> Iterator[str]:
    """Where a center that discloses listens."""
    with serving(pki, sessions, receipting=receipting, disclosures=disclosures) as listening:
        yield listening


@pytest.fixture
def pin(tmp_path: Path) -> str:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    return str(tmp_path / "pin")


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "disclosure")


def test_own_information_is_shown_and_printed(run: Run, pin: str, tmp_path: Path) -> None:
    paper = tmp_path / "own.pdf"

    ended = run("own", "--pin-from", pin, "--print", str(paper), as_json=False)

    (page,) = pages_of(paper.read_bytes())
    assert ended.code == 0, ended.err
    for item in (words.OWN_TITLE, NAME, CODE, "昭和22年3月1日"):
        assert item in ended.out
        assert item in page
    assert paper.stat().st_mode & 0o077 == 0


def test_all_pages_are_one_log(
    run: Run, pin: str, tmp_path: Path, disclosures: DisclosuresDouble
) -> None:
    disclosures.provisions = 5
    paper = tmp_path / "log.pdf"

    ended = run("provisions", "--pin-from", pin, "--print", str(paper), as_json=False)

    assert ended.code == 0, ended.err
    whole = "".join(pages_of(paper.read_bytes()))
    for number in range(5):
        assert f"外務省{number}課" in ended.out
        assert f"外務省{number}課" in whole
    assert len({one.request_id for one in disclosures.requests}) == 1
    tokens = [getattr(one, "page_token", "") for one in disclosures.requests]
    assert tokens == ["", "2", "4"]


def test_no_such_record_is_told_and_printed(run: Run, pin: str, tmp_path: Path) -> None:
    paper = tmp_path / "none.pdf"

    ended = run("provisions", "--pin-from", pin, "--print", str(paper), as_json=False)

    (page,) = pages_of(paper.read_bytes())
    assert ended.code == 0
    assert words.NO_SUCH_RECORD in ended.out
    assert words.NO_SUCH_RECORD in page


def test_machines_get_the_fields_and_no_receipt(
    run: Run, pin: str, disclosures: DisclosuresDouble
) -> None:
    disclosures.provisions = 1

    ended = run("provisions", "--pin-from", pin)

    assert (ended.code, ended.result("total"), len(ended.result("provisions"))) == (0, 1, 1)
    assert "receipt" not in ended.envelope["result"]


def test_the_form_may_say_the_holders_code(
    run: Run, pin: str, tmp_path: Path, disclosures: DisclosuresDouble
) -> None:
    form = tmp_path / "form"
    form.write_text(f"{CODE}\n")

    ended = run("own", "--pin-from", pin, "--code-from", str(form))

    assert ended.code == 0
    assert disclosures.requests[0].resident_code == CODE


def test_asking_for_another_person_is_refused_in_words(run: Run, pin: str) -> None:
    ended = run("own", "--pin-from", pin, "--code-from", "-", stdin="12345678903\n")

    assert (ended.code, ended.error("reason")) == (3, "DISCLOSURE_NOT_OWN")
    assert "本人" in str(ended.error("message"))


@pytest.mark.parametrize("typed", ["", "1234", "2472705960x", "２４７２７０５９６０８"])
def test_a_code_that_is_none_is_not_sent(
    run: Run, pin: str, typed: str, disclosures: DisclosuresDouble
) -> None:
    ended = run("own", "--pin-from", pin, "--code-from", "-", stdin=f"{typed}\n")

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert disclosures.requests == []


def test_a_paper_that_cannot_be_written_says_so(run: Run, pin: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = run("own", "--pin-from", pin, "--print", str(tmp_path / "file" / "own.pdf"))

    assert ended.error("reason") == "PRINTER_FAILED"
