"""An agency's surroundings: a PKI, a center in this process, and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from juki_agency.cli import app
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from tests.support.receipting import Receipting
from tests.unit.agency.center_double import AgencyDouble, serving

PEERS = (
    PeerIdentity(Role.CENTER, "center-1"),
    PeerIdentity(Role.AGENCY, "passport-1"),
    PeerIdentity(Role.TERMINAL, "01", "131016"),
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The last object on standard output."""
        return json.loads(self.out.splitlines()[-1])


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    """The network's PKI; tests only read it."""
    path = tmp_path_factory.mktemp("agency-pki") / "pki"
    return make.init(path, Profiles.load(), datetime.now(UTC) - timedelta(minutes=1), PEERS)


@pytest.fixture
def double() -> AgencyDouble:
    """The center; a test sets what it answers."""
    return AgencyDouble()


@pytest.fixture
def receipting(pki: PKIFolder) -> Receipting:
    """The audit log of the center in this process."""
    return Receipting.of(pki)


@pytest.fixture
def address(pki: PKIFolder, double: AgencyDouble, receipting: Receipting) -> Iterator[str]:
    """Where the center in this process listens."""
    with serving(pki, double, receipting) as listening:
        yield listening


def write_config(
    folder: Path, pki: PKIFolder, address: str, peer: str = "agency/passport-1"
) -> Path:
    """Write a configuration with a peer's identity."""
    path = folder / "agency.toml"
    path.write_text(
        f"""
environment = "test"
[center]
address = "{address}"
[identity]
certificate = "{pki.path / peer / "chain.pem"}"
key = "{pki.path / peer / "key.pem"}"
[trust]
dir = "{pki.trust_path}"
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def config(pki: PKIFolder, address: str, tmp_path: Path) -> Path:
    return write_config(tmp_path, pki, address)


@pytest.fixture
def run(config: Path) -> Run:
    def run(*arguments: str, stdin: str = "", lang: str = "en", as_json: bool = True) -> Ended:
        options = ["--config", str(config), "--lang", lang, *(["--json"] if as_json else [])]
        ended = CliRunner().invoke(app, [*options, *arguments], input=stdin)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run
