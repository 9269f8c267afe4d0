"""Terminals at the center: one that registers one birth after the other, and any that is named."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from juki_client.identity import ClientIdentity
from juki_client.log_shelf import Shelf
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_terminal.channel import Center
from juki_terminal.trust import Trust
from tests.support.again import until_answered
from tests.support.register_service import birth

CHIYODA = "131016"
TERMINAL = "01"
"""The one that a development center has, and a clerk is signed in at it."""


@contextmanager
def terminal_at(
    folder: Path, address: str, name: str, log_shelf: Shelf | None = None
) -> Iterator[Center]:
    """Give a line of a terminal of Chiyoda; it is enrolled where it has no certificate yet."""
    pki, peer = PKIFolder(folder / "pki"), PeerIdentity(Role.TERMINAL, name, CHIYODA)
    place = pki.peer_path(peer)
    if not place.exists():
        make.issue_peer(pki, peer, Profiles.load(), datetime.now(UTC))
    identity = ClientIdentity.load(place / "chain.pem", place / "key.pem")
    trust = Trust.load(pki.trust_path)
    with Center(address, identity, trust, log_shelf=log_shelf) as center:
        yield center


@dataclass(frozen=True)
class Registered:
    """A birth that was answered: at which try, and the child's code."""

    request_id: bytes
    tries: int
    code: str


@dataclass
class Registering:
    """One terminal's line; what it knows of the log is its own."""

    center: Center
    answered: list[Registered] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, folder: Path, address: str) -> Iterator[Self]:
        """Open a line of the first terminal of Chiyoda."""
        with terminal_at(folder, address, TERMINAL) as center:
            yield cls(center)

    @property
    def count(self) -> int:
        """How many answers there were."""
        return len(self.answered)

    def ask(self) -> None:
        """Register one birth; the same request goes again until it is answered."""
        request = birth()
        seen = self.center.seen_tree_size
        tries, answer = until_answered(
            lambda: self.center.call(self.center.residents.RegisterBirth, request, seen=seen)
        )
        request_id = uuid.UUID(request.request_id).bytes
        self.answered.append(Registered(request_id, tries, answer.record.code))
