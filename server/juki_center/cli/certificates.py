"""`juki-center certificates`: what the authority's machine needs to know of enrolled peers.

Their certificates lie in the center's store and in no folder of `juki-pki`; before an authority is
retired, `juki-pki retire --peers FILE` asks for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.fleet.certificates import CertificateState
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_pki.files import write_public

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from juki_center.areas.fleet.certificates import PeerCertificate
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Hand the certificates of enrolled peers to the authority's machine.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


@app.callback()
def certificates() -> None:
    """Keep `export` a command of its own, also while it is the only one."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="PEM file to write, or to replace.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Write every valid certificate of an enrolled peer; works beside a center that serves.

    A peer of before enrolment is known by its calls alone: its certificate lies in the PKI folder
    that made it.
    """
    with reporting("certificates export", as_json=as_json):
        run(_export(CenterConfig.load(config), file, as_json=as_json))


async def _export(config: CenterConfig, file: Path, *, as_json: bool) -> None:
    async with opened_store(config) as store:
        known = store.read(lambda tx: tx.peer_certificates.everything())
    valid = valid_at(known, system_clock())
    kept = [one for one in valid if one.content]
    write_public(file, b"".join(_pem(one.content) for one in kept))
    left_out: list[JSON] = [one.uri for one in valid if not one.content]
    facts: dict[str, JSON] = {"file": str(file), "written": len(kept), "left_out": left_out}
    lines = [f"wrote {len(kept)} certificates to {file}"]
    lines += [f"  in a PKI folder only: {uri}" for uri in left_out]
    report("certificates export", facts, lines, as_json=as_json)


def valid_at(known: Iterable[PeerCertificate], now: datetime) -> list[PeerCertificate]:
    """Return the certificates by which somebody may still call."""
    counts = (CertificateState.CURRENT, CertificateState.PENDING)
    return [one for one in known if one.state_at(now) in counts]


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
