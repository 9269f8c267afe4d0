"""Signing in where nobody can type a PIN: said at once, before a card or the center is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_sign_in_without_a_terminal_device_is_a_wrong_call_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    options = ["--config", str(tmp_path / "none.toml"), "--lang", "en", "sign-in"]

    done = subprocess.run(
        [sys.executable, "-c", "from juki_terminal.cli import main; main()", *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "rule: a terminal to type it at, or --pin-from" in done.stderr
    assert "card" not in done.stderr
    assert done.stdout == ""
