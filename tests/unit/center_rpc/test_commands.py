"""`juki-center` at the command line: exit codes, envelopes, and what it leaves behind."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from juki_card.virtual.blank_memory import BlankMemory
from juki_cardbox.cardfile import CardFile
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import CardKind, Purpose
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.days import day_in_japan
from juki_center.areas.fleet.reports import TerminalReport
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.cli import assembly, cards_commands, doctor, event_loop
from juki_center.cli.commands import app
from juki_center.cli.dev_folder import DevFolder, SampleCard, enter_samples
from juki_center.cli.opening import opened_store
from juki_center.config import CenterConfig, Environment
from juki_center.errors import Refusal
from juki_center.storage import open_store
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.rotation import LOOK_UP
from juki_desk.config import DeskConfig
from juki_pki.errors import Missing
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.renewal import renew_access
from tests.support.log_acts import EVENT
from tests.support.log_keys import TroubledSigner

if TYPE_CHECKING:
    from juki_center.areas.ports import Tx

CODE = "05769813421"


async def enter(folder: DevFolder, cards: tuple[SampleCard, ...]) -> dict[bytes, CardNumber]:
    now = datetime.now(UTC)
    async with opened_store(CenterConfig.load(folder.config)) as store:
        return await store.act(lambda tx: enter_samples(tx, cards, now))


@dataclass(frozen=True)
class Made:
    """A development folder as `dev` makes it, and its cards."""

    folder: DevFolder
    cards: tuple[SampleCard, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A folder that tests copy."""
    folder = DevFolder(tmp_path_factory.mktemp("dev"))
    now = datetime.now(UTC)
    folder.prepare(now)
    text = folder.config.read_text()
    folder.config.write_text(text.replace("127.0.0.1:744", "127.0.0.1:1"))  # nobody listens there
    cards = folder.make_cards(now)
    folder.write_texts(cards, "127.0.0.1:7443", event_loop.run(enter(folder, cards)))
    return Made(folder, cards)


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> DevFolder:
    """A copy of the folder, for one test."""
    shutil.copytree(made.folder.path, tmp_path / "dev")
    return DevFolder(tmp_path / "dev")


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(self.out)
        return parsed


def run(*arguments: str, given: str = "") -> Ran:
    result = CliRunner().invoke(app, list(arguments), input=given)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def cards(folder: DevFolder, verb: str, *more: str, given: str = CODE) -> Ran:
    return run("cards", verb, "--config", str(folder.config), "--json", *more, given=given)


def statuses(ran: Ran) -> list[str]:
    result = ran.envelope["result"]
    assert isinstance(result, dict)
    return [card["status"] for card in result["cards"]]


def reason(ran: Ran) -> str:
    error = ran.envelope["error"]
    assert isinstance(error, dict)
    return str(error["reason"])


def test_folder_of_an_earlier_version_is_given_the_peers_it_lacks(folder: DevFolder) -> None:
    pension_office = folder.pki.peer_path(PeerIdentity(Role.AGENCY, "pension-1"))
    shutil.rmtree(pension_office)

    folder.prepare(datetime.now(UTC))

    assert (pension_office / "chain.pem").exists()


def test_folder_of_an_earlier_version_is_given_the_key_of_blank_chips(folder: DevFolder) -> None:
    folder.pki.personalisation_key_path.unlink()

    folder.prepare(datetime.now(UTC))
    made = folder.pki.personalisation_key()
    folder.prepare(datetime.now(UTC))

    assert folder.pki.personalisation_key() == made


def test_folder_of_an_earlier_version_is_given_the_key_of_the_log(folder: DevFolder) -> None:
    shutil.rmtree(folder.pki.log_signer_path)

    folder.prepare(datetime.now(UTC))
    made = folder.pki.log_signer().verifier
    folder.prepare(datetime.now(UTC))

    assert folder.pki.trust().log_verifiers == (made,)
    assert folder.pki.log_signer().verifier == made


async def let_the_card_wait(folder: DevFolder, last_day: date) -> None:
    """Let the holder have come with the card, whose use can be continued until a day."""

    def act(tx: Tx) -> None:
        holder = tx.residents.by_code(ResidentCode(CODE))
        assert holder is not None
        for card in tx.cards.of_person(holder.person):
            tx.cards.set_continuation(card.serial, card.municipality, last_day)

    async with opened_store(CenterConfig.load(folder.config)) as store:
        await store.act(act)


