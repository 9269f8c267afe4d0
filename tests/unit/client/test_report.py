"""How a command ends whose reader has gone."""

from __future__ import annotations

import os
import subprocess
import sys

_PROGRAM = """
import sys
import typer
from juki_client.outcome import Language
from juki_client.report import Report, end


class Manner:
    as_json = False
    language = Language.ENGLISH


def act():
    for _ in range(10_000):
        sys.stdout.write("a line that nobody reads\\n")
    return Report({}, "done")


try:
    end(Manner(), "watch", act)
except typer.Exit as left:
    sys.exit(left.exit_code)
"""


def test_a_reader_that_has_gone_is_no_defect() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)

    assert (ran.returncode, ran.stderr) == (130, b"")
