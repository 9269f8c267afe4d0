"""What is done to a PIN inside a channel: RESET RETRY COUNTER (TR-03110-3, B.11.6).

The holder sets a new PIN in a channel of PACE alone; a window resets the counter, or takes a
forgotten PIN away, in the channel of Chip Authentication. Which of them a card allows when is the
card's own decision; who may ask for it is not decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_card.apdu import CommandAPDU
from juki_card.flow import Flow, one
from juki_card.secure_messaging import ReaderChannel, protected

if TYPE_CHECKING:
    from juki_card.passwords import Pin

CHANGE_PIN: Final = "RESET RETRY COUNTER (new PIN)"
UNBLOCK_PIN: Final = "RESET RETRY COUNTER"
PIN_TO_TRANSPORT: Final = "PIN-TO-TRANSPORT"
_INS: Final = 0x2C
_NEW_PIN: Final = 0x02
_NO_DATA: Final = 0x03
_PIN_REFERENCE: Final = 0x03
_PROPRIETARY: Final = 0x80


def change_pin(channel: ReaderChannel, new: Pin) -> Flow[None]:
    """Set a new PIN, in a channel that PACE has just opened and nothing has used yet.

    Raises UnexpectedStatus where the card refuses, SecureMessagingError. Where the card goes away
    in between, it has either the old PIN or the new one.
    """
    command = CommandAPDU(0x00, _INS, _NEW_PIN, _PIN_REFERENCE, new.octets())
    yield from protected(one(command, CHANGE_PIN), channel)


def unblock_pin(channel: ReaderChannel) -> Flow[None]:
    """Give the PIN all its tries again, and keep it, in the channel of Chip Authentication.

    Raises UnexpectedStatus, 6983 where the card has no unblocking left; SecureMessagingError.
    """
    command = CommandAPDU(0x00, _INS, _NO_DATA, _PIN_REFERENCE)
    yield from protected(one(command, UNBLOCK_PIN), channel)


def pin_to_transport(channel: ReaderChannel) -> Flow[None]:
    """Take the PIN away, so that the CAN opens the card for a new one (our one extension).

    Raises what `unblock_pin` raises.
    """
    command = CommandAPDU(_PROPRIETARY, _INS, _NO_DATA, _PIN_REFERENCE)
    yield from protected(one(command, PIN_TO_TRANSPORT), channel)
