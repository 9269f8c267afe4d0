"""What a command of the center loads before it does anything: what it needs, and no more."""

from __future__ import annotations

import subprocess
import sys

ON_DEMAND = ("PIL", "alembic", "cattrs", "holidays", "juki_center.simulation", "matplotlib")
"""Slow to load, and needed by few commands or by none that does not serve."""


def test_commands_do_not_wait_for_what_few_of_them_need() -> None:
    program = f"""
import sys
from juki_center.rpc import tls13
tls13.settle()
import juki_center.cli.commands
print([name for name in {ON_DEMAND} if name in sys.modules])
"""

    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout

    assert printed.strip() == "[]"
