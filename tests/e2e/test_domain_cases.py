"""Acceptance cases of the domain that speak of card, terminal and center together.

The terminal's library runs here, so that its every byte can be looked at; the center is a process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_card import ec
from juki_card.apdu import SW
from juki_cardbox.cardfile import CardFile
from juki_client import civil_date
from juki_client.outcome import Problem
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_terminal.application import DocumentKind, Item, PhotoDocument, Scope, Subject
from juki_terminal.journal import State
from tests.e2e.recorder import Tap
from tests.e2e.rogue import Rogue
from tests.e2e.stage import Stage, VirtualSlots
from tests.e2e.window import RIGHT_PIN, USUAL, Wanted, Window, opened_window
from tests.support.center_process import CenterProcess
from tests.support.leaves import leaves_in
from tests.support.renderings import found_in

pytestmark = pytest.mark.e2e
FULL = 3
LICENCE = PhotoDocument(
    kind=DocumentKind.DRIVING_LICENCE,
    number="307012345670",
    name="\U00020bb7田　太郎",
    birth_date=civil_date.parse("昭和45年3月2日", "birth"),
    address="埼玉県所沢市並木三丁目2番地1",
    municipality="112089",
    salt=bytes(16),
)
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

    def seen(self) -> bytes:
        """Every APDU and message that the window has handled in this test."""
        return b"\0".join(self.tap.kept)

    def log(self) -> list[dict[str, object]]:
        return leaves_in(self.center.folder / "center" / "center.sqlite")

    def code(self, key: str) -> str:
        return Stage(self.center.folder, self.center, VirtualSlots()).code(key)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("cases"), is_forked=True) as serving:
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


def refused_copy(window: Window, key: str, wanted: Wanted) -> Problem:
    with pytest.raises(Problem) as caught:
        window.issue(key, wanted=wanted)
    return caught.value


def test_case_09_a_resident_of_tokorozawa_gets_the_usual_copy_in_chiyoda(world: World) -> None:
    before = len(world.log())

    status = world.window.issue("yoshida-taro")

    copy = world.window.printed(status.issue_number)
    (person,) = copy.persons
    assert person.name == "\U00020bb7田　太郎"
    assert (person.resident_code, person.relationship, person.householder) == (None, None, None)
    assert found_in(world.seen(), person.name), "the search itself is blind"
    assert not found_in(world.seen(), "福岡県久留米市")
    assert not found_in(world.seen(), world.code("yoshida-taro"))
    log = [leaf for leaf in world.log()[before:] if leaf["ev"] == "COPY_ISSUED"]
    assert [(leaf["iss"], leaf["res"], leaf["id"]) for leaf in log] == [
        ("131016", "112089", status.issue_number)
    ]


def test_case_10_relationship_and_code_when_wanted_and_honseki_never(world: World) -> None:
    both = Wanted(items=(Item.RELATIONSHIP, Item.RESIDENT_CODE))
    domicile = Wanted(items=(Item.REGISTERED_DOMICILE,))

    status = world.window.issue("takahashi-kazuko", wanted=both)
    problem = refused_copy(world.window, "takahashi-kazuko", domicile)

    (person,) = world.window.printed(status.issue_number).persons
    assert (person.householder, person.relationship) == ("髙橋　一郎", "妻")
    assert person.resident_code == world.code("takahashi-kazuko")
    assert problem.reason == "ITEM_NOT_PERMITTED"
    assert not found_in(world.seen(), "長野県松本市")


def test_case_11_a_driving_licence_that_fits_gets_a_copy_without_a_card(world: World) -> None:
    status = world.window.issue_to(LICENCE)

    (person,) = world.window.printed(status.issue_number).persons
    assert person.name == LICENCE.name


def test_case_12_a_licence_with_another_address_shows_nothing_of_the_register(
    world: World,
) -> None:
    elsewhere = replace(LICENCE, address="埼玉県所沢市緑町二丁目99番地")

    with pytest.raises(Problem) as caught:
        world.window.issue_to(elsewhere)

    assert (caught.value.reason, dict(caught.value.metadata)) == ("ID_MISMATCH", {})
    assert not found_in(world.seen(), LICENCE.address)


def test_case_15_a_protected_resident_is_refused_neutrally_and_the_log_has_the_truth(
    world: World,
) -> None:
    require_held_back(world, "sasaki-megumi", USUAL)


def test_case_16_the_household_of_a_protected_member_is_refused_whole(world: World) -> None:
    require_held_back(world, "sasaki-setsuko", Wanted(Scope.HOUSEHOLD))


def require_held_back(world: World, key: str, wanted: Wanted) -> None:
    """Require the neutral refusal, without paper or a fact beside it, and its cause in the log."""
    before = len(world.log())

    problem = refused_copy(world.window, key, wanted)

    assert (problem.reason, dict(problem.metadata)) == ("ISSUE_SUPPRESSED", {})
    assert world.window.printer.papers == {}
    told = [(leaf["ev"], leaf["out"]) for leaf in world.log()[before:]]
    assert told == [("CARD_AUTHENTICATED", "DONE"), ("COPY_REFUSED", "PROTECTIVE_MEASURE")]


@pytest.mark.parametrize(
    ("name", "birth", "reason"),
    [
        ("髙橋　一郎", "昭和22年7月30日", "NOT_SAME_HOUSEHOLD"),
        ("伊藤　清", "大正10年9月30日", "RECORD_DELETED"),
    ],
)
def test_case_18_a_stranger_or_a_dead_member_is_not_on_a_copy(
    world: World, name: str, birth: str, reason: str
) -> None:
    listed = Wanted(Scope.LISTED, (Subject(name, civil_date.parse(birth, "birth")),))

    problem = refused_copy(world.window, "ito-yoshi", listed)

    assert problem.reason == reason
    assert world.window.printer.papers == {}


def test_case_21_at_home_the_local_counter_is_named(world: World) -> None:
    problem = refused_copy(world.window, "yamazaki-ken", USUAL)

    assert problem.reason == "USE_LOCAL_COUNTER"


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
    commands = world.tap.commands
    after_a_wrong_pin = refused(world.window, world.window.card(key), "0000", RIGHT_PIN)

    assert suspended.exit_code == 0
    assert [problem.reason, after_a_wrong_pin.reason] == ["CARD_SUSPENDED"] * 2
    assert commands == _UP_TO_CHIP_AUTHENTICATION
    assert world.tries_left(key) == FULL
    assert not found_in(world.seen(), code)
    told = [(leaf["ev"], leaf["out"]) for leaf in world.log()[before:]]
    assert told == [("CARD_SESSION_REFUSED", "CARD_SUSPENDED")] * 2


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
    assert not found_in(world.seen(), world.code(key))
    (leaf,) = world.log()[before:]
    assert (leaf["ev"], leaf["out"]) == ("CARD_SESSION_REFUSED", "CARD_NOT_AUTHENTIC")
    assert leaf["iss"] == "131016"


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

    before = len(world.log())

    end = rogue.show((dv, stranger.cv("at-center-auth").certificate))

    # Each certificate takes two commands: name its issuer, show it.
    refused_at = 4 if own_dv else 2
    assert end.words[: refused_at - 1] == [SW.OK] * (refused_at - 1)
    assert len(end.words) == refused_at
    assert end.words[-1] != SW.OK
    assert (end.answer.sw, end.answer.data) == (SW.SECURITY_NOT_SATISFIED, b"")
    assert end.problem.reason == "CARD_NOT_AUTHENTIC"
    (leaf,) = world.log()[before:]
    assert (leaf["ev"], leaf["out"]) == ("CARD_SESSION_REFUSED", "CARD_NOT_AUTHENTIC")
    assert not found_in(world.seen(), world.code(key))
    assert world.window.authenticate(world.window.card(key)).session_id
