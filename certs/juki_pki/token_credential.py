"""The copy signer's key where it lies in a token: it signs and says its public half, no more."""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from juki_pki.token import Token, open_token
from juki_pki.token_reference import TokenReference

_NUMBER_OCTETS = 32


class TokenECKey(ec.EllipticCurvePrivateKey):
    """A P-256 key in a token, for who signs with ECDSA over SHA-256."""

    def __init__(self, token: Token, label: str) -> None:
        self._token = token
        self._label = label
        self._public = token.copies_public_key(label)

    def __repr__(self) -> str:
        return f"TokenECKey({self._label!r})"

    def sign(
        self,
        data: bytes | bytearray | memoryview,
        signature_algorithm: ec.EllipticCurveSignatureAlgorithm,
    ) -> bytes:
        """Return the DER signature over data. Raises TokenUnusable."""
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise TypeError("only ECDSA over SHA-256")
        digest = hashes.Hash(hashes.SHA256())
        digest.update(data)
        raw = self._token.sign_copy(self._label, digest.finalize())
        r, s = raw[:_NUMBER_OCTETS], raw[_NUMBER_OCTETS:]
        return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve, P-256."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """The size of the curve's order in bits."""
        return self.curve.key_size

    def exchange(
        self,
        algorithm: ec.ECDH,  # noqa: ARG002  # the interface's
        peer_public_key: ec.EllipticCurvePublicKey,  # noqa: ARG002  # the interface's
    ) -> NoReturn:
        """Refuse: a signer agrees on no keys."""
        raise TypeError("this key signs and does nothing else")

    def private_numbers(self) -> NoReturn:
        """Refuse: the key does not leave its token."""
        raise TypeError("this key does not leave its token")

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002  # the interface's
        format: serialization.PrivateFormat,  # noqa: ARG002  # the interface's
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002  # as above
    ) -> NoReturn:
        """Refuse: the key does not leave its token."""
        raise TypeError("this key does not leave its token")

    def __copy__(self) -> TokenECKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> TokenECKey:
        return self


def token_key(reference: TokenReference) -> TokenECKey:
    """Open the key that a reference names. Raises PKIError."""
    return TokenECKey(open_token(reference.place), reference.object)
