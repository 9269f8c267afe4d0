"""The folder of a development center: keys, configuration, a card for each resident, some blanks.

What is there already is kept, so a center that is started again is the same center. Everything in
it is invented; its PINs stand in a file for everybody to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from juki_card.passwords import Can, Pin
from juki_card.virtual.blank_memory import BlankMemory
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import CardSigner, Personalisation, make_card, serial_of
from juki_center.areas.cards.numbers import CHANCE_OCTETS, CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus
from juki_center.areas.cards.rules import last_valid_day
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.records import ResidenceState
from juki_center.cli import dev_texts
from juki_center.config import CenterConfig
from juki_center.storage.keys import create_kek
from juki_center.storage.samples import load_samples, read_samples
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.renewal import renew_access_if_due

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.samples import Sample

NODE: Final = "center-1"
STOCKED_CODES: Final = 500
BLANKS: Final = 3
"""How many blank chips lie ready at each start."""
PEERS: Final = (
    PeerIdentity(Role.CENTER, NODE),
    PeerIdentity(Role.TERMINAL, "01", "131016"),
    PeerIdentity(Role.TERMINAL, "02", "131016"),
    PeerIdentity(Role.TERMINAL, "01", "112089"),
    PeerIdentity(Role.DESK, "01", "112089"),
    PeerIdentity(Role.AGENCY, dev_texts.AGENCY),
    PeerIdentity(Role.AGENCY, dev_texts.BATCH_AGENCY),
    PeerIdentity(Role.OPERATOR, "operator-1"),
    PeerIdentity(Role.OPERATOR, "operator-2"),
)


@dataclass(frozen=True, slots=True)
class SampleCard:
    """A sample resident's card: its file, and its serial in the register, 32 bytes."""

    sample: Sample
    path: Path
    serial: bytes


