"""A token of SoftHSM2 in a folder, with a PIN in a file."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pkcs11

from juki_pki import token
from juki_pki.token_reference import TokenPlace

MODULE = next(
    (
        path
        for path in map(
            Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
        )
        if path.exists()
    ),
    Path("/usr/lib/softhsm/libsofthsm2.so"),
)
_LABEL = "juki"


@contextmanager
def soft_token(folder: Path) -> Iterator[TokenPlace]:
    """Make an empty token; the environment leads the module to it until the block ends."""
    tokens = folder / "tokens"
    tokens.mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    pin = folder / "pin"
    pin.write_text(str(secrets.randbelow(900_000) + 100_000))
    pin.chmod(0o600)
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    try:
        _make(pin.read_text())
        # The module reads its environment once; an earlier test may have led it elsewhere.
        pkcs11.lib(str(MODULE.resolve())).reinitialize()
        token._OPEN.clear()
        yield TokenPlace(MODULE, _LABEL, pin)
    finally:
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before


def _make(pin: str) -> None:
    command = ["softhsm2-util", "--init-token", "--free", "--label", _LABEL]
    subprocess.run(
        [*command, "--pin", pin, "--so-pin", pin], check=True, capture_output=True, timeout=30
    )
