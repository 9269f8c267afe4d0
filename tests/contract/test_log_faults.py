"""Faults at each write and each sync of a commit: EIO, ENOSPC and SIGKILL, injected by strace.

After each one the store opens, its log verifies whole, every act that was acknowledged is there
with its receipt, and no act is half. JUKI_FAULTS=all hits every write; else every sync, every
cut of a file, and some of the writes are hit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from juki_center.errors import Reason
from tests.support.center_process import ROOT
from tests.support.faulty_disk import ALONE, FAULTS, TOGETHER

pytestmark = pytest.mark.embedded

EVERY = os.environ.get("JUKI_FAULTS") == "all"
STRIDE = 1 if EVERY else 8
REFUSED = {Reason.LOG_UNAVAILABLE, Reason.STORE_UNAVAILABLE}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["plain", "checkpointing"])
def test_a_commit_that_a_fault_hits_leaves_a_whole_store_with_all_that_was_acknowledged(
    furnished: Path, tmp_path: Path, way: str
) -> None:
    program = (sys.executable, "-m", "tests.support.faulty_disk")

    run = subprocess.run(
        [*program, str(furnished), str(tmp_path / "store"), way, str(STRIDE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=880,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert run.returncode == 0, run.stderr
    dry, *hits = map(json.loads, run.stdout.splitlines())
    everything = [*TOGETHER, ALONE]
    assert dry["done"] == everything
    assert dry["calls"]["fdatasync"] >= 2
    assert dry["calls"]["pwrite64"] >= 20
    assert [one["fault"] for one in hits if not (one["is_whole"] and one["is_injected"])] == []
    for one in hits:
        # A fault that comes once costs at most the acts of the commit that it hits.
        assert one["done"] in ([], list(TOGETHER), everything), one
        assert set(one["refused"]) <= REFUSED, one
        assert "KILL" in one["fault"] or one["done"], one
    assert {what for what in FAULTS for one in hits if what in one["fault"]} == set(FAULTS)
    print(f"{way}: {len(hits)} faults at {sum(dry['calls'].values())} writes and syncs, all whole")
