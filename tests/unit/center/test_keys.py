"""Keys that are forgotten open nothing, and what is no key is none."""

from __future__ import annotations

import pytest

from juki_center.errors import KeyUnusable
from juki_center.storage.keys import KEY_OCTETS, KeyEncryptionKey, SealKey

KEK = KeyEncryptionKey(bytes(range(KEY_OCTETS)))


def test_a_forgotten_key_opens_and_seals_nothing() -> None:
    key = SealKey(bytes(KEY_OCTETS))
    sealed = key.seal(b"entries", "record:1")

    key.forget()

    with pytest.raises(KeyUnusable, match="forgotten"):
        key.open(sealed, "record:1")
    with pytest.raises(KeyUnusable, match="forgotten"):
        key.seal(b"entries", "record:1")
    with pytest.raises(KeyUnusable, match="forgotten"):
        key.wrap(b"entries", "record:1")


@pytest.mark.parametrize("octets", [0, KEY_OCTETS - 1, KEY_OCTETS + 1])
def test_what_has_another_length_is_no_key(octets: int) -> None:
    wrapped = KEK.wrap(bytes(octets), "key:1")

    with pytest.raises(KeyUnusable):
        KEK.opened(wrapped, "key:1", SealKey)


def test_a_key_of_another_owner_or_version_is_not_opened() -> None:
    wrapped = KEK.new_key("key:1")

    with pytest.raises(KeyUnusable):
        KEK.opened(wrapped, "key:2", SealKey)
    with pytest.raises(KeyUnusable, match="version"):
        KEK.opened(b"\x02" + wrapped[1:], "key:1", SealKey)


def test_new_keys_differ() -> None:
    opened = [KEK.unwrap(KEK.new_key("key:1"), "key:1") for _ in range(8)]

    assert len(set(opened)) == len(opened)
    assert {len(one) for one in opened} == {KEY_OCTETS}
