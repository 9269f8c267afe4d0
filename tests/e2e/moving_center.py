"""A development center that moves people over TLS, and may die meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf.message import Message

from juki_center.areas.callers import Terminal
from juki_center.areas.days import day_in_japan
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from jukinet.moves.v1 import move_service_pb2_grpc as pb_grpc
from tests.support import move_requests as ask
from tests.support.center_edge import pinned
from tests.support.center_process import CenterProcess
from tests.support.move_service import finished_session

DEADLINE_SECONDS = 20.0
ORIGIN, DESTINATION = ask.ORIGIN, ask.DESTINATION


def today() -> str:
    """Return today's date in Japan."""
    return day_in_japan(datetime.now(UTC)).isoformat()


@dataclass
class MovingCenter:
    """A center in a process of its own, and a terminal in each of the two municipalities."""

    process: CenterProcess

    @property
    def state(self) -> Path:
        """The center's data folder."""
        return self.process.folder / "center"

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.state / "center.sqlite"

    def enrol(self) -> None:
        """Issue a certificate to the terminal of the origin."""
        identity = PeerIdentity(Role.TERMINAL, "01", ORIGIN)
        pki = PKIFolder(self.process.folder / "pki")
        if not pki.peer_path(identity).exists():
            make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))

    def call(self, request: Message, municipality: str) -> Any:
        """Send a request as a terminal; raise grpc.RpcError where no answer comes."""
        name = request.DESCRIPTOR.name.removesuffix("Request")
        with self._channel(municipality) as line:
            method = getattr(pb_grpc.MoveServiceStub(line), name)
            return method(request, timeout=DEADLINE_SECONDS)

    def loses_the_answer(self, request: Message, municipality: str) -> bool:
        """Send a request; tell whether the center was gone before it answered."""
        try:
            self.call(request, municipality)
        except grpc.RpcError as error:
            return cast("grpc.Call", error).code() is grpc.StatusCode.UNAVAILABLE
        return False

    @contextmanager
    def _channel(self, municipality: str) -> Iterator[grpc.Channel]:
        pki = PKIFolder(self.process.folder / "pki")
        own = pki.terminal(municipality, "01")
        trust = grpc.ssl_channel_credentials(pinned(pki), own.key_pem, own.chain_pem)
        with grpc.secure_channel(self.process.address, trust) as line:
            yield line

    def session(self, key: str = ask.TARO) -> bytes:
        """Finish a session of a resident's card at the destination; return its id."""
        terminal = Terminal(
            f"juki://municipality/{DESTINATION}/terminal/01", MunicipalityCode(DESTINATION)
        )
        store = open_with_key(CenterConfig.load(self.process.folder / "center.toml"))
        code = ResidentCode(ask.code(key))

        def card(tx: Tx) -> bytes:
            where = tx.residents.by_code(code)
            assert where is not None
            return tx.cards.of_person(where.person)[0].serial

        try:
            serial, now = store.read(card), datetime.now(UTC)
            return asyncio.run(finished_session(store, serial, now, terminal=terminal))
        finally:
            store.close()

    def logs(self) -> dict[str, bytes]:
        """Return everything that the center has written for its operator."""
        files = [*self.state.glob("*.log"), self.process.log]
        return {path.name: path.read_bytes() for path in files}
