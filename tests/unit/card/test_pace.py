from __future__ import annotations

import pytest

from juki_card import ec, oid, pace, tlv
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.chat import CHAT, Right, Role
from juki_card.errors import (
    AuthenticationFailed,
    CardError,
    ParseError,
    PinLocked,
    PinWrong,
    UnexpectedStatus,
)
from juki_card.flow import run
from juki_card.passwords import Can, PasswordReference, Pin
from juki_card.secure_messaging import CardChannel, SessionKeys
from tests.support.leading_zeros import first_with_zero
from tests.support.pace_card import PACECard
from tests.support.script import Script

NONCE = bytes(range(16))
PIN = Pin("4649")
READ_DG1 = CHAT(Role.TERMINAL, Right.READ_DG1)
SELECTED = (
    "0022c1a427800a04007f000702020402028301037f4c12060904007f0007030102025305000000010084010c"
)
BOTH = pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1], ids=lambda d: d.name)


def card(
    domain: ec.Domain, *, mapping: int = 3, agreement: int = 5, nonce: bytes = NONCE
) -> PACECard:
    return PACECard(
        PIN, nonce, ec.Scalar(domain, mapping), ec.Scalar(domain, agreement), (b"JPCVCA00001",)
    )


def secrets(domain: ec.Domain, *, mapping: int = 7, agreement: int = 11) -> pace.Ephemerals:
    return pace.Ephemerals(ec.Scalar(domain, mapping), ec.Scalar(domain, agreement))


def establish(partner: PACECard, own: pace.Ephemerals, pin: Pin = PIN) -> pace.PACEResult:
    access = CardAccess.offering(own.mapping.domain)
    return run(pace.establish(pin, access, own), partner.transmit)


def generator_number(domain: ec.Domain, mapping: int = 7, peer: int = 3) -> int:
    """Return g with G' = g*G; known here because both mapping keys are."""
    return (int.from_bytes(NONCE, "big") + mapping * peer) % domain.order


@BOTH
def test_both_sides_open_the_same_channel(domain: ec.Domain) -> None:
    partner = card(domain)

    result = establish(partner, secrets(domain))

    assert partner.keys is not None
    plain = CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=8)
    assert CardChannel(partner.keys).unwrap(result.channel.wrap(plain)) == plain
    assert result.id_picc == ec.compress(partner.point)
    assert result.trust_points == ("JPCVCA00001",)


@BOTH
def test_leading_zero_of_the_cards_key_stays_in_its_identifier(domain: ec.Domain) -> None:
    base = generator_number(domain)
    number = first_with_zero(domain, base, other_than=11)
    partner = card(domain, agreement=number)

    result = establish(partner, secrets(domain))

    assert result.id_picc[0] == 0
    assert len(result.id_picc) == domain.size


@BOTH
def test_leading_zero_of_the_readers_key_stays_on_the_wire(domain: ec.Domain) -> None:
    base = generator_number(domain)
    number = first_with_zero(domain, base, other_than=5)
    partner = card(domain)
    sent: list[bytes] = []

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        sent.append(command.data)
        return partner.transmit(command)

    access = CardAccess.offering(domain)
    run(pace.establish(PIN, access, secrets(domain, agreement=number)), transmit)

    point = pace.dynamic_data(sent[2], pace.KEY_READER)
    assert len(point) == 2 * domain.size + 1
    assert point[1] == 0


@BOTH
def test_leading_zero_of_the_shared_secret_stays_in_the_keys(domain: ec.Domain) -> None:
    base = generator_number(domain)
    number = first_with_zero(domain, 5 * base, other_than=5)
    partner = card(domain)

    result = establish(partner, secrets(domain, agreement=number))

    assert result.channel.alive
    shared = ec.private_key(domain, number * 5 * base % domain.order).public_key()
    secret = ec.compress(shared)
    assert secret[0] == 0
    assert partner.keys is not None
    derived = SessionKeys.derive(secret)
    assert (partner.keys.enc, partner.keys.mac) == (derived.enc, derived.mac)


@BOTH
def test_leading_zero_of_a_mapping_key_stays_on_the_wire(domain: ec.Domain) -> None:
    number = first_with_zero(domain, 1, other_than=3)

    result = establish(card(domain), secrets(domain, mapping=number))
    mirrored = establish(card(domain, mapping=number), secrets(domain, mapping=3))

    assert result.channel.alive
    assert mirrored.channel.alive


@BOTH
def test_leading_zero_of_the_generator_does_not_disturb(domain: ec.Domain) -> None:
    number = first_with_zero(domain, 3, start=int.from_bytes(NONCE, "big"), other_than=3)

    assert establish(card(domain), secrets(domain, mapping=number)).channel.alive


@pytest.mark.parametrize("nonce", [bytes(16), bytes(15) + b"\x01", b"\xff" * 16])
@BOTH
def test_nonce_at_the_border_is_mapped_like_any_other(domain: ec.Domain, nonce: bytes) -> None:
    assert establish(card(domain, nonce=nonce), secrets(domain)).channel.alive


@BOTH
def test_wrong_pin_is_told_by_the_card_alone(domain: ec.Domain) -> None:
    with pytest.raises(PinWrong) as refusal:
        establish(card(domain), secrets(domain), Pin("4650"))

    assert refusal.value.tries_left == 2
    assert "46" not in str(refusal.value)


