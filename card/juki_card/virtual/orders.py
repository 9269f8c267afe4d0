"""What a command asks for: the instructions of this card by INS, P1 and P2.

Class bytes, data and lengths are not looked at here, except the one proprietary class.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from juki_card.apdu import CommandAPDU

GENERAL_AUTHENTICATE: Final = 0x86


class Order(Enum):
    """What the table knows (TR-03110-3, B.11 to B.14; ISO/IEC 7816-4, 11).

    STEP and LAST_STEP are GENERAL AUTHENTICATE with and without the chaining bit.
    """

    SELECT = auto()
    READ_BINARY = auto()
    SET_AT_PACE = auto()
    SET_AT_TERMINAL = auto()
    SET_AT_CHIP = auto()
    SET_DST = auto()
    VERIFY_CERTIFICATE = auto()
    STEP = auto()
    LAST_STEP = auto()
    GET_CHALLENGE = auto()
    EXTERNAL_AUTHENTICATE = auto()
    CHANGE_PIN = auto()
    UNBLOCK_PIN = auto()
    PIN_TO_TRANSPORT = auto()
    WRONG_PARAMETERS = auto()
    UNKNOWN = auto()


_EXACT: Final = {
    (0x22, 0xC1, 0xA4): Order.SET_AT_PACE,
    (0x22, 0x81, 0xA4): Order.SET_AT_TERMINAL,
    (0x22, 0x41, 0xA4): Order.SET_AT_CHIP,
    (0x22, 0x81, 0xB6): Order.SET_DST,
    (0x2A, 0x00, 0xBE): Order.VERIFY_CERTIFICATE,
    (GENERAL_AUTHENTICATE, 0x00, 0x00): Order.LAST_STEP,
    (0x84, 0x00, 0x00): Order.GET_CHALLENGE,
    (0x82, 0x00, 0x00): Order.EXTERNAL_AUTHENTICATE,
    (0x2C, 0x02, 0x03): Order.CHANGE_PIN,
    (0x2C, 0x03, 0x03): Order.UNBLOCK_PIN,
}
_ANY_PARAMETERS: Final = {0xA4: Order.SELECT, 0xB0: Order.READ_BINARY}
_KNOWN: Final = frozenset(ins for ins, _, _ in _EXACT)
_GENERAL_AUTHENTICATE: Final = (GENERAL_AUTHENTICATE, 0x00, 0x00)
_PIN_TO_TRANSPORT: Final = (0x2C, 0x03, 0x03)


def order_of(command: CommandAPDU) -> Order:
    """Classify a plain command."""
    key = (command.ins, command.p1, command.p2)
    match command.cla:
        case 0x00:
            known = _EXACT.get(key) or _ANY_PARAMETERS.get(command.ins)
        case 0x10 if key == _GENERAL_AUTHENTICATE:
            known = Order.STEP
        case 0x80 if key == _PIN_TO_TRANSPORT:
            known = Order.PIN_TO_TRANSPORT
        case _:
            known = None
    if known is not None:
        return known
    return Order.WRONG_PARAMETERS if command.ins in _KNOWN else Order.UNKNOWN
