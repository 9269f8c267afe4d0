"""A second reading of docs/wire.md, "Personalisation of a blank chip", without any code of ours.

It derives the keys, makes both tokens and opens the secure channel with bare AES and CMAC.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from tests.support.independent_session import Channel, objects, split


def cmac(key: bytes, message: bytes) -> bytes:
    """CMAC, all 16 octets."""
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


@dataclass
class BlankOpening:
    """Opens the exchanges of one run, one after the other."""

    personalisation_key: bytes
    chip_serial: bytes = b""
    chip_challenge: bytes = b""
    channel: Channel | None = None

    @property
    def key(self) -> bytes:
        """The chip's own key."""
        return cmac(self.personalisation_key, b"JUKI-CHIP" + self.chip_serial)

    def exchange(self, command: bytes, answer: bytes) -> tuple[bytes, bytes]:
        """Return the plain command and the plain answer."""
        if self.channel is not None:
            return self.channel.command(command), self.channel.answer(answer)
        _, data, _ = split(command)
        match command[:4].hex():
            case "80e00000":
                self.chip_serial = objects(objects(answer[:-2])[0xE1])[0x81]
            case "80e20000":
                self.chip_challenge = answer[:-2]
            case "80e40000":
                self._authenticated(data, answer[:-2])
        return command, answer

    def _authenticated(self, data: bytes, answer: bytes) -> None:
        challenge, token = data[:16], data[16:]
        bound = self.chip_serial + self.chip_challenge + challenge
        assert token == cmac(self.key, b"JUKI-BLANK-AUTH1" + bound)
        assert answer == cmac(self.key, b"JUKI-BLANK-AUTH2" + bound)
        self.channel = Channel(cmac(self.key, b"JUKI-BLANK-KEYS1" + bound))