@pytest.mark.parametrize(
    ("days", "status", "is_told"), [(0, "ACTIVE", True), (-1, "LAPSED", False)]
)
def test_status_tells_until_when_the_use_of_a_card_can_be_continued(
    folder: DevFolder, days: int, status: str, *, is_told: bool
) -> None:
    last_day = day_in_japan(datetime.now(UTC)) + timedelta(days=days)
    asyncio.run(let_the_card_wait(folder, last_day))

    told = cards(folder, "status", "--code-from", "-")
    shown = run("cards", "status", "--config", str(folder.config), "--code-from", "-", given=CODE)

    result = told.envelope["result"]
    assert isinstance(result, dict)
    (card,) = result["cards"]
    expected = last_day.isoformat() if is_told else ""
    assert (card["status"], card["continue_until"]) == (status, expected)
    assert (f"to be continued by {last_day}" in shown.out) == is_told
    assert ("continued" in shown.out) == is_told


def test_card_is_suspended_by_code_and_the_report_is_kept(folder: DevFolder) -> None:
    facts = ("--clerk", "当直　一", "--reporter", "POLICE", "--loss", "STOLEN")

    suspended = cards(folder, "suspend", "--code-from", "-", *facts, "--police-report", "第7号")
    noted = cards(folder, "notes", "--code-from", "-").envelope["result"]

    assert (suspended.code, statuses(suspended)) == (0, ["SUSPENDED"])
    assert isinstance(noted, dict)
    (note,) = noted["notes"]
    assert (note["kind"], note["facts"]) == (
        "SUSPENDED",
        {
            "clerk": "当直　一",
            "reporter": "POLICE",
            "channel": "PHONE",
            "reason": "STOLEN",
            "questions": "-",
            "police_report": "第7号",
        },
    )


def test_case_33_an_operator_does_not_resume_a_residents_card(folder: DevFolder) -> None:
    cards(folder, "suspend", "--code-from", "-")

    resumed = cards(folder, "resume", "--code-from", "-")

    assert (resumed.code, reason(resumed)) == (2, "INPUT_INVALID")
    assert "in person" in resumed.err
    assert statuses(cards(folder, "status", "--code-from", "-")) == ["SUSPENDED"]


def test_clerks_card_is_suspended_and_resumed(folder: DevFolder, made: Made) -> None:
    serial = event_loop.run(enter_clerks_card(folder, made))

    suspended = cards(folder, "suspend", "--serial", serial.hex())
    resumed = cards(folder, "resume", "--serial", serial.hex())

    assert (statuses(suspended), statuses(resumed)) == (["SUSPENDED"], ["ACTIVE"])


async def enter_clerks_card(folder: DevFolder, made: Made) -> bytes:
    """Enter a card for a clerk, and return its serial."""
    serial = b"clerk's card".ljust(32)

    def act(tx: Tx) -> None:
        of_holder = tx.cards.card(made.cards[0].serial)
        assert of_holder is not None
        number = CardNumber.drawn(b"a clerk's")
        tx.cards.add_card(replace(of_holder, serial=serial, kind=CardKind.CLERK, number=number))

    async with opened_store(CenterConfig.load(folder.config)) as store:
        await store.act(act)
    return serial


def test_card_is_found_by_the_number_on_its_face(folder: DevFolder, made: Made) -> None:
    found = cards(folder, "status", "--serial", made.cards[0].serial.hex())
    result = found.envelope["result"]
    assert isinstance(result, dict)
    number = result["cards"][0]["number"]

    by_number = cards(folder, "status", "--number", f"{number[:4]}-{number[4:8]} {number[8:]}")

    assert by_number.envelope["result"] == result


def test_card_is_found_by_its_serial(folder: DevFolder, made: Made) -> None:
    serial = made.cards[0].serial.hex()

    found = cards(folder, "status", "--serial", serial)

    assert statuses(found) == ["ACTIVE"]


def test_revoked_card_never_comes_back(folder: DevFolder) -> None:
    revoked = cards(folder, "revoke", "--code-from", "-", "--clerk", "当直　一")

    again = cards(folder, "revoke", "--code-from", "-")
    suspended = cards(folder, "suspend", "--code-from", "-")
    notes = cards(folder, "notes", "--code-from", "-")

    assert (revoked.code, statuses(revoked)) == (0, ["REVOKED"])
    assert (again.code, reason(again)) == (3, "NOT_ALLOWED")
    assert (suspended.code, reason(suspended)) == (3, "CARD_UNKNOWN")
    assert notes.out.count('"REVOKED"') == 1


