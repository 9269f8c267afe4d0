"""Stores behind one small protocol: `open_store` gives the one that a URL names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from juki_center.areas.audit.heads import LogSigner
from juki_center.errors import ConfigInvalid
from juki_center.storage.center_store import CenterStore
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_records import StoredLog, stored_log
from juki_center.storage.sqlite import SQLiteStore
from juki_center.store_url import check_url, file_of, is_server


def open_store(
    url: str, kek: KeyEncryptionKey, signer: LogSigner | None = None, *, reserve_octets: int = 0
) -> CenterStore:
    """Open the store that a URL names, making it where there is none.

    `sqlite:///FILE` is a file, `postgresql://USER@HOST/DATABASE` a database that is there, empty
    or with a store in it. Raises ConfigInvalid for another kind of URL, KeyUnusable where the
    key-encryption key is not the store's, StoreUnusable where the store cannot be used. Without a
    signer the heads of the log stay unsigned, and no act has a receipt.
    """
    if is_server(url):
        return _open_server(url, kek, signer)
    return SQLiteStore(file_of(url), kek, signer=signer, reserve_octets=reserve_octets)


def _open_server(url: str, kek: KeyEncryptionKey, signer: LogSigner | None) -> CenterStore:
    check_url(url)
    try:
        # Not everybody who runs a center has the driver.
        from juki_center.storage.postgresql import PostgreSQLStore  # noqa: PLC0415
    except ImportError as error:
        raise ConfigInvalid(
            "store.url", "needs the extra postgresql: pip install 'jukinet-center[postgresql]'"
        ) from error
    return PostgreSQLStore(url, kek, signer=signer)


@contextmanager
def log_of(url: str) -> Iterator[StoredLog]:
    """Open the log of the store that a URL names, in one state, without any key.

    Raises StoreUnusable where there is none.
    """
    if not is_server(url):
        with stored_log(file_of(url)) as log:
            yield log
        return
    from juki_center.storage.postgresql import server_log  # noqa: PLC0415

    with server_log(url) as log:
        yield log
