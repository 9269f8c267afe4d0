"""A terminal as a witness, over the wire: a head with both signatures is printed, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from juki_audit import checkpoints
from juki_audit.witnesses import WitnessKey, cosigned_by
from juki_terminal.cli import app
from tests.support.receipting import Receipting


def run(config: Path, *arguments: str) -> Result:
    """Run a command of the witness."""
    return CliRunner().invoke(app, ["--config", str(config), "--lang", "en", "log", *arguments])


@pytest.fixture
def key(config: Path, tmp_path: Path) -> Path:
    """The key of a witness."""
    path = tmp_path / "witness.key"
    made = run(config, "witness-key", "--name", "witness.test", str(path))
    path.with_suffix(".pub").write_text(made.stdout)
    return path


def test_head_is_printed_with_both_signatures(
    config: Path, key: Path, receipting: Receipting
) -> None:
    receipting.log.append_others(3)

    ended = run(config, "witness", "--key", str(key))

    public = WitnessKey.decode(key.with_suffix(".pub").read_text().strip())
    note = ended.stdout.encode()
    assert ended.exit_code == 0
    assert receipting.log.trusted.head(note).size == receipting.log.size
    assert cosigned_by(checkpoints.parse(note), [public]) == ["witness.test"]


def test_fork_ends_with_3_and_prints_no_head(
    config: Path, key: Path, receipting: Receipting
) -> None:
    receipting.log.append_others(3)
    run(config, "witness", "--key", str(key))
    receipting.log = receipting.log.forked_at(1)
    receipting.log.append_octets(b"another leaf")
    receipting.log.append_others(4)

    ended = run(config, "witness", "--key", str(key))

    assert ended.exit_code == 3
    assert "witness.test" not in ended.stdout
    assert b'"fault"' in key.with_name("witness.key.state").read_bytes()
