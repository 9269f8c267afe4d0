"""The command `juki-pki`: make a PKI folder, issue into it, explain any of its files.

Everything that decides is elsewhere; this module reads the command line and the clock, prints, and
turns errors into exit codes: 0 done, 2 usage, 3 refused with the reason named.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juki_pki import make, rollover_commands
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.printing import AsJSON, print_result, reporting
from juki_pki.profile import ATS, Kind, Profiles
from juki_pki.renewal import renew_access
from juki_pki.show import explain_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make, renew and explain the keys and certificates of the network.",
)
issue_app = typer.Typer(no_args_is_help=True, help="Issue one certificate into a PKI folder.")
app.add_typer(issue_app, name="issue")
app.add_typer(rollover_commands.app)
with suppress(ImportError):
    # Only who keeps keys in a token has the library for it.
    from juki_pki import token_commands

    app.add_typer(token_commands.app, name="token")

Folder = Annotated[Path, typer.Argument(help="The PKI folder.")]
ProfileFolder = Annotated[
    Path | None,
    typer.Option("--profiles", help="Folder of profiles to use in place of the shipped ones."),
]
Municipality = Annotated[str, typer.Argument(help="Six-digit municipality code, e.g. 131016.")]
Name = Annotated[str, typer.Argument(help="Name within its kind: a-z, 0-9 and hyphens.")]


def main() -> None:
    """Run the command."""
    app()


@app.command()
def init(
    folder: Folder,
    profiles: ProfileFolder = None,
    node: Annotated[list[str] | None, typer.Option(help="Center node.")] = None,
    terminal: Annotated[list[str] | None, typer.Option(help="Terminal, CODE-ID.")] = None,
    agency: Annotated[list[str] | None, typer.Option(help="Agency.")] = None,
    operator: Annotated[list[str] | None, typer.Option(help="Center operator.")] = None,
    as_json: AsJSON = False,
) -> None:
    """Make a new folder with both hierarchies; options may be repeated.

    A kind that is not named gets one example: center-1, terminal 131016-01, agency passport-1,
    operator operator-1. Further peers, and desks, come with `juki-pki issue`.
    """
    wanted = {
        Role.CENTER: node,
        Role.TERMINAL: terminal,
        Role.AGENCY: agency,
        Role.OPERATOR: operator,
    }
    with reporting("pki init", as_json=as_json):
        peers = tuple(_peers(wanted))
        made = make.init(folder, Profiles.load(profiles), datetime.now(UTC), peers)
        lines = [f"made {made.path}", *(f"  {peer.uri}" for peer in peers)]
        result = {"folder": str(made.path), "peers": [peer.uri for peer in peers]}
        print_result("pki init", result, lines, as_json=as_json)


def _peers(wanted: Mapping[Role, Sequence[str] | None]) -> Iterator[PeerIdentity]:
    for role, labels in wanted.items():
        if labels:
            yield from (PeerIdentity.from_label(role, label) for label in labels)
        else:
            yield from (peer for peer in make.DEFAULT_PEERS if peer.role is role)


@issue_app.command()
def center(
    folder: Folder,
    name: Name,
    profiles: ProfileFolder = None,
    as_json: AsJSON = False,
) -> None:
    """Issue a further center node's TLS certificate, and list it for the terminals."""
    _issue_peer(folder, Role.CENTER, name, None, profiles, as_json=as_json)


@issue_app.command()
def terminal(
    folder: Folder,
    municipality: Municipality,
    name: Name,
    profiles: ProfileFolder = None,
    as_json: AsJSON = False,
) -> None:
    """Issue a window terminal's certificate."""
    _issue_peer(folder, Role.TERMINAL, name, municipality, profiles, as_json=as_json)


@issue_app.command()
def desk(
    folder: Folder,
    municipality: Municipality,
    name: Name,
    profiles: ProfileFolder = None,
    as_json: AsJSON = False,
) -> None:
    """Issue a municipal desk's certificate."""
    _issue_peer(folder, Role.DESK, name, municipality, profiles, as_json=as_json)


