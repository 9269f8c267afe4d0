"""A second reading of docs/wire.md: opens a recorded session without any code of ours.

Integers for the curve, the standard library for hashes, bare AES and CMAC for the rest. It is slow,
not constant in time, and believes that lengths are right: a judge of recordings, no more.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
PACE_OID = bytes.fromhex("060a04007f00070202040202")
CHIP_OID = bytes.fromhex("060a04007f00070202030202")
Point = tuple[int, int]


def add(left: Point | None, right: Point | None) -> Point | None:
    """Add two points; None is infinity."""
    if left is None or right is None:
        return left or right
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    top, bottom = (3 * x1 * x1 + A, 2 * y1) if left == right else (y2 - y1, x2 - x1)
    slope = top * pow(bottom, -1, P) % P
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(number: int, point: Point) -> Point:
    """Multiply a point."""
    product: Point | None = None
    addend: Point | None = point
    while number:
        if number & 1:
            product = add(product, addend)
        addend, number = add(addend, addend), number >> 1
    assert product is not None
    return product


def point_of(octets: bytes) -> Point:
    """Read 04 || x || y, which must be on the curve."""
    x, y = int.from_bytes(octets[1:33], "big"), int.from_bytes(octets[33:65], "big")
    assert (octets[0], len(octets)) == (4, 65)
    assert (y * y - x * x * x - A * x - B) % P == 0
    return x, y


def octets_of(point: Point) -> bytes:
    """Write 04 || x || y."""
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def objects(octets: bytes) -> dict[int, bytes]:
    """Read BER-TLV objects with lengths of up to three octets; a tag counts once."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(octets):
        tag, at = octets[at], at + 1
        if tag & 0x1F == 0x1F:
            tag, at = tag << 8 | octets[at], at + 1
        size, at = octets[at], at + 1
        if size > 0x80:
            more = size - 0x80
            size, at = int.from_bytes(octets[at : at + more], "big"), at + more
        found[tag], at = octets[at : at + size], at + size
    return found


def split(command: bytes) -> tuple[bytes, bytes, int]:
    """Return header, data and Ne of a command APDU."""
    header, body = command[:4], command[4:]
    if not body:
        return header, b"", 0
    if body[0] == 0 and len(body) > 1:
        size = int.from_bytes(body[1:3], "big")
        data, rest = (body[3 : 3 + size], body[3 + size :]) if len(body) > 3 else (b"", body[1:])
        return header, data, (int.from_bytes(rest, "big") or 65536) if rest else 0
    if len(body) == 1:
        return header, b"", body[0] or 256
    data, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
    return header, data, (rest[0] or 256) if rest else 0


def join(header: bytes, data: bytes, ne: int) -> bytes:
    """Write a command APDU, with extended lengths only where they are needed."""
    if len(data) < 256 and ne <= 256:
        short = bytes([len(data)]) + data if data else b""
        return header + short + (bytes([ne & 0xFF]) if ne else b"")
    long = len(data).to_bytes(2, "big") + data if data else b""
    return header + b"\0" + long + ((ne & 0xFFFF).to_bytes(2, "big") if ne else b"")


def derive(secret: bytes, count: int) -> bytes:
    """KDF(K, c): the first 16 octets of SHA-1(K || c)."""
    return hashlib.sha1(secret + count.to_bytes(4, "big")).digest()[:16]


def cmac(key: bytes, message: bytes) -> bytes:
    """CMAC, the first 8 octets."""
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()[:8]


def token(key: bytes, protocol: bytes, point: bytes) -> bytes:
    """Authentication token over the other side's ephemeral point."""
    body = protocol + b"\x86" + bytes([len(point)]) + point
    return cmac(key, b"\x7f\x49" + bytes([len(body)]) + body)


