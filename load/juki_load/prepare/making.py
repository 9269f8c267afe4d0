"""`juki-load prepare`: certificates of thousands of callers, residents and cards, in one folder.

What is there already is kept, so a command that was broken off goes on, and one with a larger
number adds what is missing. The manifest is written last.
"""

from __future__ import annotations

import csv
import json
import random  # noqa: TID251  # invented people must be the same for the same seed
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from juki_card.passwords import Can, Pin
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import CardSigner, Personalisation, make_card, serial_of
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.register_file import COLUMNS
from juki_center.areas.residents.synthetic import Synthesis
from juki_center.areas.residents.synthetic_places import Country, Places
from juki_center.data import municipality_rows, synthetic_rows
from juki_client.outcome import Problem
from juki_load.prepared import CardFact, Manifest, Prepared
from juki_pki.certify import Issuer, certificate_pem, key_pem, new_key, signed
from juki_pki.errors import PKIError
from juki_pki.files import new_folder, write_key, write_public
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Kind, Profiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from juki_pki.credential import X509Credential

    Progress = Callable[[str, int, int], None]

_AS_OF: Final = date(2026, 4, 1)
_PIN: Final = "1234"
_CAN: Final = "123456"
REGISTERS: Final = 20
"""In so many municipalities residents live; terminals stand in all others."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of everything."""

    folder: Path
    center_pki: Path
    terminals: int
    cards: int
    residents: int
    agencies: int = 4
    seed: int = 1


def prepare(wanted: Wanted, progress: Progress) -> Prepared:
    """Make what is missing; return the folder.

    Raises Problem CONFIGURATION_INVALID where the folder was made with another seed or for another
    center, and where the center's PKI folder cannot be used.
    """
    pki = PKIFolder(wanted.center_pki)
    if wanted.cards > wanted.residents:
        raise _invalid("cards", "there are no more cards than residents")
    try:
        issuing = pki.issuing()
        _check_same(wanted, pki)
        shutil.copytree(pki.trust_path, wanted.folder / "trust", dirs_exist_ok=True)
        manifest = _manifest(wanted)
        folder = Prepared(wanted.folder, manifest)
        _make_peers(folder, issuing, progress)
        _write_residents(folder, progress)
        _make_cards(folder, pki, progress)
    except PKIError as error:
        raise _invalid("center-pki", str(error)) from error
    folder.save()
    return folder


def _check_same(wanted: Wanted, pki: PKIFolder) -> None:
    """Refuse to mix the people of two seeds, or the keys of two centers, in one folder."""
    wanted.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    seed = wanted.folder / "seed"
    if seed.exists() and seed.read_text(encoding="ascii").strip() != str(wanted.seed):
        raise _invalid("seed", "the folder was made with another seed")
    seed.write_text(f"{wanted.seed}\n", encoding="ascii")
    root = wanted.folder / "trust" / "root.pem"
    if root.exists() and root.read_bytes() != (pki.trust_path / "root.pem").read_bytes():
        raise _invalid("center-pki", "the folder was made for another center")


def _manifest(wanted: Wanted) -> Manifest:
    offices = _offices()
    registers, windows = offices[:REGISTERS], offices[REGISTERS:]
    terminals = tuple(
        f"{windows[number % len(windows)]}-load-{number // len(windows) + 1:03d}"
        for number in range(wanted.terminals)
    )
    return Manifest(
        terminals=terminals,
        agencies=tuple(f"load-{number + 1:02d}" for number in range(wanted.agencies)),
        residents=wanted.residents,
        cards=wanted.cards,
        seed=wanted.seed,
        register_municipalities=tuple(registers),
        windows=tuple(f"{code}-load-window" for code in registers),
    )


def _offices() -> list[str]:
    """Return the codes of the municipalities of today that keep registers, spread by prefecture."""
    found = {
        row["code6"]
        for row in municipality_rows()
        if row["kind"] != "ward" and not row["valid_from"] and not row["valid_to"]
    }
    # By the last digits first: neighbours in the list are not neighbours in the country.
    return sorted(found, key=lambda code: (code[2:5], code))


def _make_peers(folder: Prepared, issuing: X509Credential, progress: Progress) -> None:
    profiles, now = Profiles.load(), datetime.now(UTC)
    issuer = Issuer(issuing.certificate, issuing.key)
    manifest = folder.manifest
    labels = (*manifest.terminals, *manifest.windows)
    peers = [(Role.TERMINAL, label, folder.terminal(label)) for label in labels]
    peers += [(Role.AGENCY, name, folder.agency(name)) for name in manifest.agencies]
    for number, (role, label, files) in enumerate(peers, start=1):
        progress("certificates", number, len(peers))
        if files.key.parent.exists():
            continue
        identity = PeerIdentity.from_label(role, label)
        key = new_key()
        profile = profiles.x509[Kind(role.value)]
        certificate = signed(profile, key.public_key(), issuer, now, identity)
        files.key.parent.parent.mkdir(mode=0o700, exist_ok=True)
        with new_folder(files.key.parent) as made:
            write_key(made / files.key.name, key_pem(key))
            chain = certificate_pem(certificate) + certificate_pem(issuing.certificate)
            write_public(made / files.chain.name, chain)


def _write_residents(folder: Prepared, progress: Progress) -> None:
    """Write the register file anew: the same seed gives the same lines, however many are wanted."""
    manifest, path = folder.manifest, folder.residents_file
    where = tuple(map(MunicipalityCode, manifest.register_municipalities))
    country = Country(Municipalities.parse(municipality_rows()), _AS_OF)
    places = Places(synthetic_rows, country, where)
    draws = random.Random(manifest.seed)  # noqa: S311  # nothing here is to be secret
    lines = Synthesis(synthetic_rows, places, draws, _AS_OF).lines(manifest.residents)
    beside = path.with_name(".residents.csv.new")
    with beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, line in enumerate(lines, start=1):
            writer.writerow([line.get(column, "") for column in COLUMNS])
            progress("residents", number, manifest.residents)
    beside.replace(path)


def _make_cards(folder: Prepared, pki: PKIFolder, progress: Progress) -> None:
    """Make a card for each of the first residents, and list them with their serials."""
    signer = pki.card_signer()
    card_signer = CardSigner(signer.certificate.public_bytes(Encoding.DER), signer.key)
    trust_point, today = pki.trust().cvca, day_in_japan(datetime.now(UTC))
    cards = folder.path / "cards"
    cards.mkdir(mode=0o700, exist_ok=True)
    beside = folder.cards_file.with_name(".cards.jsonl.new")
    with beside.open("w", encoding="utf-8") as file:
        holders = folder.residents(folder.manifest.cards)
        for number, line in enumerate(holders, start=1):
            path = cards / f"{number:07d}.card"
            if path.exists():
                memory = CardFile(path).load()
            else:
                pin, can, code = Pin(_PIN), Can(_CAN), line["code"]
                facts = Personalisation(pin, can, trust_point, card_signer, today, code)
                memory = make_card(path, facts)
            fact = CardFact(path.name, serial_of(memory).hex(), line["code"])
            file.write(json.dumps(asdict(fact)) + "\n")
            progress("cards", number, len(holders))
    beside.replace(folder.cards_file)


def _invalid(option: str, rule: str) -> Problem:
    return Problem("USAGE_INVALID", {"field": option, "rule": rule})
