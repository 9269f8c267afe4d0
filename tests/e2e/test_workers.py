"""A center of two workers on a server: killed, replaced and disconnected while it is asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from juki_center.cli.dev_folder import DevFolder
from juki_client.outcome import Problem
from juki_terminal.application import CardProof
from tests.e2e.storm import Fuse
from tests.e2e.window import opened_window
from tests.support.asking import Asking, Line, asking, asking_meanwhile
from tests.support.center_process import eventually
from tests.support.crew_center import CrewCenter, juki_center, served_crew
from tests.support.own_history import Held, judged
from tests.support.registering import CHIYODA, Registering
from tests.support.undisturbed import Stopwatch

LONG = os.environ.get("JUKI_LONG") == "1"
KILLS = 100 if LONG else 5
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600 if LONG else 300)]
# Each birth takes a code.
CODES = 20_000 if LONG else 2_000
WITHIN_SECONDS = 2.0
LINES = 12
DUTY_LOCK = 0x6A756B6A


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrewCenter]:
    with served_crew(tmp_path_factory.mktemp("crew")) as serving:
        yield serving


@pytest.fixture(scope="module")
def url(center: CrewCenter) -> str:
    """Return where its store is."""
    return center.url


def provisions(url: str) -> set[str]:
    """Return all questions that the center has recorded as answered."""
    with psycopg.connect(url) as sql:
        return {str(row[0]) for row in sql.execute("SELECT id FROM provisions")}


def on_duty(url: str) -> int:
    """Return how many processes hold the lock of those on duty."""
    with psycopg.connect(url) as sql:
        row = sql.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s",
            (DUTY_LOCK,),
        ).fetchone()
    assert row is not None
    return int(row[0])


def calls(center: CrewCenter) -> dict[str, float]:
    """Return how many questions each worker has answered."""
    page = center.status("/metrics")[1]
    found = re.findall(
        r'juki_calls_total\{[^}]*ConfirmByCode"[^}]*worker="(\d+)"\} ([\d.e+]+)', page
    )
    counted: dict[str, float] = {}
    for worker, number in found:
        counted[worker] = counted.get(worker, 0.0) + float(number)
    return counted


def require_recorded(lines: list[Asking], before: set[str], url: str) -> None:
    """Where no answer was lost, what was answered is what is recorded, each once."""
    assert [defect for line in lines for defect in line.defects] == []
    answered = [one.provision for line in lines for one in line.answered]
    assert len(answered) > 0
    assert len(set(answered)) == len(answered), "two questions have one provision"
    assert provisions(url) - before == set(answered)


def test_both_workers_serve_and_one_of_them_is_on_duty(center: CrewCenter, url: str) -> None:
    with ExitStack() as opened:
        for _ in range(LINES):
            opened.enter_context(Asking.at(center.folder, center.address)).ask()

        assert sorted(calls(center)) == ["0", "1"]
    assert on_duty(url) == 1
    assert {one.state for one in center.workers()} == {"ready"}


def test_workers_killed_under_load_lose_nothing_and_do_nothing_twice(
    center: CrewCenter, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stocked = ("codes", "stock", "--municipality", CHIYODA, "--count", str(CODES))
    assert juki_center(*stocked, "--config", str(center.config)).returncode == 0
    before, progress = Held.by(url), [0]
    with ExitStack() as opened:
        asks = [opened.enter_context(Asking.at(center.folder, center.address)) for _ in range(2)]
        acts = [
            opened.enter_context(Registering.at(center.folder, center.address)) for _ in range(2)
        ]
        lines: list[Line] = [*asks, *acts]
        with asking(lines):
            for number in range(KILLS):
                workers = center.workers()
                center.kill(workers[number % len(workers)])
                progress.append(sum(line.count for line in lines))

    verdict = judged(
        before, Held.by(url), [*(one.answered for one in asks), *(one.answered for one in acts)]
    )
    with capfd.disabled():
        print(f"\nkills={KILLS} {verdict}")  # what a long run ends with
    assert [defect for line in lines for defect in line.defects] == []
    assert (verdict.lost, verdict.twice) == (0, 0)
    assert all(line.count > 0 for line in lines)
    assert progress == sorted(set(progress)), "nobody was answered between two kills"
    eventually(lambda: on_duty(url) == 1)


def test_renewal_under_load_costs_no_call_more_than_one_try_again(
    center: CrewCenter, url: str
) -> None:
    before, old = provisions(url), {one.pid for one in center.workers()}
    with asking_meanwhile(center.folder, center.address) as lines:
        ran = juki_center("workers", "restart", "--config", str(center.config))

    assert ran.returncode == 0, ran.stderr
    assert old.isdisjoint(one.pid for one in center.workers())
    require_recorded(lines, before, url)
    assert max(one.tries for line in lines for one in line.answered) <= 2


def test_card_session_counts_at_workers_that_have_not_led_it(center: CrewCenter) -> None:
    """The workers of the session are gone before the act that stands on it."""
    with opened_window(center.folder, center.address, Fuse(lambda _: None)) as window:
        card = window.authenticate(window.card("sato-kazu"))
        ran = juki_center("workers", "restart", "--config", str(center.config))
        status = window.issue_to(CardProof(card.session_id, card.transcript_hash))

        assert ran.returncode == 0, ran.stderr
        assert status.issue_number in window.listed()


def test_disconnection_reaches_every_worker_in_time(center: CrewCenter) -> None:
    config = str(center.config)
    with ExitStack() as opened:
        lines = [
            opened.enter_context(Asking.at(center.folder, center.address, "passport"))
            for _ in range(LINES)
        ]
        for line in lines:
            line.ask()
        assert len(calls(center)) == 2
        who = ("juki://agency/passport-1", "--level", "high", "--reason", "a drill")
        cut = juki_center("disconnect", *who, "--config", config)
        watch = Stopwatch(*(one.pid for one in center.workers()))
        refused = [reason_of(line) for line in lines]
        seconds = watch.seconds()

    assert cut.returncode == 0, cut.stderr
    assert set(refused) == {"DISCONNECTED_AGENCY"}
    assert seconds < WITHIN_SECONDS


def reason_of(line: Asking) -> str:
    """Return by what a question is refused."""
    try:
        line.ask()
    except Problem as problem:
        return problem.reason
    return ""


def test_workers_that_die_at_the_start_end_the_supervisor_with_1(tmp_path: Path) -> None:
    """The database does not answer, so that no worker ever gets ready."""
    made = DevFolder(tmp_path)
    made.prepare(datetime.now(UTC))
    text = made.config.read_text(encoding="utf-8")
    text = text.replace("sqlite:///center/center.sqlite", f"postgresql:///center?host={tmp_path}")
    made.config.write_text(re.sub(r":744\d", ":0", text), encoding="utf-8")

    done = juki_center("serve", "--workers", "1", "--config", str(made.config))

    assert done.returncode == 1, done.stderr
    assert "WORKERS_FAILED: no worker got ready in 5 starts" in done.stderr
