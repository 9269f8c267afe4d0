"""Commands of any length over readers and cards that may know only short ones.

Extended length is tried first; where card or reader cannot, the command goes as a chain
(ISO/IEC 7816-4, 5.3.3) and a long answer is fetched by GET RESPONSE (7.6.1). Only a command that
was refused for its length is sent in the other form; nothing else is ever sent twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card.apdu import EXTENDED_NE, SHORT_NE, SW, CommandAPDU, ResponseAPDU
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

_MORE_DATA: Final = 0x61
_GET_RESPONSE: Final = 0xC0
_TS_AND_T0: Final = 2
_CAPABILITIES_TAG: Final = 0x73
_EXTENDED_BIT: Final = 0x40


class ExtendedLengthUnsupported(Exception):
    """The reader's driver refused an extended command; the card never saw it."""


def card_knows_extended_length(atr: bytes) -> bool:
    """Say whether the card may be sent extended commands, by its historical bytes.

    A card that says nothing is tried (ISO/IEC 7816-4, 12.1.1.9: third software function table).

    >>> card_knows_extended_length(bytes.fromhex("3b80"))
    True
    >>> card_knows_extended_length(bytes.fromhex("3b8580018073000000"))
    False
    """
    capabilities = _capabilities(_historical_bytes(atr))
    return capabilities is None or len(capabilities) < 3 or bool(capabilities[2] & _EXTENDED_BIT)


def _historical_bytes(atr: bytes) -> bytes:
    if len(atr) < _TS_AND_T0:
        return b""
    position, indicator = _TS_AND_T0, atr[1] >> 4
    while indicator:
        position += indicator.bit_count()
        has_next = indicator & 0x8
        indicator = atr[position - 1] >> 4 if has_next and position <= len(atr) else 0
    return atr[position : position + (atr[1] & 0xF)]


def _capabilities(historical: bytes) -> bytes | None:
    """Find the card capabilities in compact TLV, whose tag is 7 (clause 12.1.1.9)."""
    if historical[:1] not in (b"\x00", b"\x80"):
        return None
    position = 1
    while position < len(historical):
        tag, length = historical[position] >> 4, historical[position] & 0xF
        if tag == _CAPABILITIES_TAG >> 4:
            return historical[position + 1 : position + 1 + length]
        position += 1 + length
    return None


@dataclass(slots=True)
class Lengths:
    """What is known of the lengths that the connected card and reader take."""

    extended: bool = True

    def transmit(self, command: bytes, exchange: Callable[[bytes], bytes]) -> bytes:
        """Send `command` by `exchange`, in the form that card and reader take."""
        apdu = CommandAPDU.decode(command)
        if not apdu.is_extended:
            return _with_rest(exchange(command), exchange, apdu.cla)
        if self.extended:
            answer = self._try_extended(command, exchange)
            if answer is not None:
                return _with_rest(answer, exchange, apdu.cla)
        return _chain(apdu, exchange)

    def _try_extended(self, command: bytes, exchange: Callable[[bytes], bytes]) -> bytes | None:
        try:
            answer = exchange(command)
        except ExtendedLengthUnsupported:
            self.extended = False
            return None
        if answer == SW.WRONG_LENGTH.to_bytes(2, "big"):
            self.extended = False
            return None
        return answer


def _chain(apdu: CommandAPDU, exchange: Callable[[bytes], bytes]) -> bytes:
    answer = b""
    for link in apdu.chained():
        answer = exchange(link.encode())
        if link.cla != apdu.cla and ResponseAPDU.decode(answer).sw != SW.OK:
            return answer
    return _with_rest(answer, exchange, apdu.cla)


def _with_rest(answer: bytes, exchange: Callable[[bytes], bytes], cla: int) -> bytes:
    """Fetch what the card announces by 61xx, up to the length of an extended answer."""
    data = b""
    while len(answer) >= 2 and answer[-2] == _MORE_DATA:
        data += answer[:-2]
        if len(data) > EXTENDED_NE or (data and len(answer) == 2):
            raise Problem("CARD_REFUSED", {"statusWord": answer[-2:].hex().upper()})
        fetch = CommandAPDU(cla & 0x03, _GET_RESPONSE, 0, 0, ne=answer[-1] or SHORT_NE)
        answer = exchange(fetch.encode())
    return data + answer
