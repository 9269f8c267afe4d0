"""PC/SC, typed: the calls of WinSCard that a terminal needs, each raising `PCSCError`.

Nothing is decided here. The module exists because `smartcard.scard` returns (code, value) tuples
without types, and because pyscard's own monitor and connection classes do not survive a restart
of pcscd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

from smartcard import scard

if TYPE_CHECKING:
    from collections.abc import Sequence

SUCCESS: Final = 0
_CODE_MASK: Final = 0xFFFF_FFFF


def _code(name: str) -> int:
    return cast("int", getattr(scard, name)) & _CODE_MASK


E_TIMEOUT: Final = _code("SCARD_E_TIMEOUT")
E_NO_READERS: Final = _code("SCARD_E_NO_READERS_AVAILABLE")
E_UNKNOWN_READER: Final = _code("SCARD_E_UNKNOWN_READER")
E_READER_UNAVAILABLE: Final = _code("SCARD_E_READER_UNAVAILABLE")
E_NO_SMARTCARD: Final = _code("SCARD_E_NO_SMARTCARD")
E_NOT_TRANSACTED: Final = _code("SCARD_E_NOT_TRANSACTED")
E_INVALID_PARAMETER: Final = _code("SCARD_E_INVALID_PARAMETER")
E_INVALID_VALUE: Final = _code("SCARD_E_INVALID_VALUE")
E_INSUFFICIENT_BUFFER: Final = _code("SCARD_E_INSUFFICIENT_BUFFER")
E_SHARING_VIOLATION: Final = _code("SCARD_E_SHARING_VIOLATION")
E_NO_SERVICE: Final = _code("SCARD_E_NO_SERVICE")
F_COMM_ERROR: Final = _code("SCARD_F_COMM_ERROR")
W_REMOVED_CARD: Final = _code("SCARD_W_REMOVED_CARD")
W_UNPOWERED_CARD: Final = _code("SCARD_W_UNPOWERED_CARD")
W_UNRESPONSIVE_CARD: Final = _code("SCARD_W_UNRESPONSIVE_CARD")
W_RESET_CARD: Final = _code("SCARD_W_RESET_CARD")
STATE_UNAWARE: Final = cast("int", scard.SCARD_STATE_UNAWARE)
STATE_PRESENT: Final = cast("int", scard.SCARD_STATE_PRESENT)
STATE_MUTE: Final = cast("int", scard.SCARD_STATE_MUTE)


class PCSCError(Exception):
    """A call of PC/SC failed; `code` is its 32-bit return code."""

    def __init__(self, call: str, code: int) -> None:
        super().__init__(f"{call}: {code & _CODE_MASK:08X}")
        self.call = call
        self.code = code & _CODE_MASK


@dataclass(frozen=True, slots=True)
class ReaderState:
    """A reader as the resource manager sees it; the high half of `flags` counts its events."""

    reader: str
    flags: int
    atr: bytes = b""

    @property
    def has_card(self) -> bool:
        """Whether a card that answers is in."""
        return bool(self.flags & STATE_PRESENT) and not self.flags & STATE_MUTE

    @property
    def events(self) -> int:
        """How many insertions and removals pcscd has counted, modulo 65,536."""
        return self.flags >> 16 & 0xFFFF


class Card(Protocol):
    """A connected card."""

    def atr(self) -> bytes:
        """Return the answer to reset."""
        ...

    def begin(self) -> None:
        """Begin a transaction: no other program reaches the card until `end`."""
        ...

    def end(self) -> None:
        """End the transaction and reset the card."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU."""
        ...

    def control(self, code: int, data: bytes) -> bytes:
        """Send a control command to the reader."""
        ...

    def disconnect(self) -> None:
        """Reset the card and disconnect."""
        ...


