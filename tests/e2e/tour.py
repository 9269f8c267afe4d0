"""`make tour`: each capability of the center played before a sceptic, with evidence for each claim.

It runs the end-to-end tests' own scenarios. What it leaves in out/tour can be tried by hand; the
center's data folder is out/tour/center.
"""

from __future__ import annotations

import shutil
import sys
import time

from juki_center.rpc import tls13
from tests.e2e.signing_in import SIGN_IN
from tests.e2e.telling import from_root, new_console, perform, report
from tests.e2e.tour_agencies import AGENCIES
from tests.e2e.tour_audit import AUDIT
from tests.e2e.tour_cards import CARDS
from tests.e2e.tour_fleet import FLEET
from tests.e2e.tour_import import IMPORT
from tests.e2e.tour_keys import KEYS
from tests.e2e.tour_moves import MOVES
from tests.e2e.tour_register import REGISTER
from tests.e2e.tour_residents import LATER, RESIDENTS
from tests.e2e.tour_search import SEARCH
from tests.e2e.tour_stage import opened_tour
from tests.support.center_process import ROOT

# The lifted measure needs a minute to hold again; meanwhile there is other work.
SCENARIOS = (
    SIGN_IN,
    *REGISTER,
    *RESIDENTS,
    *IMPORT,
    *CARDS,
    *MOVES,
    *AGENCIES,
    *KEYS,
    *AUDIT,
    *FLEET,
    *LATER,
    *SEARCH,
)
FOLDER = ROOT / "out" / "tour"


def main() -> int:
    """Play everything; return 0 only where everything was as it should be."""
    tls13.settle()  # before a command imports gRPC, which reads its settings once
    console = new_console()
    shutil.rmtree(FOLDER, ignore_errors=True)
    began = time.monotonic()
    with opened_tour(FOLDER, with_clerks=False) as stage:
        console.print(f"center: ready on {stage.center.address}, folder {from_root(FOLDER)}\n")
        played = perform(stage, SCENARIOS, console)
        facts = {"command": "tour", "reader": stage.slots.kind}
        ok = report(facts, played, FOLDER, console)
    console.print(f"the center's data folder: {from_root(FOLDER / 'center')}")
    console.print(f"all in {time.monotonic() - began:.0f} s")
    console.print("tour: ok" if ok else "tour: failed")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
