"""Readers with a keypad, by a fake that answers as part 10 says."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from juki_card.errors import ParseError, PinWrong
from juki_client.outcome import Part, Problem
from juki_terminal.reader.pinpad import (
    GET_FEATURE_REQUEST,
    Feature,
    PinFormat,
    PinPad,
    PinProperties,
    parse_pace,
    parse_properties,
)

VERIFY = bytes.fromhex("0020000304ffffffff")
CODES = {feature: 0x42330000 + feature for feature in Feature}


@dataclass
class FakePad:
    """A reader that has the given features and one answer for each."""

    answers: dict[Feature, bytes] = field(default_factory=dict)
    heard: list[tuple[Feature, bytes]] = field(default_factory=list)
    announced: bytes | None = None

    def __call__(self, code: int, data: bytes) -> bytes:
        if code == GET_FEATURE_REQUEST:
            known = b"".join(
                bytes((feature, 4)) + CODES[feature].to_bytes(4, "big") for feature in self.answers
            )
            return known if self.announced is None else self.announced
        feature = next(feature for feature in Feature if CODES[feature] == code)
        self.heard.append((feature, data))
        return self.answers[feature]


def test_features_are_found_by_their_codes_and_unknown_ones_left_out() -> None:
    announced = bytes.fromhex("0604423300067f0400000001")

    pad = PinPad(FakePad(announced=announced))

    assert pad.features == {Feature.VERIFY_PIN_DIRECT: 0x42330006}


@pytest.mark.parametrize("announced", ["06", "0605423300060a", "060442330006120442"])
def test_features_that_are_none_are_refused(announced: str) -> None:
    with pytest.raises(ParseError):
        PinPad(FakePad(announced=bytes.fromhex(announced)))


def test_reader_without_the_feature_is_a_reader_that_fails() -> None:
    pad = PinPad(FakePad())

    with pytest.raises(Problem) as caught:
        pad.properties()

    assert (caught.value.reason, caught.value.part) == ("READER_FAILED", Part.READER)


def test_properties_of_the_keypad_are_read() -> None:
    pad = PinPad(FakePad({Feature.IFD_PIN_PROPERTIES: bytes.fromhex("1002071e")}))

    assert pad.properties() == PinProperties(16, 2, 7, 30)


def test_properties_that_are_too_short_are_refused() -> None:
    pad = PinPad(FakePad({Feature.IFD_PIN_PROPERTIES: b"\x10"}))

    with pytest.raises(ParseError):
        pad.properties()


def test_tlv_properties_are_read_by_tag() -> None:
    pad = PinPad(FakePad({Feature.GET_TLV_PROPERTIES: bytes.fromhex("010200040a0400000100")}))

    assert pad.tlv_properties() == {0x01: b"\x00\x04", 0x0A: b"\x00\x00\x01\x00"}


@pytest.mark.parametrize("octets", ["01", "0102", "01020a"])
def test_tlv_properties_that_are_cut_off_are_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        parse_properties(bytes.fromhex(octets))


def test_verify_packs_the_structure_and_returns_the_answer_of_the_card() -> None:
    fake = FakePad({Feature.VERIFY_PIN_DIRECT: b"\x63\xc2"})

    answer = PinPad(fake).verify(VERIFY, PinFormat())

    ((_, structure),) = fake.heard
    assert answer == b"\x63\xc2"
    assert structure.hex() == (
        "1e00"  # timeouts
        "820000"  # format, block, length
        "040402"  # most, least, OK key
        "01110400"  # one message, Japanese, its index
        "000000"  # no T=1 prologue
        "09000000" + VERIFY.hex()
    )


def test_modify_packs_the_structure_for_a_new_pin_entered_twice() -> None:
    fake = FakePad({Feature.MODIFY_PIN_DIRECT: b"\x90\x00"})
    command = bytes.fromhex("002c020304ffffffff")

    answer = PinPad(fake).modify(command, PinFormat())

    ((_, structure),) = fake.heard
    assert answer == b"\x90\x00"
    assert structure.hex() == (
        "1e00"
        "820000"
        "0000"  # offsets of the old and the new PIN
        "0404"
        "01"  # the new PIN is confirmed
        "02"
        "021104000100"
        "000000"
        "09000000" + command.hex()
    )


@pytest.mark.parametrize("status", ["6400", "6401", "6402", "6403"])
def test_outcome_of_the_keypad_is_no_wrong_pin(status: str) -> None:
    pad = PinPad(FakePad({Feature.VERIFY_PIN_DIRECT: bytes.fromhex(status)}))

    with pytest.raises(Problem) as caught:
        pad.verify(VERIFY, PinFormat())

    assert caught.value.reason == "PIN_NOT_ENTERED"


def test_silence_of_the_keypad_is_a_reader_that_fails() -> None:
    pad = PinPad(FakePad({Feature.VERIFY_PIN_DIRECT: b""}))

    with pytest.raises(Problem, match="READER_FAILED"):
        pad.verify(VERIFY, PinFormat())


PACE_ANSWER = bytes.fromhex(
    "00000000" "1f00"  # result, length
    "9000"
    "0300310100"
    "0e" + b"JPTESTCVCA0001".hex() + "00"
    "0600aabbccddeeff"
)  # fmt: skip


def test_pace_of_the_reader_is_asked_for_and_its_answer_read() -> None:
    fake = FakePad({Feature.EXECUTE_PACE: PACE_ANSWER})

    opened = PinPad(fake).establish_pace(3, b"\x7f\x4c\x00", b"\x30\x00")

    ((_, body),) = fake.heard
    assert body.hex() == "020a00" + "0303" + "7f4c00" + "00" + "0200" + "3000"
    assert opened.select_status == 0x9000
    assert opened.card_access == bytes.fromhex("310100")
    assert (opened.trust_point, opened.older_trust_point) == ("JPTESTCVCA0001", "")
    assert opened.id_picc == bytes.fromhex("aabbccddeeff")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (0xF0200001, "PIN_NOT_ENTERED"),
        (0xF0200002, "PIN_NOT_ENTERED"),
        (0xF00263C0, "CARD_REFUSED"),
        (0xF0100002, "CARD_REFUSED"),
        (0xE0000001, "CARD_REFUSED"),
    ],
)
def test_pace_that_the_reader_did_not_open_is_told_apart(result: int, reason: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_pace(result.to_bytes(4, "little") + b"\x00\x00")

    assert caught.value.reason == reason


def test_wrong_pin_at_the_keypad_is_the_word_of_the_card_to_the_last_step() -> None:
    with pytest.raises(PinWrong) as caught:
        parse_pace((0xF00663C2).to_bytes(4, "little") + b"\x00\x00")

    assert caught.value.tries_left == 2


@pytest.mark.parametrize("cut", range(1, len(PACE_ANSWER)))
def test_answer_of_the_reader_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ParseError):
        parse_pace(PACE_ANSWER[:-cut])


def test_channel_of_the_reader_is_closed() -> None:
    fake = FakePad({Feature.EXECUTE_PACE: bytes(6)})

    PinPad(fake).destroy_pace()

    assert fake.heard == [(Feature.EXECUTE_PACE, b"\x03\x00\x00")]
