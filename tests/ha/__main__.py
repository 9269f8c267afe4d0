"""`make ha`: a center of two nodes on three database servers, killed while it is asked.

HA_ROUNDS says how often everything is killed (default 1), HA_CALLERS how many ask or register at
once (default 6), HA_KILLS what is killed in each round, in order: primary, patroni, server, node
and worker. Everything lies in out/ha, or in HA_DIR, and stays there for whoever wants to look.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

from juki_center.rpc import tls13

_KILLS: Final = "primary,worker,patroni,node"
_MISSED: Final = 1


def main() -> int:
    """Run it; return 1 where an act was lost or done twice, or anything else does not hold."""
    tls13.settle()  # before anything imports gRPC
    from tests.ha.network import run
    from tests.ha.programs import ProgramAbsent
    from tests.support.center_process import ROOT

    signal.signal(signal.SIGTERM, _interrupted)
    folder = Path(os.environ.get("HA_DIR", ROOT / "out" / "ha"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kinds = os.environ.get("HA_KILLS", _KILLS).split(",") * int(os.environ.get("HA_ROUNDS", "1"))
    begun = time.monotonic()

    def tell(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - begun:6.1f} s  {text}\n")
        sys.stdout.flush()

    try:
        outcome = run(folder, kinds, int(os.environ.get("HA_CALLERS", "6")), tell)
    except (ProgramAbsent, TimeoutError) as problem:
        sys.stderr.write(f"ha: {problem}\n")
        return _MISSED
    for fault in outcome.faults:
        tell(fault)
    verdict = outcome.verdict
    sys.stdout.write(
        f"ha: acknowledged={verdict.acknowledged} lost={verdict.lost} twice={verdict.twice}"
        f" gap_s={outcome.gap:.1f}\n"
    )
    return _MISSED if verdict.lost or verdict.twice or outcome.faults else 0


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    """End as by Ctrl-C, so that everything is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
