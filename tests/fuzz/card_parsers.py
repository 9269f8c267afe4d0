"""Fuzz the parsers of the card protocol with atheris.

    python tests/fuzz/card_parsers.py -runs=100000                # every target
    python tests/fuzz/card_parsers.py certificate -runs=100000    # one target

Arguments that begin with a dash go to libFuzzer. A crash is written to the working directory.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "card"), str(ROOT / "protos" / "gen")]

with atheris.instrument_imports(include=["juki_card", "asn1crypto"]):
    from tests.fuzz.card_targets import Target, targets


def fuzz(target: Target, flags: list[str]) -> None:
    """Fuzz one target in this process; does not return."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *flags, corpus], target)
        atheris.Fuzz()


def fuzz_aside(target: Target, flags: list[str]) -> bool:
    """Fuzz one target in a child process, because libFuzzer ends its process; say if it passed."""
    child = os.fork()
    if child == 0:
        fuzz(target, flags)
    _, status = os.waitpid(child, 0)
    passed = os.waitstatus_to_exitcode(status) == 0
    print(f"{target.name}: {'ok' if passed else 'FAILED'}", flush=True)
    return passed


def main() -> None:
    """Fuzz the targets that are named, or all of them."""
    names = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    flags = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    if any(name not in targets() for name in names):
        sys.exit(f"targets: {', '.join(targets())}")
    passed = [fuzz_aside(targets()[name], flags) for name in names or targets()]
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
