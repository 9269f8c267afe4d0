"""A PC/SC client as a process: one act, its findings as JSON on standard output.

python -m tests.support.pcsc_client session READER extended|chained
python -m tests.support.pcsc_client read READER COUNT
python -m tests.support.pcsc_client present READER yes|no
python -m tests.support.pcsc_client torn READER
python -m tests.support.pcsc_client personalise READER extended|chained
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from smartcard import scard

from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import CardRemoved
from tests.support.blank_world import TRANSPORT_PIN, personalised
from tests.support.card_states import NEW_PIN, set_pin
from tests.support.eac_world import whole_session, world

PATIENCE_SECONDS = 10.0
POLL_MS = 50
READ_ACCESS = [0x00, 0xB0, 0x9C, 0x00, 0x00]


class Card:
    """A connected card, held alone."""

    def __init__(self, context: Any, reader: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            code, self._handle, self._protocol = scard.SCardConnect(
                context, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
            )
            if code == scard.SCARD_S_SUCCESS:
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"no card in {reader}: {scard.SCardGetErrorMessage(code)}")
            wait_for_change(context, reader)
        self.exchanges = 0

    def atr(self) -> bytes:
        """Return the answer to reset."""
        return bytes(scard.SCardStatus(self._handle)[4])

    def transmit(self, octets: list[int]) -> bytes:
        """Exchange one APDU."""
        code, answer = scard.SCardTransmit(self._handle, self._protocol, octets)
        if code != scard.SCARD_S_SUCCESS or not answer:
            raise CardRemoved(scard.SCardGetErrorMessage(code))
        self.exchanges += 1
        return bytes(answer)

    def extended(self, command: CommandAPDU) -> ResponseAPDU:
        """Exchange a command of any length."""
        return ResponseAPDU.decode(self.transmit(list(command.encode())))

    def chained(self, command: CommandAPDU) -> ResponseAPDU:
        """Exchange a command whose data may need a chain of short ones."""
        if len(command.data) <= 255:
            return self.extended(command)
        return [self.extended(part) for part in command.chained()][-1]

    def close(self) -> None:
        """Let the card go."""
        scard.SCardDisconnect(self._handle, scard.SCARD_RESET_CARD)


def wait_for_change(context: Any, reader: str) -> int:
    """Return the reader's state after the next change, or after a moment."""
    unaware = [(reader, scard.SCARD_STATE_UNAWARE)]
    _, now = scard.SCardGetStatusChange(context, 0, unaware)
    state = now[0][1] if now else scard.SCARD_STATE_UNAWARE
    _, later = scard.SCardGetStatusChange(context, POLL_MS, [(reader, state)])
    return int(later[0][1]) if later else 0


def session(context: Any, reader: str, mode: str) -> dict[str, Any]:
    """Run a whole session."""
    card = Card(context, reader)
    transmit = card.extended if mode == "extended" else card.chained
    plan, keys = world().plan()
    began = time.perf_counter()
    _, code = whole_session(transmit, plan, keys)
    took = time.perf_counter() - began
    found = {
        "atr": card.atr().hex(),
        "code": code,
        "apdus": card.exchanges,
        "session_ms": took * 1000,
    }
    card.close()
    return found


def read(context: Any, reader: str, count: str) -> dict[str, Any]:
    """Read EF.CardAccess so many times."""
    card = Card(context, reader)
    times, answer = [], b""
    for _ in range(int(count)):
        began = time.perf_counter()
        answer = card.transmit(READ_ACCESS)
        times.append(time.perf_counter() - began)
    card.close()
    return {"median_ms": statistics.median(times) * 1000, "answer": answer.hex()}


def present(context: Any, reader: str, wanted: str) -> dict[str, Any]:
    """Wait until a card is, or is not, in the reader; return what is so at last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = bool(wait_for_change(context, reader) & scard.SCARD_STATE_PRESENT)
        if found is (wanted == "yes"):
            break
    return {"present": found}


def torn(context: Any, reader: str) -> dict[str, Any]:
    """Run a session with a card that will lose its power."""
    card = Card(context, reader)
    plan, keys = world().plan()
    try:
        whole_session(card.extended, plan, keys)
    except CardRemoved:
        return {"failed": True, "answered": card.exchanges}
    return {"failed": False, "answered": card.exchanges}


def personalise(context: Any, reader: str, mode: str) -> dict[str, Any]:
    """Make a card of a blank, hand it over, and read its code with the new PIN."""
    card = Card(context, reader)
    transmit = card.extended if mode == "extended" else card.chained
    began = time.perf_counter()
    try:
        key = personalised(transmit)
    except CardRemoved:
        return {"failed": True, "answered": card.exchanges}
    took, apdus = time.perf_counter() - began, card.exchanges
    card.close()
    for act in (
        lambda transmit: set_pin(transmit, TRANSPORT_PIN),
        lambda transmit: whole_session(transmit, *world().plan(), password=NEW_PIN)[1],
    ):
        card = Card(context, reader)
        code = act(card.extended if mode == "extended" else card.chained)
        card.close()
    found = {"failed": False, "serial": key.serial.hex(), "code": code}
    return found | {"apdus": apdus, "took_ms": took * 1000}


def main() -> None:
    """Run the act that is named."""
    act, *arguments = sys.argv[1:]
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code != scard.SCARD_S_SUCCESS:
        raise SystemExit(scard.SCardGetErrorMessage(code))
    acts: dict[str, Callable[..., dict[str, Any]]] = {
        "session": session,
        "read": read,
        "present": present,
        "torn": torn,
        "personalise": personalise,
    }
    print(json.dumps(acts[act](context, *arguments)))


if __name__ == "__main__":
    main()
