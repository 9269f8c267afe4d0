"""What a command of the center loads before it does anything: what it needs, and no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from juki_center.cli.commands import PARTS
from juki_center.cli.on_demand import Part

ON_DEMAND = ("PIL", "alembic", "cattrs", "holidays", "juki_center.simulation", "matplotlib")
"""Slow to load, and needed by few commands or by none that does not serve."""


OF_SERVERS = ("juki_center.cli.assembly", "juki_center.cli.dev", "juki_center.rpc.residents")
"""What only a center that serves is made of."""

SERVING = {"serve", "dev", "drill"}


def test_help_loads_nothing_but_the_list_of_commands() -> None:
    program = """
import sys
from juki_center import cli
sys.argv = ["juki-center", "--help"]
try:
    cli.main()
finally:
    print([name for name in ("grpc", "cryptography", "juki_center.storage") if name in sys.modules])
"""

    assert printed_by(program)[-1] == "[]"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_command_is_told_of_by_the_sentence_of_its_own_help(part: Part) -> None:
    first = (part.load("juki_center.cli").help or "").partition("\n\n")[0]

    assert " ".join(first.split()) == part.help


def test_commands_do_not_wait_for_what_few_of_them_need() -> None:
    loaded = [f"import juki_center.cli.{one.module}" for one in PARTS if one.name not in SERVING]
    program = "\n".join(
        (
            "import sys",
            "from juki_center.rpc import tls13",
            "tls13.settle()",
            *loaded,
            f"print([name for name in {ON_DEMAND + OF_SERVERS} if name in sys.modules])",
        )
    )

    assert printed_by(program) == ["[]"]


def printed_by(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()
