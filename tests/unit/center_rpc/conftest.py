"""PKI folders for the tests of the gRPC edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from tests.support import agency_service, card_service, register_service
from tests.support.center_edge import PEERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    """A PKI folder with one peer of each role."""
    path = tmp_path_factory.mktemp("pki") / "pki"
    return make.init(path, Profiles.load(), datetime.now(UTC), PEERS)


@pytest.fixture(scope="session")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    """Another network's PKI folder with the same names."""
    path = tmp_path_factory.mktemp("other") / "pki"
    return make.init(path, Profiles.load(), datetime.now(UTC), PEERS)


@pytest.fixture(scope="session")
def expired_terminal(pki: PKIFolder) -> X509Credential:
    """A terminal of our PKI whose certificate has ended."""
    identity = PeerIdentity(Role.TERMINAL, "old", "131016")
    return make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC) - timedelta(days=900))


@pytest.fixture(scope="session")
def furnished_registers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with everybody in it, and codes for Chiyoda."""
    folder = tmp_path_factory.mktemp("registers")
    register_service.furnish(folder)
    return folder


@pytest.fixture
async def office(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[register_service.Office]:
    """A center that serves the registers of everybody."""
    async with register_service.serving(pki, furnished_registers, tmp_path / "store") as serving:
        yield serving


@pytest.fixture(scope="session")
def furnished_agencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with everybody in it, and the usual authorisations."""
    folder = tmp_path_factory.mktemp("agencies")
    agency_service.furnish(folder)
    return folder


@pytest.fixture
async def bureau(
    pki: PKIFolder, furnished_agencies: Path, tmp_path: Path
) -> AsyncIterator[agency_service.Bureau]:
    """A center that confirms the identity of everybody; two streams of each kind at most."""
    async with agency_service.serving(pki, furnished_agencies, tmp_path / "center") as serving:
        yield serving


@pytest.fixture
async def card_counter(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[card_service.CardCounter]:
    """A center that serves the life of cards."""
    async with card_service.serving(pki, furnished_registers, tmp_path / "cards") as serving:
        yield serving
