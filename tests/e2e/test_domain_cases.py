"""Acceptance cases of the domain that speak of card, terminal and center together.

The terminal's library runs here, so that its every byte can be looked at; the center is a process.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_card import eac, ec, pace
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.cvc import CVCertificate
from juki_card.errors import SecureMessagingError
from juki_card.files import DG1, read_short_file, select_application
from juki_card.flow import run
from juki_card.passwords import Pin
from juki_cardbox.cardfile import CardFile
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_terminal import plan as plans
from juki_terminal.journal import State
from juki_terminal.outcome import Problem
from juki_terminal.reader import connected
from juki_terminal.stream import SessionStream
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.options.v1.options_pb2 import PURPOSE_CERTIFICATE_COPY
from tests.e2e.recorder import Tap
from tests.e2e.stage import Stage, VirtualSlots
from tests.e2e.window import RIGHT_PIN, Window, opened_window
from tests.support.center_process import CenterProcess
from tests.support.leaves import leaves_in
from tests.support.renderings import found_in

pytestmark = pytest.mark.e2e
FULL = 3
# After these a genuine, active card would have been asked for its code.
_UP_TO_CHIP_AUTHENTICATION = 16


@dataclass(frozen=True)
class World:
    """A center, two of its windows, and all bytes that the first has seen in this test."""

    center: CenterProcess
    window: Window
    neighbour: Window
    tap: Tap

    def tries_left(self, key: str) -> int:
        return CardFile(self.window.card(key)).load().pin.tries_left

    def log(self) -> list[dict[str, object]]:
        return leaves_in(self.center.folder / "center" / "center.sqlite")

    def code(self, key: str) -> str:
        return Stage(self.center.folder, self.center, VirtualSlots()).code(key)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("cases")) as serving:
        yield serving


@pytest.fixture
def world(center: CenterProcess) -> Iterator[World]:
    tap = Tap()
    folder, address = center.folder, center.address
    with (
        opened_window(folder, address, tap) as window,
        opened_window(folder, address, Tap(), name="02") as neighbour,
    ):
        yield World(center, window, neighbour, tap)


def refused(window: Window, card: Path, *pins: str) -> Problem:
    with pytest.raises(Problem) as caught:
        window.authenticate(card, *pins)
    return caught.value


@pytest.mark.parametrize("wrong", [("0000",), ("0000", "9999")])
def test_case_13_wrong_pins_then_the_right_one_issue_and_reset_the_counter(
    world: World, wrong: tuple[str, ...]
) -> None:
    key = "yoshida-hanako"

    status = world.window.issue(key, *wrong, RIGHT_PIN)

    assert status.state is State.CONFIRMED
    assert list(world.window.printer.papers) == [status.issue_number]
    assert world.tries_left(key) == FULL


def test_case_13_the_counter_falls_between_sessions_and_the_right_pin_resets_it(
    world: World,
) -> None:
    key = "yoshida-sakura"
    card = world.window.card(key)

    first = refused(world.window, card, "0000")
    second = refused(world.neighbour, card, "0001")
    left = world.tries_left(key)
    status = world.window.issue(key)

    told = [(problem.reason, problem.metadata["attemptsRemaining"]) for problem in (first, second)]
    assert told == [("PIN_WRONG", "2"), ("PIN_WRONG", "1")]
    assert left == 1
    assert status.state is State.CONFIRMED
    assert world.tries_left(key) == FULL


def test_case_13_three_wrong_pins_lock_the_card_here_and_at_another_terminal(
    world: World,
) -> None:
    card = world.window.card("goto-taro")

    # The right PIN lies ready as the fourth, and is not taken.
    third = refused(world.window, card, "0000", "0001", "0002", RIGHT_PIN)
    right_here = refused(world.window, card)
    right_elsewhere = refused(world.neighbour, card)

    reasons = [problem.reason for problem in (third, right_here, right_elsewhere)]
    assert reasons == ["PIN_LOCKED"] * 3
    assert world.tries_left("goto-taro") == 0


def test_case_14_a_suspended_card_is_refused_before_its_code_is_read(world: World) -> None:
    key = "watanabe-aoi"
    stage = Stage(world.center.folder, world.center, VirtualSlots())
    options = ("--config", str(stage.folder / "center.toml"), "--from", "-")
    code = world.code(key)
    suspended = stage.operator("cards", "suspend", *options, stdin=code + "\n")
    before = len(world.log())

    problem = refused(world.window, world.window.card(key))

    assert suspended.exit_code == 0
    assert problem.reason == "CARD_SUSPENDED"
    assert world.tap.commands == _UP_TO_CHIP_AUTHENTICATION
    assert world.tries_left(key) == FULL
    assert not found_in(b"\0".join(world.tap.kept), code)
    (leaf,) = world.log()[before:]
    assert (leaf["ev"], leaf["out"]) == ("CARD_SESSION_REFUSED", "CARD_SUSPENDED")


def test_case_14_a_wrong_pin_before_the_right_one_leaves_the_counter_full(world: World) -> None:
    key = "katsuragi-sho"
    stage = Stage(world.center.folder, world.center, VirtualSlots())
    options = ("--config", str(stage.folder / "center.toml"), "--from", "-")
    stage.operator("cards", "suspend", *options, stdin=world.code(key) + "\n")

    problem = refused(world.window, world.window.card(key), "0000", RIGHT_PIN)

    assert problem.reason == "CARD_SUSPENDED"
    assert world.tries_left(key) == FULL


def test_case_35_a_clone_with_the_right_code_but_another_key_is_not_authentic(
    world: World, tmp_path: Path
) -> None:
    key = "katsuragi-rei"
    clone = tmp_path / "clone.card"
    memory = CardFile(world.window.card(key)).load()
    CardFile(clone).create(replace(memory, chip_key=ec.private_key(ec.P256, 4711)))
    before = len(world.log())

    problem = refused(world.window, clone)

    assert problem.reason == "CARD_NOT_AUTHENTIC"
    assert world.tap.commands == _UP_TO_CHIP_AUTHENTICATION
    assert not found_in(b"\0".join(world.tap.kept), world.code(key))
    (leaf,) = world.log()[before:]
    assert (leaf["ev"], leaf["out"]) == ("CARD_SESSION_REFUSED", "CARD_NOT_AUTHENTIC")
    assert leaf["iss"] == "131016"


class Rogue:
    """A terminal that shows a card certificates which are not in the center's plan."""

    def __init__(self, window: Window, card: Path) -> None:
        self._window = window
        self._reader = window.reader(card)

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Exchange one command."""
        return ResponseAPDU.decode(self._reader.transmit(command.encode()))

    def show(self, chain: tuple[CVCertificate, ...]) -> tuple[list[int], ResponseAPDU]:
        """Open the card with the right PIN, show `chain`, and then ask for the code all the same.

        Return the status words inside the PIN's channel, and the answer to the question after it.
        """
        with closing(SessionStream(self._window.center)) as stream, connected(self._reader, 1):
            plan = self._true_plan(stream)
            prepared = run(eac.prepare(plan.chat), self.transmit)
            octets = secrets.token_bytes(pace.random_size(plan.domain))
            ephemerals = pace.Ephemerals.from_random(plan.domain, octets)
            establish = pace.establish(Pin(RIGHT_PIN), prepared.access, ephemerals)
            inside = run(establish, self.transmit).channel.through(self.transmit)
            forged = replace(plan, chains=(eac.Chain(chain[0].car, chain),))
            words: list[int] = []
            with suppress(SecureMessagingError):  # the card has let go of the channel
                words.extend(inside(s.apdu).sw for s in forged.opening_steps(forged.chains[0]))
            self.transmit(select_application())
            return words, self.transmit(read_short_file(DG1))

    def _true_plan(self, stream: SessionStream) -> eac.Plan:
        hello = card_pb.Hello(purpose=PURPOSE_CERTIFICATE_COPY, versions=[plans.VERSION])
        stream.send(card_pb.AuthenticateRequest(hello=hello))
        center = self._window.center
        plan, cvca = stream.receive_plan(), center.trust.cvca
        now = datetime.now(UTC)
        return plans.check(plan, PURPOSE_CERTIFICATE_COPY, center.pins, cvca, now).for_card


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    """The whole hierarchy of another network, with the same names in it as ours."""
    folder = tmp_path_factory.mktemp("stranger") / "pki"
    return make.init(folder, Profiles.load(), datetime.now(UTC))


@pytest.mark.parametrize("own_dv", [True, False], ids=["at-of-another-dv", "dv-of-another-cvca"])
def test_case_35_a_card_refuses_a_rogue_terminal_certificate_and_keeps_its_code(
    world: World, stranger: PKIFolder, own_dv: bool
) -> None:
    key = "kamiya-yuki"
    ours = PKIFolder(world.center.folder / "pki")
    dv = (ours if own_dv else stranger).cv("dv").certificate
    rogue = Rogue(world.window, world.window.card(key))

    words, answer = rogue.show((dv, stranger.cv("at-center-auth").certificate))

    # Each certificate takes two commands: name its issuer, show it.
    refused_at = 4 if own_dv else 2
    assert words[: refused_at - 1] == [SW.OK] * (refused_at - 1)
    assert len(words) == refused_at
    assert words[-1] != SW.OK
    assert (answer.sw, answer.data) == (SW.SECURITY_NOT_SATISFIED, b"")
    assert not found_in(b"\0".join(world.tap.kept), world.code(key))
    assert world.window.authenticate(world.window.card(key)).session_id
