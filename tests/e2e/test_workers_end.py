"""What ends at a center of two workers: streams, certificates, the workers, their supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from juki_center.cli.reserved_port import reserved
from tests.support.asking import Asking, Line, asking
from tests.support.center_process import eventually
from tests.support.crew_center import CrewCenter, served_crew
from tests.support.following import Following, followed_at_each
from tests.support.own_history import Held, judged
from tests.support.registering import CHIYODA, Registering
from tests.support.undisturbed import Stopwatch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
CUT_OFF_WITHIN_SECONDS = 2.0
REVOKED_WITHIN_SECONDS = 1.0
DRAINED_WITHIN_SECONDS = 30.0


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrewCenter]:
    with served_crew(tmp_path_factory.mktemp("crew")) as serving:
        yield serving


def uri_of(terminal: str) -> str:
    return f"juki://municipality/{CHIYODA}/terminal/{terminal}"


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def moment(center: CrewCenter, question: str) -> float:
    """Return the one time, in microseconds there, for which a question asks the store."""
    with psycopg.connect(center.url) as sql:
        (found,) = sql.execute(question.encode()).fetchone() or (0,)
    return float(found) / 1e6


class Kept:
    """For how long the machine ran others while this process or a worker was ready to run."""

    def __init__(self, center: CrewCenter) -> None:
        self._began = time.perf_counter()
        self._watch = Stopwatch(*(one.pid for one in center.workers()))

    def seconds(self) -> float:
        """Return the time until now."""
        return max(0.0, time.perf_counter() - self._began - self._watch.seconds())


def require_ended(
    streams: list[Following], done_at: float, reason: str, within: float, kept: Kept
) -> None:
    """Every stream has ended for a reason, soon after what was done at a time."""
    assert all(one.ended(within + 10.0) for one in streams)
    assert {one.reason for one in streams} == {reason}
    assert max(one.ended_at - done_at for one in streams) - kept.seconds() < within


def reason_now(stream: Following) -> str:
    """Return for what another stream is refused on the same connection."""
    again = Following(stream.line)
    assert again.ended(10.0)
    return again.reason


def test_disconnection_ends_the_streams_of_both_workers_in_time(center: CrewCenter) -> None:
    with followed_at_each(center, "71") as streams:
        kept = Kept(center)
        level = ("--level", "high", "--reason", "a drill")
        center.command("disconnect", uri_of("71"), *level)

        done_at = moment(center, "SELECT at FROM disconnections")
        require_ended(streams, done_at, "DISCONNECTED_TERMINAL", CUT_OFF_WITHIN_SECONDS, kept)
        assert {reason_now(one) for one in streams} == {"DISCONNECTED_TERMINAL"}


def test_revocation_counts_at_both_workers_within_a_second(center: CrewCenter) -> None:
    with followed_at_each(center, "72") as streams:
        kept = Kept(center)
        center.command("revoke", uri_of("72"), "--reason", "stolen")

        done_at = moment(center, "SELECT revoked_at FROM revocations")
        require_ended(streams, done_at, "CERTIFICATE_REVOKED", REVOKED_WITHIN_SECONDS, kept)
        assert {reason_now(one) for one in streams} == {"CERTIFICATE_REVOKED"}


def test_hangup_replaces_every_worker_and_no_call_needs_more_than_one_try_again(
    center: CrewCenter,
) -> None:
    old = {one.pid for one in center.workers()}
    with ExitStack() as opened:
        lines = [opened.enter_context(Asking.at(center.folder, center.address)) for _ in range(3)]
        with asking([*lines]):
            assert center.supervisor is not None
            center.supervisor.send_signal(signal.SIGHUP)
            eventually(lambda: old.isdisjoint(one.pid for one in center.workers()))

    assert [defect for line in lines for defect in line.defects] == []
    assert max(one.tries for line in lines for one in line.answered) <= 2
    assert {one.state for one in center.workers()} == {"ready"}


def test_supervisor_that_is_killed_leaves_no_worker_and_no_port_behind(center: CrewCenter) -> None:
    workers, before, url = center.workers(), Held.by(center.url), center.url
    with ExitStack() as opened:
        asks = [opened.enter_context(Asking.at(center.folder, center.address)) for _ in range(2)]
        acts = [opened.enter_context(Registering.at(center.folder, center.address))]
        lines: list[Line] = [*asks, *acts]
        with asking(lines):
            eventually(lambda: all(line.count > 1 for line in lines))
            assert center.supervisor is not None
            os.kill(center.supervisor.pid, signal.SIGKILL)
            center.supervisor.wait()
            eventually(
                lambda: not any(is_alive(one.pid) for one in workers), DRAINED_WITHIN_SECONDS
            )
            with reserved(center.address):
                pass
            center.start()

    verdict = judged(
        before, Held.by(url), [*(one.answered for one in asks), *(one.answered for one in acts)]
    )
    assert [defect for line in lines for defect in line.defects] == []
    assert (verdict.lost, verdict.twice) == (0, 0)
