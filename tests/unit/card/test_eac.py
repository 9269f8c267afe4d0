"""Whole sessions of terminal, center and card, and what each of them refuses."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from juki_card import card_security, cvc, eac, ec, oid, tlv
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.chat import CHAT, Role
from juki_card.cv_key import CVPublicKey
from juki_card.errors import (
    AuthenticationFailed,
    CardError,
    CertificateRefused,
    ParseError,
    PinLocked,
    PinWrong,
    SecureMessagingError,
    UnexpectedStatus,
)
from juki_card.flow import Dialogue, Done, run, transmit_batch
from juki_card.passwords import Pin
from juki_card.transcript import Transcript
from juki_cardbox.profiles import NPA
from tests.support.eac_world import (
    ALL_RIGHTS,
    AUTH,
    IDENTIFY,
    NOW,
    PIN,
    RESIDENT_CODE,
    CardInHand,
    EACWorld,
    ephemerals,
    open_session,
    whole_session,
    world,
)

BOTH = pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1], ids=lambda d: d.name)
HEADERS = [
    "00b09c00",  # 1 READ EF.CardAccess
    "0022c1a4",
    "10860000",
    "10860000",
    "10860000",
    "00860000",
    "0c2281b6",
    "0c2a00be",
    "0c2281b6",
    "0c2a00be",
    "0c2281a4",
    "0c840000",
    "0c820000",
    "0cb09d00",  # 14 READ EF.CardSecurity
    "0c2241a4",
    "0c860000",
    "0ca4040c",
    "0cb08100",  # 18 READ EF.DG1
]


class Recorder:
    """A card and the commands that it met."""

    def __init__(self, card: CardInHand) -> None:
        self.card = card
        self.commands: list[CommandAPDU] = []

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        self.commands.append(command)
        return self.card.transmit(command)


def opened(local: EACWorld, card: CardInHand) -> tuple[eac.Plan, eac.CenterKeys, eac.CardReady]:
    plan, keys = local.plan()
    return plan, keys, open_session(card.transmit, plan)


@BOTH
def test_whole_session_reads_the_resident_code_in_eighteen_commands(domain: ec.Domain) -> None:
    local = world(domain)
    plan, keys = local.plan()
    recorder = Recorder(CardInHand(local.memory()))

    chip, code = whole_session(recorder.transmit, plan, keys)

    assert code == RESIDENT_CODE
    assert [command.header.hex() for command in recorder.commands] == HEADERS
    chip.card_security.verify([local.signer.certificate], NOW)
    access = CardAccess.offering(domain).encode()
    chip.card_security.covers(access)
    assert chip.serial == chip.chip_key.serial


def test_center_relays_one_plain_batch_of_four_and_one_protected_of_two() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)

    dialogue = Dialogue(eac.authenticate_chip(plan, keys, ready.ready))
    first = dialogue.start()

    assert not isinstance(first, Done)
    assert [step.apdu.header.hex() for step in first.steps] == [
        "00820000",
        "00b09d00",
        "002241a4",
        "00860000",
    ]
    chip = dialogue.answer(transmit_batch(first, ready.channel.through(card.transmit)))
    assert isinstance(chip, Done)
    second = Dialogue(eac.read_dg1(chip.value.channel)).start()
    assert not isinstance(second, Done)
    assert [step.apdu.header.hex() for step in second.steps] == ["0ca4040c", "0cb08100"]


def test_wrong_pin_counts_down_and_stops_the_card_for_the_right_one_too() -> None:
    local = world()
    plan, _ = local.plan()
    card = CardInHand(local.memory())

    for left in (2, 1, 0):
        with pytest.raises(PinWrong) as refusal:
            open_session(card.transmit, plan, password=Pin("0000"))
        assert refusal.value.tries_left == left
    with pytest.raises(PinLocked):
        open_session(card.transmit, plan, password=PIN)


def test_card_refuses_a_chain_of_another_authority_with_the_same_names() -> None:
    plan, _ = EACWorld(seed="stranger").plan()
    card = CardInHand(world().memory())

    with pytest.raises(UnexpectedStatus, match="VERIFY CERTIFICATE"):
        open_session(card.transmit, plan)


def test_card_refuses_a_signature_by_another_key() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    wrong = replace(keys, terminal=ec.private_key(ec.P256, 77))

    with pytest.raises(UnexpectedStatus, match="EXTERNAL AUTHENTICATE"):
        run(
            eac.authenticate_chip(plan, wrong, ready.ready),
            ready.channel.through(card.transmit),
        )


@pytest.mark.parametrize("lie", ["id_picc", "r_picc"])
def test_terminal_that_lies_to_the_center_makes_the_card_refuse(lie: str) -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    told = replace(ready.ready, **{lie: bytes(32 if lie == "id_picc" else 8)})  # type: ignore[arg-type]  # a field by its name

    with pytest.raises(UnexpectedStatus, match="EXTERNAL AUTHENTICATE"):
        run(eac.authenticate_chip(plan, keys, told), ready.channel.through(card.transmit))


def test_plan_with_other_auxiliary_data_makes_the_card_refuse() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    other = replace(plan, auxiliary=bytes.fromhex("6700"))

    with pytest.raises(UnexpectedStatus, match="EXTERNAL AUTHENTICATE"):
        run(eac.authenticate_chip(other, keys, ready.ready), ready.channel.through(card.transmit))


def test_other_ephemeral_key_than_the_one_that_was_signed_is_refused_by_the_card() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    secured = ready.channel.through(card.transmit)
    substitute = ec.encode_point(ec.private_key(ec.P256, 99).public_key())

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        data = command.data.replace(plan.ephemeral, substitute)
        return secured(replace(command, data=data))

    with pytest.raises(UnexpectedStatus, match="GENERAL AUTHENTICATE"):
        run(eac.authenticate_chip(plan, keys, ready.ready), transmit)


def test_clone_with_a_copied_file_and_another_key_is_found_out() -> None:
    local = world()
    memory = replace(local.memory(), chip_key=ec.private_key(ec.P256, 12345))
    card = CardInHand(memory)
    plan, keys, ready = opened(local, card)

    with pytest.raises(AuthenticationFailed, match="does not have its key"):
        run(eac.authenticate_chip(plan, keys, ready.ready), ready.channel.through(card.transmit))


def test_card_that_names_another_key_than_it_offers_is_found_out() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    told = replace(ready.ready, card_access=CardAccess.offering(ec.P256, ca_key_id=9).encode())

    with pytest.raises(CardError):
        run(eac.authenticate_chip(plan, keys, told), ready.channel.through(card.transmit))


@pytest.mark.parametrize(("parameter", "key_id"), [(12, 9), (12, None), (13, 1)])
def test_signed_file_without_the_key_that_is_named_is_refused(
    parameter: int, key_id: int | None
) -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    secured = ready.channel.through(card.transmit)
    point = ec.encode_point(card.memory.chip_key.public_key())
    other = card_security.make(
        tlv.encode(tlv.SET, card_security.ChipKey(parameter, point, key_id).encode()),
        signer_certificate=local.signer.certificate,
        signer_key=local.signer.key,
    )

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        answer = secured(command)
        return replace(answer, data=other) if command.ins == 0xB0 else answer

    with pytest.raises(AuthenticationFailed, match="has not the key"):
        run(eac.authenticate_chip(plan, keys, ready.ready), transmit)


def test_downgraded_card_access_is_found_out_by_comparison() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    chip = run(eac.authenticate_chip(plan, keys, ready.ready), ready.channel.through(card.transmit))
    weaker = tlv.encode(tlv.SET, tlv.expect(ready.ready.card_access, tlv.SET)[:20])

    chip.card_security.covers(weaker)
    with pytest.raises(AuthenticationFailed, match="signer signed"):
        chip.card_security.covers(CardAccess.offering(ec.BRAINPOOL_P256R1).encode())


def test_code_is_not_read_without_the_right() -> None:
    local = world()
    plan, keys = local.plan(IDENTIFY)
    card = CardInHand(local.memory())

    with pytest.raises(UnexpectedStatus, match=r"READ EF\.DG1"):
        whole_session(card.transmit, plan, keys)


def test_code_is_not_read_where_the_chat_of_pace_lacks_the_right() -> None:
    local = world()
    plan, keys = local.plan(AUTH)
    card = CardInHand(local.memory())

    with pytest.raises(UnexpectedStatus):
        whole_session(card.transmit, replace(plan, chat=IDENTIFY), keys)


def test_protected_answer_that_was_altered_on_the_way_ends_the_session() -> None:
    local = world()
    card = CardInHand(local.memory())
    plan, keys, ready = opened(local, card)
    chip = run(eac.authenticate_chip(plan, keys, ready.ready), ready.channel.through(card.transmit))

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        answer = card.transmit(command)
        return replace(answer, data=answer.data[:-1] + bytes((answer.data[-1] ^ 1,)))

    with pytest.raises(SecureMessagingError, match="MAC"):
        run(eac.read_dg1(chip.channel), transmit)


def test_plan_without_a_chain_for_the_card_is_refused_by_the_terminal() -> None:
    local = world()
    plan, _ = local.plan()
    other = replace(plan, chains=(replace(plan.chains[0], trust_point="JPOTHER00001"),))

    with pytest.raises(CertificateRefused, match="no chain"):
        open_session(CardInHand(local.memory()).transmit, other)


def test_card_on_another_curve_than_the_plans_is_refused_before_the_pin_is_used() -> None:
    plan, _ = world(ec.BRAINPOOL_P256R1).plan()
    card = CardInHand(world().memory())
    prepared = run(eac.prepare(plan.chat), card.transmit)
    recorder = Recorder(card)

    with pytest.raises(AuthenticationFailed, match="curve"):
        run(eac.present(prepared, PIN, ephemerals(), plan), recorder.transmit)

    assert recorder.commands == []


def test_chain_without_certificates_is_none() -> None:
    with pytest.raises(ParseError):
        eac.Chain("JPTESTCVCA00001", ())


def test_card_without_our_application_gives_no_code() -> None:
    local = world()
    card = CardInHand(local.memory(profile=NPA, pin=Pin("464900")))
    plan, keys = local.plan()

    with pytest.raises(UnexpectedStatus, match="SELECT: status word 6A82"):
        whole_session(card.transmit, plan, keys, password=Pin("464900"))


def test_transcript_of_the_opening_is_what_the_terminal_saw() -> None:
    local = world()
    plan, _ = local.plan()
    seen: list[tuple[bytes, bytes]] = []
    card = CardInHand(local.memory())
    ready = open_session(card.transmit, plan)
    steps = plan.opening_steps(plan.chains[0])
    for step in steps:
        answer = ready.ready.r_picc if step is steps[-1] else b""
        seen.append((step.apdu.encode(), answer + b"\x90\x00"))
    expected, made = (Transcript(bytes(16), bytes(32)) for _ in range(2))
    for command, octets in seen:
        expected.add(command, octets)

    eac.add_opening(made, plan, ready.ready)

    assert made.digest() == expected.digest()
    other = Transcript(bytes(16), bytes(32))
    eac.add_opening(other, plan, replace(ready.ready, r_picc=bytes(8)))
    assert other.digest() != made.digest()
    with pytest.raises(ParseError):
        eac.add_opening(made, plan, replace(ready.ready, status_words=(0x9000,)))


def test_link_certificate_makes_a_session_of_twenty_commands() -> None:
    local = world()
    following = local.issue("JPTESTCVCA00002", CHAT(Role.CVCA, ALL_RIGHTS), days=1095)
    linked = cvc.make_certificate(
        replace(following.certificate.body, car=local.cvca.certificate.chr),
        local.cvca.key,
        algorithm=oid.TA_ECDSA_SHA_256,
    )
    verifier = local.issue("JPTESTDV00002", CHAT(Role.DV_DOMESTIC, ALL_RIGHTS), by=following)
    terminal = local.issue("JPTESTAT00002", AUTH, by=verifier)
    plan, keys = local.plan(terminal=terminal)
    certificates = (linked, verifier.certificate, terminal.certificate)
    plan = replace(plan, chains=(eac.Chain(local.cvca.certificate.chr, certificates),))
    recorder = Recorder(CardInHand(local.memory()))

    _, code = whole_session(recorder.transmit, plan, keys)

    assert code == RESIDENT_CODE
    assert len(recorder.commands) == 20


def test_terminal_signs_with_the_algorithm_of_its_certificate() -> None:
    local = world()
    usual = local.terminal()
    key = CVPublicKey.of(usual.key.public_key(), explicit=False, algorithm=oid.TA_ECDSA_SHA_512)
    certificate = cvc.make_certificate(
        replace(usual.certificate.body, public_key=key),
        local.dv.key,
        algorithm=oid.TA_ECDSA_SHA_256,
    )
    plan, keys = local.plan(terminal=replace(usual, certificate=certificate))

    _, code = whole_session(CardInHand(local.memory()).transmit, plan, keys)

    assert code == RESIDENT_CODE


def test_expired_terminal_certificate_is_refused_by_a_card_that_knows_the_day() -> None:
    local = world()
    old = local.issue(
        "JPTESTAT00009", AUTH, by=local.dv, effective=local.today - timedelta(days=9), days=2
    )
    plan, _ = local.plan(terminal=old)

    with pytest.raises(UnexpectedStatus, match="VERIFY CERTIFICATE"):
        open_session(CardInHand(local.memory()).transmit, plan)


def test_secrets_of_the_center_are_never_shown() -> None:
    _, keys = world().plan()

    assert repr(keys) == "CenterKeys(***)"


def test_serial_is_the_hash_of_the_uncompressed_point() -> None:
    point = ec.encode_point(ec.private_key(ec.P256, 4).public_key())

    assert card_security.ChipKey(12, point, 1).serial == hashlib.sha256(point).digest()
