"""ICAO 9303-11, appendix G.1: PACE with generic mapping over ECDH, and a command after it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from juki_card import ec, oid, pace
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.errors import AuthenticationFailed, ParseError, UnexpectedStatus
from juki_card.flow import run
from juki_card.passwords import Mrz, PasswordReference
from juki_card.secure_messaging import CardChannel, ReaderChannel, SessionKeys
from tests.support.script import Script

VECTOR = Path(__file__).resolve().parents[2] / "vectors" / "icao-9303-11-g1.json"
G1: dict[str, Any] = json.loads(VECTOR.read_text(encoding="utf-8"))
DOMAIN = ec.BRAINPOOL_P256R1


def octets(name: str) -> bytes:
    return bytes.fromhex(G1[name])


def scalar(name: str) -> ec.Scalar:
    return ec.Scalar(DOMAIN, int(G1[name], 16))


def password() -> Mrz:
    return Mrz(G1["mrz"]["doc_no"], G1["mrz"]["dob"], G1["mrz"]["doe"])


def ephemerals() -> pace.Ephemerals:
    return pace.Ephemerals(scalar("map_ifd_priv"), scalar("dh_ifd_priv"))


def access() -> CardAccess:
    return CardAccess.decode(octets("ef_cardaccess"))


def exchanges() -> list[tuple[bytes | None, bytes]]:
    return [(bytes.fromhex(c), bytes.fromhex(r)) for c, r in G1["apdus"]]


def keys() -> SessionKeys:
    return SessionKeys(octets("ks_enc"), octets("ks_mac"))


def test_card_access_parses_and_encodes_back() -> None:
    assert access().encode() == octets("ef_cardaccess")
    assert access().domain is DOMAIN


def test_password_key_and_nonce_are_the_printed_ones() -> None:
    assert password().octets() == octets("k")
    assert password().key() == octets("k_pi")
    assert pace.decrypt_nonce(password(), octets("nonce_z")) == octets("nonce_s")
    assert pace.encrypt_nonce(password(), octets("nonce_s")) == octets("nonce_z")


@pytest.mark.parametrize(("own", "peer"), [("ifd", "ic"), ("ic", "ifd")])
def test_each_side_maps_to_the_printed_generator_and_keys(own: str, peer: str) -> None:
    mapping, agreement = scalar(f"map_{own}_priv"), scalar(f"dh_{own}_priv")
    peer_map = ec.decode_point(DOMAIN, octets(f"map_{peer}_pub"))
    peer_key = ec.decode_point(DOMAIN, octets(f"dh_{peer}_pub"))

    mapped = ec.map_generator(octets("nonce_s"), mapping, peer_map)

    assert ec.encode_point(mapping.key().public_key()) == octets(f"map_{own}_pub")
    assert ec.encode_point(ec.multiply(mapping, peer_map)) == octets("h")
    assert ec.encode_point(mapped.point()) == octets("g_mapped")
    assert ec.encode_point(mapped.public_key(agreement)) == octets(f"dh_{own}_pub")
    assert ec.ecdh(agreement.key(), peer_key) == octets("shared_secret")
    agreed = pace.agree(agreement, octets("dh_ifd_pub"), octets("dh_ic_pub"), peer=peer_key)
    assert (agreed.keys.enc, agreed.keys.mac) == (octets("ks_enc"), octets("ks_mac"))
    assert (agreed.token_reader, agreed.token_card) == (octets("t_ifd"), octets("t_ic"))


def test_printed_selection_is_what_the_builder_makes_without_the_domain_parameter() -> None:
    command = pace.mse_set_at(PasswordReference.MRZ, chat=None, parameter_id=None)

    assert command.encode().hex() == G1["apdus"][0][0]
    assert pace.decode_mse_set_at(command.data) == pace.Selection(PasswordReference.MRZ, None, None)


def test_printed_transcript_is_replayed_by_the_flow_to_its_first_protected_command() -> None:
    script = Script(exchanges()[1:])
    sample = G1["first_sm_command_ssc0"]

    result = run(pace.establish(password(), access(), ephemerals()), script.transmit)

    assert script.finished
    assert result.id_picc == octets("dh_ic_pub")[1:33]
    assert result.trust_points == ()
    plain = CommandAPDU.decode(bytes.fromhex(sample["plain"]))
    assert result.channel.wrap(plain).encode().hex() == sample["protected"]
    answer = ResponseAPDU.decode(bytes.fromhex(sample["response"]))
    assert result.channel.unwrap(answer) == ResponseAPDU(b"", 0x9000)


def test_printed_protected_command_is_opened_and_answered_by_the_card_side() -> None:
    sample = G1["first_sm_command_ssc0"]
    card = CardChannel(keys())

    plain = card.unwrap(CommandAPDU.decode(bytes.fromhex(sample["protected"])))

    assert plain.encode().hex() == sample["plain"]
    assert card.wrap(ResponseAPDU(b"", 0x9000)).encode().hex() == sample["response"]


def test_printed_answer_with_wrong_keys_is_refused() -> None:
    swapped = ReaderChannel(SessionKeys(octets("ks_mac"), octets("ks_enc")))
    swapped.wrap(CommandAPDU.decode(bytes.fromhex(G1["first_sm_command_ssc0"]["plain"])))

    with pytest.raises(Exception, match="MAC"):
        swapped.unwrap(ResponseAPDU.decode(bytes.fromhex(G1["first_sm_command_ssc0"]["response"])))


def with_last_answer(answer: str) -> Script:
    *before, (command, _) = exchanges()[1:]
    return Script([*before, (command, bytes.fromhex(answer))])


@pytest.mark.parametrize(
    "answer",
    [
        "7c0a86083abb9674bce93c099000",  # one bit of the token
        "7c0986073abb9674bce93c9000",  # token cut
        "7c0286009000",  # empty token
        "6300",  # the password is wrong
        "63c2",
    ],
)
def test_card_or_password_that_does_not_prove_itself_is_refused(answer: str) -> None:
    script = with_last_answer(answer)

    with pytest.raises(AuthenticationFailed):
        run(pace.establish(password(), access(), ephemerals()), script.transmit)


@pytest.mark.parametrize(
    "answer",
    ["9000", "7c009000", "7c0a87083abb9674bce93c089000", "7c0d86083abb9674bce93c088301aa9000"],
)
def test_last_answer_of_another_form_is_refused(answer: str) -> None:
    script = with_last_answer(answer)

    with pytest.raises(ParseError):
        run(pace.establish(password(), access(), ephemerals()), script.transmit)


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_status_word_that_is_not_expected_is_named(position: int) -> None:
    played = exchanges()[1:]
    played[position] = (played[position][0], bytes.fromhex("6985"))

    with pytest.raises(UnexpectedStatus, match="6985"):
        run(pace.establish(password(), access(), ephemerals()), Script(played).transmit)


def test_card_that_sends_our_mapping_key_back_is_refused() -> None:
    played = exchanges()[1:]
    mirrored = "7c438241" + G1["map_ifd_pub"] + "9000"
    played[1] = (played[1][0], bytes.fromhex(mirrored))

    with pytest.raises(AuthenticationFailed, match="back"):
        run(pace.establish(password(), access(), ephemerals()), Script(played).transmit)


def test_card_that_sends_our_ephemeral_key_back_is_refused() -> None:
    played = exchanges()[1:]
    mirrored = "7c438441" + G1["dh_ifd_pub"] + "9000"
    played[2] = (played[2][0], bytes.fromhex(mirrored))

    with pytest.raises(AuthenticationFailed, match="same"):
        run(pace.establish(password(), access(), ephemerals()), Script(played).transmit)


def test_point_off_the_curve_is_refused() -> None:
    played = exchanges()[1:]
    off_curve = G1["dh_ic_pub"][:-2] + "95"
    played[2] = (played[2][0], bytes.fromhex("7c438441" + off_curve + "9000"))

    with pytest.raises(ParseError, match="not on"):
        run(pace.establish(password(), access(), ephemerals()), Script(played).transmit)


def test_nonce_of_another_length_is_refused() -> None:
    script = Script([(None, bytes.fromhex("7c0a80080011223344556677" + "9000"))])

    with pytest.raises(ParseError, match="block"):
        run(pace.establish(password(), access(), ephemerals()), script.transmit)


def test_machine_readable_zone_seed_is_the_hash_of_fields_and_check_digits() -> None:
    assert hashlib.sha1(b"T22000129364081251010318").digest() == octets("k")


def test_token_names_the_protocol() -> None:
    other = pace.token(keys(), octets("dh_ic_pub"), protocol=oid.CA_ECDH_AES_128)

    assert other != octets("t_ifd")