@dataclass
class Channel:
    """Secure messaging, seen by somebody who has both keys."""

    secret: bytes
    counter: int = 0

    @property
    def keys(self) -> tuple[bytes, bytes]:
        """K_enc and K_mac."""
        return derive(self.secret, 1), derive(self.secret, 2)

    def command(self, wrapped: bytes) -> bytes:
        """Open a command."""
        header, data, _ = split(wrapped)
        inside = objects(data)
        signed = data[: data.rindex(b"\x8e\x08" + inside[0x8E])]
        self._next(inside[0x8E], _padded(header) + (_padded(signed) if signed else b""))
        ne = inside.get(0x97)
        wanted = 0 if ne is None else int.from_bytes(ne, "big") or 256 ** len(ne)
        plain_header = bytes([header[0] & ~0x0C]) + header[1:]
        return join(plain_header, self._opened(inside), wanted)

    def answer(self, wrapped: bytes) -> bytes:
        """Open an answer."""
        data = wrapped[:-2]
        inside = objects(data)
        assert inside[0x99] == wrapped[-2:]
        self._next(inside[0x8E], _padded(data[: data.rindex(b"\x8e\x08" + inside[0x8E])]))
        return self._opened(inside) + inside[0x99]

    def _next(self, mac: bytes, message: bytes) -> None:
        self.counter += 1
        counter = self.counter.to_bytes(16, "big")
        assert hmac.compare_digest(mac, cmac(self.keys[1], counter + message))

    def _opened(self, inside: dict[int, bytes]) -> bytes:
        if 0x87 not in inside:
            return b""
        key = self.keys[0]
        block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        start = block.update(self.counter.to_bytes(16, "big"))
        opened = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
        padded = opened.update(inside[0x87][1:])
        return padded[: padded.rindex(b"\x80")]


def _padded(octets: bytes) -> bytes:
    return octets + b"\x80" + bytes(-(len(octets) + 1) % 16)


@dataclass
class Opening:
    """Opens the exchanges of a session one after the other.

    `pins` are the PINs or CANs in the order in which they were entered; `pairs` the terminal's
    scalars of mapping and agreement for each run of PACE; `ephemeral` and `chip` the center's
    ephemeral scalar and the card's static one.
    """

    pins: list[str]
    pairs: list[tuple[int, int]]
    ephemeral: int
    chip: int
    pace: Channel | None = None
    chip_channel: Channel | None = None
    id_picc: bytes = b""
    _run: dict[int, bytes] = field(default_factory=dict)

    def exchange(self, command: bytes, answer: bytes) -> tuple[bytes, bytes]:
        """Return the plain command and the plain answer."""
        channel = self.chip_channel or self.pace
        if channel is None:
            plain = command, answer
            self._follow_pace(command, answer)
        else:
            plain = channel.command(command), channel.answer(answer)
            self._follow_chip(*plain)
        return plain

    def _follow_pace(self, command: bytes, answer: bytes) -> None:
        header, data, _ = split(command)
        if header[1] != 0x86:
            return
        self._run |= objects(objects(data)[0x7C]) | objects(
            objects(answer[:-2]).get(0x7C, b"") if answer[-2:] == b"\x90\0" else b""
        )
        if 0x85 in self._run:
            self._finish(right=answer[-2:] == b"\x90\0")

    def _finish(self, *, right: bool) -> None:
        """Agree on keys as ICAO 9303-11, 4.4.1 says, and compare the tokens."""
        (mapping, agreement), pin = self.pairs.pop(0), self.pins.pop(0).encode()
        seen, self._run = self._run, {}
        key = derive(pin, 3)
        nonce = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor().update(seen[0x80])
        shared = times(mapping, point_of(seen[0x82]))
        mapped = add(times(int.from_bytes(nonce, "big"), G), shared)
        assert mapped is not None
        assert seen[0x81] == octets_of(times(mapping, G))
        assert seen[0x83] == octets_of(times(agreement, mapped))
        channel = Channel(times(agreement, point_of(seen[0x84]))[0].to_bytes(32, "big"))
        assert seen[0x85] == token(channel.keys[1], PACE_OID, seen[0x84])
        if right:
            assert seen[0x86] == token(channel.keys[1], PACE_OID, seen[0x83])
            self.pace, self.id_picc = channel, seen[0x84][1:33]

    def _follow_chip(self, command: bytes, answer: bytes) -> None:
        header, data, _ = split(command)
        if header[1] != 0x86 or answer[-2:] != b"\x90\0":
            return
        point, inside = objects(objects(data)[0x7C])[0x80], objects(objects(answer[:-2])[0x7C])
        assert point == octets_of(times(self.ephemeral, G))
        shared = times(self.chip, point_of(point))[0].to_bytes(32, "big")
        self.chip_channel = Channel(shared + inside[0x81])
        if inside[0x82] != token(self.chip_channel.keys[1], CHIP_OID, point):
            raise ValueError("the card has not the key")
