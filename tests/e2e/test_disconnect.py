"""Disconnections of a center in a process of its own: its memory, its death, two operators."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from juki_center.areas.cards.drill_cards import OF_A_DRILL
from juki_center.areas.cards.register import CardStatus
from juki_center.cli.opening import open_with_key
from juki_center.cli.operator_channel import OperatorLine, operator_line
from juki_center.config import CenterConfig
from juki_center.errors import Reason, Refusal
from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import disconnection_pb2 as messages
from tests.support.center_process import ROOT, CenterProcess
from tests.support.memory_search import copies, data_key, family
from tests.support.undisturbed import Stopwatch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
_MAIN = "from juki_center.cli import main; main()"
TOKOROZAWA, CHIYODA = "112089", "131016"
WITHIN_SECONDS = 2.0
DRILLS = 3


@dataclass(frozen=True)
class Site:
    """A serving center, and its operator's commands."""

    center: CenterProcess

    @property
    def config(self) -> Path:
        """The center's configuration."""
        return self.center.folder / "center.toml"

    def run(self, *arguments: str) -> tuple[int, dict[str, object]]:
        """Run a command of the operator; return its exit code and its JSON object."""
        command = [sys.executable, "-c", _MAIN, *arguments, "--config", str(self.config), "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def result(self, *arguments: str) -> dict[str, object]:
        """Return the result of a command that succeeds."""
        code, said = self.run(*arguments)
        assert code == 0, said
        found = said["result"]
        assert isinstance(found, dict)
        return found

    def cut_off(self) -> list[str]:
        """Return the names of what is cut off."""
        with contextlib.closing(open_with_key(CenterConfig.load(self.config))) as store:
            return [one.subject.name for one in store.read(lambda tx: tx.disconnections.every())]

    def drill_cards(self) -> list[CardStatus]:
        """Return the states of the cards of all drills."""
        with contextlib.closing(open_with_key(CenterConfig.load(self.config))) as store:
            return [one.status for one in store.read(lambda tx: tx.cards.of_person(OF_A_DRILL))]

    def key(self, municipality: str) -> bytes:
        """Return a municipality's raw data key."""
        state = self.center.folder / "center"
        return data_key(state / "center.sqlite", state / "kek", municipality)

    def in_memory(self, key: bytes) -> int:
        """Return how many copies of a key all processes of the center hold."""
        return sum(copies(pid, key) for pid in family(self.center.pid))

    def line(self, operator: str = "operator-1") -> contextlib.AbstractContextManager[OperatorLine]:
        """Open a channel as an operator."""
        return operator_line(CenterConfig.load(self.config), operator, self.center.address)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a serving center with everybody in it."""
    with CenterProcess(tmp_path / "dev") as center:
        yield Site(center)


def until(condition: Callable[[], bool], *busy: int, seconds: float = WITHIN_SECONDS) -> float:
    """Return how many seconds it took until a condition held, which must be in time.

    A look itself may take long; what it finds was so when it began. `busy`: whose work it is.
    """
    watch, looked = Stopwatch(*busy), 0.0
    while not condition():
        looked = watch.seconds()
        assert looked < seconds
    return looked


def until_dead(center: CenterProcess, call: Callable[[], object]) -> None:
    """Call until the center has died of it; a busy machine may need more than one call."""
    for _ in range(5):
        with pytest.raises(Refusal):
            call()
        if center.wait_for_death(5):
            return
    pytest.fail("the center lives on")


def request(municipality: str = TOKOROZAWA) -> pb.DisconnectRequest:
    """Return the request that cuts a municipality off."""
    subject = messages.Subject(scope=messages.SCOPE_MUNICIPALITY, name=municipality)
    return pb.DisconnectRequest(
        request_id=str(uuid.uuid4()),
        subject=subject,
        level=messages.THREAT_LEVEL_HIGH,
        reason="exposed media",
    )


def test_the_key_leaves_every_process_of_the_center(site: Site) -> None:
    key, other = site.key(TOKOROZAWA), site.key(CHIYODA)
    before = site.in_memory(key)

    site.result("disconnect", TOKOROZAWA, "--level", "high", "--reason", "exposed media")
    took = until(lambda: site.in_memory(key) == 0, *family(site.center.pid))

    print(f"\nkey in memory: before={before} after=0 within {took * 1000:.0f} ms")
    assert before >= 1, "the search finds no key where one is in use"
    assert site.in_memory(other) >= 1


def test_case_41_two_operators_connect_again(site: Site) -> None:
    site.result("disconnect", TOKOROZAWA, "--level", "high", "--reason", "exposed media")
    where = ("--center", site.center.address)
    again = ("reconnect", TOKOROZAWA, "--as", "operator-1", *where)
    proposed = str(site.result(*again)["approval_id"])

    early = site.run(*again, "--approval", proposed)
    alone = site.run("approve", proposed, "--yes", "--as", "operator-1", *where)
    site.result("approve", proposed, "--yes", "--as", "operator-2", *where)
    site.result(*again, "--approval", proposed)

    assert _reason(early) == "APPROVAL_PENDING"
    assert alone[0] == 3
    assert site.cut_off() == []


def _reason(ended: tuple[int, dict[str, object]]) -> str:
    code, said = ended
    assert code == 3
    error = said["error"]
    assert isinstance(error, dict)
    return str(error["reason"])


def test_case_41_one_operator_alone_connects_nothing(site: Site) -> None:
    site.result("disconnect", "center", "--level", "high", "--reason", "exposed media")
    subject = messages.Subject(scope=messages.SCOPE_CENTER)
    asked = pb.ReconnectRequest(request_id=str(uuid.uuid4()), subject=subject)

    with site.line() as line, pytest.raises(Refusal) as refused:
        line.call(pb_grpc.CenterServiceStub(line.channel).Reconnect, asked)

    assert refused.value.reason is Reason.APPROVAL_REQUIRED
    assert site.cut_off() == [""]


@pytest.mark.parametrize(("point", "is_cut_off"), [("written", False), ("committed", True)])
def test_a_center_that_dies_in_a_disconnect_has_done_it_or_not(
    tmp_path: Path, point: str, is_cut_off: bool
) -> None:
    center = CenterProcess(tmp_path / "dev", is_forked=True)
    center.start(cut=f"disconnect:{point}")
    site, asked = Site(center), request()
    with site.line() as line:
        stub = pb_grpc.CenterServiceStub(line.channel)
        until_dead(center, lambda: line.call(stub.Disconnect, asked))
    found = site.cut_off()

    with center, site.line() as line:
        stub = pb_grpc.CenterServiceStub(line.channel)
        answer = line.call(stub.Disconnect, asked)
        leaves = [one for one in site.cut_off() if one == TOKOROZAWA]
        key = site.key(TOKOROZAWA)
        until(lambda: site.in_memory(key) == 0, *family(center.pid))

    assert found == ([TOKOROZAWA] if is_cut_off else [])
    assert answer.disconnection.subject == asked.subject
    assert leaves == [TOKOROZAWA]


@pytest.mark.parametrize(("point", "is_cut_off"), [("written", True), ("committed", False)])
def test_a_center_that_dies_in_a_reconnect_has_done_it_or_not(
    tmp_path: Path, point: str, is_cut_off: bool
) -> None:
    center = CenterProcess(tmp_path / "dev", is_forked=True)
    center.start(cut=f"reconnect:{point}")
    site, subject = Site(center), request().subject
    site.result("disconnect", TOKOROZAWA, "--level", "low", "--reason", "a drill")
    with site.line() as line, site.line("operator-2") as second:
        asked = pb.ReconnectRequest(request_id=str(uuid.uuid4()), subject=subject)
        asked.approval_id = approved(line, second, asked)
        stub = pb_grpc.CenterServiceStub(line.channel)
        until_dead(center, lambda: line.call(stub.Reconnect, asked))
    found = site.cut_off()

    with center, site.line() as line:
        ended = line.call(pb_grpc.CenterServiceStub(line.channel).Reconnect, asked).ended
        after = site.cut_off()

    assert found == ([TOKOROZAWA] if is_cut_off else [])
    assert ended.subject == subject
    assert after == []


def approved(line: OperatorLine, second: OperatorLine, asked: pb.ReconnectRequest) -> str:
    """Have one operator propose and the other approve; return the approval's id."""
    method = "/jukinet.operations.v1.CenterService/Reconnect"
    proposal = line.propose(method, asked)
    request = approvals_pb.ApproveRequest(
        request_id=str(uuid.uuid4()), approval_id=proposal.approval_id, digest=proposal.digest
    )
    second.call(second.approvals.Approve, request)
    return proposal.approval_id


def test_a_drill_measures_and_puts_all_back(site: Site) -> None:
    arguments = ("--other", TOKOROZAWA, "--as", "operator-1", "--second", "operator-2")
    two = ("--terminal", "01", "--terminal", "02", "--center", site.center.address)

    # What it measures is judged by the clock: on a machine that was busy with others, once more.
    drills = (site.result("drill", CHIYODA, *arguments, *two) for _ in range(DRILLS))
    measured = next(one for one in drills if one["withinLimits"])

    print(f"\ndrill: {measured}")
    assert measured["streams"] == 2
    assert 0 < int(str(measured["suspendedMs"])) < WITHIN_SECONDS * 1000
    assert measured["healed"] == []
    assert site.cut_off() == []
    assert set(site.drill_cards()) == {CardStatus.LAPSED}


def test_case_42_a_drill_that_is_killed_is_put_back_by_the_next_command(site: Site) -> None:
    people = ("--as", "operator-1", "--second", "operator-2", "--center", site.center.address)
    drill = ("drill", CHIYODA, "--other", TOKOROZAWA, *people, "--config", str(site.config))
    with subprocess.Popen([sys.executable, "-c", _MAIN, *drill], cwd=ROOT) as process:
        until(lambda: site.cut_off() == [CHIYODA], seconds=60)
        process.kill()
    left, cards = site.cut_off(), site.drill_cards()

    healed = site.result("drill", "--undo", *people)["healed"]
    again = site.result("drill", "--undo", *people)["healed"]

    assert (left, len(cards)) == ([CHIYODA], 1)
    assert cards[0] in {CardStatus.ACTIVE, CardStatus.SUSPENDED}
    assert (healed, again) == (["card", CHIYODA], [])
    assert site.cut_off() == []
    assert set(site.drill_cards()) == {CardStatus.LAPSED}


def test_what_an_operator_has_cut_off_is_not_put_back_as_a_drills(site: Site) -> None:
    people = ("--as", "operator-1", "--second", "operator-2", "--center", site.center.address)
    site.result("disconnect", CHIYODA, "--level", "none", "--reason", "a drill by hand")

    healed = site.result("drill", "--undo", *people)["healed"]

    assert healed == []
    assert site.cut_off() == [CHIYODA]


def test_a_drill_without_two_municipalities_or_two_operators_closes_nothing(site: Site) -> None:
    """One operator alone could not connect again what the drill has cut off."""
    two = ("--as", "operator-1", "--second", "operator-2")
    tried = (
        ("drill", *two),
        ("drill", TOKOROZAWA, *two),
        ("drill", "--other", TOKOROZAWA, *two),
        ("drill", "112080", "--other", CHIYODA, *two),
        ("drill", TOKOROZAWA, "--other", CHIYODA, "--as", "operator-1", "--second", "operator-1"),
    )

    codes = [site.run(*arguments)[0] for arguments in tried]

    assert codes == [2] * len(tried)
    assert (site.cut_off(), site.drill_cards()) == ([], [])


def test_a_drill_in_production_must_be_really_meant(site: Site) -> None:
    text = site.config.read_text().replace('environment = "dev"', 'environment = "production"')
    site.config.write_text(text)
    arguments = ("--other", CHIYODA, "--as", "operator-1", "--second", "operator-2")

    code, said = site.run("drill", TOKOROZAWA, *arguments)

    assert code == 2
    assert said["ok"] is False
    assert site.cut_off() == []