@issue_app.command()
def agency(
    folder: Folder,
    name: Name,
    profiles: ProfileFolder = None,
    as_json: AsJSON = False,
) -> None:
    """Issue an agency's certificate."""
    _issue_peer(folder, Role.AGENCY, name, None, profiles, as_json=as_json)


@issue_app.command()
def operator(
    folder: Folder,
    name: Name,
    profiles: ProfileFolder = None,
    as_json: AsJSON = False,
) -> None:
    """Issue a center operator's certificate."""
    _issue_peer(folder, Role.OPERATOR, name, None, profiles, as_json=as_json)


@issue_app.command("at")
def access(folder: Folder, profiles: ProfileFolder = None, as_json: AsJSON = False) -> None:
    """Issue the short-lived card access certificates again, and their issuer's where it is due."""
    with reporting("pki issue at", as_json=as_json):
        pki = PKIFolder(folder)
        renew_access(pki, Profiles.load(profiles), datetime.now(UTC))
        issued = [pki.cv(kind).certificate for kind in (Kind.DV, *ATS)]
        result = {item.chr: {"valid_to": item.body.expiration.isoformat()} for item in issued}
        lines = [f"{item.chr} valid to {item.body.expiration}" for item in issued]
        print_result("pki issue at", result, lines, as_json=as_json)


@issue_app.command("personalisation-key")
def personalisation_key(folder: Folder, as_json: AsJSON = False) -> None:
    """Make the key of blank chips in a folder that has none; it is never made again."""
    with reporting("pki issue personalisation-key", as_json=as_json):
        pki = PKIFolder(folder)
        make.issue_personalisation_key(pki)
        result = {"file": str(pki.personalisation_key_path)}
        lines = [f"made {pki.personalisation_key_path}"]
        print_result("pki issue personalisation-key", result, lines, as_json=as_json)


@issue_app.command("log-signer")
def log_signer(folder: Folder, as_json: AsJSON = False) -> None:
    """Make the key of the audit log in a folder that has none; it is never made again."""
    with reporting("pki issue log-signer", as_json=as_json):
        pki = PKIFolder(folder)
        make.issue_log_signer(pki)
        verifier = pki.log_signer().verifier.encode()
        result = {"folder": str(pki.log_signer_path), "verifier": verifier}
        lines = [f"made {pki.log_signer_path}", f"  {verifier}"]
        print_result("pki issue log-signer", result, lines, as_json=as_json)


def _issue_peer(
    folder: Path,
    role: Role,
    name: str,
    municipality: str | None,
    profiles: Path | None,
    *,
    as_json: bool,
) -> None:
    with reporting(f"pki issue {role}", as_json=as_json):
        identity = PeerIdentity(role, name, municipality)
        pki = PKIFolder(folder)
        made = make.issue_peer(pki, identity, Profiles.load(profiles), datetime.now(UTC))
        result = {
            "uri": identity.uri,
            "folder": str(pki.peer_path(identity)),
            "certificate_sha256": made.certificate_sha256.hex(),
            "valid_to": made.certificate.not_valid_after_utc.isoformat(),
        }
        lines = [f"issued {identity.uri} in {pki.peer_path(identity)}"]
        print_result(f"pki issue {role}", result, lines, as_json=as_json)


@app.command()
def show(
    file: Annotated[
        Path, typer.Argument(help="Certificate, description, card file, key or verifier.")
    ],
    as_json: AsJSON = False,
) -> None:
    """Explain a file: X.509, CV certificate, description, EF.CardSecurity, EF.CardAccess, key, the
    verifiers of a log.

    Of a private key only the public half is shown.
    """
    with reporting("pki show", as_json=as_json):
        found = explain_file(file, datetime.now(UTC))
        result = {"file": str(file), "items": [item.as_json() for item in found]}
        lines = [line for item in found for line in item.as_lines()]
        print_result("pki show", result, lines, as_json=as_json)
