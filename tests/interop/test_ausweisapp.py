"""Our virtual card in its nPA-like personalisation, judged by AusweisApp2 over real PC/SC."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import pace
from juki_card.apdu import SHORT_NE, CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.chat import CHAT, Right, Role
from juki_card.errors import PinLocked, PinWrong
from juki_card.flow import Flow, one, run
from juki_card.passwords import Can, PasswordReference, Pin, TransportPin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import CardSigner, Personalisation, make_card
from juki_cardbox.profiles import NPA
from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from juki_cardbox.slot import CardSlot
from juki_pki.folder import PKIFolder
from tests.interop.ausweisapp import PROGRAM, AusweisApp, running

OLD, NEW, WRONG, CAN, TRANSPORT = "123456", "654321", "111111", "500540", "12345"


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card file, looked at from outside and by our own reader side."""

    __test__ = False
    path: Path

    @property
    def pin(self) -> PinRecord:
        """What the card file says of the PIN."""
        return CardFile(self.path).load().pin

    def open_with(self, pin: str) -> tuple[str, ...]:
        """Run our reader's PACE on the card; return the trust points that the card names."""
        slot = CardSlot(self.path)
        slot.power_on()
        try:
            return run(
                _pace(Pin(pin)),
                lambda command: ResponseAPDU.decode(slot.transmit(command.encode())),
            )
        finally:
            slot.power_off()


def _pace(pin: Pin) -> Flow[tuple[str, ...]]:
    read = CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=SHORT_NE)
    answer = yield from one(read, "READ EF.CardAccess")
    access = CardAccess.decode(answer.data)
    rights = CHAT(Role.TERMINAL, Right.READ_DG1)
    yield from pace.select_password(access, PasswordReference.PIN, rights)
    fresh = secrets.token_bytes(pace.random_size(access.domain))
    ephemerals = pace.Ephemerals.from_random(access.domain, fresh)
    return (yield from pace.establish(pin, access, ephemerals)).trust_points


@pytest.fixture(scope="module")
def sandbox(need: Callable[[str], str]) -> Iterator[PcscSandbox]:
    """Return a pcscd of our own; say why where the machine permits none."""
    need(PROGRAM)
    reason = why_unavailable()
    if reason and "not installed" in reason:
        pytest.fail(f"{reason}; `make system` installs it")
    if reason:
        pytest.skip(reason)
    with PcscSandbox() as running_pcscd:
        yield running_pcscd


@pytest.fixture
def make(tmp_path: Path, pki: PKIFolder, now: datetime) -> Callable[..., TestCard]:
    """Return a function that personalises a card."""

    def make_one(pin: Pin | TransportPin | None = None) -> TestCard:
        signer = pki.card_signer()
        make_card(
            tmp_path / "npa.card",
            Personalisation(
                pin=pin or Pin(OLD),
                can=Can(CAN),
                trust_point=pki.cv("cvca").certificate,
                signer=CardSigner(signer.certificate.public_bytes(Encoding.DER), signer.key),
                today=now.date(),
                profile=NPA,
            ),
        )
        return TestCard(tmp_path / "npa.card")

    return make_one


@pytest.fixture
def app(sandbox: PcscSandbox, tmp_path: Path) -> Iterator[AusweisApp]:
    """Return AusweisApp2, freshly started on our pcscd."""
    with running(tmp_path, sandbox.environment) as program:
        yield program


@pytest.fixture
def change_pin(
    app: AusweisApp, sandbox: PcscSandbox
) -> Iterator[Callable[[TestCard], dict[str, Any]]]:
    """Return a function that begins to change a card's PIN, up to the program's first question."""
    last_reader = sandbox.reader_name(1)
    yield lambda card: app.start_pin_change(
        last_reader, lambda: sandbox.insert(CardSlot(card.path))
    )
    sandbox.pull()


def tries_seen(message: dict[str, Any]) -> int:
    """Return the counter that AusweisApp2 reports."""
    tries: int = message["reader"]["card"]["retryCounter"]
    return tries


def test_pin_changed_by_ausweisapp_opens_the_card(
    app: AusweisApp,
    sandbox: PcscSandbox,
    make: Callable[..., TestCard],
    change_pin: Callable[[TestCard], dict[str, Any]],
) -> None:
    card = make()

    asked = change_pin(card)
    app.say("SET_PIN", OLD)
    app.await_one_of("ENTER_NEW_PIN")
    app.say("SET_NEW_PIN", NEW)
    ended = app.await_one_of("CHANGE_PIN")

    assert tries_seen(asked) == 3
    assert ended["success"] is True
    sandbox.pull()
    assert card.pin.value == Pin(NEW)
    assert card.open_with(NEW) == ("JPJUKICVCA00001",)
    with pytest.raises(PinWrong):
        card.open_with(OLD)


