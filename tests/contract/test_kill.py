"""Group commit against kill -9: what was acknowledged is there, and nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.center import Center, make_policy, make_signer, open_test_store
from tests.support.issuing_center import finish_sessions, write_requests
from tests.support.leaves import leaves

REQUESTS = 120


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged_before_the_kill", [0, 7, 60])
async def test_an_acknowledged_issue_survives_a_kill_and_a_retry_never_issues_again(
    folder: Path, tmp_path: Path, acknowledged_before_the_kill: int
) -> None:
    signer, trust = make_signer()
    store = open_test_store(folder)
    requests = await finish_sessions(Center(store, make_policy(signer), trust), REQUESTS)
    write_requests(requests, tmp_path / "requests")
    store.close()

    acknowledged = run_and_kill(folder, tmp_path / "requests", acknowledged_before_the_kill)

    store = open_test_store(folder)
    center = Center(store, make_policy(signer), trust)
    committed = {
        str(request.request_id): found.issue.issue_number
        for request in requests
        if (found := center.found(request)) is not None
    }
    assert acknowledged.items() <= committed.items()
    assert len(acknowledged) >= acknowledged_before_the_kill
    answers = await asyncio.gather(*(center.issue(request) for request in requests))
    again = {
        str(request.request_id): answer.issue.issue_number
        for request, answer in zip(requests, answers, strict=True)
    }
    assert committed.items() <= again.items()
    assert len(set(again.values())) == REQUESTS
    issued = [leaf["id"] for leaf in leaves(store) if leaf["ev"] == "COPY_ISSUED"]
    assert sorted(issued, key=str) == sorted(again.values())
    store.close()


def run_and_kill(folder: Path, requests: Path, after: int) -> dict[str, str]:
    """Run the issuing program, kill it after so many answers, and return all that it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.issuing_center", str(folder), str(requests)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parent.parent.parent,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        lines = [program.stdout.readline() for _ in range(after)]
        program.kill()
        lines += program.stdout.readlines()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {request_id: number for request_id, number in whole}
