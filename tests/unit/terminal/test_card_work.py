"""The journal of work on PINs: what it keeps, and what it refuses to read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_client.outcome import Problem
from juki_terminal.card_work import CardWork, Stage, Task, Work

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CARD, OTHER = "482913057611", "123456789092"
HAND_OVER = Work(CARD, Task.HAND_OVER, Stage.BEGUN, application="A123456789092", fee_yen=500)
UNLOCK = Work(
    OTHER, Task.UNLOCK_KEEP, Stage.BEGUN, request_id="r", unlock_id=bytes(16), session_id=b"s"
)


def test_the_last_line_about_a_card_counts_after_a_restart(tmp_path: Path) -> None:
    with CardWork(tmp_path / "work") as work:
        work.write(HAND_OVER, Stage.SENT, NOW)
        work.write(UNLOCK, Stage.OPENED, NOW)
        work.write(HAND_OVER, Stage.SET, NOW)

    with CardWork(tmp_path / "work") as again:
        card, other = again.of_card(CARD), again.of_card(OTHER)
        assert again.of_application("A123456789092") == card
        assert again.of_card("000000000000") is None

    assert card is not None
    assert other is not None
    assert (card.stage, card.fee_yen, card.at) == (Stage.SET, 500, int(NOW.timestamp()))
    assert (other.stage, other.unlock_id, other.session_id) == (Stage.OPENED, bytes(16), b"s")


def test_a_line_that_a_crash_has_torn_is_no_line(tmp_path: Path) -> None:
    with CardWork(tmp_path / "work") as work:
        work.write(HAND_OVER, Stage.SENT, NOW)
    with (tmp_path / "work").open("ab") as file:
        file.write(b'{"v":1,"card":"48')

    with CardWork(tmp_path / "work") as again:
        found = again.of_card(CARD)

    assert found is not None
    assert found.stage is Stage.SENT


@pytest.mark.parametrize(
    "line",
    [
        "no",
        "[]",
        "{}",
        '{"v":1}',
        '{"v":1,"card":"1","task":"x","stage":"sent","at":1}',
        '{"v":1,"card":"1","task":"hand-over","stage":"sent","at":1,"application":"","fee":[],'
        '"request":"","unlock":"","session":""}',
    ],
)
def test_a_line_that_is_none_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "work").write_text(line + "\n", encoding="ascii")

    with pytest.raises(Problem) as refused, CardWork(tmp_path / "work"):
        pass

    assert refused.value.reason == "JOURNAL_DAMAGED"
    assert refused.value.metadata == {"file": "work", "line": "1"}


def test_a_folder_where_the_journal_should_be_is_damage(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="JOURNAL_DAMAGED"), CardWork(tmp_path):
        pass


def test_a_journal_that_is_not_open_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not open"):
        CardWork(tmp_path / "work").write(HAND_OVER, Stage.SENT, NOW)