@pytest.mark.parametrize("verb", ["suspend", "revoke"])
def test_change_of_a_card_by_nobody_is_refused(folder: DevFolder, verb: str) -> None:
    ran = cards(folder, verb, "--code-from", "-", "--clerk", " ")

    assert (ran.code, reason(ran)) == (3, "CLERK_NAME_REQUIRED")
    assert statuses(cards(folder, "status", "--code-from", "-")) == ["ACTIVE"]


def test_user_without_a_name_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)

    assert cards_commands.login_name() == ""  # an empty name, and no other


def test_code_stands_in_a_file_too(folder: DevFolder, tmp_path: Path) -> None:
    source = tmp_path / "code"
    source.write_text(f"{CODE}\n")

    assert cards(folder, "status", "--code-from", str(source)).code == 0


@pytest.mark.parametrize(
    ("arguments", "given", "code", "expected"),
    [
        (("--code-from", "-"), "24727059608", 3, "CARD_UNKNOWN"),
        (("--serial", "00" * 32), "", 3, "CARD_UNKNOWN"),
        (("--code-from", "-"), "05769813422", 2, "INPUT_INVALID"),
        (("--serial", "zz"), "", 2, "INPUT_INVALID"),
        (("--serial", "00"), "", 2, "INPUT_INVALID"),
        ((), "", 2, "INPUT_INVALID"),
        (("--serial", "00" * 32, "--code-from", "-"), CODE, 2, "INPUT_INVALID"),
        (("--number", "000000000195", "--code-from", "-"), CODE, 2, "INPUT_INVALID"),
        (("--number", "000000000195"), "", 3, "CARD_UNKNOWN"),
        (("--number", "000000000196"), "", 2, "INPUT_INVALID"),
        (("--code-from", "/nonexistent"), "", 3, "FILE_UNUSABLE"),
    ],
)
def test_card_that_is_not_named_well_is_refused(
    folder: DevFolder, arguments: tuple[str, ...], given: str, code: int, expected: str
) -> None:
    ran = cards(folder, "suspend", *arguments, given=given)

    assert (ran.code, reason(ran)) == (code, expected)
    assert given == "" or given not in ran.out + ran.err


def examined(folder: DevFolder, now: datetime | None = None) -> dict[str, doctor.Finding]:
    config = CenterConfig.load(folder.config)
    found = doctor.examine(config, now or datetime.now(UTC))
    return {finding.check: finding for finding in found}


def test_healthy_center_has_no_fault(folder: DevFolder) -> None:
    found = examined(folder)

    assert {f.check for f in found.values() if f.level is not doctor.Level.OK} == {"serving"}


async def test_doctor_names_a_rotation_that_is_not_finished(folder: DevFolder) -> None:
    async with opened_store(CenterConfig.load(folder.config)) as store:
        await store.act(lambda tx: tx.rotations.begin(LOOK_UP, datetime.now(UTC)))

    found = examined(folder)["rotation"]

    assert found.level is doctor.Level.WARNING
    assert "look-up" in found.detail


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(1, doctor.Level.OK), (90, doctor.Level.WARNING), (None, doctor.Level.WARNING)],
)
async def test_doctor_names_terminals_that_report_an_old_hotlist(
    folder: DevFolder, minutes: int | None, level: doctor.Level
) -> None:
    now, uri = datetime.now(UTC), "juki://municipality/131016/terminal/01"
    made = None if minutes is None else now - timedelta(minutes=minutes)
    report = TerminalReport(uri, now, "1", 0, made, reader_ready=True, printer_ready=True)
    async with opened_store(CenterConfig.load(folder.config)) as store:
        await store.act(lambda tx: tx.terminal_reports.put(report))

    found = examined(folder)["hotlists"]

    assert found.level is level
    assert (uri in found.detail) is (level is doctor.Level.WARNING)


def test_doctor_warns_where_no_card_can_be_made(folder: DevFolder) -> None:
    folder.pki.personalisation_key_path.unlink()

    found = examined(folder)["card making"]

    assert found.level is doctor.Level.WARNING
    assert "personalisation.key" in found.detail


