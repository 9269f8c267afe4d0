"""Clerks for tests: entered with a card and rights, and signed in as a center would have it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from juki_center.areas.clerks.policy import ClerkPolicy
from juki_center.areas.clerks.register import AddClerk, ChangeRight, add_clerk, change_right
from juki_center.areas.clerks.rows import Clerk, Grant, Right, SignIn
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import shipped
from juki_center.storage import open_store
from juki_center.storage.keys import KeyEncryptionKey
from juki_pki.folder import PKIFolder
from juki_pki.identity import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from juki_center.areas.ports import Tx
    from juki_center.storage.sqlite import SQLiteStore

OPERATOR_URI = "juki://operator/operator-1"
NAME = "窓口　花子"
FIRST_DAY, LAST_DAY = date(2003, 8, 25), date(2099, 12, 31)
EVERY_RIGHT = tuple(Right)


def clerk_policy(
    sign_in_for: timedelta = timedelta(hours=4), idle_for: timedelta = timedelta(minutes=30)
) -> ClerkPolicy:
    """Return a policy over all municipalities of the country."""
    return ClerkPolicy(shipped.municipalities(), sign_in_for, idle_for)


def enter_clerk(  # what a clerk is, by name
    tx: Tx,
    municipality: str,
    now: datetime,
    *,
    rights: Iterable[Right] = EVERY_RIGHT,
    name: str = NAME,
    serial: bytes | None = None,
) -> Clerk:
    """Act: enter a clerk with rights for all of the network's time."""
    code = MunicipalityCode(municipality)
    tx.registers.host(code)
    card = serial or hashlib.sha256(secrets.token_bytes(16)).digest()
    clerk = add_clerk(tx, AddClerk(OPERATOR_URI, code, name, card), now)
    for right in rights:
        grant = Grant(right, FIRST_DAY, LAST_DAY)
        change_right(tx, ChangeRight(OPERATOR_URI, clerk.clerk_id, right, grant), now)
    return clerk


def put_signed_in(
    tx: Tx, clerk: Clerk, terminal_uri: str, now: datetime, *, ends_at: datetime | None = None
) -> SignIn:
    """Act: sign a clerk in at a terminal without a card session."""
    sign_in = SignIn(
        terminal_uri, secrets.token_bytes(16), clerk.clerk_id, now, now + timedelta(hours=4), now
    )
    kept = sign_in if ends_at is None else replace(sign_in, ends_at=ends_at)
    tx.clerks.put_sign_in(kept)
    return kept


def sign_in_everywhere(folder: Path, *, only: Iterable[str] = ()) -> None:
    """Sign a clerk of a development center in at its terminals, beyond any end of a test.

    It is written straight into the store, beside the center. `only` names terminals by URI; else
    it is all that the PKI folder has. Where no register is hosted, nobody can be signed in.
    """
    pki = PKIFolder(folder / "pki")
    uris = tuple(only) or tuple(peer.uri for peer in pki.peers(Role.TERMINAL))
    with open_dev_store(folder) as store:
        asyncio.run(store.act(lambda tx: sign_in_for_good(tx, uris)))


@contextmanager
def open_dev_store(folder: Path) -> Iterator[SQLiteStore]:
    """Open the store of a development center, beside the center that serves from it."""
    pki = PKIFolder(folder / "pki")
    kek = KeyEncryptionKey.load(folder / "center" / "kek")
    signer = pki.log_signer() if pki.log_signer_path.exists() else None
    url = f"sqlite:///{folder / 'center' / 'center.sqlite'}"
    with closing(open_store(url, kek, signer=signer)) as store:
        yield store


def sign_in_for_good(tx: Tx, terminal_uris: Iterable[str], *, name: str = NAME) -> None:
    """Act: sign the first clerk of each hosted municipality in at its terminals."""
    policy, far = clerk_policy(), datetime(2200, 1, 1, tzinfo=UTC)
    for uri in terminal_uris:
        register = policy.register_of(MunicipalityCode(uri.split("/")[3]))
        clerks = tx.clerks.of_municipality(register)
        if not clerks and tx.registers.is_hosted(register):
            clerks = [enter_clerk(tx, str(register), datetime.now(UTC), name=name)]
        if clerks:
            tx.clerks.put_sign_in(
                SignIn(uri, secrets.token_bytes(16), clerks[0].clerk_id, far, far, far)
            )