@dataclass(frozen=True, slots=True)
class DevFolder:
    """Where everything of a development center lies."""

    path: Path

    @property
    def pki(self) -> PKIFolder:
        """Keys and certificates of the whole invented network."""
        return PKIFolder(self.path / "pki")

    @property
    def config(self) -> Path:
        """The center's configuration, for `serve`, `doctor` and `cards`."""
        return self.path / "center.toml"

    def window_config(self, window: dev_texts.Window) -> Path:
        """Return the configuration of a window terminal."""
        return self.path / window.file

    @property
    def agency_config(self) -> Path:
        """The configuration of the passport agency's client."""
        return self.path / "agency.toml"

    @property
    def batch_agency_config(self) -> Path:
        """The configuration of the pension agency's client."""
        return self.path / "agency-pension.toml"

    @property
    def desk_config(self) -> Path:
        """The configuration of the card desk in Tokorozawa."""
        return self.path / "desk.toml"

    @property
    def state(self) -> Path:
        """What the center itself writes: store, key-encryption key, access log."""
        return self.path / "center"

    def card(self, key: str) -> Path:
        """Return the card file of a sample resident."""
        return self.path / "cards" / f"{key}.card"

    def clerk_card(self, key: str) -> Path:
        """Return the card file of an invented clerk, by its key in `dev_texts.CLERKS`."""
        return self.path / "clerks" / f"{key}.card"

    def blank(self, number: int) -> Path:
        """Return the file of a blank chip; the first is 1. It may have become a card."""
        return self.path / "blanks" / f"blank-{number:02d}.card"

    def prepare(self, now: datetime) -> CenterConfig:
        """Make what is missing, renew what has run out, and return the configuration."""
        names = ("cards", "clerks", "blanks", "terminal")
        for folder in (self.path, self.state, *(self.path / name for name in names)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prepare_keys(now)
        self._prepare_blanks()
        if not self.config.exists():
            self.config.write_text(dev_texts.center_toml(NODE), encoding="utf-8")
        return CenterConfig.load(self.config)

    def _prepare_keys(self, now: datetime) -> None:
        profiles = Profiles.load()
        if self.pki.path.exists():
            renew_access_if_due(self.pki, profiles, now)
            # A folder of an earlier version lacks the peers and the key that have come since.
            if not self.pki.personalisation_key_path.exists():
                make.issue_personalisation_key(self.pki)
            if not self.pki.log_signer_path.exists():
                make.issue_log_signer(self.pki)
            for peer in PEERS:
                if not self.pki.peer_path(peer).exists():
                    make.issue_peer(self.pki, peer, profiles, now)
        else:
            make.init(self.pki.path, profiles, now, PEERS)
        kek = self.state / "kek"
        if not kek.exists():
            create_kek(kek)

    def _prepare_blanks(self) -> None:
        """Make blank chips until some are there that have not become cards."""
        left = BLANKS
        for number in count(1):
            path = self.blank(number)
            if not path.exists():
                make_blank(path, self.pki.personalisation_key())
            left -= isinstance(CardFile(path).read(), BlankMemory)
            if not left:
                return

    def make_cards(self, now: datetime) -> tuple[SampleCard, ...]:
        """Make the cards that are missing; return all of them."""
        return tuple(
            self._make_card(sample, now)
            for sample in read_samples()
            if sample.key not in dev_texts.WITHOUT_CARD or self.card(sample.key).exists()
        )

    def _make_card(self, sample: Sample, now: datetime) -> SampleCard:
        path = self.card(sample.key)
        return SampleCard(sample, path, self._serial(path, sample.record.code.digits, now))

    def make_clerk_cards(self, now: datetime) -> dict[str, bytes]:
        """Make the clerks' cards that are missing; return the serials of all of them by key."""
        return {
            one.key: self._serial(self.clerk_card(one.key), None, now) for one in dev_texts.CLERKS
        }

    def _serial(self, path: Path, code: str | None, now: datetime) -> bytes:
        """Return the serial of a card; make it where there is none, a clerk's without a code."""
        if path.exists():
            return serial_of(CardFile(path).load())
        signer = self.pki.card_signer()
        wanted = Personalisation(
            pin=Pin(dev_texts.PIN),
            can=Can(dev_texts.CAN),
            trust_point=self.pki.trust().cvca,
            signer=CardSigner(signer.certificate.public_bytes(Encoding.DER), signer.key),
            today=day_in_japan(now),
            resident_code=code,
        )
        return serial_of(make_card(path, wanted))

    def write_texts(
        self, cards: tuple[SampleCard, ...], grpc_address: str, numbers: Mapping[bytes, CardNumber]
    ) -> None:
        """Write the configurations of the clients for the address, and the list of residents.

        `numbers` are those of the cards by serial, as the register has them.
        """
        for window in dev_texts.WINDOWS:
            text = dev_texts.terminal_toml(grpc_address, window)
            self.window_config(window).write_text(text, encoding="utf-8")
        for agency, path in (
            (dev_texts.AGENCY, self.agency_config),
            (dev_texts.BATCH_AGENCY, self.batch_agency_config),
        ):
            path.write_text(dev_texts.agency_toml(grpc_address, agency), encoding="utf-8")
        self.desk_config.write_text(dev_texts.desk_toml(grpc_address), encoding="utf-8")
        rows = [(card.sample, card.path.name, numbers[card.serial]) for card in cards]
        known = {card.sample.key for card in cards}
        without = [sample for sample in read_samples() if sample.key not in known]
        text = dev_texts.residents_md(rows, without)
        (self.path / "RESIDENTS.md").write_text(text, encoding="utf-8")


def enter_samples(tx: Tx, cards: tuple[SampleCard, ...], now: datetime) -> dict[bytes, CardNumber]:
    """Act: enter the sample residents and their cards where they are not there yet.

    Every municipality has codes for newborns. Returns the numbers of the cards by serial.
    """
    load_samples(tx, now)
    for municipality in tx.registers.hosted():
        missing = STOCKED_CODES - tx.codes.count(municipality)
        if missing > 0:
            stock_codes(tx, municipality, missing, now, caller_uri=f"juki://center/{NODE}")
    numbers: dict[bytes, CardNumber] = {}
    for card in cards:
        entered = tx.cards.card(card.serial)
        if entered is None:
            entered = _row(tx, card, now)
            tx.cards.add_card(entered)
        numbers[card.serial] = entered.number
    return numbers


def _row(tx: Tx, card: SampleCard, now: datetime) -> Card:
    holder = tx.residents.by_code(card.sample.record.code)
    if holder is None:
        raise LookupError(f"sample {card.sample.key} was not entered")
    # A card lapses when its holder moves out or dies (rule set 2003).
    is_resident = card.sample.state is ResidenceState.ACTIVE
    return Card(
        serial=card.serial,
        person=holder.person,
        kind=CardKind.RESIDENT,
        status=CardStatus.ACTIVE if is_resident else CardStatus.LAPSED,
        municipality=card.sample.municipality,
        valid_until=last_valid_day(day_in_japan(now)),
        number=CardNumber.drawn(tx.chance.octets(CHANCE_OCTETS)),
        made_on=day_in_japan(now),
    )
