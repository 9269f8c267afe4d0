"""`juki-agency watch`: notices in order, none lost whatever is cut, each cursor kept after it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import grpc
import pytest

from juki_agency import watch as watch_module
from juki_agency.center import Center
from juki_agency.config import AgencyConfig
from juki_agency.patience import Patience
from juki_agency.watch import CursorFile, watch_changes
from juki_client.outcome import Problem
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1 import residence_record_pb2 as residents_pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.unit.agency.center_double import AgencyDouble
from tests.unit.agency.conftest import Run

DATE = CivilDate(
    calendar=CivilDate.CALENDAR_GREGORIAN,
    year=2026,
    month=11,
    day=20,
    precision=CivilDate.PRECISION_DAY,
)


def notice(number: int) -> pb.WatchChangesResponse:
    message = pb.ChangeNotice(
        subject_reference=bytes([number]) * 16,
        reason=residents_pb.CHANGE_REASON_MOVE_OUT,
        change_date=DATE,
        changed_items=[pb.ITEM_ADDRESS],
    )
    message.record_time.FromSeconds(1_700_000_000 + number)
    return pb.WatchChangesResponse(notice=message, cursor=b"c%d" % number)


def caught_up(cursor: bytes, *waiting: str) -> pb.WatchChangesResponse:
    message = pb.CaughtUp(waiting_municipality_codes=waiting)
    message.as_of.FromSeconds(1_700_000_100)
    return pb.WatchChangesResponse(caught_up=message, cursor=cursor)


def kept(path: Path) -> bytes:
    return base64.b64decode(json.loads(path.read_text(encoding="utf-8"))["cursor"])


@pytest.fixture
def center(config: Path) -> Center:
    return Center.of(AgencyConfig.load(config))


def test_notices_are_printed_in_order_and_the_cursor_is_kept(
    run: Run, double: AgencyDouble, tmp_path: Path
) -> None:
    double.changes = [[notice(1), notice(2), caught_up(b"c2", "112089")]]
    state = tmp_path / "cursor"

    ended = run("watch", "--affair", "passport", "--state", str(state), "--once")

    objects = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert objects[0]["result"]["notice"] == {
        "subject_reference": "01" * 16,
        "reason": "MOVE_OUT",
        "change_date": "2026年11月20日",
        "changed_items": ["address"],
        "record_time": "2023-11-14T22:13:21Z",
    }
    assert objects[1]["result"]["notice"]["subject_reference"] == "02" * 16
    assert objects[2]["result"] == {
        "notices": 2,
        "as_of": "2023-11-14T22:15:00Z",
        "waiting": ["112089"],
    }
    assert (double.cursors, kept(state)) == ([b""], b"c2")


def test_second_run_goes_on_from_the_kept_cursor(
    run: Run, double: AgencyDouble, tmp_path: Path
) -> None:
    command = ("watch", "--affair", "passport", "--state", str(tmp_path / "cursor"), "--once")
    double.changes = [[notice(1), caught_up(b"c1")]]
    run(*command)
    double.changes = [[caught_up(b"c1")]]

    ended = run(*command, as_json=False, lang="ja")

    assert double.cursors == [b"", b"c1"]
    assert "0件" in ended.out


def test_stream_that_breaks_is_opened_again_at_the_cursor(
    center: Center, double: AgencyDouble, tmp_path: Path
) -> None:
    double.changes = [[notice(1)], [notice(2)], [caught_up(b"c2")]]
    told: list[str] = []
    pauses: list[float] = []

    watch_changes(
        center,
        CursorFile(tmp_path / "cursor", "passport"),
        Patience(60, pauses.append),
        lambda message: told.append(message.WhichOneof("step") or ""),
        once=True,
    )

    assert told == ["notice", "notice", "caught_up"]
    assert double.cursors == [b"", b"c1", b"c2"]
    assert pauses == [0.5, 0.5]


@pytest.mark.parametrize("before", [True, False], ids=["before keeping", "after keeping"])
def test_cut_around_the_keeping_of_a_cursor_loses_no_notice(
    center: Center,
    double: AgencyDouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: bool,
) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL."""

    original = watch_module.keep

    def dying(path: Path, content: dict[str, object]) -> None:
        if not before:
            original(path, content)  # type: ignore[arg-type]  # passed on as it came
        raise Killed

    state, told = CursorFile(tmp_path / "cursor", "passport"), []
    double.changes = [[notice(1), notice(2), caught_up(b"c2")]]
    monkeypatch.setattr(watch_module, "keep", dying)

    with pytest.raises(Killed):
        watch_changes(center, state, Patience(0), told.append, once=True)

    assert [message.cursor for message in told] == [b"c1"]
    assert state.read() == (b"" if before else b"c1")


@pytest.mark.parametrize(
    "content",
    [
        '{"v": 1, "affair": "pension", "cursor": "YzE="}',
        '{"v": 1, "affair": "passport", "cursor": 5}',
        '{"v": 1, "affair": "passport", "cursor": "%"}',
        "{",
        "[]",
    ],
)
def test_state_of_another_affair_or_none_is_refused(
    run: Run, double: AgencyDouble, tmp_path: Path, content: str
) -> None:
    state = tmp_path / "cursor"
    state.write_text(content, encoding="utf-8")

    ended = run("watch", "--affair", "passport", "--state", str(state), "--once")

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "FILE_NOT_USABLE")
    assert double.cursors == []


def test_refusal_ends_the_watch(run: Run, double: AgencyDouble, tmp_path: Path) -> None:
    double.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_UNKNOWN")

    ended = run("watch", "--affair", "passport", "--state", str(tmp_path / "cursor"))

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "CURSOR_UNKNOWN")


def test_patience_doubles_its_pauses_and_ends() -> None:
    pauses: list[float] = []
    times = iter([0.0, 1.0, 3.0, 9.0, 60.0])
    patience = Patience(60, pauses.append, lambda: next(times))
    gone = Problem("CENTER_UNREACHABLE")

    for _ in range(4):
        patience.bear(gone)

    with pytest.raises(Problem):
        patience.bear(gone)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_patience_without_end_pauses_half_a_minute_at_most() -> None:
    pauses: list[float] = []
    patience = Patience(None, pauses.append)

    for _ in range(12):
        patience.bear(Problem("OVERLOADED"))

    assert max(pauses) == 30.0


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [("7", 7.0, 7.7), ("0.2", 0.5, 0.5), ("1e9", 300.0, 300.0), ("soon", 0.5, 0.5)],
)
def test_patience_waits_as_long_as_the_center_tells(told: str, least: float, most: float) -> None:
    pauses: list[float] = []
    patience = Patience(60, pauses.append)

    patience.bear(Problem("OVERLOADED", {"retryAfterSeconds": told}))

    assert least <= pauses[0] <= most
