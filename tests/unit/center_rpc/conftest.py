"""PKI folders for the tests of the gRPC edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from tests.support.center_edge import PEERS

if TYPE_CHECKING:
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
