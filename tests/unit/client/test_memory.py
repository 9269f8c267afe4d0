"""Case 34: a program that crashes leaves no image of its memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

_CRASH = """
import ctypes, resource, sys
from juki_client.memory import forbid_core_dumps

resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_case_34_a_process_forbids_core_dumps_of_both_kinds() -> None:
    ran = subprocess.run([sys.executable, "-c", _CRASH], capture_output=True, text=True, check=True)

    assert ran.stdout == "(0, 0) 0\n"


@pytest.mark.parametrize(
    "program", ["juki_terminal.cli", "juki_agency.cli", "juki_center.cli", "juki_desk.cli"]
)
def test_case_34_every_program_that_handles_secrets_does_so(program: str) -> None:
    code = (
        "import atexit, resource, sys;"
        "atexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_CORE), file=sys.stderr));"
        f"sys.argv = ['x', '--help']; from {program} import main; main()"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ran.stderr.endswith("(0, 0)\n")
