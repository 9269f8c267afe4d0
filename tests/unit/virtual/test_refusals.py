"""What the card refuses, with which status word, and that the session is gone afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from juki_card import chip_authentication, eac, ec, files, oid, pace
from juki_card import terminal_authentication as ta
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.chat import CHAT, Right, Role, TerminalType
from juki_card.errors import AuthenticationFailed, UnexpectedStatus
from juki_card.flow import run
from juki_card.passwords import PasswordReference
from juki_card.secure_messaging import ReaderChannel, SessionKeys
from juki_card.virtual.session import Session, State
from tests.support.card_states import (
    Snapshot,
    open_channel,
    reader_channel,
    resident_session,
    say,
    window_session,
)
from tests.support.eac_world import (
    ALL_RIGHTS,
    AUTH,
    CAN,
    IDENTIFY,
    PIN,
    TODAY,
    WINDOW,
    CardInHand,
    EACWorld,
    open_session,
    whole_session,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.eac_world import Credential


def at(state: State, way: tuple[Snapshot, ...] | None = None) -> CardInHand:
    """Return a card in the first state of this kind that a session with the PIN met."""
    return next(s for s in way or resident_session() if s.state is state).card()


def mse_pace(
    *,
    reference: PasswordReference = PasswordReference.PIN,
    chat: CHAT | None = AUTH,
    parameter_id: int | None = 12,
) -> CommandAPDU:
    """MSE:Set AT for PACE."""
    return pace.mse_set_at(reference, chat=chat, parameter_id=parameter_id)


def assert_dropped(card: CardInHand, answer: ResponseAPDU, sw: int) -> None:
    """Check a status word, that nothing came with it, and that the session is gone."""
    assert (answer.data, f"{answer.sw:04X}") == (b"", f"{sw:04X}")
    assert card.session == Session()


# PACE


def test_can_without_its_right_in_the_chat_is_refused() -> None:
    card = at(State.IDLE)

    answer = card.transmit(mse_pace(reference=PasswordReference.CAN, chat=AUTH))

    assert_dropped(card, answer, SW.SECURITY_NOT_SATISFIED)


def test_can_without_a_chat_is_refused() -> None:
    card = at(State.IDLE)

    answer = card.transmit(mse_pace(reference=PasswordReference.CAN, chat=None))

    assert_dropped(card, answer, SW.SECURITY_NOT_SATISFIED)


@pytest.mark.parametrize("parameter_id", [None, 13])
def test_domain_parameters_missing_or_foreign_are_refused(parameter_id: int | None) -> None:
    card = at(State.IDLE)

    answer = card.transmit(mse_pace(parameter_id=parameter_id))

    assert_dropped(card, answer, SW.REFERENCED_DATA_NOT_FOUND)


def test_mrz_is_no_password_of_this_card() -> None:
    card = at(State.IDLE)

    answer = card.transmit(mse_pace(reference=PasswordReference.MRZ, chat=None))

    assert_dropped(card, answer, SW.REFERENCED_DATA_NOT_FOUND)


def test_chat_of_an_inspection_system_is_refused() -> None:
    card = at(State.IDLE)

    answer = card.transmit(mse_pace(chat=CHAT(Role.TERMINAL, 3, TerminalType.INSPECTION)))

    assert_dropped(card, answer, SW.WRONG_DATA)


def test_le_where_the_norm_has_none_is_refused() -> None:
    card = at(State.IDLE)

    answer = card.transmit(replace(mse_pace(), ne=256))

    assert_dropped(card, answer, SW.WRONG_LENGTH)


@pytest.mark.parametrize("state", [State.PASSWORD_NAMED, State.NONCE_SENT, State.MAPPED])
def test_step_without_le_is_refused(state: State) -> None:
    card = at(state)

    answer = card.transmit(CommandAPDU(0x10, 0x86, 0, 0, bytes.fromhex("7c028100")))

    assert card.session == Session()
    assert answer.sw in (SW.WRONG_LENGTH, SW.WRONG_DATA)


@pytest.mark.parametrize("state", [State.PASSWORD_NAMED, State.NONCE_SENT, State.MAPPED])
def test_step_without_its_chaining_bit_is_refused(state: State) -> None:
    card = at(state)

    answer = card.transmit(CommandAPDU(0x00, 0x86, 0, 0, b"\x7c\x00", 256))

    assert_dropped(card, answer, SW.CONDITIONS_NOT_SATISFIED)


@pytest.mark.parametrize(("state", "tag"), [(State.NONCE_SENT, 0x81), (State.MAPPED, 0x83)])
def test_point_that_is_not_on_the_curve_is_refused(state: State, tag: int) -> None:
    card = at(state)
    point = b"\x04" + bytes(63) + b"\x01"

    answer = card.transmit(
        CommandAPDU(0x10, 0x86, 0, 0, b"\x7c\x43" + bytes((tag, 0x41)) + point, 256)
    )

    assert_dropped(card, answer, SW.WRONG_DATA)


def test_step_out_of_order_is_refused() -> None:
    card = at(State.PASSWORD_NAMED)

    answer = card.transmit(CommandAPDU.decode(resident_session()[5].came_by[-1]))

    assert_dropped(card, answer, SW.WRONG_DATA)


def test_reading_in_the_middle_of_pace_is_refused() -> None:
    card = at(State.NONCE_SENT)

    answer = card.transmit(files.read_short_file(files.CARD_ACCESS))

    assert_dropped(card, answer, SW.CONDITIONS_NOT_SATISFIED)


# Terminal Authentication


def ready_for_terminal(chat: CHAT | None = AUTH, *, today_offset: int = 0) -> CardInHand:
    """Return a card after PACE."""
    memory = world().memory()
    card = CardInHand(replace(memory, today=memory.today + timedelta(days=today_offset)))
    open_channel(card, PIN, chat=chat)
    return card


def show_chain(card: CardInHand, *chain: Credential) -> ResponseAPDU:
    """Send the certificates and return the last answer, or the first refusal."""
    answer = ResponseAPDU(b"", SW.OK)
    for step in ta.chain_steps([credential.certificate for credential in chain]):
        answer = say(card, step.apdu)
        if answer.sw != SW.OK:
            return answer
    return answer


def test_terminal_without_rights_asked_in_pace_is_refused() -> None:
    card = ready_for_terminal(chat=None)

    answer = say(card, ta.mse_set_dst(world().cvca.certificate.chr))

    assert_dropped(card, answer, SW.CONDITIONS_NOT_SATISFIED)


def test_unknown_issuer_is_refused() -> None:
    card = ready_for_terminal()

    answer = say(card, ta.mse_set_dst("XXSTRANGER00001"))

    assert_dropped(card, answer, SW.REFERENCED_DATA_NOT_FOUND)


def test_chain_of_another_cvca_of_the_same_name_is_refused() -> None:
    card = ready_for_terminal()
    stranger = EACWorld(seed="stranger")

    answer = show_chain(card, stranger.dv, stranger.terminal())

    assert_dropped(card, answer, 0x6300)


def test_terminal_certificate_without_its_dv_is_refused() -> None:
    card = ready_for_terminal()
    here = world()
    direct = here.issue("JPTESTAT99999", AUTH, by=here.cvca)

    answer = show_chain(card, direct)

    assert_dropped(card, answer, 0x6300)


def test_expired_terminal_certificate_is_refused() -> None:
    card = ready_for_terminal(today_offset=3)

    answer = show_chain(card, world().dv, world().terminal())

    assert_dropped(card, answer, 0x6300)


def test_certificate_from_the_past_of_the_card_is_refused_after_its_date_moved() -> None:
    here = world()
    old = here.issue("JPTESTAT00001", AUTH, by=here.dv, days=1)
    later = here.issue(
        "JPTESTAT00002", AUTH, by=here.dv, effective=TODAY + timedelta(days=5), days=2
    )
    card = ready_for_terminal()

    first = show_chain(card, here.dv, later)
    date = card.memory.today
    card.reset()
    open_channel(card, PIN, chat=AUTH)
    second = show_chain(card, here.dv, old)

    assert first.sw == SW.OK
    assert date == TODAY + timedelta(days=5)
    assert_dropped(card, second, 0x6300)


def test_date_of_the_card_never_goes_back() -> None:
    card = ready_for_terminal(today_offset=1)

    answer = show_chain(card, world().dv, world().terminal())

    assert answer.sw == SW.OK
    assert card.memory.today == TODAY + timedelta(days=1)


@pytest.mark.parametrize("place", [0, 40, -1])
def test_altered_certificate_is_refused(place: int) -> None:
    card = ready_for_terminal()
    octets = bytearray(world().dv.certificate.encode_value())
    octets[place] ^= 1
    say(card, ta.mse_set_dst(world().cvca.certificate.chr))

    answer = say(card, CommandAPDU(0x00, 0x2A, 0x00, 0xBE, bytes(octets)))

    assert answer.sw in (0x6300, SW.WRONG_DATA)
    assert card.session == Session()


def test_announcement_before_the_chain_ends_at_a_terminal_is_refused() -> None:
    card = ready_for_terminal()
    show_chain(card, world().dv)

    answer = say(card, ta.mse_set_at(ta.Announcement("JPTESTDV00001", bytes(32), b"")))

    assert_dropped(card, answer, SW.CONDITIONS_NOT_SATISFIED)


def test_announcement_of_another_terminal_is_refused() -> None:
    card = ready_for_terminal()
    show_chain(card, world().dv, world().terminal())

    answer = say(card, ta.mse_set_at(ta.Announcement("JPTESTAT77777", bytes(32), b"")))

    assert_dropped(card, answer, SW.REFERENCED_DATA_NOT_FOUND)


def test_announcement_with_another_algorithm_is_refused_at_the_signature() -> None:
    card = ready_for_terminal()
    terminal = world().terminal()
    show_chain(card, world().dv, terminal)
    name = terminal.certificate.chr
    say(card, ta.mse_set_at(ta.Announcement(name, bytes(32), b"", oid.TA_ECDSA_SHA_512)))
    say(card, ta.get_challenge())

    answer = say(card, ta.external_authenticate(bytes(64)))

    assert_dropped(card, answer, SW.WRONG_DATA)


@pytest.mark.parametrize("ne", [0, 4, 16])
def test_challenge_of_another_length_is_refused(ne: int) -> None:
    card = at(State.TERMINAL_NAMED)

    answer = say(card, CommandAPDU(0x00, 0x84, 0, 0, ne=ne))

    assert_dropped(card, answer, SW.WRONG_LENGTH)


def test_signature_of_another_key_is_refused_and_costs_no_try() -> None:
    card = CardInHand(world().memory())
    plan, keys = world().plan()
    opened = open_session(card.transmit, plan)
    wrong = eac.CenterKeys(keys.ephemeral, keys.ephemeral)

    with pytest.raises(UnexpectedStatus) as refusal:
        run(eac.authenticate_chip(plan, wrong, opened.ready), opened.channel.through(card.transmit))

    assert refusal.value.status_word == 0x6300
    assert card.memory.pin.tries_left == 3
    assert card.session == Session()


@pytest.mark.parametrize(
    "lie_about",
    [
        lambda ready: replace(ready, id_picc=bytes(32)),
        lambda ready: replace(ready, r_picc=bytes(8)),
    ],
    ids=["id_picc", "r_picc"],
)
def test_signature_over_another_session_is_refused(
    lie_about: Callable[[eac.Ready], eac.Ready],
) -> None:
    card = CardInHand(world().memory())
    plan, keys = world().plan()
    opened = open_session(card.transmit, plan)
    lie = lie_about(opened.ready)

    with pytest.raises(UnexpectedStatus) as refusal:
        run(eac.authenticate_chip(plan, keys, lie), opened.channel.through(card.transmit))

    assert refusal.value.status_word == 0x6300


def test_can_session_whose_certificate_does_not_allow_the_can_is_refused() -> None:
    card = CardInHand(world().memory())
    greedy = CHAT(Role.TERMINAL, Right.READ_DG1 | Right.CAN_ALLOWED)
    plan, keys = world().plan(greedy, terminal=world().terminal(AUTH))

    with pytest.raises(UnexpectedStatus) as refusal:
        whole_session(card.transmit, plan, keys, password=CAN)

    assert refusal.value.status_word == 0x6300
    assert card.session == Session()


# Rights


@pytest.mark.parametrize(
    ("asked", "granted"),
    [(IDENTIFY, AUTH), (AUTH, IDENTIFY), (WINDOW, AUTH), (AUTH, WINDOW)],
    ids=["not asked", "not in AT", "other asked", "other in AT"],
)
def test_dg1_without_the_right_everywhere_is_refused(asked: CHAT, granted: CHAT) -> None:
    card = CardInHand(world().memory())
    plan, keys = world().plan(asked, terminal=world().terminal(granted))

    with pytest.raises(UnexpectedStatus) as refusal:
        whole_session(card.transmit, plan, keys)

    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED


def test_dg1_with_a_dv_that_lacks_the_right_is_refused() -> None:
    here = EACWorld(seed="narrow dv")
    narrow = here.issue("JPTESTDV00001", CHAT(Role.DV_DOMESTIC, 0), by=here.cvca)
    here.__dict__["dv"] = narrow
    card = CardInHand(here.memory())

    with pytest.raises(UnexpectedStatus) as refusal:
        whole_session(card.transmit, *here.plan())

    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED


def test_dg1_in_a_can_session_is_refused_even_with_the_right() -> None:
    card = CardInHand(world().memory())
    all_rights = CHAT(Role.TERMINAL, ALL_RIGHTS)

    with pytest.raises(UnexpectedStatus) as refusal:
        whole_session(card.transmit, *world().plan(all_rights), password=CAN)

    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED


@pytest.mark.parametrize(
    "state", [State.IDLE, State.PASSWORD_NAMED, State.PACE], ids=lambda state: state.name
)
def test_card_security_before_terminal_authentication_is_refused(state: State) -> None:
    card = at(state)

    answer = say(card, files.read_short_file(files.CARD_SECURITY))

    assert (answer.data, answer.sw) == (b"", SW.SECURITY_NOT_SATISFIED)


@pytest.mark.parametrize("state", [State.IDLE, State.PACE, State.TERMINAL], ids=lambda s: s.name)
def test_dg1_before_chip_authentication_is_refused(state: State) -> None:
    card = at(state)
    say(card, files.select_application())

    answer = say(card, files.read_short_file(files.DG1))

    assert (answer.data, answer.sw) == (b"", SW.SECURITY_NOT_SATISFIED)


# Chip Authentication


def test_chip_authentication_without_terminal_authentication_is_refused() -> None:
    card = at(State.PACE)

    answer = say(card, chip_authentication.mse_set_at(1))

    assert_dropped(card, answer, SW.CONDITIONS_NOT_SATISFIED)


def test_unknown_chip_key_is_refused() -> None:
    card = at(State.TERMINAL)

    answer = say(card, chip_authentication.mse_set_at(7))

    assert_dropped(card, answer, SW.REFERENCED_DATA_NOT_FOUND)


def test_chip_authentication_with_a_key_that_nobody_signed_is_refused() -> None:
    card = at(State.CHIP_KEY_NAMED)
    stranger = ec.encode_point(world().key("somebody else").public_key())

    answer = say(card, chip_authentication.general_authenticate(stranger))

    assert_dropped(card, answer, 0x6300)


def test_keys_of_pace_are_dead_after_chip_authentication() -> None:
    way = resident_session()
    before = next(s for s in way if s.state is State.CHIP_KEY_NAMED)
    after = next(s for s in way if s.state is State.CHIP)
    assert before.session.secured is not None
    secured = before.session.secured
    old = ReaderChannel(secured.keys, commands=secured.exchanges + 1, answers=0)
    card = after.card()

    answer = card.transmit(old.wrap(files.select_application()))

    assert_dropped(card, answer, SW.SM_INCORRECT)


# Secure messaging


SECURED = [State.PACE, State.CHALLENGED, State.TERMINAL, State.CHIP]


@pytest.mark.parametrize("state", SECURED, ids=lambda state: state.name)
def test_plain_command_in_a_channel_drops_the_session(state: State) -> None:
    card = at(state)

    answer = card.transmit(files.read_short_file(files.CARD_ACCESS))

    assert_dropped(card, answer, SW.SM_MISSING)


@pytest.mark.parametrize("state", SECURED, ids=lambda state: state.name)
@pytest.mark.parametrize("place", [0, 3, 5, 8, 12, -2])
def test_altered_protected_command_drops_the_session(state: State, place: int) -> None:
    card = at(state)
    octets = bytearray(reader_channel(card).wrap(files.select_application()).encode())
    octets[place] ^= 0x40

    answer = ResponseAPDU.decode(card.exchange(bytes(octets)))

    assert answer.sw in (SW.SM_INCORRECT, SW.SM_MISSING, SW.WRONG_LENGTH, SW.WRONG_DATA)
    assert (answer.data, card.session) == (b"", Session())


def test_repeated_protected_command_drops_the_session() -> None:
    card = at(State.CHIP)
    command = reader_channel(card).wrap(files.select_application())
    card.transmit(command)

    answer = card.transmit(command)

    assert_dropped(card, answer, SW.SM_INCORRECT)


def test_protected_command_without_a_channel_is_refused() -> None:
    card = at(State.IDLE)
    channel = ReaderChannel(SessionKeys(bytes(16), bytes(16)))

    answer = card.transmit(channel.wrap(files.select_application()))

    assert_dropped(card, answer, SW.SM_NOT_SUPPORTED)


def test_protected_command_without_le_is_refused() -> None:
    card = at(State.CHIP)
    command = replace(reader_channel(card).wrap(files.select_application()), ne=0)

    answer = card.transmit(command)

    assert_dropped(card, answer, SW.WRONG_LENGTH)


def test_refusal_inside_a_channel_is_still_protected() -> None:
    card = at(State.PACE)
    channel = reader_channel(card)

    answer = card.transmit(channel.wrap(ta.get_challenge()))

    assert channel.unwrap(answer).sw == SW.CONDITIONS_NOT_SATISFIED
    assert card.session == Session()


def test_reset_forgets_the_session() -> None:
    card = at(State.CHIP)
    channel = reader_channel(card)

    card.reset()
    answer = card.transmit(channel.wrap(files.select_application()))

    assert answer.sw == SW.SM_NOT_SUPPORTED


def test_window_right_is_no_right_to_read() -> None:
    card = at(State.CHIP, window_session())
    say(card, files.select_application())

    answer = say(card, files.read_short_file(files.DG1))

    assert answer.sw == SW.SECURITY_NOT_SATISFIED


def test_wrong_can_is_refused_and_costs_no_try() -> None:
    card = CardInHand(world().memory(can=type(CAN)("000000")))

    with pytest.raises(AuthenticationFailed):
        open_channel(card, CAN, chat=WINDOW)

    assert card.memory.pin.tries_left == 3
    assert card.session == Session()
