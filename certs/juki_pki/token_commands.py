"""`juki-pki token`: make a key inside a PKCS#11 token, and a file that refers to it.

The successor of a signer is published like any other: `juki-pki activate` puts it to use.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juki_pki import generations
from juki_pki.certify import certificate_pem, signed
from juki_pki.files import exclusive, write_key, write_public
from juki_pki.folder import PKIFolder
from juki_pki.log_signer import write_verifier
from juki_pki.printing import AsJSON, print_result, reporting
from juki_pki.profile import Kind, Profiles
from juki_pki.publishing import CERTIFICATE, refresh_trust
from juki_pki.successors import Making
from juki_pki.token import TokenKind, open_token
from juki_pki.token_reference import TokenPlace, TokenReference

if TYPE_CHECKING:
    from juki_pki.token import Token

app = typer.Typer(no_args_is_help=True, help="Make a key inside a PKCS#11 token.")

_LABEL_OCTETS = 4
Module = Annotated[Path, typer.Option(help="The library that speaks to the token.")]
Label = Annotated[str, typer.Option("--token", help="The token's label.")]
PINFile = Annotated[Path, typer.Option(help="The file with its PIN, mode 0600.")]
Folder = Annotated[Path, typer.Argument(help="The PKI folder.")]


@app.command()
def kek(
    file: Annotated[Path, typer.Argument(help="The file that keys.kek names; must not exist.")],
    module: Module,
    token: Label,
    pin_file: PINFile,
    as_json: AsJSON = False,
) -> None:
    """Make a key-encryption key for a new store; it never leaves the token, so nobody can copy it.

    Whoever loses the token loses the store: let the token's maker say how it is backed up.
    """
    with reporting("pki token kek", as_json=as_json):
        reference, _ = _make(_place(module, token, pin_file), TokenKind.KEK)
        write_key(file, reference.encode())
        _tell("pki token kek", file, reference, as_json=as_json)


@app.command("log-signer")
def log_signer(
    folder: Folder, module: Module, token: Label, pin_file: PINFile, as_json: AsJSON = False
) -> None:
    """Make and publish the next key of the audit log; the log keeps its name."""
    with reporting("pki token log-signer", as_json=as_json), exclusive(folder):
        pki, now = PKIFolder(folder), datetime.now(UTC)
        origin = pki.log_signer().origin
        reference, opened = _make(_place(module, token, pin_file), TokenKind.LOG)
        with generations.staging(pki.log_signer_path, now) as new:
            write_key(new / generations.KEY, reference.encode())
            write_verifier(new, origin, opened.log_public_key(reference.object))
        refresh_trust(pki)
        _tell("pki token log-signer", pki.log_signer_path, reference, as_json=as_json)


@app.command("copy-signer")
def copy_signer(
    folder: Folder, module: Module, token: Label, pin_file: PINFile, as_json: AsJSON = False
) -> None:
    """Make and publish the next signer of certificate copies."""
    with reporting("pki token copy-signer", as_json=as_json), exclusive(folder):
        pki = PKIFolder(folder)
        making = Making(pki, Profiles.load(), datetime.now(UTC))
        issuing, profile = making.issuing, making.profiles.x509[Kind.COPY_SIGNER]
        reference, opened = _make(_place(module, token, pin_file), TokenKind.COPIES)
        public = opened.copies_public_key(reference.object)
        certificate = signed(profile, public, issuing, making.now)
        path = pki.path / Kind.COPY_SIGNER
        with generations.staging(path, making.now) as new:
            write_key(new / generations.KEY, reference.encode())
            write_public(new / CERTIFICATE, certificate_pem(certificate))
        refresh_trust(pki)
        _tell("pki token copy-signer", path, reference, as_json=as_json)


def _place(module: Path, token: str, pin_file: Path) -> TokenPlace:
    return TokenPlace(module.resolve(), token, pin_file.resolve())


def _make(place: TokenPlace, kind: TokenKind) -> tuple[TokenReference, Token]:
    """Make a key under a label of its own, so that no other generation is meant by it."""
    token = open_token(place)
    label = f"juki-{kind}-{secrets.token_hex(_LABEL_OCTETS)}"
    token.make(kind, label)
    return TokenReference(place, label), token


def _tell(command: str, path: Path, reference: TokenReference, *, as_json: bool) -> None:
    made = {"file": str(path), "token": reference.place.label, "object": reference.object}
    line = f"made {reference.object} in token {reference.place.label}; {path} refers to it"
    print_result(command, made, [line], as_json=as_json)
