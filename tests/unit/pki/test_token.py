"""Keys in a token: a software token of the distribution stands in for a hardware one."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from juki_pki.errors import KeyExposed, TokenUnusable, Unreadable
from juki_pki.token import Token, TokenKind
from juki_pki.token_reference import TokenPlace, TokenReference, is_reference, reference_in
from tests.support.soft_token import MODULE, soft_token

KEK, LOG, COPIES = TokenKind.KEK, TokenKind.LOG, TokenKind.COPIES


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenPlace]:
    with soft_token(tmp_path_factory.mktemp("token")) as made:
        yield made


@pytest.fixture
def token(place: TokenPlace) -> Iterator[Token]:
    opened = Token(place)
    for kind in TokenKind:
        if not opened.has(kind):
            opened.make(kind, kind)
    yield opened
    opened.close()


def test_what_the_token_wraps_only_the_token_opens(token: Token) -> None:
    nonce, data = os.urandom(12), b"data-key:131016:1"
    sealed = token.encrypt(KEK, nonce, b"k" * 32, data)

    assert token.decrypt(KEK, nonce, sealed, data) == b"k" * 32
    assert b"k" * 32 not in sealed
    with pytest.raises(TokenUnusable):
        token.decrypt(KEK, nonce, sealed, b"data-key:131016:2")
    with pytest.raises(TokenUnusable):
        token.decrypt(KEK, nonce, sealed[:-1] + bytes([sealed[-1] ^ 1]), data)


def test_signatures_of_the_token_verify_by_its_public_keys(token: Token) -> None:
    token.log_public_key(LOG).verify(token.sign_log(LOG, b"a head"), b"a head")
    digest = hashlib.sha256(b"a copy").digest()
    both = token.sign_copy(COPIES, digest)
    signature = encode_dss_signature(int.from_bytes(both[:32]), int.from_bytes(both[32:]))

    token.copies_public_key(COPIES).verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    with pytest.raises(InvalidSignature):
        token.log_public_key(LOG).verify(token.sign_log(LOG, b"a head"), b"another head")


# The library tidies up after a search in a session that is gone, and complains that it is gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_lost_session_is_opened_again(token: Token) -> None:
    session = token._session
    assert session is not None
    session.close()

    assert len(token.sign_log(LOG, b"a head")) == 64


def test_a_wrong_pin_or_a_token_that_is_not_there_is_told_without_the_pin(
    place: TokenPlace, tmp_path: Path
) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("999999\n")
    wrong.chmod(0o600)

    for bad in (
        TokenPlace(place.module, place.label, wrong),
        TokenPlace(place.module, "no-such-token", place.pin_file),
        TokenPlace(Path("/nowhere/module.so"), place.label, place.pin_file),
    ):
        with pytest.raises(TokenUnusable) as refused:
            Token(bad)
        assert "999999" not in str(refused.value)


def test_a_pin_that_others_can_read_is_refused(place: TokenPlace, tmp_path: Path) -> None:
    open_to_all = tmp_path / "pin"
    open_to_all.write_text("123456")
    open_to_all.chmod(0o644)

    with pytest.raises(KeyExposed):
        Token(TokenPlace(place.module, place.label, open_to_all))


def test_a_token_never_shows_its_pin(token: Token, place: TokenPlace) -> None:
    pin = place.pin_file.read_text()

    assert pin not in repr(token)
    assert pin not in repr(place)


def test_keys_never_leave_the_token(token: Token, place: TokenPlace) -> None:
    """The distribution's own tool is asked: no key of ours can be taken out."""
    shown = subprocess.run(
        ["softhsm2-util", "--show-slots"], check=True, capture_output=True, text=True
    ).stdout
    assert place.label in shown
    assert MODULE.exists()
    session = token._session
    assert session is not None
    for one in session.get_objects():
        from pkcs11 import Attribute, ObjectClass

        if one.object_class in {ObjectClass.SECRET_KEY, ObjectClass.PRIVATE_KEY}:
            assert one[Attribute.EXTRACTABLE] is False
            assert one[Attribute.SENSITIVE] is True


def test_a_label_is_never_used_twice(token: Token) -> None:
    with pytest.raises(TokenUnusable, match="LABEL_IN_USE"):
        token.make(TokenKind.LOG, LOG)


def test_a_reference_is_read_as_it_was_written(place: TokenPlace, tmp_path: Path) -> None:
    reference = TokenReference(place, "juki-log 1")

    assert reference_in(reference.encode(), tmp_path / "key.pem") == reference
    assert is_reference(reference.encode())
    assert not is_reference(b"-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:",
        "pkcs11:token=juki?module-path=m&pin-source=p",
        "pkcs11:token=juki;object=o",
        "pkcs11:token=juki;object=o;slot-id=1?module-path=m&pin-source=p",
        "http:token=juki;object=o?module-path=m&pin-source=p",
        "pkcs11:token=\udcff",
    ],
)
def test_what_is_no_reference_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        reference_in(text.encode("utf-8", "surrogateescape"), tmp_path / "key.pem")


def test_paths_of_a_reference_are_taken_from_its_file(tmp_path: Path) -> None:
    text = b"pkcs11:token=juki;object=o?module-path=/lib/m.so&pin-source=file:../pin"

    place = reference_in(text, tmp_path / "key.pem").place

    assert (place.module, place.pin_file) == (Path("/lib/m.so"), tmp_path / "../pin")
