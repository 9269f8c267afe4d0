"""The terminals as operators see them: the list, the counts, and who is alerted of."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_center.areas.alerts.rules import AlertKind, AlertPolicy
from juki_center.areas.alerts.terminals import tell, troubles
from juki_center.areas.fleet.certificates import CertificateState
from juki_center.areas.fleet.disconnections import Disconnection, Level, Scope, Subject
from juki_center.areas.fleet.reports import TerminalReport
from juki_center.areas.fleet.revocations import OfPeer, Revocation, RevocationReason
from juki_center.areas.fleet.terminals import OTHERS, FleetLimits, TerminalView, counts
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.commands import app
from juki_center.cli.fleet_watch import FleetWatch
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.metrics import Metrics
from tests.support.center import open_test_store
from tests.support.leaves import leaves
from tests.unit.center_rpc.test_certificates_command import entered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_center.areas.ports import Tx
    from juki_center.storage.sqlite import SQLiteStore

_NO_TERMINAL = "No terminal has this URI; `juki-center terminals list` shows them all."
_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
[alerts]
silent_minutes = 120
"""
# A Tuesday at noon in Japan, when windows are open.
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY, LIMITS = AlertPolicy(time(8, 0), time(20, 0)), FleetLimits(silent_for=HOUR)
WATCH = "juki://center/log-watch"


def uri(name: str, municipality: str = "131016") -> str:
    return f"juki://municipality/{municipality}/terminal/{name}"


def reported(name: str, at: datetime, municipality: str = "131016") -> TerminalReport:
    made = at - timedelta(minutes=3)
    return TerminalReport(
        uri(name, municipality), at, "1.4.0", 7, made, reader_ready=True, printer_ready=False
    )


def view(at: datetime | None, **changes: object) -> TerminalView:
    report = None if at is None else reported("01", at)
    chiyoda = MunicipalityCode("131016")
    one = TerminalView(uri("01"), chiyoda, report, NOON + 300 * DAY, None, is_revoked=False)
    return replace(one, **changes)  # type: ignore[arg-type]  # each test names what it changes


