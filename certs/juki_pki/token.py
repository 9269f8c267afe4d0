"""Keys in a PKCS#11 token: they are made inside, used inside, and never leave it.

A token is opened once and used by one thread at a time. Where it was pulled or its server was
restarted, the next use opens it again; where that fails, the use fails and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, TypeVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pkcs11 import (
    Attribute,
    DecryptMixin,
    EncryptMixin,
    GCMParams,
    KeyType,
    Mechanism,
    ObjectClass,
    Session,
    SignMixin,
)
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn
from pkcs11.util.ec import encode_named_curve_parameters

from juki_pki.errors import TokenUnusable
from juki_pki.files import read_key
from juki_pki.token_reference import TokenPlace

T = TypeVar("T")

_AES_BITS: Final = 256
_TAG_BITS: Final = 128
_ED25519: Final = "1.3.101.112"
_P256: Final = "secp256r1"
_TROUBLE: Final = (PKCS11Error, OSError, RuntimeError, TypeError)
_ED25519_OCTETS: Final = 32
_POINT_OCTETS: Final = 65


class TokenKind(StrEnum):
    """The kinds of keys that a center may have in a token."""

    KEK = "kek"
    LOG = "log"
    COPIES = "copies"


class Token:
    """An open token. Every method raises TokenUnusable where the token does not do it."""

    def __init__(self, place: TokenPlace) -> None:
        """Open the token; raises PKIError for a PIN file that is missing or exposed."""
        self._place = place
        self._pin = read_key(place.pin_file).decode("utf-8", errors="strict").strip()
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._use(lambda session: session)

    def __repr__(self) -> str:
        return f"Token({self._place.label!r})"

    def close(self) -> None:
        """Close the token."""
        with self._lock:
            self._forget()

    def has(self, label: str) -> bool:
        """Tell whether the token holds a key of this label."""
        return self._use(lambda session: bool(list(session.get_objects({Attribute.LABEL: label}))))

    def make(self, kind: TokenKind, label: str) -> None:
        """Make a key inside the token, never to leave it; TokenUnusable for a label in use."""
        if self.has(label):
            raise TokenUnusable(self._place.label, "LABEL_IN_USE")
        self._use(lambda session: _MAKERS[kind](session, label))

    def encrypt(self, label: str, nonce: bytes, plain: bytes, data: bytes) -> bytes:
        """Return AES-256-GCM by the key-encryption key: ciphertext and tag."""
        parameters = GCMParams(nonce, data, _TAG_BITS)
        return self._use(
            lambda session: _octets(
                _cipher(session, label)[0].encrypt(
                    plain, mechanism=Mechanism.AES_GCM, mechanism_param=parameters
                )
            )
        )

    def decrypt(self, label: str, nonce: bytes, sealed: bytes, data: bytes) -> bytes:
        """Return what `encrypt` was given; TokenUnusable where it does not open."""
        parameters = GCMParams(nonce, data, _TAG_BITS)
        return self._use(
            lambda session: _octets(
                _cipher(session, label)[1].decrypt(
                    sealed, mechanism=Mechanism.AES_GCM, mechanism_param=parameters
                )
            )
        )

    def sign_log(self, label: str, octets: bytes) -> bytes:
        """Return the Ed25519 signature by the log's key, 64 octets."""
        signature = self._use(
            lambda session: _signer(session, label).sign(octets, mechanism=Mechanism.EDDSA)
        )
        return bytes(signature)

    def sign_copy(self, label: str, digest: bytes) -> bytes:
        """Return the ECDSA signature by the copy signer's key over a SHA-256 digest: r || s."""
        signature = self._use(
            lambda session: _signer(session, label).sign(digest, mechanism=Mechanism.ECDSA)
        )
        return bytes(signature)

    def log_public_key(self, label: str) -> Ed25519PublicKey:
        """Return the public half of the log's key."""
        point = self._use(lambda session: _point(session, label))
        return Ed25519PublicKey.from_public_bytes(point[-_ED25519_OCTETS:])

    def copies_public_key(self, label: str) -> ec.EllipticCurvePublicKey:
        """Return the public half of the copy signer's key."""
        point = self._use(lambda session: _point(session, label))
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[-_POINT_OCTETS:])

    def _use(self, what: Callable[[Session], T]) -> T:
        """Use the token; where its session was lost, open it anew and try once more."""
        with self._lock:
            try:
                return what(self._opened())
            except _TROUBLE:
                self._forget()
            try:
                return what(self._opened())
            except _TROUBLE as error:
                self._forget()
                # The library's texts could name what was to be signed; its kinds do not.
                raise TokenUnusable(self._place.label, type(error).__name__) from error

    def _opened(self) -> Session:
        if self._session is None:
            # A process may load a module once, under one name.
            module = pkcs11.lib(str(self._place.module.resolve()))
            token = module.get_token(token_label=self._place.label)
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except UserAlreadyLoggedIn:
                # Whoever in this process logged in first did it for all.
                self._session = token.open(rw=True)
        return self._session

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except _TROUBLE:
                # It was lost already.
                return


def _octets(value: bytes | Iterator[bytes]) -> bytes:
    return value if isinstance(value, bytes) else b"".join(value)


def _cipher(session: Session, label: str) -> tuple[EncryptMixin, DecryptMixin]:
    key = session.get_key(object_class=ObjectClass.SECRET_KEY, label=label)
    if not (isinstance(key, EncryptMixin) and isinstance(key, DecryptMixin)):
        raise TypeError(f"{label} is no key to encrypt and decrypt by")
    return key, key


def _signer(session: Session, label: str) -> SignMixin:
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
    if not isinstance(key, SignMixin):
        raise TypeError(f"{label} is no key to sign by")
    return key


def _point(session: Session, label: str) -> bytes:
    return bytes(
        session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=label)[Attribute.EC_POINT]
    )


def _make_kek(session: Session, label: str) -> None:
    stays = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True}
    session.generate_key(KeyType.AES, _AES_BITS, label=label, store=True, template=stays)


def _make_log(session: Session, label: str) -> None:
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_ED25519)}
    parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True)
    parameters.generate_keypair(
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label
    )


def _make_copies(session: Session, label: str) -> None:
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_P256)}
    parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
    parameters.generate_keypair(store=True, label=label)


_MAKERS: Final[dict[TokenKind, Callable[[Session, str], None]]] = {
    TokenKind.KEK: _make_kek,
    TokenKind.LOG: _make_log,
    TokenKind.COPIES: _make_copies,
}


_OPEN: Final[dict[TokenPlace, Token]] = {}


def open_token(place: TokenPlace) -> Token:
    """Return the token at a place, opened once for this process.

    Raises TokenUnusable, and PKIError for a PIN file that is missing or exposed.
    """
    if place not in _OPEN:
        _OPEN[place] = Token(place)
    return _OPEN[place]
