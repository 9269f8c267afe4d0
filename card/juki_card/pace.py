"""PACE with generic mapping, both ends (TR-03110-3, 3.2 and B.1; ICAO 9303-11, 4.4).

Card and reader agree on session keys if both know the same password, and neither learns anything
about it otherwise. The arithmetic (`encrypt_nonce`, `agree`) is shared; the reader's side is two
flows; the card's side is in the virtual card. A failed last step is never tried again here: it
would cost the holder a try.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from juki_card import chat as chats
from juki_card import cv_key, cvc, ec, oid, tlv
from juki_card.apdu import SHORT_NE, SW, CommandAPDU, ResponseAPDU, tries_left
from juki_card.card_access import CardAccess
from juki_card.chat import CHAT
from juki_card.errors import (
    AuthenticationFailed,
    CanWrong,
    CardError,
    ParseError,
    PinLocked,
    PinWrong,
    UnexpectedStatus,
)
from juki_card.flow import ANY_STATUS, Flow, one
from juki_card.passwords import Password, PasswordReference
from juki_card.secure_messaging import MAC_SIZE, ReaderChannel, SessionKeys

NONCE_SIZE: Final = 16
DYNAMIC_DATA: Final = 0x7C
ENCRYPTED_NONCE: Final = 0x80
MAP_READER: Final = 0x81
MAP_CARD: Final = 0x82
KEY_READER: Final = 0x83
KEY_CARD: Final = 0x84
TOKEN_READER: Final = 0x85
TOKEN_CARD: Final = 0x86
TRUST_POINT: Final = 0x87
OLDER_TRUST_POINT: Final = 0x88
_CHAINED: Final = 0x10
_PROTOCOL: Final = 0x80
_PASSWORD: Final = 0x83
_PARAMETER: Final = 0x84
_GENERAL_AUTHENTICATE: Final = "GENERAL AUTHENTICATE (PACE)"
_MSE: Final = "MSE:Set AT (PACE)"


@dataclass(frozen=True, slots=True)
class Ephemerals:
    """The two fresh secrets of one run of PACE: for the mapping and for the agreement."""

    mapping: ec.Scalar
    agreement: ec.Scalar

    @classmethod
    def from_random(cls, domain: ec.Domain, octets: bytes) -> Ephemerals:
        """Make both from random octets, `random_size(domain)` of them."""
        half = random_size(domain) // 2
        if len(octets) != 2 * half:
            raise CardError(f"PACE: {2 * half} random octets wanted")
        first, second = octets[:half], octets[half:]
        return cls(ec.Scalar.from_random(domain, first), ec.Scalar.from_random(domain, second))


@dataclass(frozen=True, slots=True)
class PasswordState:
    """What a card says of a password before it is used; None: the counter is at its start."""

    tries_left: int | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both ends hold after the key agreement; tokens are still to be compared."""

    keys: SessionKeys
    token_reader: bytes
    token_card: bytes


@dataclass(frozen=True, slots=True)
class PACEResult:
    """An open channel, the card's ephemeral x coordinate, and the CVCAs that the card trusts."""

    channel: ReaderChannel
    id_picc: bytes
    trust_points: tuple[str, ...]


def random_size(domain: ec.Domain) -> int:
    """Return how many random octets `Ephemerals.from_random` wants."""
    return 2 * (domain.size + 8)


def encrypt_nonce(password: Password, nonce: bytes) -> bytes:
    """Return the card's encrypted nonce (A.3.3)."""
    encryptor = Cipher(algorithms.AES(password.key()), modes.CBC(bytes(16))).encryptor()
    return encryptor.update(nonce)


def decrypt_nonce(password: Password, encrypted: bytes) -> bytes:
    """Return the nonce; any password gives one, a wrong one gives another."""
    if len(encrypted) != NONCE_SIZE:
        raise ParseError("PACE: the encrypted nonce is not one block")
    decryptor = Cipher(algorithms.AES(password.key()), modes.CBC(bytes(16))).decryptor()
    return decryptor.update(encrypted)


