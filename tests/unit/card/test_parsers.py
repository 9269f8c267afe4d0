"""Every parser of octets from outside meets nothing but its own errors."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.card_targets import Target, targets

ROOT = Path(__file__).resolve().parents[3]
RUNS = 500_000 if os.environ.get("JUKI_LONG") else 1_500
EVERY = pytest.mark.parametrize("target", targets().values(), ids=lambda target: target.name)


@EVERY
def test_seed_is_what_the_parser_accepts(target: Target) -> None:
    for seed in target.seeds:
        (target.parse if target.accepts_seeds else target)(seed)


@EVERY
@settings(max_examples=60, deadline=None)
@given(octets=st.binary(max_size=400))
def test_arbitrary_octets_are_parsed_or_refused(target: Target, octets: bytes) -> None:
    target(octets)


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mutated_octets_are_parsed_or_refused(target: Target, data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from(target.seeds)))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(octets)))
        end = data.draw(st.integers(start, min(start + 4, len(octets))))
        octets[start:end] = data.draw(st.binary(max_size=4))

    target(bytes(octets))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not there")
@pytest.mark.timeout(7200)
def test_fuzzer_finds_no_other_error(tmp_path: Path) -> None:
    script = ROOT / "tests" / "fuzz" / "card_parsers.py"
    command = [sys.executable, str(script), f"-runs={RUNS}", "-seed=1"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.splitlines() == [f"{name}: ok" for name in targets()]
    assert done.stderr.count(f"Done {RUNS} runs") == len(targets())