def test_doctor_names_a_log_that_cannot_be_written_and_one_that_does_not_hold(
    folder: DevFolder,
) -> None:
    config = CenterConfig.load(folder.config)
    store = Path(config.store_url.removeprefix("sqlite:///"))
    reserve = store.with_name(f"{store.name}-reserve")
    reserve.unlink()
    # Whatever takes its place, here a folder, there is no reserve.
    reserve.mkdir()
    unwritable = examined(folder)["audit log"]
    with closing(sqlite3.connect(store)) as sql, sql:
        sql.execute("UPDATE audit_leaves SET content = X'00' WHERE leaf_index = 0")
    broken = examined(folder)["store"]

    assert unwritable.level is doctor.Level.FAULT
    assert "reserve" in unwritable.detail
    assert broken.level is doctor.Level.FAULT
    assert "AUDIT_LOG_BROKEN" in broken.detail
    assert "row 0 of audit_leaves" in broken.detail


@pytest.mark.parametrize(
    ("environment", "level"),
    [("dev", doctor.Level.WARNING), ("production", doctor.Level.FAULT)],
)
def test_doctor_names_the_missing_key_of_the_log(
    folder: DevFolder, environment: str, level: doctor.Level
) -> None:
    shutil.rmtree(folder.pki.log_signer_path)
    config = replace(CenterConfig.load(folder.config), environment=Environment(environment))

    found = {one.check: one for one in doctor.examine(config, datetime.now(UTC))}["log signer"]

    assert found.level is level
    assert "juki-pki issue log-signer" in found.detail


async def test_center_in_production_does_not_serve_without_the_key_of_the_log(
    folder: DevFolder,
) -> None:
    shutil.rmtree(folder.pki.log_signer_path)
    config = replace(CenterConfig.load(folder.config), environment=Environment.PRODUCTION)

    async with opened_store(config) as store:
        with pytest.raises(Missing, match="log-signer"):
            async with assembly.listening(config, store):
                pass


async def test_a_probe_is_told_that_the_log_cannot_be_written(folder: DevFolder) -> None:
    local = "127.0.0.1:0"
    config = replace(CenterConfig.load(folder.config), listen_grpc=local, listen_http=local)
    signer = TroubledSigner(folder.pki.log_signer())
    kek = KeyEncryptionKey.load(config.kek)

    with closing(open_store(config.store_url, kek, signer)) as store:
        async with assembly.listening(config, store) as server:
            good = await asyncio.to_thread(probed, server.http_port)
            signer.fails = True
            with pytest.raises(Refusal):
                await store.act(lambda tx: tx.audit.append(EVENT))
            bad = await asyncio.to_thread(probed, server.http_port)

    assert (good[0], good[1]["log"]) == (200, True)
    assert (bad[0], bad[1]["log"], bad[1]["store"]) == (503, False, True)


async def test_a_center_that_is_about_to_end_is_not_ready_and_still_answers(
    folder: DevFolder,
) -> None:
    local = "127.0.0.1:0"
    config = replace(CenterConfig.load(folder.config), listen_grpc=local, listen_http=local)

    async with (
        opened_store(config) as store,
        assembly.listening(config, store) as server,
    ):
        await server.drain()
        status, checks = await asyncio.to_thread(probed, server.http_port)

    assert (status, checks["accepting"], checks["store"]) == (503, False, True)


