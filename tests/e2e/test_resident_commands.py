"""A clerk at a terminal and a center in a process of its own: the register from birth to death."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_terminal.cli import app
from tests.support.center_process import CenterProcess
from tests.support.register_service import code_of
from tests.support.second_clerk import second_window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
MAKOTO, MISAKI = code_of("tsuji-makoto"), code_of("tsuji-misaki")
NAME = "辻󠄁　𠮷乃"
CHILD: dict[str, object] = {
    "name": NAME,
    "name_kana": "ツジ　ヨシノ",
    "nationality": "NATIONALITY_JAPANESE",
    "date_of_birth": "令和8年11月1日",
    "sex": "SEX_FEMALE",
    "relationship_to_householder": "子",
    "resident_since": "令和8年11月1日",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    envelope: dict[str, object]

    @property
    def result(self) -> dict[str, object]:
        assert isinstance(self.envelope.get("result"), dict), self.envelope
        return self.envelope["result"]  # type: ignore[return-value]  # just looked at

    @property
    def record(self) -> dict[str, object]:
        record = self.result["record"]
        assert isinstance(record, dict)
        return record

    @property
    def reason(self) -> object:
        error = self.envelope["error"]
        assert isinstance(error, dict)
        return error["reason"]


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("register"), is_forked=True) as serving:
        yield serving


@pytest.fixture
def run(center: CenterProcess) -> Run:
    config = _impatient(center.folder / "terminal.toml")

    def run(command: str, *options: str, **form: object) -> Ended:
        arguments = ["--config", str(config), "--json", "resident", command, *options]
        arguments += ["--from", "-"]
        ended = CliRunner().invoke(app, arguments, input=json.dumps(form))
        return Ended(ended.exit_code, json.loads(ended.stdout.splitlines()[-1]))

    return run


def _impatient(config: Path) -> Path:
    """Return a configuration with which an unanswered request is not sent again by itself."""
    path = config.with_name("impatient.toml")
    text = config.read_text(encoding="utf-8")
    impatient = text.replace("[session]\n", "[session]\nretry_seconds = 0\n")
    assert impatient != text
    path.write_text(impatient, encoding="utf-8")
    return path


def test_child_is_born_named_anew_and_the_entry_cancelled(run: Run) -> None:
    born = run("birth", household_of_code=MAKOTO, entries=CHILD)
    code = born.record["code"]
    entries = born.record["entries"]
    assert isinstance(entries, dict)
    renamed = run(
        "correct",
        code=code,
        expected_version=1,
        entries=entries | {"name": "辻󠄁　桜"},
        reason="CHANGE_REASON_NAME_CHANGE",
        change_date="令和8年11月10日",
    )
    cancelled = run("cancel", code=code, cancelled_version=2)
    family = run("household", code=code)

    assert born.code == 0
    assert entries["name"] == NAME
    assert renamed.record["version"] == 2
    assert cancelled.record["entries"] == entries
    assert [one["entries"]["name"] for one in _records(family)][-1] == NAME


def test_old_code_is_changed_and_never_said_to_be_what(run: Run) -> None:
    old = code_of("yamazaki-ken")

    new = run("change-code", code=old, expected_version=1)
    asked = run("show", code=old)

    assert (asked.code, asked.reason) == (3, "CODE_CHANGED")
    assert str(new.record["code"]) not in str(asked.envelope)
    assert new.result["revoked_card_count"] == 1


@pytest.fixture
def approve(center: CenterProcess) -> Callable[[object], Ended]:
    config = second_window(center.folder, center.folder / "impatient.toml")

    def approve(approval: object) -> Ended:
        arguments = ["--config", str(config), "--json", "approve", str(approval), "--yes"]
        ended = CliRunner().invoke(app, arguments)
        return Ended(ended.exit_code, json.loads(ended.stdout.splitlines()[-1]))

    return approve


def test_measure_is_begun_by_one_and_lifted_and_ended_by_two(
    run: Run, approve: Callable[[object], Ended]
) -> None:
    fumi = code_of("ichigaya-fumi")

    def by_two(command: str, *options: str, version: int) -> Ended:
        asked = {"code": fumi, "expected_version": version}
        approval = run(command, *options, **asked).result["approval_id"]
        assert approve(approval).code == 0
        return run(command, *options, "--approval", approval, **asked)

    begun = run("protect", code=fumi, expected_version=1)
    lifted = by_two("lift", "--minutes", "10", version=2)
    ended = by_two("end-protection", version=3)

    assert begun.record["protective_measure"] == {}
    assert "lifted_until" in lifted.record["protective_measure"]  # type: ignore[operator]  # a dict
    assert "protective_measure" not in ended.record


def test_approval_counts_for_what_was_proposed_alone(
    run: Run, approve: Callable[[object], Ended]
) -> None:
    key = {"code": MAKOTO, "expected_version": 1}
    run("protect", **key)
    asked = {"code": MAKOTO, "expected_version": 2}
    approval = str(run("lift", "--minutes", "10", **asked).result["approval_id"])

    early = run("lift", "--minutes", "10", "--approval", approval, **asked)
    approve(approval)
    longer = run("lift", "--minutes", "1440", "--approval", approval, **asked)
    for_good = run("end-protection", "--approval", approval, **asked)

    assert (early.code, early.reason) == (3, "APPROVAL_PENDING")
    assert (longer.code, longer.reason) == (3, "APPROVAL_NOT_OF_THE_ACT")
    assert (for_good.code, for_good.reason) == (3, "APPROVAL_NOT_OF_THE_ACT")


def test_death_whose_answer_was_lost_with_the_center_is_registered_once(
    center: CenterProcess, run: Run
) -> None:
    form = {"code": MISAKI, "expected_version": 1, "date_of_death": "令和8年11月20日"}
    center.stop()
    center.start(cut="death:committed")

    lost = run("death", **form)
    center.start()
    again = run("death", **form)
    shown = run("show", "--history", code=MISAKI)

    assert (lost.code, lost.reason) == (6, "OUTCOME_UNKNOWN")
    assert again.result["repeated"] is True
    assert again.result["lapsed_card_count"] == 1
    assert shown.record == again.record
    assert shown.record["version"] == 2
    assert shown.record["state"] == "STATE_DECEASED"


def _records(ended: Ended) -> list[dict[str, dict[str, str]]]:
    records = ended.result["records"]
    assert isinstance(records, list)
    return records