class Context(Protocol):
    """A connection to the resource manager."""

    def readers(self) -> list[str]:
        """List the names of the readers."""
        ...

    def changes(self, known: Sequence[ReaderState], timeout_ms: int) -> list[ReaderState]:
        """Wait until a reader differs from `known`, or return it unchanged after the time."""
        ...

    def connect(self, reader: str) -> Card:
        """Connect to the card in a reader, shared, by T=0 or T=1."""
        ...

    def release(self) -> None:
        """Give the context back."""
        ...


def _checked(call: str, code: int) -> None:
    if code & _CODE_MASK != SUCCESS:
        raise PCSCError(call, code)


class SCardContext:
    """A context of the real resource manager."""

    def __init__(self) -> None:
        code, self._handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        _checked("SCardEstablishContext", code)

    def readers(self) -> list[str]:
        """List the names of the readers; empty where there is none."""
        code, names = scard.SCardListReaders(self._handle, [])
        if code & _CODE_MASK == E_NO_READERS:
            return []
        _checked("SCardListReaders", code)
        return [str(name) for name in names]

    def changes(self, known: Sequence[ReaderState], timeout_ms: int) -> list[ReaderState]:
        """Wait for a change (SCardGetStatusChange)."""
        wanted = [(state.reader, state.flags) for state in known]
        code, states = scard.SCardGetStatusChange(self._handle, timeout_ms, wanted)
        if code & _CODE_MASK == E_TIMEOUT:
            return list(known)
        _checked("SCardGetStatusChange", code)
        return [ReaderState(str(name), int(flags), bytes(atr)) for name, flags, atr in states]

    def connect(self, reader: str) -> Card:
        """Connect to the card (SCardConnect)."""
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, handle, protocol = scard.SCardConnect(
            self._handle, reader, scard.SCARD_SHARE_SHARED, protocols
        )
        _checked("SCardConnect", code)
        return SCardCard(handle, protocol)

    def release(self) -> None:
        """Give the context back; a context that pcscd has forgotten is given back too."""
        scard.SCardReleaseContext(self._handle)


class SCardCard:
    """A card in a real reader."""

    def __init__(self, handle: object, protocol: int) -> None:
        self._handle = handle
        self._pci = {
            scard.SCARD_PROTOCOL_T0: scard.SCARD_PCI_T0,
            scard.SCARD_PROTOCOL_T1: scard.SCARD_PCI_T1,
        }.get(protocol, scard.SCARD_PCI_T1)

    def atr(self) -> bytes:
        """Return the answer to reset (SCardStatus)."""
        code, _, _, _, atr = scard.SCardStatus(self._handle)
        _checked("SCardStatus", code)
        return bytes(atr)

    def begin(self) -> None:
        """Begin a transaction; where another program has reset the card, take it over first."""
        code = cast("int", scard.SCardBeginTransaction(self._handle))
        if code & _CODE_MASK == W_RESET_CARD:
            self._take_over()
            code = cast("int", scard.SCardBeginTransaction(self._handle))
        _checked("SCardBeginTransaction", code)

    def _take_over(self) -> None:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, _ = scard.SCardReconnect(
            self._handle, scard.SCARD_SHARE_SHARED, protocols, scard.SCARD_RESET_CARD
        )
        _checked("SCardReconnect", code)

    def end(self) -> None:
        """End the transaction and reset the card."""
        _checked(
            "SCardEndTransaction", scard.SCardEndTransaction(self._handle, scard.SCARD_RESET_CARD)
        )

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU (SCardTransmit)."""
        code, answer = scard.SCardTransmit(self._handle, self._pci, list(command))
        _checked("SCardTransmit", code)
        return bytes(byte & 0xFF for byte in answer)

    def control(self, code: int, data: bytes) -> bytes:
        """Send a control command to the reader (SCardControl)."""
        result, answer = scard.SCardControl(self._handle, code, list(data))
        _checked("SCardControl", result)
        return bytes(byte & 0xFF for byte in answer)

    def disconnect(self) -> None:
        """Reset the card and disconnect."""
        _checked("SCardDisconnect", scard.SCardDisconnect(self._handle, scard.SCARD_RESET_CARD))
