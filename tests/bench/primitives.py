"""The cryptography of a card session at the center, as a list, and what it takes in a tight loop.

These are the calls that no center could leave out: the attestation of the terminal and the card's
signed file are verified, a fresh key is made, the card's challenge is signed, the chip
authenticated, and the file read through the channel to the chip. What is parsed, checked and told
around them is the center's own and not in the list; nor is the signature of the log's head.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from juki_card import ec

_TBS = os.urandom(160)
_LOOPS = 40


@dataclass(frozen=True, slots=True)
class Primitive:
    """One call, and how often a session makes it."""

    name: str
    times: int
    call: Callable[[], object]


def listed() -> tuple[Primitive, ...]:
    """Return the primitives of one session, on keys of their own."""
    own, peer = (asymmetric.generate_private_key(asymmetric.SECP256R1()) for _ in range(2))
    public, signature = own.public_key(), own.sign(_TBS, asymmetric.ECDSA(hashes.SHA256()))
    of_card, point = peer.public_key(), ec.encode_point(peer.public_key())
    return (
        Primitive(
            "P-256 key made", 1, lambda: asymmetric.generate_private_key(asymmetric.SECP256R1())
        ),
        Primitive("P-256 point read", 1, lambda: ec.decode_point(ec.P256, point)),
        Primitive("ECDH", 1, lambda: ec.ecdh(own, of_card)),
        Primitive("ECDSA sign", 1, lambda: ec.sign(own, _TBS, algorithm=hashes.SHA256())),
        Primitive(
            "ECDSA verify",
            2,
            lambda: public.verify(signature, _TBS, asymmetric.ECDSA(hashes.SHA256())),
        ),
        *_symmetric(os.urandom(16)),
    )


def _symmetric(key: bytes) -> tuple[Primitive, ...]:
    """Return those of the channel: an AID is encrypted, a file decrypted, four MACs and a token."""
    aes, keyed = algorithms.AES(key), CMAC(algorithms.AES(key))

    def cbc() -> bytes:
        return Cipher(aes, modes.CBC(key)).encryptor().update(_TBS[:32])

    def mac() -> bytes:
        copied = keyed.copy()
        copied.update(_TBS[:48])
        return copied.finalize()

    def token() -> bytes:
        made = CMAC(algorithms.AES(key))
        made.update(_TBS[:80])
        return made.finalize()

    return (
        Primitive("AES-CBC", 2, cbc),
        Primitive("CMAC", 4, mac),
        Primitive("CMAC with a new key", 2, token),
        Primitive("SHA-256", 5, lambda: hashlib.sha256(_TBS).digest()),
    )


def seconds_of_session(primitives: tuple[Primitive, ...]) -> dict[str, float]:
    """Return the CPU of each primitive for one session, from a tight loop."""
    return {one.name: _timed(one.call) * one.times for one in primitives}


def _timed(call: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(_LOOPS):
        call()
    return (time.process_time() - began) / _LOOPS
