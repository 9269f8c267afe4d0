from __future__ import annotations

import pytest

from juki_card import files, tlv
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.errors import ParseError, UnexpectedStatus
from juki_card.flow import run
from tests.support.script import Script


class Transparent:
    """A card with one file, which answers at most `most` octets at a time."""

    def __init__(self, file: bytes, most: int) -> None:
        self.file = file
        self.most = most
        self.commands: list[CommandAPDU] = []

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        self.commands.append(command)
        offset = 0 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        wanted = min(command.ne, self.most)
        piece = self.file[offset : offset + wanted]
        return ResponseAPDU(piece, SW.OK if len(piece) == command.ne else SW.END_OF_FILE)


@pytest.mark.parametrize("size", [0, 1, 100, 250, 253, 254, 300, 800, 5000])
@pytest.mark.parametrize("most", [0xDF, 256])
def test_file_is_read_whole_and_without_its_filling(size: int, most: int) -> None:
    content = tlv.encode(0x30, bytes(size))
    card = Transparent(content + bytes(40), most)

    assert run(files.read_file(files.CARD_SECURITY), card.transmit) == content
    assert card.commands[0].encode().hex() == "00b09d0000"


def test_file_that_is_whole_at_once_is_read_with_one_command() -> None:
    content = tlv.encode(0x31, bytes(80))
    card = Transparent(content, 256)

    run(files.read_file(files.CARD_ACCESS), card.transmit)

    assert [command.encode().hex() for command in card.commands] == ["00b09c0000"]


def test_whole_file_is_asked_with_extended_length() -> None:
    assert files.read_whole_file(files.CARD_SECURITY).encode().hex() == "00b09d00000000"


def test_application_is_selected_by_its_name() -> None:
    assert files.select_application().encode().hex() == "00a4040c06f04a554b4901"


def test_file_that_ends_before_its_content_is_refused() -> None:
    card = Transparent(tlv.encode(0x30, bytes(500))[:300], 256)

    with pytest.raises(ParseError, match="shorter"):
        run(files.read_file(files.CARD_SECURITY), card.transmit)


def test_file_that_says_it_is_endless_is_refused() -> None:
    script = Script.of_hex((None, "3083ffffff9000"))

    with pytest.raises(ParseError, match="too long"):
        run(files.read_file(files.CARD_SECURITY), script.transmit)


def test_file_that_is_not_there_is_named_by_its_status_word() -> None:
    script = Script.of_hex((None, "6a82"))

    with pytest.raises(UnexpectedStatus, match="6A82"):
        run(files.read_file(files.CARD_ACCESS), script.transmit)


def test_empty_answer_is_refused() -> None:
    script = Script.of_hex((None, "9000"))

    with pytest.raises(ParseError):
        run(files.read_file(files.CARD_ACCESS), script.transmit)