def token(keys: SessionKeys, public_key: bytes, *, protocol: str) -> bytes:
    """Return the token over the other party's ephemeral public key (A.2.4)."""
    body = oid.encode_tlv(protocol) + tlv.encode(cv_key.POINT, public_key)
    return keys.token(tlv.encode(cv_key.TAG, body))


def agree(own: ec.Scalar, reader_key: bytes, card_key: bytes, *, peer: ec.PublicKey) -> Agreement:
    """Derive keys and tokens from our secret and the other party's key (A.3.5, A.2.4).

    Raises AuthenticationFailed where both keys are the same, which a mirror would do.
    """
    if hmac.compare_digest(reader_key, card_key):
        raise AuthenticationFailed("PACE: both ephemeral keys are the same")
    keys = SessionKeys.derive(ec.ecdh(own.key(), peer))
    protocol = oid.PACE_ECDH_GM_AES_128
    return Agreement(
        keys,
        token_reader=token(keys, card_key, protocol=protocol),
        token_card=token(keys, reader_key, protocol=protocol),
    )


def mse_set_at(
    reference: PasswordReference, *, chat: CHAT | None, parameter_id: int | None
) -> CommandAPDU:
    """MSE:Set AT for PACE (B.11.1). Our flows always name the domain parameter, tag 84."""
    data = tlv.encode(_PROTOCOL, oid.encode(oid.PACE_ECDH_GM_AES_128))
    data += tlv.encode(_PASSWORD, bytes((reference,)))
    data += chat.encode() if chat else b""
    if parameter_id is not None:
        data += tlv.encode(_PARAMETER, bytes((parameter_id,)))
    return CommandAPDU(0x00, 0x22, 0xC1, 0xA4, data)


@dataclass(frozen=True, slots=True)
class Selection:
    """What MSE:Set AT for PACE asks of a card."""

    reference: PasswordReference
    chat: CHAT | None
    parameter_id: int | None


def decode_mse_set_at(data: bytes) -> Selection:
    """Parse the data of MSE:Set AT for PACE, in any order; raise ParseError."""
    objects = {item.tag: item.value for item in tlv.parse_all(data, unique=True)}
    if objects.pop(_PROTOCOL, b"") != oid.encode(oid.PACE_ECDH_GM_AES_128):
        raise ParseError("MSE:Set AT: not the PACE that we speak")
    try:
        reference = PasswordReference(int.from_bytes(objects.pop(_PASSWORD, b""), "big"))
    except ValueError as error:
        raise ParseError("MSE:Set AT: unknown password") from error
    template = objects.pop(chats.TAG, None)
    parameter = objects.pop(_PARAMETER, None)
    if objects or (parameter is not None and len(parameter) != 1):
        raise ParseError("MSE:Set AT: an object that does not belong there")
    return Selection(
        reference,
        CHAT.decode_value(template) if template is not None else None,
        parameter[0] if parameter is not None else None,
    )


def general_authenticate(objects: bytes, *, last: bool) -> CommandAPDU:
    """GENERAL AUTHENTICATE with dynamic authentication data (B.11.2)."""
    cla = 0x00 if last else _CHAINED
    return CommandAPDU(cla, 0x86, 0x00, 0x00, tlv.encode(DYNAMIC_DATA, objects), SHORT_NE)


def select_password(
    access: CardAccess, reference: PasswordReference, chat: CHAT | None
) -> Flow[PasswordState]:
    """Name password and rights to the card, and learn how many tries are left.

    Raises PinLocked where the PIN is blocked and nothing can be compared, UnexpectedStatus.
    """
    command = mse_set_at(reference, chat=chat, parameter_id=access.pace.parameter_id)
    answer = yield from one(command, _MSE, ANY_STATUS)
    if answer.sw == SW.OK:
        return PasswordState(None)
    if reference is PasswordReference.PIN:
        _refuse_locked(answer)
        if left := tries_left(answer.sw):
            return PasswordState(left)
    raise UnexpectedStatus(answer.sw, _MSE)


