"""Fuzz the parsers of the card protocol with atheris.

    python tests/fuzz/card_parsers.py -runs=100000                # all targets, chosen by an octet
    python tests/fuzz/card_parsers.py certificate -runs=100000    # one target

Arguments that begin with a dash go to libFuzzer. A crash is written to the working directory.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "card"), str(ROOT / "protos" / "gen")]

with atheris.instrument_imports(include=["juki_card", "asn1crypto"]):
    from tests.fuzz.card_targets import Target, targets


def chosen(octets: bytes) -> None:
    """Give the octets to the target that the first of them names."""
    everything = list(targets().values())
    if octets:
        everything[octets[0] % len(everything)](octets[1:])


def seeds(name: str | None) -> list[bytes]:
    """Return octets to begin with."""
    if name is not None:
        return list(targets()[name].seeds)
    return [
        bytes((number,)) + seed
        for number, target in enumerate(targets().values())
        for seed in target.seeds
    ]


def main() -> None:
    """Fuzz one target or all of them."""
    names = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    flags = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    if len(names) > 1 or any(name not in targets() for name in names):
        sys.exit(f"targets: {', '.join(targets())}")
    name = names[0] if names else None
    target: Target | None = targets()[name] if name else None
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(name)):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *flags, corpus], target or chosen)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
