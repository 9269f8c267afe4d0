"""The worked example of EAC version 2 that the BSI published, value by value."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from asn1crypto.keys import PrivateKeyInfo

from juki_card import card_security, chip_authentication, cvc, ec, oid, pace
from juki_card import terminal_authentication as ta
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.errors import (
    AuthenticationFailed,
    CertificateRefused,
    ParseError,
    PinLocked,
    PinWrong,
    UnexpectedStatus,
)
from juki_card.flow import run
from juki_card.passwords import Pin
from juki_card.secure_messaging import CardChannel, ReaderChannel, SessionKeys
from tests.support.script import Script

pytestmark = pytest.mark.published
DOMAIN = ec.BRAINPOOL_P256R1


class Example:
    """The example's values by name, as octets."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __getitem__(self, name: str) -> bytes:
        return bytes.fromhex(self.values[name])

    def scalar(self, name: str) -> ec.Scalar:
        return ec.Scalar(DOMAIN, int(self.values[name], 16))

    def point(self, name: str) -> ec.PublicKey:
        return ec.decode_point(DOMAIN, self[name])

    def certificate(self, name: str) -> cvc.CVCertificate:
        return cvc.CVCertificate.decode(self[name])

    def verified(self, name: str, issuer: str) -> cvc.Verified:
        """Return a holder whose certificate is taken over with the issuer's curve."""
        anchor = cvc.trust_point(self.certificate(issuer))
        certificate = self.certificate(name)
        key = certificate.public_key.key(anchor.domain)
        return replace(anchor, certificate=certificate, key=key)

    @property
    def pin(self) -> Pin:
        return Pin(self.values["password"])

    @property
    def access(self) -> CardAccess:
        return CardAccess.decode(self["ef_cardaccess"])

    @property
    def ephemerals(self) -> pace.Ephemerals:
        return pace.Ephemerals(self.scalar("map_pcd_priv_key"), self.scalar("pcd_priv_key"))

    def script(self, *, last: str | None = None) -> Script:
        v = self.values
        return Script.of_hex(
            ("10860000027c0000", f"7c128010{v['nonce_enc']}9000"),
            (f"10860000457c438141{v['map_pcd_pub_key']}00", f"7c438241{v['map_picc_pub_key']}9000"),
            (f"10860000457c438341{v['pcd_pub_key']}00", f"7c438441{v['picc_pub_key']}9000"),
            (
                f"008600000c7c0a8508{v['authentication_token_pcd']}00",
                last if last is not None else self.last_answer(),
            ),
        )

    def last_answer(self) -> str:
        car = b"DECVCAAT00001".hex()
        return f"7c198608{self.values['authentication_token_picc']}870d{car}9000"


@pytest.fixture(scope="module")
def example(published: dict[str, Any]) -> Example:
    return Example(published["eac2_worked_example_ecdh"])


def test_nonce_is_decrypted_with_the_pin(example: Example) -> None:
    assert example.pin.key() == example["k_pi"]
    assert pace.decrypt_nonce(example.pin, example["nonce_enc"]) == example["nonce"]
    assert pace.encrypt_nonce(example.pin, example["nonce"]) == example["nonce_enc"]


@pytest.mark.parametrize(("own", "peer"), [("pcd", "picc"), ("picc", "pcd")])
def test_mapping_gives_the_printed_generator_on_both_sides(
    example: Example, own: str, peer: str
) -> None:
    mapping = example.scalar(f"map_{own}_priv_key")
    peer_key = example.point(f"map_{peer}_pub_key")

    mapped = ec.map_generator(example["nonce"], mapping, peer_key)

    assert ec.encode_point(mapping.key().public_key()) == example[f"map_{own}_pub_key"]
    assert ec.encode_point(ec.multiply(mapping, peer_key)) == example["map_shared_secret_h"]
    assert ec.encode_point(mapped.point()) == example["map_generator"]
    agreement = example.scalar(f"{own}_priv_key")
    assert ec.encode_point(mapped.public_key(agreement)) == example[f"{own}_pub_key"]


@pytest.mark.parametrize(("own", "peer"), [("pcd", "picc"), ("picc", "pcd")])
def test_agreement_gives_the_printed_secret_keys_and_tokens(
    example: Example, own: str, peer: str
) -> None:
    private = example.scalar(f"{own}_priv_key")
    public = example.point(f"{peer}_pub_key")

    agreed = pace.agree(private, example["pcd_pub_key"], example["picc_pub_key"], peer=public)

    assert ec.ecdh(private.key(), public) == example["shared_secret_k"]
    assert (agreed.keys.enc, agreed.keys.mac) == (example["k_enc"], example["k_mac"])
    assert agreed.token_reader == example["authentication_token_pcd"]
    assert agreed.token_card == example["authentication_token_picc"]