def establish(password: Password, access: CardAccess, ephemerals: Ephemerals) -> Flow[PACEResult]:
    """Run PACE after `select_password` and return the open channel.

    Raises PinWrong with the tries that are left, PinLocked where nothing was compared, CanWrong,
    AuthenticationFailed where another password is wrong or the card's token does not fit,
    ParseError and UnexpectedStatus. Of these only PinWrong says anything about the PIN.
    """
    domain = access.domain
    encrypted = yield from _exchange(b"", ENCRYPTED_NONCE)
    nonce = decrypt_nonce(password, encrypted)
    own_map = ec.encode_point(ephemerals.mapping.key().public_key())
    peer_map = yield from _exchange(tlv.encode(MAP_READER, own_map), MAP_CARD)
    if hmac.compare_digest(own_map, peer_map):
        raise AuthenticationFailed("PACE: the card sent our own mapping key back")
    mapped = ec.map_generator(nonce, ephemerals.mapping, ec.decode_point(domain, peer_map))
    own_key = ec.encode_point(mapped.public_key(ephemerals.agreement))
    card_key = yield from _exchange(tlv.encode(KEY_READER, own_key), KEY_CARD)
    peer = ec.decode_point(domain, card_key)
    agreed = agree(ephemerals.agreement, own_key, card_key, peer=peer)
    trust_points = yield from _confirm(password.reference, agreed)
    return PACEResult(ReaderChannel(agreed.keys), ec.compress(card_key), trust_points)


def dynamic_data(answer: bytes, tag: int) -> bytes:
    """Return the one object inside 7C, which has this tag; raise ParseError."""
    return tlv.expect(tlv.expect(answer, DYNAMIC_DATA), tag)


def _exchange(objects: bytes, tag: int) -> Flow[bytes]:
    command = general_authenticate(objects, last=False)
    answer = yield from one(command, _GENERAL_AUTHENTICATE, ANY_STATUS)
    _refuse_locked(answer)
    if answer.sw != SW.OK:
        raise UnexpectedStatus(answer.sw, _GENERAL_AUTHENTICATE)
    return dynamic_data(answer.data, tag)


def _confirm(reference: PasswordReference, agreed: Agreement) -> Flow[tuple[str, ...]]:
    """Send our token, check the card's, return the trust points that it names."""
    command = general_authenticate(tlv.encode(TOKEN_READER, agreed.token_reader), last=True)
    answer = yield from one(command, _GENERAL_AUTHENTICATE, ANY_STATUS)
    if answer.sw != SW.OK:
        _refuse_token(reference, answer)
    card_token, rest = tlv.take(tlv.expect(answer.data, DYNAMIC_DATA), TOKEN_CARD)
    if len(card_token) != MAC_SIZE or not hmac.compare_digest(card_token, agreed.token_card):
        raise AuthenticationFailed("PACE: the card's token does not fit")
    newest, rest = tlv.take_optional(rest, TRUST_POINT)
    older, rest = tlv.take_optional(rest, OLDER_TRUST_POINT)
    if rest:
        raise ParseError("PACE: an object that does not belong there")
    return tuple(cvc.decode_reference(name) for name in (newest, older) if name is not None)


def _refuse_token(reference: PasswordReference, answer: ResponseAPDU) -> None:
    left = tries_left(answer.sw)
    if reference is PasswordReference.PIN and left is not None:
        raise PinWrong(left)
    if reference is not PasswordReference.PIN and (
        left is not None or answer.sw == SW.AUTHENTICATION_FAILED
    ):
        if reference is PasswordReference.CAN:
            raise CanWrong
        raise AuthenticationFailed(f"PACE: the {reference.name} is wrong")
    _refuse_locked(answer)
    raise UnexpectedStatus(answer.sw, _GENERAL_AUTHENTICATE)


def _refuse_locked(answer: ResponseAPDU) -> None:
    if answer.sw in (SW.PIN_BLOCKED, SW.METHOD_BLOCKED):
        raise PinLocked
