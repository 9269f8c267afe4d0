"""The command line as scripts see it: envelopes, exit codes, what is on which stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_pki.folder import PKIFolder
from juki_terminal.cli import app
from tests.unit.terminal.center_double import CopiesDouble
from tests.unit.terminal.conftest import PIN

LICENCE = {
    "kind": "driving_licence",
    "number": "30 12 345678-90",
    "name": "𠮷田　太郎",
    "birth": "昭和45年3月2日",
    "address": "埼玉県所沢市並木一丁目1番地の1",
    "municipality": "112089",
    "clerk": "千代田　花子",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    envelope: dict[str, object]
    err: str

    @property
    def result(self) -> dict[str, object]:
        assert isinstance(self.envelope["result"], dict)
        return self.envelope["result"]

    @property
    def error(self) -> dict[str, object]:
        assert isinstance(self.envelope["error"], dict)
        return self.envelope["error"]


Run = Callable[..., Ended]


@pytest.fixture
def config(pki: PKIFolder, address: str, card: Path, tmp_path: Path) -> Path:
    terminal = pki.path / "terminal" / "131016-01"
    path = tmp_path / "terminal.toml"
    path.write_text(
        f"""
environment = "test"
[center]
address = "{address}"
[identity]
certificate = "{terminal / "chain.pem"}"
key = "{terminal / "key.pem"}"
[trust]
dir = "{pki.trust_path}"
[reader]
name = "virtual:{card}"
[journal]
path = "terminal.journal"
[paper]
fee_yen = 300
[session]
retry_seconds = 0
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def run(config: Path) -> Run:
    def run(*arguments: str, stdin: str = "", lang: str = "en") -> Ended:
        options = ["--config", str(config), "--json", "--lang", lang]
        ended = CliRunner().invoke(app, [*options, *arguments], input=stdin)
        return Ended(ended.exit_code, json.loads(ended.stdout), ended.stderr)

    return run


def test_copy_by_card_is_issued_printed_and_confirmed(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    out = tmp_path / "copy.pdf"

    ended = run("copy", "issue", "--out", str(out), "--pin-from", "-", stdin=PIN)

    (report,) = copies.reports
    assert ended.code == 0
    assert ended.envelope["schema"] == "juki/1"
    assert ended.envelope["command"] == "copy issue"
    assert ended.result["state"] == "confirmed"
    assert ended.result["issue_number"] == "131016-20261123-000001-7K3Q"
    assert out.read_bytes().startswith(b"%PDF-")
    assert out.stat().st_mode & 0o777 == 0o600
    assert report.pdf_sha256.hex() == ended.result["pdf_sha256"]
    assert "PIN accepted" in ended.err
