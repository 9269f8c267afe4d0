"""The folder of a run: callers' keys, cards, residents and the trust folder, listed in a manifest.

    manifest.json
    trust/                       the center's public parts
    terminals/<code>-<id>/       chain.pem key.pem
    agencies/<id>/               chain.pem key.pem
    residents.csv                the register file, for the center's import
    cards/<number>.card          virtual cards of the first residents

Making it is in `prepare`. Everybody in it is invented.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

import cattrs

from juki_audit.errors import LogMalformed
from juki_audit.receipts import TrustedLog
from juki_client.outcome import Problem
from juki_pki.log_signer import VERIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA: Final = "juki-load-folder/1"


@dataclass(frozen=True, slots=True)
class CardFact:
    """A card of the folder, as the center's register has it."""

    file: str
    serial: str
    resident_code: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a folder."""

    terminals: tuple[str, ...]
    """CODE-ID, each with a certificate of its own."""
    agencies: tuple[str, ...]
    residents: int
    cards: int
    seed: int
    register_municipalities: tuple[str, ...]
    """Where the residents live; none of the terminals stands there."""
    windows: tuple[str, ...] = ()
    """CODE-ID of one more terminal in each of these, with a clerk signed in."""
    schema: Literal["juki-load-folder/1"] = SCHEMA


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a caller's certificate and key lie, and its name."""

    uri: str
    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder that is ready for runs."""

    path: Path
    manifest: Manifest

    @classmethod
    def load(cls, path: Path) -> Prepared:
        """Read the manifest; raise Problem CONFIGURATION_INVALID where there is none."""
        file = path / "manifest.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            manifest = cattrs.Converter(forbid_extra_keys=True).structure(found, Manifest)
        except (OSError, ValueError, cattrs.BaseValidationError) as error:
            rule = "no folder of `juki-load prepare`, or one that was not finished"
            raise Problem("CONFIGURATION_INVALID", {"file": str(file), "rule": rule}) from error
        return cls(path, manifest)

    def save(self) -> None:
        """Write the manifest, whole or not at all: it says that everything else is there."""
        beside = self.path / ".manifest.json.new"
        beside.write_text(json.dumps(asdict(self.manifest), indent=1) + "\n", encoding="utf-8")
        beside.replace(self.path / "manifest.json")

    @property
    def trust(self) -> Path:
        """The center's public parts."""
        return self.path / "trust"

    @property
    def center_leaves(self) -> Path:
        """The anchors of every connection."""
        return self.trust / "center-leaves.pem"

    @property
    def residents_file(self) -> Path:
        """The register file."""
        return self.path / "residents.csv"

    @property
    def cards_file(self) -> Path:
        """The list of cards with their serials."""
        return self.path / "cards.jsonl"

    def terminal(self, label: str) -> Identity:
        """Return a terminal's certificate, by CODE-ID."""
        code, _, name = label.partition("-")
        folder = self.path / "terminals" / label
        uri = f"juki://municipality/{code}/terminal/{name}"
        return Identity(uri, folder / "chain.pem", folder / "key.pem")

    def agency(self, name: str) -> Identity:
        """Return an agency's certificate."""
        folder = self.path / "agencies" / name
        return Identity(f"juki://agency/{name}", folder / "chain.pem", folder / "key.pem")

    def log(self) -> TrustedLog | None:
        """Return the audit log that receipts must be of; None where the center has none."""
        try:
            return TrustedLog.decode((self.trust / VERIFIERS).read_text(encoding="utf-8"))
        except (OSError, LogMalformed):
            return None

    def residents(self, most: int) -> list[dict[str, str]]:
        """Return the first residents, each as the columns of the register file."""
        with self.residents_file.open(encoding="utf-8", newline="") as file:
            return list(islice(csv.DictReader(file), most))

    def cards(self) -> Iterator[CardFact]:
        """Yield the cards that are listed."""
        if not self.cards_file.exists():
            return
        with self.cards_file.open(encoding="utf-8") as file:
            for line in file:
                yield CardFact(**json.loads(line))
