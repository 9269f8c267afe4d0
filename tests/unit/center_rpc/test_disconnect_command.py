"""`juki-center disconnect`, `status` and the local socket, as an operator types them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.fleet.disconnections import Scope, Subject
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.commands import app
from juki_center.cli.report import failure
from juki_center.cli.subjects import parsed
from juki_center.errors import RuleBroken
from juki_center.rpc.local_orders import LocalParts
from juki_center.rpc.local_socket import listening_locally
from tests.support.card_window import CardWindow
from tests.support.center import NOW, SAMPLES, enter_everybody, open_test_store, serial_of

_CONFIG = """\
environment = "test"
[listen]
local = "local.socket"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""
TARO = "yoshida-taro"
REASON = ("--level", "high", "--reason", "exposed media")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the configuration of a center with an empty store."""
    open_test_store(tmp_path).close()
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG)
    return path


def result_of(config: Path, *arguments: str, typed: str = "") -> tuple[int, dict[str, object]]:
    """Run a command; return its exit code, and its result or its error."""
    done = CliRunner().invoke(app, [*arguments, "--config", str(config), "--json"], input=typed)
    said = json.loads(done.stdout)
    return done.exit_code, said.get("result") or said["error"]


@pytest.mark.parametrize(
    ("what", "subject"),
    [
        ("center", Subject(Scope.CENTER, "")),
        ("112089", Subject(Scope.MUNICIPALITY, "112089")),
        (
            "juki://municipality/112089/terminal/01",
            Subject(Scope.TERMINAL, "juki://municipality/112089/terminal/01"),
        ),
        ("juki://agency/passport-1", Subject(Scope.AGENCY, "juki://agency/passport-1")),
        ("jukinet.moves.v1.MoveService", Subject(Scope.FUNCTION, "jukinet.moves.v1.MoveService")),
        (
            "juki://cards/made/2026-11-02/2026-11-06",
            Subject(Scope.CARD_BATCH, "juki://cards/made/2026-11-02/2026-11-06"),
        ),
        ("juki://cards/chip/0a1b", Subject(Scope.CARD_BATCH, "juki://cards/chip/0a1b")),
    ],
)
def test_what_is_cut_off_is_told_by_its_name(what: str, subject: Subject) -> None:
    assert parsed(what) == subject


@pytest.mark.parametrize(
    ("what", "rule", "told"),
    [
        ("", "NOTHING_TO_CUT_OFF", ("a batch of cards",)),
        ("everything", "NOTHING_TO_CUT_OFF", ("a municipality's code",)),
        ("juki://operator/operator-1", "NOTHING_TO_CUT_OFF", ("a terminal's or agency's URI",)),
        ("999999", "NO_MUNICIPALITY", ("999999", "municipalities list")),
        ("112080", "NO_MUNICIPALITY", ("112080", "112089", "所沢市")),
        ("11208", "NO_MUNICIPALITY", ("11208:", "six digits")),
        ("131997", "NO_MUNICIPALITY", ("131997", "no municipality")),
        ("juki://municipality/112089/terminal/", "NO_TERMINAL", ("terminal/:", "terminal/ID")),
        ("juki://agency/a/terminal/b", "NO_TERMINAL", ("juki://agency/a",)),
        ("x/agency/y", "NO_AGENCY", ("x/agency/y", "juki://agency/ID")),
        (
            "jukinet.moves.v1.MovesService",
            "NO_FUNCTION",
            ("jukinet.moves.v1.MovesService", "jukinet.moves.v1.MoveService"),
        ),
        ("jukinet.moves/x", "NO_FUNCTION", ("jukinet.moves/x", "in full")),
        ("juki://cards/made/2026-11-02", "NO_CARD_BATCH", ("FIRST-DAY/LAST-DAY",)),
        ("juki://cards/chip/xy", "NO_CARD_BATCH", ("chip/xy", "chip/HEX")),
    ],
)
def test_what_cannot_be_cut_off_is_refused_with_what_was_written_and_what_would_be_right(
    what: str, rule: str, told: tuple[str, ...]
) -> None:
    with pytest.raises(RuleBroken) as caught:
        parsed(what)

    message = failure(caught.value).message
    assert caught.value.rule == rule
    assert [one for one in told if one not in message] == []


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("112089", ""),
        ("center", ""),
        ("131024", "no register of 131024 is kept here; known: 112089, 131016"),
        ("141046", "141046 is a ward; its city 141003 keeps the register, which stays as it is"),
        (
            "juki://municipality/112089/terminal/77",
            "no terminal of this name was seen yet; none is known",
        ),
        ("juki://agency/passport-9", "no agency of this name was added; none is known"),
        ("juki://cards/chip/0a1b", "cards in use or in the making that are cut off now: 0"),
    ],
)
def test_an_operator_is_told_what_is_not_as_it_may_have_been_meant(
    config: Path, what: str, told: str
) -> None:
    with closing(open_test_store(config.parent)) as store:
        hosted = (MunicipalityCode("112089"), MunicipalityCode("131016"))
        asyncio.run(store.act(lambda tx: [tx.registers.host(one) for one in hosted]))

    code, made = result_of(config, "disconnect", what, *REASON)

    assert (code, made["note"]) == (0, told)


def test_a_disconnection_needs_no_certificate_and_no_serving_center(config: Path) -> None:
    code, made = result_of(config, "disconnect", "112089", *REASON)
    _, status = result_of(config, "status")

    assert code == 0
    assert made.pop("note") == "no register of 112089 is kept here; none is known"
    assert status["disconnections"] == [made]
    assert (made["scope"], made["level"], made["reason"]) == ("MUNICIPALITY", 3, "exposed media")


def test_status_of_a_center_where_nothing_is_cut_off(config: Path) -> None:
    assert result_of(config, "status") == (
        0,
        {"disconnections": [], "quarantines": [], "notices": []},
    )


@pytest.mark.parametrize(
    "arguments", [("112080", *REASON), ("112089", "--level", "low", "--reason", "")]
)
def test_wrong_input_is_a_matter_of_usage(config: Path, arguments: tuple[str, ...]) -> None:
    code, error = result_of(config, "disconnect", *arguments)

    assert (code, error["reason"]) == (2, "INPUT_INVALID")


@contextmanager
def serving_locally(folder: Path) -> Iterator[None]:
    """Take orders on the socket in a thread until the block ends."""
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        with closing(open_test_store(folder)) as store:
            parts = LocalParts(
                store, CardWindow(store).policy, lambda: NOW, "juki://center/center-1"
            )
            async with listening_locally(parts, folder / "local.socket"):
                ready.set()
                await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_an_order_at_the_local_socket_cuts_off(config: Path) -> None:
    with serving_locally(config.parent):
        code, made = result_of(config, "disconnect", "center", *REASON, "--local")

    assert (code, made["since"]) == (0, NOW.isoformat())
    with closing(open_test_store(config.parent)) as store:
        assert len(store.read(lambda tx: tx.disconnections.every())) == 1


def test_a_refusal_at_the_local_socket_is_told(config: Path) -> None:
    with serving_locally(config.parent):
        code, error = result_of(
            config, "disconnect", "center", "--level", "high", "--reason", "", "--local"
        )

    assert (code, error["reason"]) == (3, "FIELD_INVALID")


def test_where_nobody_listens_locally_the_socket_is_named(config: Path) -> None:
    code, error = result_of(config, "disconnect", "center", *REASON, "--local")

    assert (code, error["reason"]) == (3, "FILE_UNUSABLE")


def test_without_a_socket_the_key_of_the_configuration_is_named(config: Path) -> None:
    config.write_text(_CONFIG.replace('[listen]\nlocal = "local.socket"\n', ""))

    code, error = result_of(config, "disconnect", "center", *REASON, "--local")

    assert (code, error["reason"]) == (2, "CONFIGURATION_INVALID")


def with_cards(folder: Path) -> None:
    """Enter everybody, each with a card."""
    with closing(open_test_store(folder)) as store:
        asyncio.run(store.act(enter_everybody))


@pytest.mark.parametrize(
    ("option", "value", "typed"),
    [
        ("--number", CardNumber.drawn(serial_of(TARO)[-8:]), ""),
        ("--serial", serial_of(TARO).hex(), ""),
        ("--from", "-", SAMPLES[TARO].record.code.digits),
    ],
)
def test_case_42_a_card_is_suspended_at_the_local_socket_without_network_and_certificates(
    config: Path, option: str, value: str, typed: str
) -> None:
    """Nothing listens but the socket, and there is no PKI folder."""
    with_cards(config.parent)
    wanted = ("cards", "suspend", option, value, "--local", "--clerk", "night watch")

    with serving_locally(config.parent):
        code, done = result_of(config, *wanted, typed=typed)

    assert (code, done) == (0, {"since": NOW.isoformat()})
    assert not (config.parent / "pki").exists()
    with closing(open_test_store(config.parent)) as store:
        card = store.read(lambda tx: tx.cards.card(serial_of(TARO)))
    assert card is not None
    assert card.status is CardStatus.SUSPENDED


def test_a_card_that_nobody_has_is_not_suspended_at_the_local_socket(config: Path) -> None:
    wanted = ("cards", "suspend", "--number", "000000000195", "--local", "--clerk", "night watch")

    with serving_locally(config.parent):
        code, error = result_of(config, *wanted)

    assert (code, error["reason"]) == (3, "CARD_UNKNOWN")


@pytest.mark.parametrize("verb", ["resume", "revoke", "status", "notes"])
def test_nothing_else_is_ordered_for_cards_at_the_local_socket(config: Path, verb: str) -> None:
    arguments = ["cards", verb, "--number", "000000000195", "--local", "--config", str(config)]

    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 2
    assert "--local" in done.output