def probed(port: int) -> tuple[int, dict[str, bool]]:
    """Ask a center whether it is ready."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as line:
        line.request("GET", "/ready")
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())["checks"]


def test_doctor_says_so_by_its_exit_code(folder: DevFolder) -> None:
    ran = run("doctor", "--config", str(folder.config), "--json")

    assert (ran.code, ran.envelope["ok"]) == (0, True)


def test_key_that_others_can_read_is_a_fault(folder: DevFolder) -> None:
    (folder.state / "kek").chmod(0o644)

    ran = run("doctor", "--config", str(folder.config), "--json")

    assert (ran.code, reason(ran)) == (3, "UNFIT")
    assert "kek" in str(ran.envelope["error"])


def test_private_key_that_others_can_read_is_a_fault(folder: DevFolder) -> None:
    (folder.path / "pki/center/center-1/key.pem").chmod(0o640)

    assert examined(folder)["certificates"].level is doctor.Level.FAULT


def test_store_without_its_key_is_a_fault(folder: DevFolder) -> None:
    (folder.state / "kek").write_bytes(bytes(32))

    assert examined(folder)["store"].level is doctor.Level.FAULT


def test_missing_store_is_a_fault_and_is_not_made(folder: DevFolder) -> None:
    store = folder.state / "center.sqlite"
    store.unlink()

    assert examined(folder)["store"].level is doctor.Level.FAULT
    assert not store.exists()


def test_store_that_others_can_read_is_a_fault(folder: DevFolder) -> None:
    (folder.state / "center.sqlite").chmod(0o644)

    assert examined(folder)["store file"].level is doctor.Level.FAULT


@pytest.mark.parametrize(
    ("days", "check", "level"),
    [
        (5, "card access", doctor.Level.FAULT),
        (350, "center certificate", doctor.Level.WARNING),
        (400, "center certificate", doctor.Level.FAULT),
        (-1, "center certificate", doctor.Level.FAULT),
        (-1, "clock", doctor.Level.FAULT),
    ],
)
def test_time_shows_itself(folder: DevFolder, days: int, check: str, level: doctor.Level) -> None:
    found = examined(folder, datetime.now(UTC) + timedelta(days=days))

    assert found[check].level is level


def test_description_that_does_not_list_the_center_is_a_fault(
    folder: DevFolder, tmp_path: Path
) -> None:
    other = DevFolder(tmp_path / "other")
    other.prepare(datetime.now(UTC))
    shutil.rmtree(folder.path / "pki/center/center-1")
    shutil.copytree(other.path / "pki/center/center-1", folder.path / "pki/center/center-1")

    assert examined(folder)["at-center-auth"].level is doctor.Level.FAULT


def test_authority_key_beside_a_production_center_is_a_warning(folder: DevFolder) -> None:
    text = folder.config.read_text()
    folder.config.write_text(text.replace('environment = "dev"', 'environment = "production"'))

    assert examined(folder)["root key"].level is doctor.Level.WARNING


def test_unknown_key_of_the_configuration_is_named(folder: DevFolder) -> None:
    folder.config.write_text(folder.config.read_text() + "\n[sesion]\nplan_seconds = 1\n")

    ran = run("doctor", "--config", str(folder.config), "--json")

    assert (ran.code, reason(ran)) == (2, "CONFIGURATION_INVALID")
    assert "sesion.plan_seconds" in str(ran.envelope["error"])


def test_missing_configuration_is_named(tmp_path: Path) -> None:
    ran = run("serve", "--config", str(tmp_path / "none.toml"), "--json")

    assert (ran.code, reason(ran)) == (3, "FILE_UNUSABLE")


def test_center_with_a_key_of_another_curve_does_not_start(folder: DevFolder) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (folder.path / "pki/center/center-1/key.pem").write_bytes(key)

    ran = run("serve", "--config", str(folder.config), "--json")

    assert (ran.code, reason(ran)) == (3, "KEY_UNSUITED")
    assert "P-256" in str(ran.envelope["error"])


def test_folder_that_is_prepared_again_is_the_same(folder: DevFolder, made: Made) -> None:
    folder.prepare(datetime.now(UTC))

    again = folder.make_cards(datetime.now(UTC))

    assert [card.serial for card in again] == [card.serial for card in made.cards]


def test_certificates_of_yesterday_are_renewed(folder: DevFolder) -> None:
    renew_access(folder.pki, Profiles.load(), datetime.now(UTC) - timedelta(days=1))
    before = folder.pki.cv("at-center-auth").certificate.chr

    folder.prepare(datetime.now(UTC))

    assert folder.pki.cv("at-center-auth").certificate.chr != before


def test_list_of_residents_names_every_card(made: Made) -> None:
    text = (made.folder.path / "RESIDENTS.md").read_text(encoding="utf-8")

    assert all(f"cards/{card.path.name}" in text for card in made.cards)
    assert "protective measure" in text
    assert "| none yet |  | 市ヶ谷　ふみ |" in text
    assert not any(card.sample.record.code.digits in text for card in made.cards)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "11 digits"),
        ("1234567890a", "11 digits"),
        ("00000000000", "given to nobody"),
        ("24727059609", "check digit"),
    ],
)
def test_wrong_code_is_explained_and_never_echoed(folder: DevFolder, given: str, says: str) -> None:
    ran = cards(folder, "status", "--from", "-", given=given)

    assert (ran.code, reason(ran)) == (2, "INPUT_INVALID")
    assert says in ran.err
    assert not given or given not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "--from"), (("--serial", "zz"), "hex digits"), (("--serial", "ab"), "64 hex digits")],
)
def test_wrong_naming_of_a_card_is_explained(
    folder: DevFolder, arguments: tuple[str, ...], says: str
) -> None:
    ran = cards(folder, "status", *arguments)

    assert (ran.code, reason(ran)) == (2, "INPUT_INVALID")
    assert says in ran.err


def test_file_that_is_no_text_is_no_code(folder: DevFolder, tmp_path: Path) -> None:
    (tmp_path / "code").write_bytes(b"\xff\xfe\x00")

    ran = cards(folder, "status", "--from", str(tmp_path / "code"))

    assert (ran.code, reason(ran)) == (2, "INPUT_INVALID")
    assert "not text" in ran.err


def test_store_in_no_folder_is_named(folder: DevFolder) -> None:
    text = folder.config.read_text()
    folder.config.write_text(text.replace("center/center.sqlite", "nowhere/center.sqlite"))

    ran = run("serve", "--config", str(folder.config))

    assert ran.code == 5
    assert "nowhere/center.sqlite: No such file or directory" in ran.err
    assert "store.url" in ran.err


def test_file_that_is_no_store_is_named(folder: DevFolder) -> None:
    store = folder.state / "center.sqlite"
    store.write_bytes(b"no database" * 1000)

    ran = run("serve", "--config", str(folder.config))

    assert ran.code == 5
    assert f"{store}: SQLITE_NOTADB" in ran.err


def test_key_of_another_store_is_named_with_the_store(folder: DevFolder) -> None:
    kek = folder.state / "kek"
    kek.write_bytes(bytes(32))

    ran = run("serve", "--config", str(folder.config))

    assert (ran.code, "KEY_UNUSABLE" in ran.err) == (3, True)
    assert f"{kek} is not the key of {folder.state / 'center.sqlite'}" in ran.err


def test_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = run("serve", "--config", str(tmp_path / "none.toml"))

    assert ran.code == 3
    assert f"{tmp_path / 'none.toml'}: No such file or directory" in ran.err
    assert "--config" in ran.err


def test_center_whose_card_access_has_expired_does_not_start(folder: DevFolder) -> None:
    renew_access(folder.pki, Profiles.load(), datetime.now(UTC) - timedelta(days=10))

    ran = run("serve", "--config", str(folder.config), "--json")

    assert (ran.code, reason(ran)) == (3, "CARD_ACCESS_EXPIRED")
    assert "juki-pki issue at" in ran.err


async def test_center_that_listens_forgets_old_card_sessions(folder: DevFolder, made: Made) -> None:
    config = replace(
        CenterConfig.load(folder.config), listen_grpc="127.0.0.1:0", listen_http="127.0.0.1:0"
    )
    command = RecordSession(
        terminal=Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016")),
        session_id=bytes(16),
        purpose=Purpose.CERTIFICATE_COPY,
        card_serial=made.cards[0].serial,
        resident_code=made.cards[0].sample.record.code,
        transcript_hash=bytes(32),
    )
    then = datetime.now(UTC) - timedelta(days=2)
    async with opened_store(config) as store:
        await store.act(lambda tx: record_session(tx, command, then))
        async with assembly.listening(config, store):
            # The center's own act goes first: both wait in one queue.
            await asyncio.sleep(0)
            kept = await store.act(lambda tx: tx.cards.session(command.session_id))

    assert kept is None


def test_list_of_residents_says_the_number_on_each_card(made: Made) -> None:
    text = (made.folder.path / "RESIDENTS.md").read_text(encoding="utf-8")

    numbers = re.findall(r"\| (\d{4}-\d{4}-\d{4}) \|", text)
    assert len(set(numbers)) == len(made.cards)
    assert all(CardNumber(number.replace("-", "")) for number in numbers)


def test_desk_of_a_development_center_is_configured(made: Made) -> None:
    config = DeskConfig.load(made.folder.desk_config)

    assert config.center_address == "127.0.0.1:7443"
    assert config.certificate.exists()
    assert config.key.exists()
    assert (config.trust_dir / "center-leaves.pem").exists()


def test_development_folder_has_three_blanks_at_each_start(folder: DevFolder) -> None:
    used = folder.blank(2)
    used.unlink()
    shutil.copy(folder.card("yoshida-taro"), used)

    folder.prepare(datetime.now(UTC))

    kinds = [
        isinstance(CardFile(folder.blank(number)).read(), BlankMemory) for number in range(1, 5)
    ]
    assert kinds == [True, False, True, True]
    assert not folder.blank(5).exists()
