"""A client's own certificate against a serving center: enrolment, renewal, recovery, every cut."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from juki_agency.cli import app as agency_app
from juki_agency.config import AgencyConfig
from juki_center.areas.fleet.certificates import CertificateState
from juki_center.config import EnrolmentSettings
from juki_client import certificate_reports as reports
from juki_client import channel, enrolment, rotation, trust_store
from juki_client.identity_slot import IdentitySlot
from juki_client.log_book import LogBook
from juki_client.log_proofs import trusted_log
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Exit, Problem
from juki_client.rotating_channel import RotatingChannel
from juki_desk.cli import app as desk_app
from juki_desk.config import DeskConfig
from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.typed_codes import Use, write_code
from juki_terminal.cli import app as terminal_app
from juki_terminal.config import TerminalConfig
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc
from tests.support.client_config import NAMES, ClientConfig
from tests.support.fleet import CHIYODA_7, DESK_9, PASSPORT_9, Fleet, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from typer import Typer

    from juki_center.areas.fleet.tokens import MadeToken
    from juki_client.identity import ClientIdentity
    from juki_client.report import Report
    from juki_pki.folder import PKIFolder

MOST_CUTS = 120
# An enrolment writes the trust folder too, file by file: some of its steps are enough here.
LONG = bool(os.environ.get("JUKI_LONG"))
STRIDE = 1 if LONG else 5
_DER = Encoding.DER


@pytest.fixture
async def fleet(pki: PKIFolder, tmp_path: Path) -> AsyncIterator[Fleet]:
    """A center that refuses a replaced certificate at once."""
    strict = EnrolmentSettings("127.0.0.1:0", pki.path / "issuing", overlap=timedelta(0))
    async with serving(pki, tmp_path / "center", enrolment=strict) as running:
        yield running


def ticket(fleet: Fleet, made: MadeToken) -> str:
    leaf = fleet.pki.center("center-1").certificate.public_bytes(_DER)
    mark = write_code(enrolment.center_mark(leaf), Use.CENTER_MARK)
    return f"token: {write_code(made.octets, Use.TOKEN)}\ncenter mark: {mark}\n"


async def enrolled(fleet: Fleet, folder: Path) -> ClientConfig:
    """Enrol a terminal by the command's own code, and return its configuration."""
    source = folder.with_suffix(".ticket")
    source.write_text(ticket(fleet, await fleet.token()), encoding="utf-8")
    await asyncio.to_thread(
        reports.enrol,
        fleet.enrolment_address,
        str(source),
        folder,
        NAMES,
        lambda who: who.uri,
    )
    return ClientConfig(folder, fleet.address)


def look(config: ClientConfig) -> ClientIdentity:
    """Call as any command does, and return the certificate that was used."""
    leaves = (config.trust_dir / "center-leaves.pem").read_bytes()
    dial = rotation.dialled(config.center_address, leaves)
    identity = rotation.settle(IdentitySlot(config.certificate, config.key), dial, book_of(config))
    with closing(dial(identity)) as line:
        stub = pb_grpc.EnrollmentServiceStub(line)
        channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
    return identity


def book_of(config: ClientConfig) -> LogBook:
    return LogBook(trusted_log(config.trust_dir), FileShelf(config.log_book))


async def renewed(config: ClientConfig, *, if_due: bool = False) -> Report:
    return await asyncio.to_thread(reports.renew, config, if_due=if_due)


