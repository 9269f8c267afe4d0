"""Where a client's key and certificate lie, and how the next ones take their place.

The configuration names two files. Renewed ones lie beside them in a folder of generations, each
with its key, its request and, once it was issued, its chain:

    chain.pem  key.pem              what the configuration names
    chain.pem.renewed/
        current -> <generation>     the one in use, where there is one
        pending -> <generation>     one that is not confirmed yet
        <generation>/               key.pem request.der request-id seen-tree-size [chain.pem]

A generation appears whole; a step from one to the next is the exchange of one link. So wherever a
program is killed, a key and a certificate that fit each other are in their place. Where both links
lead to one generation, the center has confirmed it and its receipt is still to come.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki.certify import key_pem, new_key
from juki_pki.files import exclusive, new_folder, sync_folder, write_key, write_public
from juki_pki.requests import make_request

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN: Final = "chain.pem"
KEY: Final = "key.pem"
REQUEST: Final = "request.der"
_REQUEST_ID: Final = "request-id"
_SEEN: Final = "seen-tree-size"
_RECOVERED: Final = "recovered"
_CURRENT: Final = "current"
_PENDING: Final = "pending"


@dataclass(frozen=True, slots=True)
class Pending:
    """A new key that waits for its certificate, or for the certificate to be confirmed."""

    folder: Path
    request_id: str
    request: bytes

    @property
    def is_issued(self) -> bool:
        """Whether its certificate is stored."""
        return (self.folder / CHAIN).exists()

    def identity(self) -> ClientIdentity:
        """Return the key with its certificate; raise Problem CONFIGURATION_INVALID."""
        return ClientIdentity.load(self.folder / CHAIN, self.folder / KEY)

    @property
    def is_recovered(self) -> bool:
        """Whether its certificate counts already, and waits for no confirmation."""
        return (self.folder / _RECOVERED).exists()

    def store(self, chain_pem: bytes, *, is_recovered: bool = False) -> None:
        """Store the certificate and its chain."""
        if is_recovered:
            write_public(self.folder / _RECOVERED, b"")
        write_public(self.folder / CHAIN, chain_pem)

    def asked_at(self, size: int) -> int:
        """Return the size of the log's tree that was known when this was asked for first.

        `size` is what is known now: it is kept by the first call, and counts where less is known
        than then, because a person has begun the log's book anew.
        """
        path = self.folder / _SEEN
        if not path.exists():
            write_public(path, str(size).encode("ascii"))
        return min(size, int(path.read_text("ascii")))


def write_new_key(folder: Path) -> None:
    """Write a new key, the request for it, and the id of that request into an empty folder."""
    key = new_key()
    write_key(folder / KEY, key_pem(key))
    write_public(folder / REQUEST, make_request(key))
    write_public(folder / _REQUEST_ID, str(uuid.uuid4()).encode("ascii"))


def read_pending(folder: Path) -> Pending:
    """Return the key and request of a folder."""
    request_id = (folder / _REQUEST_ID).read_text("ascii")
    return Pending(folder, request_id, (folder / REQUEST).read_bytes())


class IdentitySlot:
    """The identity that a configuration names, with its generations."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._generations = certificate.with_name(certificate.name + ".renewed")

    def load(self) -> ClientIdentity:
        """Return the identity in use; raise Problem CONFIGURATION_INVALID.

        Where the configured files were replaced by newer ones, after an enrolment, those count.
        """
        current = self._generations / _CURRENT
        if not current.exists():
            return ClientIdentity.load(self._certificate, self._key)
        renewed = ClientIdentity.load(current / CHAIN, current / KEY)
        with suppress(Problem):
            configured = ClientIdentity.load(self._certificate, self._key)
            if configured.leaf.not_valid_before_utc > renewed.leaf.not_valid_before_utc:
                return configured
        return renewed

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the generations, so that two programs do not renew at once."""
        self._generations.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._generations.parent)
        with exclusive(self._generations):
            yield

    def pending(self) -> Pending | None:
        """Return what waits, where something does."""
        link = self._generations / _PENDING
        if not link.exists():
            return None
        return read_pending(link.resolve())

    def begin(self) -> Pending:
        """Make the next key; what lies about from earlier beginnings is removed."""
        self._sweep()
        folder = self._generations / uuid.uuid4().hex
        with new_folder(folder) as temporary:
            temporary.chmod(0o700)
            write_new_key(temporary)
        self._point(_PENDING, folder)
        return read_pending(folder)

    def use(self, pending: Pending) -> None:
        """Use what is pending from now on; it stays pending until `finish`."""
        self._point(_CURRENT, pending.folder)

    def finish(self) -> None:
        """Let nothing be pending any more, and forget the generation before."""
        self._drop_link()
        self._sweep()

    def drop(self) -> None:
        """Forget what is pending, unless it is in use: nobody will certify or take it any more."""
        self.finish()

    def _drop_link(self) -> None:
        (self._generations / _PENDING).unlink(missing_ok=True)
        sync_folder(self._generations)

    def _point(self, name: str, folder: Path) -> None:
        temporary = self._generations / f".{name}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(folder.name)
        temporary.replace(self._generations / name)
        sync_folder(self._generations)

    def _target(self, name: str) -> Path | None:
        link = self._generations / name
        return self._generations / link.readlink() if link.is_symlink() else None

    def _sweep(self) -> None:
        """Remove every generation to which no link leads."""
        kept = {self._target(_CURRENT), self._target(_PENDING)}
        for path in self._generations.iterdir():
            if path.is_dir() and not path.is_symlink() and path not in kept:
                shutil.rmtree(path, ignore_errors=True)
