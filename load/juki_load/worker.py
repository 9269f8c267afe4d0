"""A process of a run: reads its job, says that it is ready, waits for the start, prints its result.

    {"job": …}  ->  {"ready": true}  ->  {"start": monotonic time}  ->  {"result": …}

One line each. It is started by `processes`, never by fork: gRPC and threads do not live through it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cattrs
import uvloop

from juki_client.outcome import Problem
from juki_load.engine import Engine
from juki_load.prepared import Prepared
from juki_load.scenario import Scenario
from juki_load.wire.dial import Address
from juki_load.workload import Workload

if TYPE_CHECKING:
    from juki_client.outcome import JSON


def main() -> None:
    """Run the job that stands on standard input."""
    job = json.loads(sys.stdin.readline())
    try:
        result = uvloop.run(_run(job))
    except Problem as problem:
        _say({"problem": problem.reason, "metadata": dict(problem.metadata)})
        return
    _say({"result": result})


async def _run(job: dict[str, JSON]) -> JSON:
    workload = Workload(
        cattrs.structure(job["scenario"], Scenario),
        Prepared.load(Path(str(job["folder"]))),
        Address.parse(str(job["address"])),
        int(str(job["part"])),
        int(str(job["parts"])),
    )
    await workload.prepare()
    engine = Engine(cattrs.structure(job["scenario"], Scenario), workload)
    _say({"ready": True})
    start = json.loads(sys.stdin.readline())["start"]
    return (await engine.run(float(start))).to_json()


def _say(line: dict[str, JSON]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
