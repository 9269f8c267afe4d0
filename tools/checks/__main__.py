"""Run every check, two at a time, and name those that fail.

Nothing is changed: what a check would have mended, `ruff format`, `make protos` or `make lock` do.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.checks.report import ROOT

PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Check:
    """A command that exits with 0 when all is as it should be."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check said, and how many seconds it took."""

    check: Check
    status: int
    output: str
    seconds: float


# The longest ones first, so that the short ones fill the other processor.
CHECKS = (
    Check("types", ("mypy",)),
    Check("stubs are those of the protos", (PYTHON, "protos/generate.py", "--check")),
    Check("imports between the layers", ("lint-imports", "--no-cache")),
    Check("form of the code", ("ruff", "format", "--check", ".")),
    Check("lint of the code", ("ruff", "check", ".")),
    Check("form of the protos", ("buf", "format", "--diff", "--exit-code", "protos")),
    Check("lint of the protos", ("buf", "lint", "protos")),
    Check("protos against the last ones", (PYTHON, "-m", "tools.checks.breaking")),
    Check("access and reasons", (PYTHON, "-m", "tools.checks.contract")),
    Check("who may call what", (PYTHON, "-m", "tools.checks.authorisation")),
    Check("locks", (PYTHON, "-m", "tools.checks.locks")),
    Check("hosts and paths", (PYTHON, "-m", "tools.checks.tree")),
    Check("links in the documents", (PYTHON, "-m", "tools.checks.links")),
    Check("threats without control or test", (PYTHON, "-m", "tools.checks.threats")),
    Check("changelog fragments", (PYTHON, "-m", "tools.checks.fragments")),
)


def execute(check: Check) -> Outcome:
    """Run one check from the project's root."""
    began = time.monotonic()
    ran = subprocess.run(
        check.command, cwd=ROOT, check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Outcome(check, ran.returncode, ran.stdout.strip(), time.monotonic() - began)


def describe(outcome: Outcome) -> str:
    """Return one line for a check that passed, and all that it said for one that failed."""
    verdict = "ok" if outcome.status == 0 else "FAILED"
    said = outcome.output.splitlines()
    line = f"{verdict:6} {outcome.seconds:5.1f} s  {outcome.check.name}"
    if outcome.status == 0:
        return f"{line}: {said[-1]}" if said else line
    return "\n".join([line, *(f"    {text}" for text in said)])


def main() -> int:
    """Run all checks; return 1 if one failed."""
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in pool.map(execute, CHECKS):
            sys.stdout.write(describe(outcome) + "\n")
            sys.stdout.flush()
            if outcome.status != 0:
                failed.append(outcome.check.name)
    verdict = f"check: {len(failed)} failed: {', '.join(failed)}" if failed else "check: ok"
    sys.stdout.write(verdict + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
