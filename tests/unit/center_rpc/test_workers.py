"""What a supervisor stands on: ports that are its own, turns, one page of metrics, its orders."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_center.cli.commands import app
from juki_center.cli.crew import Crew
from juki_center.cli.crew_errors import RenewalFailed, SupervisorAbsent
from juki_center.cli.duty import FileTurn, by_one
from juki_center.cli.reserved_port import AddressTakenError, reserved
from juki_center.cli.supervisor_line import RESTART, SHOW, line_of, order, taking_orders
from juki_center.cli.worker_metrics import merged
from juki_center.cli.worker_place import WorkerPlace
from juki_center.config import CenterConfig

_CONFIG = """
environment = "dev"
[listen]
grpc = "127.0.0.1:0"
http = "127.0.0.1:0"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "{url}"
"""
_FILE = "sqlite:///center.sqlite"


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def can_listen(port: int, *options: int) -> bool:
    with socket.socket() as one:
        for option in options:
            one.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            one.bind(("127.0.0.1", port))
            one.listen()
        except OSError:
            return False
        return True


def test_reserved_port_is_shared_by_those_that_ask_to_and_nobody_else() -> None:
    with reserved("127.0.0.1:0") as address:
        port = port_of(address)

        assert can_listen(port, socket.SO_REUSEPORT)
        assert not can_listen(port)
        assert not can_listen(port, socket.SO_REUSEADDR)
    assert can_listen(port)


def test_port_that_is_reserved_is_not_reserved_again() -> None:
    with (
        reserved("127.0.0.1:0") as address,
        pytest.raises(AddressTakenError),
        reserved(address),
    ):
        pytest.fail("two supervisors share a port")


def test_port_on_which_somebody_shares_already_is_refused() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"

        with pytest.raises(AddressTakenError), reserved(address):
            pytest.fail("a stranger listens there too")


def test_no_address_is_nothing_to_reserve() -> None:
    with reserved("") as address:
        assert address == ""


def test_metrics_of_workers_are_told_together_and_told_apart() -> None:
    first = '# HELP a Acts.\n# TYPE a gauge\na 1.0\n# HELP b B.\n# TYPE b gauge\nb{c="{}"} 2.0\n'
    second = "# HELP a Acts.\n# TYPE a gauge\na 3.0\n"

    assert merged({0: first, 5: second}).splitlines() == [
        "# HELP a Acts.",
        "# TYPE a gauge",
        'a{worker="0"} 1.0',
        'a{worker="5"} 3.0',
        "# HELP b B.",
        "# TYPE b gauge",
        'b{c="{}",worker="0"} 2.0',
    ]


def test_worker_listens_where_the_supervisor_says(tmp_path: Path) -> None:
    config = CenterConfig.parse(
        {
            "environment": "dev",
            "pki": {"dir": "p"},
            "keys": {"kek": "k"},
            "store": {"url": "sqlite:///x"},
        },
        base=tmp_path,
    )
    place = WorkerPlace(1, "127.0.0.1:5", "127.0.0.1:6", "/run/1.status")

    told = WorkerPlace.of(place.variables())

    assert told == place
    assert place.placed(config).listen_grpc == "127.0.0.1:5"
    assert place.placed(config).listen_http == "unix:/run/1.status"
    assert place.placed(config).enrolment.listen == "127.0.0.1:6"
    assert WorkerPlace.of({}) is None


class Duties:
    """Notes who works, and lets a test wait for it."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.changed = asyncio.Event()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        self.at_work.append(name)
        self.changed.set()
        try:
            yield
        finally:
            self.at_work.remove(name)


def test_work_is_done_by_one_and_taken_over_by_the_other(tmp_path: Path) -> None:
    async def two() -> list[list[str]]:
        duties, seen = Duties(), []
        path = tmp_path / "turn"
        async with by_one(FileTurn(path), lambda: duties.of("second"), 0.01) as _:
            async with asyncio.timeout(10):
                await duties.changed.wait()
            seen.append(list(duties.at_work))
            other = FileTurn(path)
            assert not other.take()
        duties.changed.clear()
        seen.append(list(duties.at_work))
        async with by_one(other, lambda: duties.of("third"), 0.01):
            async with asyncio.timeout(10):
                await duties.changed.wait()
            seen.append(list(duties.at_work))
        return seen

    assert asyncio.run(two()) == [["second"], [], ["third"]]


class Renewals:
    """Takes orders in a supervisor's place; whether renewals succeed is said before."""

    def __init__(self, *, good: bool) -> None:
        self.crew = Crew(1)
        self.crew.steps(0.0)
        self.crew.has_got_ready(0, 0.0)
        self.renewed = 0
        self._good = good

    async def renew(self) -> None:
        if not self._good:
            raise RenewalFailed
        self.renewed += 1

    def pids(self) -> dict[int, int]:
        return {0: 4711}


@pytest.mark.parametrize("what", [SHOW, RESTART])
def test_orders_are_done_and_answered_with_the_workers(tmp_path: Path, what: str) -> None:
    renewals = Renewals(good=True)

    async def ordered() -> object:
        local = tmp_path / "local"
        async with taking_orders(renewals, local):
            assert line_of(local).stat().st_mode & 0o777 == 0o600
            return await asyncio.to_thread(order, line_of(local), what)

    assert asyncio.run(ordered()) == [{"worker": 0, "pid": 4711, "state": "ready", "restarts": 0}]
    assert renewals.renewed == (what == RESTART)


def test_failed_renewal_is_said_to_who_ordered_it(tmp_path: Path) -> None:
    async def ordered() -> None:
        local = tmp_path / "local"
        async with taking_orders(Renewals(good=False), local):
            with pytest.raises(RenewalFailed):
                await asyncio.to_thread(order, line_of(local), RESTART)

    asyncio.run(ordered())


def test_order_to_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SupervisorAbsent):
        order(tmp_path / "local.workers", SHOW)


def run(*arguments: str) -> tuple[int, dict[str, str]]:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    return done.exit_code, json.loads(done.stdout.splitlines()[0])["error"]


def configured(folder: Path, url: str) -> Path:
    path = folder / "center.toml"
    path.write_text(_CONFIG.format(url=url), encoding="utf-8")
    return path


def test_workers_on_a_store_in_a_file_are_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, _FILE)

    code, error = run("serve", "--workers", "2", "--config", str(config))

    assert code == 2
    assert error["reason"] == "CONFIGURATION_INVALID"
    assert "store.url" in error["message"]


def test_more_ready_workers_than_workers_are_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, "postgresql:///center")

    code, error = run(
        "serve", "--workers", "2", "--ready-workers", "3", "--config", str(config)
    )  # fmt: skip

    assert (code, error["reason"]) == (2, "CONFIGURATION_INVALID")


@pytest.mark.parametrize("what", [SHOW, RESTART])
def test_order_needs_the_local_socket(tmp_path: Path, what: str) -> None:
    config = configured(tmp_path, "postgresql:///center")

    code, error = run("workers", what, "--config", str(config))

    assert (code, error["reason"]) == (2, "CONFIGURATION_INVALID")
    assert "listen.local" in error["message"]


def test_supervisor_imports_no_grpc() -> None:
    program = (
        "import sys; import juki_center.cli.serving, juki_center.cli.supervisor;"
        "print([one for one in ('grpc', 'psycopg', 'cryptography') if one in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
