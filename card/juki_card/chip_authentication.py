"""Chip Authentication version 2, both ends (TR-03110-3, 3.4 and B.2; TR-03110-2, 3.4).

The card shows with its static key that it is genuine, and both ends change to new session keys:
KDF(K || r_PICC). Whether the static key is genuine is told by EF.CardSecurity, see `card_security`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from juki_card import ec, oid, tlv
from juki_card.apdu import SHORT_NE, CommandAPDU
from juki_card.errors import AuthenticationFailed, ParseError
from juki_card.pace import token
from juki_card.secure_messaging import MAC_SIZE, SessionKeys

NONCE_SIZE: Final = 8
_DYNAMIC_DATA: Final = 0x7C
_EPHEMERAL: Final = 0x80
_NONCE: Final = 0x81
_TOKEN: Final = 0x82
_PROTOCOL: Final = 0x80
_KEY: Final = 0x84


@dataclass(frozen=True, slots=True)
class Agreement:
    """New session keys, and the card's token over the terminal's ephemeral key."""

    keys: SessionKeys
    token: bytes


def mse_set_at(key_id: int | None) -> CommandAPDU:
    """MSE:Set AT for Chip Authentication (B.11.1); `key_id` as the card's CAInfo has it."""
    data = tlv.encode(_PROTOCOL, oid.encode(oid.CA_ECDH_AES_128))
    if key_id is not None:
        data += tlv.encode(_KEY, bytes((key_id,)))
    return CommandAPDU(0x00, 0x22, 0x41, 0xA4, data)


def decode_mse_set_at(data: bytes) -> int | None:
    """Parse the data of MSE:Set AT and return the key's number; raise ParseError."""
    objects = {item.tag: item.value for item in tlv.parse_all(data, unique=True)}
    if objects.pop(_PROTOCOL, b"") != oid.encode(oid.CA_ECDH_AES_128):
        raise ParseError("MSE:Set AT: not the Chip Authentication that we speak")
    key_id = objects.pop(_KEY, None)
    if objects or (key_id is not None and len(key_id) != 1):
        raise ParseError("MSE:Set AT: an object that does not belong there")
    return key_id[0] if key_id is not None else None


def general_authenticate(ephemeral: bytes) -> CommandAPDU:
    """GENERAL AUTHENTICATE with the terminal's ephemeral point (B.11.2)."""
    data = tlv.encode(_DYNAMIC_DATA, tlv.encode(_EPHEMERAL, ephemeral))
    return CommandAPDU(0x00, 0x86, 0x00, 0x00, data, SHORT_NE)


def decode_general_authenticate(data: bytes) -> bytes:
    """Return the terminal's ephemeral point; raise ParseError."""
    return tlv.expect(tlv.expect(data, _DYNAMIC_DATA), _EPHEMERAL)


def encode_answer(nonce: bytes, card_token: bytes) -> bytes:
    """Return the card's answer: its nonce and its token."""
    objects = tlv.encode(_NONCE, nonce) + tlv.encode(_TOKEN, card_token)
    return tlv.encode(_DYNAMIC_DATA, objects)


def decode_answer(data: bytes) -> tuple[bytes, bytes]:
    """Parse the card's answer into nonce and token; raise ParseError."""
    nonce, rest = tlv.take(tlv.expect(data, _DYNAMIC_DATA), _NONCE)
    card_token = tlv.expect(rest, _TOKEN)
    if len(nonce) != NONCE_SIZE or len(card_token) != MAC_SIZE:
        raise ParseError("Chip Authentication: nonce or token of a wrong length")
    return nonce, card_token


def agree(own: ec.PrivateKey, peer: ec.PublicKey, *, nonce: bytes, ephemeral: bytes) -> Agreement:
    """Derive keys and token; `ephemeral` is the terminal's point as it was sent."""
    keys = SessionKeys.derive(ec.ecdh(own, peer) + nonce)
    return Agreement(keys, token(keys, ephemeral, protocol=oid.CA_ECDH_AES_128))


def verify_answer(data: bytes, own: ec.PrivateKey, card_key: ec.PublicKey) -> SessionKeys:
    """Verify the card's answer with the card's static key; return the new session keys.

    Raises ParseError, and AuthenticationFailed where the card does not have the key.
    """
    nonce, card_token = decode_answer(data)
    ephemeral = ec.encode_point(own.public_key())
    agreed = agree(own, card_key, nonce=nonce, ephemeral=ephemeral)
    if not hmac.compare_digest(agreed.token, card_token):
        raise AuthenticationFailed("Chip Authentication: the card does not have its key")
    return agreed.keys
