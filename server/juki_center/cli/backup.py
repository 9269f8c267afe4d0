"""`juki-center backup`: copy the store while a center serves from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.cli.audit_files import load_trust
from juki_center.cli.log_examination import LogNotSound, require_sound_log
from juki_center.cli.pace import Pace
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import StoreUnusable
from juki_center.storage.backup import back_up
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.store_url import file_of
from juki_pki.log_signer import VERIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_center.cli.report import JSON

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_PAGE_OCTETS: Final = 4_096


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist yet.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Copy the store into one checked file, as sealed as the store, while the center serves."""
    with reporting("backup", as_json=as_json):
        _backup(CenterConfig.load(config), file, as_json=as_json)


def _backup(config: CenterConfig, file: Path, *, as_json: bool) -> None:
    store = file_of(config.store_url)
    if not store.is_file():
        raise StoreUnusable(f"{store}: there is no store")
    kek = KeyEncryptionKey.load(config.kek)
    pages = max(1, store.stat().st_size // _PAGE_OCTETS)
    with Pace("copying", pages, unit="pages") as pace:
        try:
            size = back_up(
                store,
                file,
                kek,
                lambda done, _pages: pace.reached(done, done),
                _examination(config),
            )
        except LogNotSound as broken:
            broken.conclude("backup", as_json=as_json)
    result: dict[str, JSON] = {"file": str(file), "bytes": size}
    lines = [
        f"{file}: {size:,} bytes, whole, its log sound; keep it apart from the key-encryption key"
    ]
    report("backup", result, lines, as_json=as_json)


def _examination(config: CenterConfig) -> Callable[[Path], None]:
    """Return what judges the log of a copy; a folder without a key of the log has none to judge."""
    folder = config.pki_dir / "trust"
    if not (folder / VERIFIERS).exists():
        return lambda _path: None
    trust = load_trust(folder, [], 0)
    return lambda path: require_sound_log(path, trust)
