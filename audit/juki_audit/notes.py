"""Signed notes: a text, and lines with Ed25519 signatures under it (C2SP signed-note).

A key is known by its name and its id of 4 octets. Signatures by other keys, or by other algorithms,
are kept as they are and count for nothing. Every encoding is the only one of its content, so that
a note that is read and written again has the same octets.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from juki_audit.errors import LogMalformed

MAX_OCTETS: Final = 128 * 1024
MAX_SIGNATURES: Final = 64
ED25519: Final = 1
_DASH = "\u2014 "
_ID_OCTETS = 4
_KEY_OCTETS = 32
_ID_TEXT = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of an Ed25519 key and its name; raises LogMalformed for what is neither."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public) != _KEY_OCTETS:
            raise LogMalformed("KEY_LENGTH")

    @property
    def key_id(self) -> bytes:
        """The first 4 octets of the hash of name and key."""
        named = self.name.encode() + b"\n"
        return hashlib.sha256(named + self._typed).digest()[:_ID_OCTETS]

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey) -> VerifierKey:
        """Return the key that verifies what the private one signs."""
        return cls(name, private.public_key().public_bytes_raw())

    @classmethod
    def decode(cls, text: str) -> VerifierKey:
        """Read `name+id+key`; raises LogMalformed, also where the id is not that of the key."""
        name, plus, rest = text.partition("+")
        key_id, second_plus, encoded = rest.partition("+")
        if not (plus and second_plus and _ID_TEXT.fullmatch(key_id)):
            raise LogMalformed("KEY_FORM")
        typed = decode_base64(encoded, "KEY_BASE64")
        if typed[:1] != bytes([ED25519]):
            raise LogMalformed("KEY_TYPE")
        key = cls(name, typed[1:])
        if key.key_id.hex() != key_id:
            raise LogMalformed("KEY_ID")
        return key

    def encode(self) -> str:
        """Return `name+id+key`: the id in hexadecimal, type and key in base64."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(self._typed)}"

    @property
    def _typed(self) -> bytes:
        return bytes([ED25519]) + self.public

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Say whether this key made the signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: whose key, and octets of whatever algorithm that key has."""

    name: str
    key_id: bytes
    octets: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.key_id) != _ID_OCTETS or not self.octets:
            raise LogMalformed("SIGNATURE_LENGTH")

    @classmethod
    def decode(cls, line: str) -> Signature:
        """Read a line without its newline; raises LogMalformed."""
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not (line.startswith(_DASH) and space):
            raise LogMalformed("SIGNATURE_LINE")
        octets = decode_base64(encoded, "SIGNATURE_BASE64")
        return cls(name, octets[:_ID_OCTETS], octets[_ID_OCTETS:])

    def encode(self) -> str:
        """Return the line without its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.octets)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and its signatures; raises LogMalformed for other texts."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n"):
            raise LogMalformed("NOTE_TEXT")
        if any(is_unwritable(line) for line in self.text.split("\n")):
            raise LogMalformed("NOTE_CHARACTERS")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise LogMalformed("SIGNATURE_COUNT")

    @classmethod
    def decode(cls, octets: bytes) -> Note:
        """Read a note; whether a signature is good is not looked at. Raises LogMalformed."""
        if len(octets) > MAX_OCTETS:
            raise LogMalformed("NOTE_LENGTH")
        try:
            whole = octets.decode()
        except UnicodeDecodeError:
            # The error would carry the octets on, and they are a stranger's.
            raise LogMalformed("NOTE_UTF8") from None
        text, blank, lines = whole.rpartition("\n\n")
        if not (blank and lines.endswith("\n")):
            raise LogMalformed("NOTE_FORM")
        if lines.count("\n") > MAX_SIGNATURES:
            raise LogMalformed("SIGNATURE_COUNT")
        return cls(text + "\n", tuple(map(Signature.decode, lines[:-1].split("\n"))))

    def encode(self) -> bytes:
        """Return the text, an empty line and the signature lines, in UTF-8."""
        lines = (signature.encode() + "\n" for signature in self.signatures)
        return "".join([self.text, "\n", *lines]).encode()


def sign(text: str, name: str, key: Ed25519PrivateKey) -> Signature:
    """Return the signature line of the key with this name; raises LogMalformed for no name."""
    return Signature(name, VerifierKey.of(name, key).key_id, key.sign(text.encode()))


def verdicts(note: Note, keys: Iterable[VerifierKey]) -> list[bool]:
    """Say of each signature by one of the keys whether it is good; others are passed over.

    Raises LogMalformed where two of the keys are called alike, because a line names only one.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise LogMalformed("KEYS_AMBIGUOUS")
    return [
        known[one.name, one.key_id].has_signed(note.text, one.octets)
        for one in note.signatures
        if (one.name, one.key_id) in known
    ]


def is_unwritable(line: str) -> bool:
    """Say whether a line has characters that a note cannot have."""
    return any(one < " " or "\ud800" <= one <= "\udfff" for one in line)


def encode_base64(octets: bytes) -> str:
    """Return the standard base64 with padding (RFC 4648, 4)."""
    return base64.b64encode(octets).decode("ascii")


def decode_base64(text: str, rule: str) -> bytes:
    """Return the octets; raises LogMalformed with the rule for all but their only encoding."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LogMalformed(rule) from None
    if encode_base64(octets) != text:
        raise LogMalformed(rule)
    return octets


def _check_name(name: str) -> None:
    if not name or "+" in name or any(one.isspace() for one in name) or is_unwritable(name):
        raise LogMalformed("KEY_NAME")
