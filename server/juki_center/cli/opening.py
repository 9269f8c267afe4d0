"""Opens the store that a configuration names, with its key and the key of its log.

The server does it and every command that works beside it. What only the server needs is not here.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final

from juki_center.cli.log_signing import LogSigning
from juki_center.errors import KeyUnusable, Refusal
from juki_center.storage import open_store
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.store_url import shown
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_center.areas.audit.heads import LogSigner
    from juki_center.areas.ports import Tx
    from juki_center.config import CenterConfig
    from juki_center.storage.center_store import CenterStore

_MEBIBYTE: Final = 1 << 20
_NO_SERIAL: Final = bytes(32)


@asynccontextmanager
async def opened_store(config: CenterConfig) -> AsyncIterator[CenterStore]:
    """Open the store that the configuration names, and close it at the end."""
    with closing(open_with_key(config)) as store:
        yield store


def open_with_key(config: CenterConfig) -> CenterStore:
    """Open the store with its key; raise KeyUnusable or StoreUnusable, each naming its file.

    Where the PKI folder has no key of the log, the log's heads stay unsigned. Raises PKIError for
    one that is exposed or broken.
    """
    kek = KeyEncryptionKey.load(config.kek)
    try:
        signer = _log_signer(PKIFolder(config.pki_dir))
        octets = config.reserve_mib * _MEBIBYTE
        return open_store(config.store_url, kek, signer, reserve_octets=octets)
    except KeyUnusable as error:
        store = shown(config.store_url)
        raise KeyUnusable(f"{config.kek} is not the key of {store}") from error


def _log_signer(pki: PKIFolder) -> LogSigner | None:
    return LogSigning(pki.log_signer_path) if pki.log_signer_path.exists() else None


def is_readable(store: CenterStore) -> bool:
    """Whether the store answers a question."""

    def look(tx: Tx) -> object:
        return tx.cards.card(_NO_SERIAL)

    try:
        store.read(look)
    except Refusal:
        return False
    return True