def problem_of(act: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as raised:
        act()
    return raised.value


async def test_enrolling_leaves_a_folder_to_work_from(fleet: Fleet, tmp_path: Path) -> None:
    config = await enrolled(fleet, tmp_path / "terminal")

    identity = await asyncio.to_thread(look, config)

    assert rotation.uri_of(identity) == CHIYODA_7.uri
    assert (config.folder / "terminal.toml").read_text("utf-8") == CHIYODA_7.uri
    assert stat.S_IMODE(config.key.stat().st_mode) == 0o600
    assert config.trust_dir.is_symlink()


async def test_who_has_another_mark_than_the_token_says_is_not_believed(
    fleet: Fleet, other_pki: PKIFolder, tmp_path: Path
) -> None:
    made = await fleet.token()
    leaf = other_pki.center("center-1").certificate.public_bytes(_DER)
    wrong = enrolment.Ticket(made.octets, enrolment.center_mark(leaf))

    problem = await asyncio.to_thread(
        problem_of,
        lambda: enrolment.enrol(
            fleet.enrolment_address, wrong, tmp_path / "terminal", tmp_path / "book"
        ),
    )

    assert (problem.reason, problem.metadata) == ("CENTER_NOT_TRUSTED", {"rule": "CENTER_MARK"})
    rows = fleet.store.read(lambda tx: tx.enrolment_tokens.everything())
    assert [row.used_at for row in rows] == [None]


@pytest.mark.parametrize("line", [0, 1])
def test_a_slip_of_the_finger_is_found_before_anything_is_sent(line: int) -> None:
    lines = [write_code(bytes(16), Use.TOKEN), write_code(bytes(16), Use.CENTER_MARK)]
    lines[line] = "1" + lines[line][1:]

    problem = problem_of(lambda: enrolment.Ticket.parse("\n".join(lines)))

    assert problem.reason == "USAGE_INVALID"


async def test_renewing_puts_a_new_key_in_the_place_of_the_old_one(
    fleet: Fleet, tmp_path: Path
) -> None:
    config = await enrolled(fleet, tmp_path / "terminal")
    before = await asyncio.to_thread(look, config)

    report = await renewed(config)
    after = await asyncio.to_thread(look, config)

    assert report.result["renewed"] is True
    assert after.leaf.public_key() != before.leaf.public_key()
    rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(CHIYODA_7.uri))
    assert [row.state for row in rows] == [CertificateState.CURRENT, CertificateState.RETIRED]
    assert rows[0].fingerprint == after.certificate_hash


async def test_nothing_is_renewed_before_it_is_due(fleet: Fleet, tmp_path: Path) -> None:
    config = await enrolled(fleet, tmp_path / "terminal")
    before = await asyncio.to_thread(look, config)

    report = await renewed(config, if_due=True)

    assert report.result["renewed"] is False
    assert (await asyncio.to_thread(look, config)).certificate_hash == before.certificate_hash


async def test_keys_of_a_folder_made_before_are_renewed_beside_their_place(
    fleet: Fleet, tmp_path: Path
) -> None:
    """A terminal that was set up with `juki-pki issue`: its configuration stays."""
    folder = tmp_path / "terminal"
    source = fleet.pki.peer_path(PeerIdentity(Role.TERMINAL, "02", "131016"))
    (folder / "identity").mkdir(parents=True)
    for name in ("chain.pem", "key.pem"):
        (folder / "identity" / name).write_bytes((source / name).read_bytes())
        (folder / "identity" / name).chmod(0o600)
    _copy(fleet.pki.trust_path, folder / "trust")
    config = ClientConfig(folder, fleet.address)

    await renewed(config)
    identity = await asyncio.to_thread(look, config)

    assert rotation.uri_of(identity) == "juki://municipality/131016/terminal/02"
    assert identity.chain_pem != config.certificate.read_bytes()


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())


