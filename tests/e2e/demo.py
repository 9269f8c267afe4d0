"""`make demo`: the whole way played before a sceptic, ending in a table of claims and evidence.

It runs the end-to-end tests' own scenarios. What it leaves in out/demo can be tried by hand.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from tests.e2e.scenarios import SCENARIOS
from tests.e2e.signing_in import SIGN_IN
from tests.e2e.stage import PcscSlots, Stage, VirtualSlots
from tests.e2e.telling import from_root, new_console, perform, report
from tests.support.center_process import ROOT, CenterProcess

FOLDER = ROOT / "out" / "demo"


@contextmanager
def opened_stage(folder: Path, console: Console) -> Iterator[Stage]:
    """Bring up a center and a reader, of the kind that JUKI_READER asks for."""
    wanted = os.environ.get("JUKI_READER", "pcsc")
    lacking = None if wanted == "virtual" else why_unavailable()
    if lacking:
        console.print(f"No PC/SC here ({lacking}): the cards are in the terminal's own process.")
    with CenterProcess(folder, with_clerks=False) as center:
        console.print(f"center: ready on {center.address}, folder {from_root(folder)}\n")
        if wanted == "virtual" or lacking:
            yield Stage(folder, center, VirtualSlots())
            return
        with PcscSandbox(slots=1) as sandbox:
            yield Stage(folder, center, PcscSlots(sandbox), dict(sandbox.environment))


def main() -> int:
    """Play everything; return 0 only where everything was as it should be."""
    console = new_console()
    shutil.rmtree(FOLDER, ignore_errors=True)
    began = time.monotonic()
    with opened_stage(FOLDER, console) as stage:
        played = perform(stage, (SIGN_IN, *SCENARIOS), console)
        facts = {"command": "demo", "reader": stage.slots.kind}
        ok = report(facts, played, FOLDER, console)
        console.print(
            f"the paper: {from_root(FOLDER / 'copy.pdf')}, {from_root(FOLDER / 'copy.png')}"
        )
        console.print(f"all in {time.monotonic() - began:.0f} s")
        console.print(f"reader: {stage.slots.kind}")
    console.print("demo: ok" if ok else "demo: failed")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
