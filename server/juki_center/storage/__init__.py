"""Stores behind one small protocol: `open_store` gives the one that a URL names."""

from __future__ import annotations

from pathlib import Path

from juki_center.areas.audit.heads import LogSigner
from juki_center.errors import ConfigInvalid
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.sqlite import SQLiteStore

_SQLITE = "sqlite:///"


def open_store(
    url: str, kek: KeyEncryptionKey, signer: LogSigner | None = None, *, reserve_octets: int = 0
) -> SQLiteStore:
    """Open the store at `sqlite:///FILE`, making it where there is none.

    Raises ConfigInvalid for another kind of URL, KeyUnusable where the key-encryption key is not
    the store's, Refusal(STORE_UNAVAILABLE) where the file cannot be used. Without a signer the
    heads of the log stay unsigned, and no act has a receipt.
    """
    path = url.removeprefix(_SQLITE)
    if path == url or not path:
        raise ConfigInvalid("store.url", "must be sqlite:///FILE")
    return SQLiteStore(Path(path), kek, signer=signer, reserve_octets=reserve_octets)