def _killed(mode: str, cut: int, folder: Path, *more: str) -> bool:
    """Run a command that is killed at a step; say whether it came so far."""
    command = [sys.executable, "-m", "tests.support.mortal_certificates"]
    done = subprocess.run(
        [*command, mode, str(cut), str(folder), *more], check=False, capture_output=True
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_renewal_killed_at_any_step_leaves_a_terminal_that_connects(
    fleet: Fleet, tmp_path: Path
) -> None:
    config = await enrolled(fleet, tmp_path / "terminal")
    cuts = 0
    for cut in range(1, MOST_CUTS, 1 if LONG else 2):
        before = await asyncio.to_thread(look, config)
        if not await asyncio.to_thread(_killed, "renew", cut, config.folder, fleet.address):
            break
        cuts += 1

        await asyncio.to_thread(look, config)
        await renewed(config)
        after = await asyncio.to_thread(look, config)

        assert after.certificate_hash != before.certificate_hash, cut
        generations = [p for p in (config.certificate.parent / "chain.pem.renewed").iterdir()]
        assert sorted(p.name for p in generations if p.is_symlink()) == ["current"], cut
        assert sum(p.is_dir() and not p.is_symlink() for p in generations) == 1, cut

    print(f"renewal: killed at each of {cuts} steps, connected after each")
    assert cuts > 8


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_enrolment_killed_at_any_step_goes_on_with_the_same_token(
    fleet: Fleet, tmp_path: Path
) -> None:
    cuts = 0
    for cut in range(1, MOST_CUTS, STRIDE):
        folder = tmp_path / f"terminal-{cut}"
        source = tmp_path / "ticket"
        source.write_text(ticket(fleet, await fleet.token()), encoding="utf-8")
        arguments = (fleet.enrolment_address, str(source))
        if not await asyncio.to_thread(_killed, "enrol", cut, folder, *arguments):
            break
        cuts += 1

        await asyncio.to_thread(reports.enrol, *arguments, folder, NAMES, lambda who: who.uri)
        identity = await asyncio.to_thread(look, ClientConfig(folder, fleet.address))

        assert rotation.uri_of(identity) == CHIYODA_7.uri, cut
        assert (folder / "terminal.toml").exists(), cut

    print(f"enrolment: killed at each of {cuts} steps, finished after each")
    assert cuts > 10 // STRIDE


async def test_an_expired_terminal_asks_and_comes_back(
    pki: PKIFolder, fleet: Fleet, tmp_path: Path
) -> None:
    identity = PeerIdentity(Role.TERMINAL, "holiday", "131016")
    begun = datetime.now(UTC) - timedelta(days=395)
    make.issue_peer(pki, identity, Profiles.load(), begun)
    folder = tmp_path / "terminal"
    (folder / "identity").mkdir(parents=True)
    for name in ("chain.pem", "key.pem"):
        (folder / "identity" / name).write_bytes((pki.peer_path(identity) / name).read_bytes())
    _copy(pki.trust_path, folder / "trust")
    config = ClientConfig(folder, fleet.address)

    def ask() -> Report:
        return reports.recover(config, fleet.enrolment_address)

    asked = await asyncio.to_thread(ask)
    number = str(asked.result["recoveryId"])
    await _approve(fleet, number)
    back = await asyncio.to_thread(ask)

    assert asked.exit is Exit.REFUSED
    assert back.exit is Exit.DONE
    assert rotation.uri_of(await asyncio.to_thread(look, config)) == identity.uri


async def _approve(fleet: Fleet, number: str) -> None:
    def act(tx: object) -> None:
        recoveries = tx.recoveries  # type: ignore[attr-defined]  # a transaction
        found = recoveries.find(number)
        recoveries.change(replace(found, state=type(found.state)("APPROVED")))

    await fleet.store.act(act)


async def test_calls_all_the_time_meet_no_failure_while_the_certificate_changes(
    pki: PKIFolder, tmp_path: Path
) -> None:
    settings = EnrolmentSettings("127.0.0.1:0", pki.path / "issuing", overlap=timedelta(seconds=5))
    async with serving(pki, tmp_path / "center", enrolment=settings) as fleet:
        config = await enrolled(fleet, tmp_path / "terminal")
        past = lambda: fleet.clock.forward(seconds=6)  # noqa: E731  # the overlap

        calls = await asyncio.to_thread(_call_through_rotations, config, past)

    print(f"rotation: {calls} calls through 3 exchanges, none failed")
    assert calls > 20


def _call_through_rotations(config: ClientConfig, past: Callable[[], None]) -> int:
    """Call from four threads through three renewals; return how many calls were answered."""
    leaves = (config.trust_dir / "center-leaves.pem").read_bytes()
    dial = rotation.dialled(config.center_address, leaves)
    slot = IdentitySlot(config.certificate, config.key)
    line = RotatingChannel(dial(slot.load()), None)
    stub = pb_grpc.EnrollmentServiceStub(line)  # type: ignore[arg-type]  # it is called like one
    stopped, answered, failed = threading.Event(), [], []

    def call() -> None:
        while not stopped.is_set():
            try:
                channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
                answered.append(1)
            except Problem as problem:
                failed.append(problem)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        new = rotation.renew(slot, dial, book_of(config), datetime.now(UTC))
        assert new.has_changed
        before = line.exchange(dial(new.identity), None)
        assert before.closed.wait(timeout=10)
        past()
    stopped.set()
    for thread in threads:
        thread.join()
    line.close()
    assert failed == []
    return len(answered)


async def test_a_stream_ends_on_the_connection_that_it_began_on(fleet: Fleet) -> None:
    credential = fleet.pki.terminal("131016", "01")
    leaves = fleet.leaves()

    def run() -> tuple[bool, bool]:
        identity = _identity_of(fleet, credential.identity)
        dial = rotation.dialled(fleet.address, leaves)
        line = RotatingChannel(dial(identity), "first")
        with line.held() as held:
            line.exchange(dial(identity), "second")
            stub = pb_grpc.EnrollmentServiceStub(held)  # type: ignore[arg-type]  # as above
            channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
            facts = (held.facts, line.facts)
        line.close()
        return facts == ("first", "second"), True

    assert await asyncio.to_thread(run) == (True, True)


def _identity_of(fleet: Fleet, identity: PeerIdentity) -> ClientIdentity:
    folder = fleet.pki.peer_path(identity)
    return IdentitySlot(folder / "chain.pem", folder / "key.pem").load()


async def test_an_exchange_for_a_center_that_is_not_there_changes_nothing(fleet: Fleet) -> None:
    def run() -> str:
        identity = _identity_of(fleet, fleet.pki.terminal("131016", "01").identity)
        line = RotatingChannel(channel.pinned(fleet.address, identity, fleet.leaves()), "first")
        nowhere = channel.pinned("127.0.0.1:1", identity, fleet.leaves())
        problem = problem_of(lambda: line.exchange(nowhere, "second", seconds=0.2))
        assert problem.reason == "CENTER_UNREACHABLE"
        stub = pb_grpc.EnrollmentServiceStub(line)  # type: ignore[arg-type]  # as above
        channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
        line.close()
        return line.facts

    assert await asyncio.to_thread(run) == "first"


async def test_descriptions_of_another_network_change_nothing(
    fleet: Fleet, other_pki: PKIFolder, tmp_path: Path
) -> None:
    config = await enrolled(fleet, tmp_path / "terminal")
    async with serving(other_pki, tmp_path / "other") as other, other.stranger() as stub:
        foreign = await stub.GetCenterDescriptions(pb.GetCenterDescriptionsRequest(), timeout=10)
    before = trust_store.known_version(config.trust_dir)

    problem = problem_of(lambda: trust_store.take_over(config.trust_dir, foreign.descriptions))

    assert (problem.reason, problem.metadata["rule"]) == (
        "CENTER_NOT_TRUSTED",
        "AUTHORITY_UNKNOWN",
    )
    assert trust_store.known_version(config.trust_dir) == before


CLIENTS = {
    "terminal": (terminal_app, TerminalConfig, CHIYODA_7),
    "agency": (agency_app, AgencyConfig, PASSPORT_9),
    "desk": (desk_app, DeskConfig, DESK_9),
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_each_program_enrols_and_renews_with_the_configuration_that_it_wrote(
    fleet: Fleet, tmp_path: Path, client: str
) -> None:
    app, config_class, peer = CLIENTS[client]
    folder = tmp_path / client
    source = tmp_path / "ticket"
    source.write_text(ticket(fleet, await fleet.token(peer)), encoding="utf-8")
    at = ["--center", fleet.enrolment_address, "--serves", fleet.address]
    config = folder / f"{client}.toml"

    enrolling = await asyncio.to_thread(
        _run, app, "--json", "enrol", *at, "--token-from", str(source), "--dir", str(folder)
    )
    again = await asyncio.to_thread(
        _run, app, "--json", "enrol", *at, "--token-from", str(source), "--dir", str(folder)
    )
    renewing = await asyncio.to_thread(_run, app, "--config", str(config), "--json", "renew")
    waiting = await asyncio.to_thread(
        _run, app, "--config", str(config), "--json", "renew", "--if-due"
    )

    assert enrolling["result"]["uri"] == peer.uri
    assert again["error"]["reason"] == "USAGE_INVALID"
    assert config_class.load(config).certificate == folder.resolve() / "identity/chain.pem"
    assert renewing["result"]["renewed"] is True
    assert waiting["result"]["renewed"] is False


def _run(app: Typer, *args: str) -> dict[str, Any]:  # JSON has any type
    return dict(json.loads(CliRunner().invoke(app, args).stdout))
