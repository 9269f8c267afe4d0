"""`juki-center restore`: put a copy into the store's place, after its log has been examined."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.cli import audit_files
from juki_center.cli.clock import system_clock
from juki_center.cli.log_examination import LogNotSound, require_sound_log
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import StoreUnusable
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_records import stored_log
from juki_center.storage.restoring import restore as put_back
from juki_center.store_url import file_of

if TYPE_CHECKING:
    from juki_center.cli.report import JSON

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_PROBE_SECONDS: Final = 2.0


def restore(  # each option is one of the command line
    copy: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, of `backup`.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Set the store aside that is there now.")
    ] = False,
    since: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An earlier head of the log; again for more."),
    ] = None,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Put a copy into the store's place while the center is stopped; its log is examined first.

    Everything that was acknowledged after the copy was made is lost: whoever was revoked, cut off
    or reported lost since then must be so again before the center serves.
    """
    with reporting("restore", as_json=as_json):
        settings = CenterConfig.load(config)
        store = file_of(settings.store_url)
        _refuse_use(settings, store, replace=replace)
        trust = audit_files.load_trust(settings.pki_dir / "trust", [], 0)
        heads = [audit_files.load_earlier(one, trust).checkpoint.head for one in since or []]
        kek = KeyEncryptionKey.load(settings.kek)
        now = system_clock()
        try:
            replaced = put_back(
                copy, store, kek, now, lambda path: require_sound_log(path, trust, heads)
            )
        except LogNotSound as broken:
            broken.conclude("restore", as_json=as_json)
        had, has = _size(replaced), _size(store)
    result: dict[str, JSON] = {"store": str(store), "leaves": has}
    lines = [f"{store}: {has:,} leaves, all as the log signed them"]
    if replaced is not None:
        result |= {"replaced": str(replaced), "leaves_lost": max(0, had - has)}
        lines.append(f"what was there lies in {replaced}; {max(0, had - has):,} leaves are lost")
    report("restore", result, lines, as_json=as_json)


def _refuse_use(config: CenterConfig, store: Path, *, replace: bool) -> None:
    if store.exists() and not replace:
        raise StoreUnusable(f"{store}: there is a store; --replace sets it aside")
    refuse_while_serving(config)


def refuse_while_serving(config: CenterConfig) -> None:
    """Raise StoreUnusable where a center answers on the status port of this configuration."""
    connection = http.client.HTTPConnection(config.listen_http, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/live")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()
    raise StoreUnusable(f"a center serves on {config.listen_http}; stop it first")


def _size(store: Path | None) -> int:
    """Return how many leaves a store has; 0 where that cannot be read any more."""
    if store is None:
        return 0
    try:
        with stored_log(store) as log:
            return log.size
    except StoreUnusable:
        return 0