def test_flow_replays_the_example_and_names_the_trust_point(example: Example) -> None:
    script = example.script()

    result = run(pace.establish(example.pin, example.access, example.ephemerals), script.transmit)

    assert script.finished
    assert result.id_picc == ec.compress(example["picc_pub_key"])
    assert result.trust_points == ("DECVCAAT00001",)


def test_secure_messaging_sample_is_the_answer_to_the_first_command(example: Example) -> None:
    sample = example.values["sm_sample"]
    # The sample enciphers with counter 1 what goes to the card, and authenticates with counter 2
    # the bare status word that comes back.
    reader = ReaderChannel(SessionKeys(example["k_enc"], example["k_mac"]))
    card = CardChannel(SessionKeys(example["k_enc"], example["k_mac"]))
    plain = CommandAPDU(0x00, 0x22, 0x81, 0xB6, bytes.fromhex(sample["plain_before_padding"]))

    sent = reader.wrap(plain)
    answer = ResponseAPDU.decode(bytes.fromhex("990290008e08" + sample["mac"] + "9000"))

    assert sent.data.hex().startswith("871101" + sample["cipher"])
    assert ta.decode_mse_set_dst(card.unwrap(sent).data) == "DECVCAAT00001"
    assert card.wrap(ResponseAPDU(b"", 0x9000)) == answer
    assert reader.unwrap(answer) == ResponseAPDU(b"", 0x9000)
    assert (sample["plain_before_padding"], sample["cipher"]) == (
        example.values["d1"],
        example.values["e1"],
    )
    assert (sample["mac_input_before_padding"], sample["mac"]) == (
        example.values["ad1"],
        example.values["a1"],
    )


@pytest.mark.parametrize(
    ("answer", "tries"), [("63c2", 2), ("63c1", 1), ("63c0", 0)], ids=["two", "one", "none"]
)
def test_wrong_pin_names_the_tries_that_are_left(example: Example, answer: str, tries: int) -> None:
    script = example.script(last=answer)

    with pytest.raises(PinWrong) as refusal:
        run(pace.establish(example.pin, example.access, example.ephemerals), script.transmit)

    assert refusal.value.tries_left == tries
    assert script.finished


def test_blocked_pin_in_the_last_step_is_locked_and_not_wrong(example: Example) -> None:
    script = example.script(last="6983")

    with pytest.raises(PinLocked):
        run(pace.establish(example.pin, example.access, example.ephemerals), script.transmit)


@pytest.mark.parametrize("answer", ["6300", "6985", "6f00", "6a80"])
def test_other_status_word_in_the_last_step_says_nothing_about_the_pin(
    example: Example, answer: str
) -> None:
    script = example.script(last=answer)

    with pytest.raises(UnexpectedStatus):
        run(pace.establish(example.pin, example.access, example.ephemerals), script.transmit)


def test_card_with_a_wrong_token_is_no_wrong_pin(example: Example) -> None:
    script = example.script(last="7c0a8608" + "00" * 8 + "9000")

    with pytest.raises(AuthenticationFailed):
        run(pace.establish(example.pin, example.access, example.ephemerals), script.transmit)


def test_chain_of_the_example_is_signed_link_by_link(example: Example) -> None:
    cvc.verify_self_signed(example.certificate("cvca_cert"))
    anchor = cvc.trust_point(example.certificate("cvca_cert"))
    document_verifier = example.verified("dv_cert", "cvca_cert")
    for issuer, name in ((anchor, "dv_cert"), (document_verifier, "ta_cert")):
        certificate = example.certificate(name)
        issuer.verify(certificate.signature, certificate.signed)
        assert certificate.car == issuer.reference


def test_chain_of_the_example_changes_the_kind_of_terminal_and_is_refused(
    example: Example,
) -> None:
    # Its CVCA is one for inspection systems, its terminal one for authentication.
    chain = [example.certificate("dv_cert"), example.certificate("ta_cert")]

    with pytest.raises(CertificateRefused, match="kind"):
        cvc.verify_chain(chain, example.certificate("cvca_cert"), date(2010, 10, 1))


def terminal_input(example: Example) -> bytes:
    return ta.signature_input(
        ec.compress(example["picc_pub_key"]),
        example["ta_nonce"],
        ec.compress(example["ca_pcd_pub_key"]),
        b"",
    )


def announcement(example: Example) -> ta.Announcement:
    return ta.Announcement(
        "DETESTATDE019", ec.compress(example["ca_pcd_pub_key"]), b"", oid.TA_ECDSA_SHA_512
    )