def furnish(tx: Tx, now: datetime) -> None:
    """Five terminals: well, silent, with an old hotlist, never heard of, and cut off."""
    for name, days in (("01", 300), ("02", 20), ("03", 300), ("04", 300)):
        tx.peer_certificates.add(entered(uri(name), now + days * DAY))
    tx.peer_certificates.add(entered(uri("05", "112089"), now + 300 * DAY))
    retired = entered(uri("06"), now + DAY, state=CertificateState.RETIRED)
    tx.peer_certificates.add(retired)
    tx.peer_certificates.add(entered("juki://agency/passport-1", now + DAY))
    tx.terminal_reports.put(reported("01", now - timedelta(minutes=5)))
    tx.terminal_reports.put(reported("02", now - 3 * HOUR))
    tx.terminal_reports.put(replace(reported("03", now), version="1.5.0", hotlist_made_at=None))
    tx.terminal_reports.put(reported("05", now - 2 * DAY, "112089"))
    cut = Subject(Scope.MUNICIPALITY, "112089")
    tx.disconnections.put(Disconnection(cut, Level.LOW, "a drill", now, WATCH))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(open_test_store(tmp_path)) as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a center with five terminals."""
    with closing(open_test_store(tmp_path)) as opened:
        asyncio.run(opened.act(lambda tx: furnish(tx, datetime.now(UTC))))
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG, encoding="utf-8")
    return path


def listed(config: Path, *options: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(
        app, ["terminals", "list", *options, "--config", str(config), "--json"]
    )
    assert done.exit_code == 0, done.output
    found: list[dict[str, object]] = json.loads(done.stdout)["result"]["terminals"]
    return found


def test_every_terminal_is_listed_with_its_report_and_its_certificate(config: Path) -> None:
    found = {str(one["uri"])[-2:]: one for one in listed(config)}

    assert sorted(found) == ["01", "02", "03", "04", "05"]
    states = [found[name]["state"] for name in sorted(found)]
    assert states == ["REPORTING", "SILENT", "REPORTING", "NEVER", "SILENT"]
    assert (found["01"]["version"], found["01"]["hotlist_age_seconds"]) == ("1.4.0", 180)
    assert (found["01"]["reader_ready"], found["01"]["printer_ready"]) == (True, False)
    assert (found["03"]["hotlist_is_old"], found["01"]["hotlist_is_old"]) == (True, False)
    assert (found["05"]["cut_off"], found["01"]["cut_off"]) == ("MUNICIPALITY", None)
    assert found["04"]["seen_at"] is None


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--municipality", "112089"), ["05"]),
        (("--silent", "60"), ["02", "04", "05"]),
        (("--expiring", "30"), ["02"]),
        (("--version", "1.5.0"), ["03"]),
        (("--silent", "60", "--municipality", "131016", "--version", "1.4.0"), ["02"]),
        (("--municipality", "271004"), []),
    ],
)
def test_a_filter_leaves_those_that_fit(
    config: Path, options: tuple[str, ...], names: list[str]
) -> None:
    assert sorted(str(one["uri"])[-2:] for one in listed(config, *options)) == names


def test_the_list_is_readable_without_json(config: Path) -> None:
    done = CliRunner().invoke(app, ["terminals", "list", "--config", str(config)])

    lines = done.stdout.splitlines()
    assert lines[-1] == "5 of 5 terminals"
    assert lines[3].endswith("old hotlist")
    assert lines[0].endswith("cut off (MUNICIPALITY)")


def test_one_terminal_is_shown_with_its_certificates(config: Path) -> None:
    shown = ["terminals", "show", uri("01"), "--config", str(config)]

    done, plain = (CliRunner().invoke(app, [*shown, *option]) for option in (["--json"], []))

    result = json.loads(done.stdout)["result"]
    assert result["terminal"]["uri"] == uri("01")
    assert [one["state"] for one in result["certificates"]] == ["CURRENT"]
    assert "certificate          CURRENT until" in plain.stdout


@pytest.mark.parametrize("unknown", [uri("99"), "juki://agency/passport-1", "x"])
def test_who_is_no_terminal_is_not_shown(config: Path, unknown: str) -> None:
    done = CliRunner().invoke(
        app, ["terminals", "show", unknown, "--config", str(config), "--json"]
    )

    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["message"] == _NO_TERMINAL


def test_states_and_versions_are_counted_and_made_up_versions_together() -> None:
    made_up = [
        view(NOON, report=replace(reported("01", NOON), version=f"9.{number}"))
        for number in range(40)
    ]
    real = [view(NOON) for _ in range(3)]
    others = [view(NOON - 2 * HOUR), view(None, ends_at=None), view(NOON, is_revoked=True)]

    states, versions = counts([*made_up, *real, *others], NOON, LIMITS)

    assert states == {
        "reporting": 43,
        "silent": 1,
        "never": 1,
        "expiring": 1,
        "old_hotlist": 0,
        "cut_off": 0,
        "revoked": 1,
    }
    assert versions["1.4.0"] == 5
    assert (len(versions), versions[OTHERS]) == (11, 31)


def kinds(*found: TerminalView, now: datetime = NOON) -> list[AlertKind]:
    return [one.kind for one in troubles(found, now, POLICY, LIMITS)]


def test_a_terminal_that_falls_silent_while_windows_are_open_is_worth_an_alert() -> None:
    assert kinds(view(NOON - HOUR)) == [AlertKind.TERMINAL_SILENT]
    assert kinds(view(NOON - HOUR + timedelta(seconds=1))) == []


@pytest.mark.parametrize(
    ("case", "now"),
    [
        ("at night", NOON + 12 * HOUR),
        ("in the first hour, when machines are switched on", NOON - 3.5 * HOUR),
        ("on a Sunday", NOON + 5 * DAY),
        ("on a holiday", datetime(2026, 11, 23, 3, tzinfo=UTC)),
    ],
)
def test_nobody_is_woken_for_a_silence_while_windows_are_closed(case: str, now: datetime) -> None:
    assert kinds(view(now - 2 * HOUR), now=now) == [], case


@pytest.mark.parametrize(
    "quiet",
    [
        view(None),
        view(NOON - 7 * DAY),
        view(NOON - 2 * HOUR, cut_off=Scope.TERMINAL),
        view(NOON - 2 * HOUR, is_revoked=True),
    ],
)
def test_who_is_silent_by_order_or_out_of_service_is_no_alert(quiet: TerminalView) -> None:
    assert kinds(quiet) == []


@pytest.mark.parametrize("made", [None, NOON - HOUR])
def test_a_terminal_that_works_by_an_old_hotlist_is_worth_an_alert(made: datetime | None) -> None:
    old = view(NOON, report=replace(reported("01", NOON), hotlist_made_at=made))

    assert kinds(old) == [AlertKind.OLD_HOTLIST]


def test_each_silence_is_told_once_and_the_next_one_again(store: SQLiteStore) -> None:
    def told(at: datetime, now: datetime) -> int:
        found = troubles([view(at)], now, POLICY, LIMITS)
        return len(asyncio.run(store.act(lambda tx: tell(tx, found, now, WATCH))))

    first = [told(NOON - HOUR, NOON), told(NOON - HOUR, NOON + HOUR)]
    again = told(NOON + HOUR, NOON + 2 * HOUR)

    assert (first, again) == ([1, 0], 1)
    raised = [leaf for leaf in leaves(store) if leaf["ev"] == "ALERT_RAISED"]
    assert len(raised) == 2


def test_the_watch_counts_raises_and_tells_no_uri_in_its_metrics(store: SQLiteStore) -> None:
    written: list[bytes] = []
    log, metrics = AccessLog(written.append), Metrics()
    watch = FleetWatch(store, POLICY, LIMITS, log, metrics, lambda: NOON)

    async def look_twice() -> list[int]:
        await store.act(lambda tx: furnish(tx, NOON))
        return [len(await watch.look()), len(await watch.look())]

    assert asyncio.run(look_twice()) == [2, 0]
    log.flush()
    told = metrics.exposition().decode()
    assert 'juki_terminals{state="silent"} 2.0' in told
    assert 'juki_terminals{state="cut_off"} 1.0' in told
    assert 'juki_terminal_versions{version="1.4.0"} 3.0' in told
    assert 'juki_alerts_total{kind="OLD_HOTLIST"} 1.0' in told
    assert "juki://" not in told
    assert uri("02").encode() in b"".join(written)


def test_a_revoked_terminal_is_listed_as_such(store: SQLiteStore) -> None:
    one = Revocation(OfPeer(uri("01")), RevocationReason.STOLEN, NOON, WATCH)
    watch = FleetWatch(store, POLICY, LIMITS, AccessLog([].append), Metrics(), lambda: NOON)

    async def look() -> str:
        await store.act(lambda tx: furnish(tx, NOON))
        await store.act(lambda tx: tx.revocations.add(one))
        await watch.look()
        return watch.metrics.exposition().decode()

    assert 'juki_terminals{state="revoked"} 1.0' in asyncio.run(look())