def test_wrong_pin_makes_the_counter_fall_for_ausweisapp_and_in_the_card(
    app: AusweisApp,
    sandbox: PcscSandbox,
    make: Callable[..., TestCard],
    change_pin: Callable[[TestCard], dict[str, Any]],
) -> None:
    card = make()

    before = change_pin(card)
    app.say("SET_PIN", WRONG)
    after = app.await_one_of("ENTER_PIN", "ENTER_NEW_PIN")
    ended = app.cancel()

    assert after["msg"] == "ENTER_PIN"
    assert (tries_seen(before), tries_seen(after)) == (3, 2)
    assert ended["success"] is False
    sandbox.pull()
    assert card.pin.tries_left == 2
    assert card.pin.value == Pin(OLD)


def test_right_pin_after_a_wrong_one_sets_the_counter_back(
    app: AusweisApp,
    sandbox: PcscSandbox,
    make: Callable[..., TestCard],
    change_pin: Callable[[TestCard], dict[str, Any]],
) -> None:
    card = make()

    change_pin(card)
    app.say("SET_PIN", WRONG)
    app.await_one_of("ENTER_PIN")
    app.say("SET_PIN", OLD)
    app.await_one_of("ENTER_NEW_PIN")
    ended = app.cancel()

    assert ended["success"] is False
    sandbox.pull()
    assert card.pin.tries_left == 3
    assert card.pin.value == Pin(OLD)


def test_last_try_wants_the_can_and_then_blocks_the_card(
    app: AusweisApp,
    sandbox: PcscSandbox,
    make: Callable[..., TestCard],
    change_pin: Callable[[TestCard], dict[str, Any]],
) -> None:
    card = make()

    change_pin(card)
    app.say("SET_PIN", WRONG)
    app.await_one_of("ENTER_PIN")
    app.say("SET_PIN", WRONG)
    suspended = app.await_one_of("ENTER_CAN", "ENTER_PIN")
    app.say("SET_CAN", CAN)
    resumed = app.await_one_of("ENTER_PIN", "ENTER_CAN")
    app.say("SET_PIN", WRONG)
    blocked = app.await_one_of("ENTER_PUK", "ENTER_PIN")
    app.cancel()

    seen = [(message["msg"], tries_seen(message)) for message in (suspended, resumed, blocked)]
    assert seen == [("ENTER_CAN", 1), ("ENTER_PIN", 1), ("ENTER_PUK", 0)]
    sandbox.pull()
    assert card.pin.is_blocked
    with pytest.raises(PinLocked):
        card.open_with(OLD)


def test_wrong_can_leaves_the_last_try_alone(
    app: AusweisApp,
    sandbox: PcscSandbox,
    make: Callable[..., TestCard],
    change_pin: Callable[[TestCard], dict[str, Any]],
) -> None:
    card = make()

    change_pin(card)
    app.say("SET_PIN", WRONG)
    app.await_one_of("ENTER_PIN")
    app.say("SET_PIN", WRONG)
    app.await_one_of("ENTER_CAN")
    app.say("SET_CAN", WRONG)
    again = app.await_one_of("ENTER_CAN", "ENTER_PIN")
    app.say("SET_CAN", CAN)
    app.await_one_of("ENTER_PIN")
    app.say("SET_PIN", OLD)
    app.await_one_of("ENTER_NEW_PIN")
    app.say("SET_NEW_PIN", NEW)
    ended = app.await_one_of("CHANGE_PIN")

    assert (again["msg"], tries_seen(again)) == ("ENTER_CAN", 1)
    assert ended["success"] is True
    sandbox.pull()
    assert card.pin.tries_left == 3
    assert card.open_with(NEW)


def test_transport_pin_replaced_by_the_holders_own(
    app: AusweisApp,
    sandbox: PcscSandbox,
    make: Callable[..., TestCard],
    change_pin: Callable[[TestCard], dict[str, Any]],
) -> None:
    card = make(TransportPin(TRANSPORT))

    change_pin(card)
    app.say("SET_PIN", TRANSPORT)
    app.await_one_of("ENTER_NEW_PIN")
    app.say("SET_NEW_PIN", NEW)
    ended = app.await_one_of("CHANGE_PIN")

    assert ended["success"] is True
    sandbox.pull()
    assert card.pin.state is PinState.OPERATIONAL
    assert card.open_with(NEW)