def test_terminal_signature_verifies(example: Example) -> None:
    terminal = example.verified("ta_cert", "cvca_cert")

    ta.verify(
        terminal,
        announcement(example),
        example["ta_pcd_signature"],
        id_picc=ec.compress(example["picc_pub_key"]),
        r_picc=example["ta_nonce"],
    )


def test_terminal_signature_is_made_with_the_key_of_the_certificate(example: Example) -> None:
    # The file gives its curve explicitly, which the cryptography package does not load.
    number = PrivateKeyInfo.load(example["ta_pcd_key"])["private_key"].parsed["private_key"].native
    key = ec.private_key(ec.BRAINPOOL_P512R1, number)
    terminal = example.verified("ta_cert", "cvca_cert")

    signature = ta.sign(key, terminal_input(example), algorithm=oid.TA_ECDSA_SHA_512)

    assert ec.encode_point(key.public_key()) == terminal.certificate.public_key.point
    assert len(signature) == len(example["ta_pcd_signature"]) == 128
    terminal.verify(signature, terminal_input(example))


@pytest.mark.parametrize("part", ["id_picc", "r_picc", "ephemeral", "auxiliary", "signature"])
def test_terminal_signature_over_anything_else_is_refused(example: Example, part: str) -> None:
    terminal = example.verified("ta_cert", "cvca_cert")
    said, signature = announcement(example), example["ta_pcd_signature"]
    id_picc, r_picc = ec.compress(example["picc_pub_key"]), example["ta_nonce"]
    match part:
        case "id_picc":
            id_picc = bytes(32)
        case "r_picc":
            r_picc = bytes(8)
        case "ephemeral":
            said = replace(said, ephemeral=bytes(32))
        case "auxiliary":
            said = replace(said, auxiliary=bytes.fromhex("6700"))
        case _:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))

    with pytest.raises(AuthenticationFailed):
        ta.verify(terminal, said, signature, id_picc=id_picc, r_picc=r_picc)


@pytest.mark.parametrize(
    "said", [{"reference": "DETESTATDE020"}, {"protocol": oid.TA_ECDSA_SHA_256}]
)
def test_terminal_that_announced_itself_otherwise_is_refused(
    example: Example, said: dict[str, str]
) -> None:
    terminal = example.verified("ta_cert", "cvca_cert")
    other = replace(announcement(example), **said)  # type: ignore[arg-type]

    with pytest.raises(ParseError):
        ta.verify(
            terminal,
            other,
            example["ta_pcd_signature"],
            id_picc=ec.compress(example["picc_pub_key"]),
            r_picc=example["ta_nonce"],
        )


@pytest.mark.parametrize(("own", "peer"), [("pcd", "picc"), ("picc", "pcd")])
def test_chip_authentication_gives_the_printed_secret_keys_and_token(
    example: Example, own: str, peer: str
) -> None:
    private = example.scalar(f"ca_{own}_priv_key").key()
    public = example.point(f"ca_{peer}_pub_key")

    agreed = chip_authentication.agree(
        private, public, nonce=example["ca_nonce"], ephemeral=example["ca_pcd_pub_key"]
    )

    assert ec.encode_point(private.public_key()) == example[f"ca_{own}_pub_key"]
    assert ec.ecdh(private, public) == example["ca_shared_secret_k"]
    assert (agreed.keys.enc, agreed.keys.mac) == (example["ca_k_enc"], example["ca_k_mac"])
    assert agreed.token == example["ca_picc_token"]


def test_chip_answer_of_the_example_is_accepted_and_an_altered_one_is_not(
    example: Example,
) -> None:
    private = example.scalar("ca_pcd_priv_key").key()
    card_key = example.point("ca_picc_pub_key")
    good = chip_authentication.encode_answer(example["ca_nonce"], example["ca_picc_token"])

    session = chip_authentication.verify_answer(good, private, card_key)

    assert session.enc == example["ca_k_enc"]
    for nonce, token in ((bytes(8), example["ca_picc_token"]), (example["ca_nonce"], bytes(8))):
        bad = chip_authentication.encode_answer(nonce, token)
        with pytest.raises(AuthenticationFailed):
            chip_authentication.verify_answer(bad, private, card_key)


def test_chip_key_stands_in_card_security(example: Example) -> None:
    parsed = card_security.parse(example["ef_cardsecurity"])

    assert example["ca_picc_pub_key"] in [key.point for key in parsed.chip_keys()]
    key_id = example.access.chip_authentication.key_id
    assert key_id in [key.key_id for key in parsed.chip_keys()]
