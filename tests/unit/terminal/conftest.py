"""A terminal's surroundings: a PKI, cards, and a center in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from juki_card.passwords import Can, Pin
from juki_cardbox.personalise import CardSigner, Personalisation, make_card
from juki_client.identity import ClientIdentity
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.trust import Trust
from tests.support.receipting import Receipting
from tests.unit.terminal.applications_double import ApplicationsDouble
from tests.unit.terminal.cards_double import CardsDouble
from tests.unit.terminal.center_double import (
    CopiesDouble,
    LocksDouble,
    SessionDouble,
    SignInDouble,
    serving,
)
from tests.unit.terminal.moves_double import MovesDouble
from tests.unit.terminal.residents_double import ResidentsDouble

PIN = "4649"
RESIDENT_CODE = "24727059608"
PEERS = (
    PeerIdentity(Role.CENTER, "center-1"),
    PeerIdentity(Role.TERMINAL, "01", "131016"),
    PeerIdentity(Role.TERMINAL, "02", "131016"),
)


def make_pki(path: Path) -> PKIFolder:
    now = datetime.now(UTC) - timedelta(minutes=1)
    return make.init(path, Profiles.load(), now, PEERS)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    """The network's PKI; tests only read it."""
    return make_pki(tmp_path_factory.mktemp("pki") / "pki")


@pytest.fixture(scope="session")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    """A PKI of strangers."""
    return make_pki(tmp_path_factory.mktemp("other") / "pki")


def new_card(pki: PKIFolder, path: Path) -> Path:
    signer = pki.card_signer()
    make_card(
        path,
        Personalisation(
            pin=Pin(PIN),
            can=Can("310452"),
            trust_point=pki.cv("cvca").certificate,
            signer=CardSigner(signer.certificate.public_bytes(Encoding.DER), signer.key),
            today=pki.cv("dv").certificate.effective,
            resident_code=RESIDENT_CODE,
        ),
    )
    return path


@pytest.fixture
def card(pki: PKIFolder, tmp_path: Path) -> Path:
    """A resident's card."""
    return new_card(pki, tmp_path / "resident.card")


@pytest.fixture
def sessions(pki: PKIFolder) -> SessionDouble:
    """The card sessions of the center in this process."""
    return SessionDouble(pki)


def identity_of(pki: PKIFolder, name: str = "01") -> ClientIdentity:
    folder = pki.path / "terminal" / f"131016-{name}"
    return ClientIdentity.load(folder / "chain.pem", folder / "key.pem")


@pytest.fixture
def copies(pki: PKIFolder, sessions: SessionDouble) -> CopiesDouble:
    """The issues of the center in this process."""
    return CopiesDouble(pki, sessions)


@pytest.fixture
def residents() -> ResidentsDouble:
    """The register of the center in this process."""
    return ResidentsDouble()


@pytest.fixture
def applications() -> ApplicationsDouble:
    """The applications of the center in this process."""
    return ApplicationsDouble()


@pytest.fixture
def cards(sessions: SessionDouble) -> CardsDouble:
    """The one card of the center in this process."""
    return CardsDouble(sessions=sessions)


@pytest.fixture
def locks(cards: CardsDouble) -> LocksDouble:
    """The reports of locks that the center in this process has taken."""
    return cards


@pytest.fixture
def moves(sessions: SessionDouble) -> MovesDouble:
    """The one move of the center in this process."""
    return MovesDouble(sessions=sessions)


@pytest.fixture
def sign_in() -> SignInDouble:
    """The clerk who is signed in at the terminal."""
    return SignInDouble()


@pytest.fixture
def receipting(pki: PKIFolder) -> Receipting:
    """The audit log of the center in this process."""
    return Receipting.of(pki)


@pytest.fixture
def address(  # noqa: PLR0917  # the services of a center
    pki: PKIFolder,
    sessions: SessionDouble,
    copies: CopiesDouble,
    residents: ResidentsDouble,
    locks: LocksDouble,
    applications: ApplicationsDouble,
    moves: MovesDouble,
    receipting: Receipting,
    sign_in: SignInDouble,
) -> Iterator[str]:
    """Where the center in this process listens."""
    with serving(
        pki,
        sessions,
        copies,
        residents,
        locks,
        applications,
        moves,
        receipting=receipting,
        sign_in=sign_in,
    ) as listening:
        yield listening


@pytest.fixture
def center(pki: PKIFolder, address: str) -> Iterator[Center]:
    """A pinned channel to the center in this process."""
    with Center(address, identity_of(pki), Trust.load(pki.trust_path)) as channel:
        yield channel


@pytest.fixture
def pins() -> Callable[..., FilePin]:
    """Return PIN sources that give these PINs one after the other."""
    return lambda *digits: FilePin(list(digits))


@pytest.fixture
def config(pki: PKIFolder, address: str, card: Path, tmp_path: Path) -> Path:
    terminal = pki.path / "terminal" / "131016-01"
    path = tmp_path / "terminal.toml"
    path.write_text(
        f"""
environment = "test"
[center]
address = "{address}"
[identity]
certificate = "{terminal / "chain.pem"}"
key = "{terminal / "key.pem"}"
[trust]
dir = "{pki.trust_path}"
[reader]
name = "virtual:{card}"
[journal]
path = "terminal.journal"
[paper]
fee_yen = 300
[session]
retry_seconds = 0
""",
        encoding="utf-8",
    )
    return path
