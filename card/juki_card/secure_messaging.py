"""Secure messaging with AES-128, both sides (TR-03110-3, F; ISO/IEC 7816-4, 10).

The cipher is CBC with IV = E(K_enc, SSC), the MAC is CMAC cut to 8 octets over SSC, header and data
objects; the counter starts at 0 and grows with each command and each answer. A channel that met
one fault is dead. How keys come about is not here: see `pace` and `chip_authentication`.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from juki_card import kdf, tlv
from juki_card.apdu import EXTENDED_NE, SHORT_NC, SHORT_NE, CommandAPDU, ResponseAPDU
from juki_card.errors import CardError, ParseError, SecureMessagingError
from juki_card.flow import Batch, Step

if TYPE_CHECKING:
    from juki_card.flow import Answers, Flow, Transmit

T = TypeVar("T")
BLOCK: Final = 16
MAC_SIZE: Final = 8
CLA_PROTECTED: Final = 0x0C
SHORT_DATA: Final = 0xDF
"""Data octets that fit a protected answer of short length (256 octets) with all its objects."""
_CRYPTOGRAM: Final = 0x87
_NE: Final = 0x97
_STATUS: Final = 0x99
_MAC: Final = 0x8E
_PADDED: Final = b"\x01"


class SessionKeys:
    """K_enc and K_mac of one channel."""

    __slots__ = ("enc", "mac")

    def __init__(self, enc: bytes, mac: bytes) -> None:
        if len(enc) != kdf.KEY_SIZE or len(mac) != kdf.KEY_SIZE:
            raise CardError("session keys: 16 octets each")
        self.enc = enc
        self.mac = mac

    def __repr__(self) -> str:
        return "SessionKeys(***)"

    @classmethod
    def derive(cls, secret: bytes) -> SessionKeys:
        """Derive both keys from a shared secret, followed by the nonce where there is one."""
        return cls(kdf.encryption_key(secret), kdf.authentication_key(secret))

    def token(self, message: bytes) -> bytes:
        """Return the authentication token: CMAC with K_mac, 8 octets (TR-03110-3, A.2.4)."""
        mac = CMAC(algorithms.AES(self.mac))
        mac.update(message)
        return mac.finalize()[:MAC_SIZE]


class _Cryptography:
    """Cipher and MAC objects of one channel, made once."""

    __slots__ = ("_block", "_enc", "_mac")

    def __init__(self, keys: SessionKeys) -> None:
        self._enc = algorithms.AES(keys.enc)
        # One block under ECB is the norm's E(K_enc, SSC); nothing else is encrypted so.
        self._block = Cipher(self._enc, modes.ECB()).encryptor()  # noqa: S305
        self._mac = CMAC(algorithms.AES(keys.mac))

    def encrypt(self, counter: bytes, plain: bytes) -> bytes:
        encryptor = Cipher(self._enc, modes.CBC(self._block.update(counter))).encryptor()
        return encryptor.update(pad(plain))

    def decrypt(self, counter: bytes, cipher: bytes) -> bytes:
        decryptor = Cipher(self._enc, modes.CBC(self._block.update(counter))).decryptor()
        return unpad(decryptor.update(cipher))

    def mac(self, counter: bytes, message: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(counter + message)
        return mac.finalize()[:MAC_SIZE]


class _Channel:
    """What both sides share: the counters and the death of a channel."""

    __slots__ = ("_answers", "_commands", "_cryptography", "_dead")

    def __init__(self, keys: SessionKeys, *, commands: int = 0, answers: int = 0) -> None:
        self._cryptography = _Cryptography(keys)
        self._commands = commands
        self._answers = answers
        self._dead = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***, {self._commands} commands)"

    @property
    def alive(self) -> bool:
        """Say whether the channel can still be used."""
        return not self._dead

    def close(self) -> None:
        """Forget the keys; every later use raises SecureMessagingError."""
        if not self._dead:
            self._dead = True
            del self._cryptography

    def _next_command(self) -> bytes:
        self._check()
        self._commands += 1
        return (2 * self._commands - 1).to_bytes(BLOCK, "big")

    def _next_answer(self) -> bytes:
        self._check()
        if self._answers >= self._commands:
            raise self._fault("an answer without a command")
        self._answers += 1
        return (2 * self._answers).to_bytes(BLOCK, "big")

    def _check(self) -> None:
        if self._dead:
            raise SecureMessagingError("secure messaging: the channel is closed")

    def _fault(self, fact: str) -> SecureMessagingError:
        self.close()
        return SecureMessagingError(f"secure messaging: {fact}")


class ReaderChannel(_Channel):
    """The reader's side: wraps commands, unwraps answers."""

    __slots__ = ()

    def wrap(self, command: CommandAPDU) -> CommandAPDU:
        """Protect a command. Several may be wrapped ahead of their answers."""
        counter = self._next_command()
        crypto = self._cryptography
        extended = len(command.data) > SHORT_NC or command.ne > SHORT_NE
        header = bytes((command.cla | CLA_PROTECTED, command.ins, command.p1, command.p2))
        objects = b""
        if command.data:
            cipher = crypto.encrypt(counter, command.data)
            objects = tlv.encode(_CRYPTOGRAM, _PADDED + cipher)
        if command.ne:
            objects += tlv.encode(_NE, _encode_ne(command.ne, extended=extended))
        mac = crypto.mac(counter, _mac_input(header, objects))
        data = objects + tlv.encode(_MAC, mac)
        ne = EXTENDED_NE if extended or len(data) > SHORT_NC else SHORT_NE
        return CommandAPDU(header[0], command.ins, command.p1, command.p2, data, ne)

    def unwrap(self, answer: ResponseAPDU) -> ResponseAPDU:
        """Verify and open an answer; raise SecureMessagingError, and the channel is dead."""
        counter = self._next_answer()
        try:
            objects, cipher, status, mac = _split_answer(answer.data)
        except ParseError as error:
            raise self._fault(f"{error}, outside status word {answer.sw:04X}") from error
        expected = self._cryptography.mac(counter, pad(objects))
        if not hmac.compare_digest(expected, mac):
            raise self._fault("the MAC of an answer is wrong")
        if status != answer.sw:
            raise self._fault("the status word outside is not the one inside")
        try:
            data = self._cryptography.decrypt(counter, cipher) if cipher else b""
        except ParseError as error:
            raise self._fault(str(error)) from error
        return ResponseAPDU(data, status)

    def through(self, transmit: Transmit) -> Transmit:
        """Return a transport that protects each command as it is sent."""
        return lambda command: self.unwrap(transmit(self.wrap(command)))

    def stop(self, *, unanswered: int) -> None:
        """Close the channel where commands wrapped ahead were never sent.

        Their counters are spent here and not at the card; wrapping others with the same counters
        would repeat an IV.
        """
        if unanswered:
            self.close()


