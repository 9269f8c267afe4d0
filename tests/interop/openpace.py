"""Debian's openpace tools as test programs: cvc-create makes certificates, cvc-print reads them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from juki_card.cvc import CVCertificate

VERIFIED = "certificate verified"
_FIELD = re.compile(r"^  ([A-Z][A-Za-z ]+): (\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Printed:
    """What cvc-print says."""

    text: str

    @property
    def fields(self) -> dict[str, str]:
        """The lines `name: value`."""
        return dict(_FIELD.findall(self.text))

    @property
    def rights(self) -> list[str]:
        """The lines below `Authentication terminal`, the last of which is the role."""
        _, _, below = self.text.partition("    Authentication terminal\n")
        lines = below.splitlines()
        count = next(i for i, line in enumerate(lines) if not line.startswith("      "))
        return [line.strip() for line in lines[:count]]

    @property
    def verified(self) -> bool:
        """Whether the tool found the chain up to a trusted CVCA right."""
        return VERIFIED in self.text.splitlines()


def cvc_print(certificate: Path, trusted: Path, description: Path | None = None) -> Printed:
    """Let cvc-print read a certificate; `trusted` holds certificates named by their holder."""
    command = ["cvc-print", f"--cvc={certificate}", f"--cvc-dir={trusted}"]
    if description is not None:
        command.append(f"--description={description}")
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    return Printed(done.stdout)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A certificate made by cvc-create, with the key that it is for."""

    path: Path
    key: Path
    description: Path | None = None

    @property
    def certificate(self) -> CVCertificate:
        """The certificate as our parser reads it."""
        return CVCertificate.decode(self.path.read_bytes())


def key_file(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    """Write a key as cvc-create wants it: PKCS#8 DER."""
    path.write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return path


class Workshop:
    """Makes a hierarchy with cvc-create in a folder of its own."""

    def __init__(self, folder: Path, curve: ec.EllipticCurve, expires: date) -> None:
        self._folder = folder
        self._curve = curve
        self._expires = expires

    def cvca(self, reference: str, *rights: str) -> Foreign:
        """Make a self-signed trust point."""
        key = self._key(reference)
        return self._create(reference, key, key, None, ["--role=cvca", "--type=at", *rights])

    def dv(self, reference: str, issuer: Foreign, *rights: str) -> Foreign:
        """Make a document verifier."""
        key = self._key(reference)
        return self._create(reference, key, issuer.key, issuer, ["--role=dv_domestic", *rights])

    def terminal(self, reference: str, issuer: Foreign, *rights: str) -> Foreign:
        """Make a terminal's certificate and its description."""
        terms = self._folder / "terms.txt"
        terms.write_text("What it is for.", encoding="ascii")
        arguments = [
            "--role=terminal",
            f"--cert-desc={terms}",
            "--issuer-name=Issuer",
            "--issuer-url=http://issuer.example",
            "--subject-name=Subject",
            "--subject-url=http://subject.example",
        ]
        made = self._create(
            reference, self._key(reference), issuer.key, issuer, [*arguments, *rights]
        )
        return Foreign(made.path, made.key, self._folder / f"{reference}.desc")

    def _key(self, reference: str) -> Path:
        key = ec.generate_private_key(self._curve)
        return key_file(self._folder / f"{reference}.pkcs8", key)

    def _create(
        self, reference: str, key: Path, signer: Path, issuer: Foreign | None, more: list[str]
    ) -> Foreign:
        sign_as = [f"--sign-as={issuer.path}", f"--key={key}"] if issuer else []
        subprocess.run(
            [
                "cvc-create",
                f"--chr={reference}",
                f"--expires={self._expires:%y%m%d}",
                f"--sign-with={signer}",
                "--scheme=ECDSA_SHA_256",
                *sign_as,
                *more,
            ],
            cwd=self._folder,
            capture_output=True,
            check=True,
            timeout=20,
        )
        return Foreign(self._folder / f"{reference}.cvcert", key)
