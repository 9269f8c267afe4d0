"""Photos before they are sent: size, kind, pixels, proportion, day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from juki_center.areas.cards import photos as center_photos
from juki_center.areas.cards.application_days import is_recent_photo
from juki_center.errors import Refusal
from juki_client.outcome import Problem
from juki_terminal.photos import MOST_OCTETS, read_photo, require_recent
from tests.support.photos import jpeg, other, talkative


def rule_of(octets: bytes, path: Path) -> str:
    """Return the rule that refuses a photo; empty for one that is taken."""
    path.write_bytes(octets)
    try:
        taken = read_photo(path)
    except Problem as problem:
        return problem.metadata["rule"] if problem.reason == "PHOTO_NOT_USABLE" else problem.reason
    assert taken == octets
    return ""


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (jpeg(), ""),
        (jpeg((413, 531)), ""),
        (jpeg((413, 531), "L"), ""),
        (jpeg((413, 531), progressive=True), ""),
        (talkative(), ""),
        (jpeg((412, 530)), "PIXELS"),
        (jpeg((2001, 2573)), "PIXELS"),
        (jpeg((540, 420)), "PIXELS"),
        (jpeg((500, 600)), "PROPORTION"),
        (jpeg((450, 560)), "PROPORTION"),
        (other("PNG"), "NOT_JPEG"),
        (other("GIF"), "NOT_JPEG"),
        (b"%PDF-1.7", "NOT_JPEG"),
        (b"\xff\xd8\xff", "DAMAGED"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 9, "DAMAGED"),
        (jpeg()[:120], "DAMAGED"),
        (jpeg() + bytes(MOST_OCTETS), "TOO_LARGE"),
    ],
)
def test_photo_is_taken_or_refused_by_its_rule(tmp_path: Path, octets: bytes, rule: str) -> None:
    assert rule_of(octets, tmp_path / "photo") == rule


@pytest.mark.parametrize(
    "octets",
    [jpeg(), jpeg((412, 530)), jpeg((450, 560)), other("PNG"), b"", bytes(MOST_OCTETS + 1)],
    ids=["good", "small", "wide", "png", "empty", "large"],
)
def test_terminal_refuses_what_the_center_refuses_and_nothing_else(
    tmp_path: Path, octets: bytes
) -> None:
    try:
        center_photos.stripped(octets)
        rule = ""
    except Refusal as refusal:
        rule = refusal.metadata["rule"]

    assert rule_of(octets, tmp_path / "photo") == rule


def test_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        read_photo(tmp_path / "nowhere.jpg")

    assert (refused.value.reason, refused.value.metadata["field"]) == ("USAGE_INVALID", "photo")


NIGHT = datetime(2004, 2, 29, 14, 59, 59, tzinfo=UTC)
MORNING = datetime(2004, 2, 29, 15, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("taken_on", "now", "is_recent"),
    [
        (date(2003, 8, 31), NIGHT, True),
        (date(2003, 8, 31), MORNING, False),
        (date(2003, 8, 29), NIGHT, True),
        (date(2003, 8, 28), NIGHT, False),
        (date(2004, 2, 29), NIGHT, True),
        (date(2004, 3, 1), NIGHT, False),
        (date(2004, 3, 1), MORNING, True),
    ],
)
def test_photo_is_recent_for_six_months_by_the_days_of_japan(
    taken_on: date, now: datetime, is_recent: bool
) -> None:
    """Case 28: as the center counts."""
    today = date(2004, 2, 29) if now == NIGHT else date(2004, 3, 1)
    try:
        require_recent(taken_on, now)
        found = ""
    except Problem as problem:
        found = problem.reason

    assert found == ("" if is_recent else "PHOTO_TOO_OLD")
    assert is_recent_photo(taken_on, today) == is_recent