class CardChannel(_Channel):
    """The card's side: unwraps commands, wraps answers.

    A card that is a pure function keeps the keys and both counts, and makes its channel anew.
    """

    __slots__ = ()

    def unwrap(self, command: CommandAPDU) -> CommandAPDU:
        """Verify and open a command; raise SecureMessagingError, and the channel is dead."""
        counter = self._next_command()
        if command.cla & CLA_PROTECTED != CLA_PROTECTED:
            raise self._fault("a plain command")
        try:
            objects, cipher, ne, mac = _split_command(command.data)
        except ParseError as error:
            raise self._fault(str(error)) from error
        expected = self._cryptography.mac(counter, _mac_input(command.header, objects))
        if not hmac.compare_digest(expected, mac):
            raise self._fault("the MAC of a command is wrong")
        try:
            data = self._cryptography.decrypt(counter, cipher) if cipher else b""
        except ParseError as error:
            raise self._fault(str(error)) from error
        cla = command.cla & ~CLA_PROTECTED
        return CommandAPDU(cla, command.ins, command.p1, command.p2, data, ne)

    def wrap(self, answer: ResponseAPDU) -> ResponseAPDU:
        """Protect the answer to the command that was unwrapped last."""
        counter = self._next_answer()
        objects = b""
        if answer.data:
            cipher = self._cryptography.encrypt(counter, answer.data)
            objects = tlv.encode(_CRYPTOGRAM, _PADDED + cipher)
        objects += tlv.encode(_STATUS, answer.sw.to_bytes(2, "big"))
        mac = self._cryptography.mac(counter, pad(objects))
        return ResponseAPDU(objects + tlv.encode(_MAC, mac), answer.sw)


