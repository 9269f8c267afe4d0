"""What a command says comes out whole, whatever the locale of the machine can write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_japanese_words_reach_standard_output_in_every_locale(
    tmp_path: Path, encoding: str
) -> None:
    arguments = ["--config", str(tmp_path / "missing.toml"), "--lang", "ja", "--json", "doctor"]
    program = "from juki_terminal.cli import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )

    answer = json.loads(done.stdout.decode("utf-8"))
    assert (done.returncode, answer["error"]["reason"]) == (2, "CONFIGURATION_INVALID")
    assert not answer["error"]["message"].isascii()
    assert b"Traceback" not in done.stderr
