"""`juki-center revoke`: let a terminal, or one certificate, count no more.

Works on the store itself, so that it works without any certificate and while no center serves; one
that serves from the same file knows of it within a quarter of a second.
"""

from __future__ import annotations

import re
import uuid
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.callers import Operator
from juki_center.areas.fleet.revocations import (
    OfCertificate,
    OfPeer,
    Revocation,
    RevocationReason,
    Revoke,
    revoke,
)
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import RuleBroken
from juki_pki.identity import PeerIdentity

if TYPE_CHECKING:
    from juki_center.cli.report import JSON

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_SCHEME: Final = "juki://"
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


class ReasonOption(StrEnum):
    """Why somebody counts no more, as the command line calls it."""

    STOLEN = "stolen"
    COMPROMISED = "compromised"
    REPLACED = "replaced"
    OUT_OF_USE = "out-of-use"
    OTHER = "other"


def revoke_peer(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="URI|FINGERPRINT",
            help="A peer, such as juki://municipality/131016/terminal/01, with all of its"
            " certificates; or one certificate, by the SHA-256 of its DER in hex.",
        ),
    ],
    reason: Annotated[ReasonOption, typer.Option(help="Why.")],
    of: Annotated[
        str, typer.Option(metavar="URI", help="With a fingerprint: whose certificate it is.")
    ] = "",
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = _DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let a peer or a certificate count no more, for good; what it has under way ends at once."""
    with reporting("revoke", as_json=as_json):
        who = parsed(subject, of)
        settings = CenterConfig.load(config)
        done = run(_revoke(settings, who, RevocationReason[reason.name]))
        report("revoke", shown(done), [told(done)], as_json=as_json)


async def _revoke(
    config: CenterConfig, who: OfPeer | OfCertificate, reason: RevocationReason
) -> Revocation:
    now = system_clock()
    command = Revoke(Operator(f"juki://center/{config.node}"), uuid.uuid4(), who, reason)
    async with opened_store(config) as store:
        return await store.act(lambda tx: revoke(tx, command, now), urgent=True)


def parsed(subject: str, of: str) -> OfPeer | OfCertificate:
    """Return who is meant. Raises RuleBroken and IdentityError."""
    if subject.startswith(_SCHEME):
        if of:
            raise RuleBroken("OF_WITH_FINGERPRINT")
        return OfPeer(PeerIdentity.from_uri(subject).uri)
    digits = subject.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(digits):
        raise RuleBroken("URI_OR_FINGERPRINT")
    return OfCertificate(bytes.fromhex(digits), PeerIdentity.from_uri(of).uri if of else "")


def shown(revocation: Revocation) -> dict[str, JSON]:
    """Return a revocation as the commands print it with --json."""
    return {
        "subject": revocation.of.subject,
        "of": revocation.of.uri,
        "reason": revocation.reason.value,
        "since": revocation.at.isoformat(),
        "by": revocation.by,
    }


def told(revocation: Revocation) -> str:
    """Return a revocation as a line."""
    whose = f" ({revocation.of.uri})" if isinstance(revocation.of, OfCertificate) else ""
    since = revocation.at.isoformat(timespec="seconds")
    return f"{revocation.of.subject}{whose}: revoked since {since}, {revocation.reason}"