def protected(flow: Flow[T], channel: ReaderChannel) -> Flow[T]:
    """Run a flow inside a channel: its commands go out wrapped, its answers come in unwrapped.

    A batch is wrapped as a whole before it is sent, so that a relay can carry it in one message;
    where it stops early the channel is closed, because commands wrapped ahead are lost.
    """
    try:
        wanted = next(flow)
        while True:
            answers: Answers = yield wrap_batch(wanted, channel)
            plain = unwrap_answers(wanted, answers, channel)
            wanted = flow.send(plain)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


def wrap_batch(wanted: Batch, channel: ReaderChannel) -> Batch:
    """Wrap every command of a batch."""
    return Batch(tuple(Step(channel.wrap(s.apdu), s.name, s.accept) for s in wanted.steps))


def unwrap_answers(wanted: Batch, answers: Answers, channel: ReaderChannel) -> Answers:
    """Unwrap the answers that ran; close the channel where commands wrapped ahead did not run."""
    plain = tuple(channel.unwrap(answer) for answer in answers)
    channel.stop(unanswered=len(wanted.steps) - len(answers))
    return plain


def pad(octets: bytes) -> bytes:
    """Pad to whole blocks: 80, then zeros (ISO/IEC 7816-4, 10.2.3.1)."""
    return octets + b"\x80" + bytes(-(len(octets) + 1) % BLOCK)


def unpad(octets: bytes) -> bytes:
    """Remove the padding; raise ParseError where there is none."""
    plain, mark, zeros = octets.rpartition(b"\x80")
    if not mark or any(zeros) or len(zeros) >= BLOCK:
        raise ParseError("secure messaging: no padding")
    return plain


def _mac_input(header: bytes, objects: bytes) -> bytes:
    # Without data objects only the padded header is authenticated (ISO/IEC 7816-4, 10.2.3.1).
    return pad(header) + (pad(objects) if objects else b"")


def _encode_ne(ne: int, *, extended: bool) -> bytes:
    return (ne & 0xFFFF).to_bytes(2, "big") if extended else bytes((ne & 0xFF,))


def _decode_ne(value: bytes | None) -> int:
    if value is None:
        return 0
    if len(value) not in (1, 2):
        raise ParseError("secure messaging: Le object of a wrong length")
    return int.from_bytes(value, "big") or (SHORT_NE if len(value) == 1 else EXTENDED_NE)


def _split_command(data: bytes) -> tuple[bytes, bytes, int, bytes]:
    cryptogram, rest = tlv.take_optional(data, _CRYPTOGRAM)
    ne, rest = tlv.take_optional(rest, _NE)
    return data[: len(data) - len(rest)], _cipher(cryptogram), _decode_ne(ne), _mac(rest)


def _split_answer(data: bytes) -> tuple[bytes, bytes, int, bytes]:
    cryptogram, rest = tlv.take_optional(data, _CRYPTOGRAM)
    status, rest = tlv.take(rest, _STATUS)
    if len(status) != 2:
        raise ParseError("secure messaging: status word object of a wrong length")
    objects = data[: len(data) - len(rest)]
    return objects, _cipher(cryptogram), int.from_bytes(status, "big"), _mac(rest)


def _cipher(cryptogram: bytes | None) -> bytes:
    if cryptogram is None:
        return b""
    if cryptogram[:1] != _PADDED:
        raise ParseError("secure messaging: padding indicator is not 01")
    cipher = cryptogram[1:]
    if not cipher or len(cipher) % BLOCK:
        raise ParseError("secure messaging: cryptogram is not whole blocks")
    return cipher


def _mac(rest: bytes) -> bytes:
    mac = tlv.expect(rest, _MAC)
    if len(mac) != MAC_SIZE:
        raise ParseError("secure messaging: MAC of a wrong length")
    return mac