def test_random_octets_give_secrets_in_range_and_of_their_own() -> None:
    octets = bytes(40) + b"\xff" * 40

    own = pace.Ephemerals.from_random(ec.P256, octets)

    assert own.mapping.number == 1
    assert own.agreement.number != 1
    assert pace.random_size(ec.P256) == len(octets)
    with pytest.raises(CardError, match="80 random octets"):
        pace.Ephemerals.from_random(ec.P256, octets[1:])


def test_selection_is_octet_for_octet_the_one_of_the_profile() -> None:
    script = Script.of_hex((SELECTED, "9000"))

    state = run(
        pace.select_password(CardAccess.offering(ec.P256), PasswordReference.PIN, READ_DG1),
        script.transmit,
    )

    assert script.finished
    assert state.tries_left is None


@pytest.mark.parametrize(("sw", "left"), [("63c3", 3), ("63c2", 2), ("63c1", 1)])
def test_tries_left_are_known_before_the_pin_is_asked(sw: str, left: int) -> None:
    script = Script.of_hex((None, sw))

    state = run(
        pace.select_password(CardAccess.offering(ec.P256), PasswordReference.PIN, None),
        script.transmit,
    )

    assert state.tries_left == left


@pytest.mark.parametrize("sw", ["63c0", "6983"])
def test_blocked_pin_is_told_before_it_is_asked(sw: str) -> None:
    script = Script.of_hex((None, sw))

    with pytest.raises(PinLocked):
        run(
            pace.select_password(CardAccess.offering(ec.P256), PasswordReference.PIN, None),
            script.transmit,
        )


@pytest.mark.parametrize("sw", ["6a80", "6a88", "6985", "6283", "6984", "6f00"])
@pytest.mark.parametrize("reference", [PasswordReference.PIN, PasswordReference.CAN])
def test_selection_that_is_refused_is_named(sw: str, reference: PasswordReference) -> None:
    script = Script.of_hex((None, sw))

    with pytest.raises(UnexpectedStatus, match=sw.upper()):
        run(pace.select_password(CardAccess.offering(ec.P256), reference, None), script.transmit)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_pin_that_was_blocked_in_between_is_locked(position: int) -> None:
    partner = card(ec.P256)
    count = 0

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        nonlocal count
        count += 1
        if count == position + 1:
            return ResponseAPDU(b"", 0x6983)
        return partner.transmit(command)

    access = CardAccess.offering(ec.P256)
    with pytest.raises(PinLocked):
        run(pace.establish(PIN, access, secrets(ec.P256)), transmit)


@pytest.mark.parametrize("sw", [0x6300, 0x63C2])
def test_wrong_can_says_nothing_about_the_pin(sw: int) -> None:
    partner = PACECard(Can("310452"), NONCE, ec.Scalar(ec.P256, 3), ec.Scalar(ec.P256, 5), wrong=sw)

    with pytest.raises(AuthenticationFailed, match="CAN"):
        run(
            pace.establish(Can("310453"), CardAccess.offering(ec.P256), secrets(ec.P256)),
            partner.transmit,
        )


def test_both_trust_points_of_a_roll_over_are_named_newest_first() -> None:
    partner = card(ec.P256)
    partner.trust_points = (b"JPCVCA00002", b"JPCVCA00001")

    assert establish(partner, secrets(ec.P256)).trust_points == ("JPCVCA00002", "JPCVCA00001")


def test_trust_point_that_is_no_reference_is_refused() -> None:
    partner = card(ec.P256)
    partner.trust_points = (b"JP\x00",)

    with pytest.raises(ParseError, match="reference"):
        establish(partner, secrets(ec.P256))


def test_selection_survives_in_any_order_of_its_objects() -> None:
    command = pace.mse_set_at(PasswordReference.PIN, chat=READ_DG1, parameter_id=12)
    reordered = tlv.encode_all(reversed(tlv.parse_all(command.data)))

    expected = pace.Selection(PasswordReference.PIN, READ_DG1, 12)
    assert pace.decode_mse_set_at(command.data) == expected
    assert pace.decode_mse_set_at(reordered) == expected


PROTOCOL = "800a" + oid.encode(oid.PACE_ECDH_GM_AES_128).hex()


@pytest.mark.parametrize(
    "data",
    [
        "",
        "830103",  # no protocol
        "800a04007f00070202040204830103",  # AES-256
        PROTOCOL,  # no password
        PROTOCOL + "830109",  # unknown password
        PROTOCOL + "8300",
        PROTOCOL + "83010383" + "0103",  # password twice
        PROTOCOL + "8301038402000d",  # parameter of two octets
        PROTOCOL + "8301039100",  # does not belong there
        PROTOCOL + "8301037f4c00",  # empty CHAT
    ],
)
def test_selection_of_another_form_is_refused_by_the_card(data: str) -> None:
    with pytest.raises(ParseError):
        pace.decode_mse_set_at(bytes.fromhex(data))


def test_mapped_generator_is_never_shown() -> None:
    peer = ec.private_key(ec.P256, 3).public_key()

    assert repr(ec.map_generator(NONCE, ec.Scalar(ec.P256, 7), peer)) == "MappedGenerator(***)"
