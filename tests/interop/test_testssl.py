"""The center's listener, judged by testssl.sh: which versions of TLS complete, by which suites."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from juki_center.cli import assembly
from juki_center.cli.opening import opened_store
from juki_center.config import CenterConfig
from juki_center.storage.keys import create_kek

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from juki_pki.folder import PKIFolder

_SECONDS = 150
_OLDER = ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2")
_WEAK = ("NULL", "aNULL", "EXPORT", "LOW", "3DES_IDEA", "AVERAGE")
_SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
_OPTIONS = (
    *("--quiet", "--color", "0", "--warnings", "batch", "--ip", "one", "--nodns", "min"),
    *("--protocols", "--std", "--fs"),
)
"""Versions, kinds of suites, and every suite with forward secrecy; the rest asks what HTTP says."""


async def run(program: str, openssl: Path, address: str, report: Path) -> str:
    """Run the judge, and return what it said."""
    async with asyncio.timeout(_SECONDS):
        process = await asyncio.create_subprocess_exec(
            *(program, *_OPTIONS, "--openssl", str(openssl), "--jsonfile", str(report), address),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    return said.decode(errors="replace")


def findings(report: Path) -> Mapping[str, str]:
    """Return what the judge found, by the name of each question."""
    return {one["id"]: one["finding"] for one in json.loads(report.read_text(encoding="utf-8"))}


def openssl_of_a_terminal(openssl: str, pki: PKIFolder, folder: Path) -> Path:
    """Let the judge's own connections come as a terminal, for the center ends all others."""
    place = pki.path / "terminal" / "131016-01"
    script = folder / "openssl"
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = s_client ]; then\n'
        "  shift\n"
        f"  exec {openssl} s_client -cert {place / 'certificate.pem'} -key {place / 'key.pem'}"
        f' -cert_chain {place / "chain.pem"} "$@"\n'
        "fi\n"
        f'exec {openssl} "$@"\n'
    )
    script.chmod(0o700)
    return script


def center_of(pki: PKIFolder, folder: Path) -> CenterConfig:
    """Configure a center on ports of its own choosing."""
    create_kek(folder / "kek")
    table = {
        "environment": "production",
        "pki": {"dir": str(pki.path)},
        "keys": {"kek": "kek"},
        "store": {"url": "sqlite:///center.sqlite"},
        "listen": {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0"},
    }
    return CenterConfig.parse(table, base=folder)


async def test_center_speaks_tls_1_3_with_its_aead_suites_and_nothing_else(
    need: Callable[[str], str], pki: PKIFolder, tmp_path: Path
) -> None:
    program, config = need("testssl"), center_of(pki, tmp_path)
    openssl = openssl_of_a_terminal(need("openssl"), pki, tmp_path)

    async with (
        opened_store(config) as store,
        assembly.listening(config, store) as server,
    ):
        address = f"127.0.0.1:{server.grpc_port}"
        said = await run(program, openssl, address, tmp_path / "testssl.json")

    found = findings(tmp_path / "testssl.json")
    assert "TLS1_3" in found, said
    assert {name: found[name] for name in _OLDER} == dict.fromkeys(_OLDER, "not offered")
    assert found["TLS1_3"] == "offered with final"
    assert found["ALPN_HTTP2"] == "h2"
    weak = {name: found[f"cipherlist_{name}"] for name in _WEAK}
    assert weak == dict.fromkeys(_WEAK, "not offered")
    assert set(found["PFS_ciphers"].split()) == _SUITES
    assert int(found["scanTime"]) < _SECONDS
