"""`juki-agency` with a whole center: a question, a batch, and changes through restarts."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from juki_agency.cli import main
from juki_pki.folder import PKIFolder
from jukinet.residents.v1 import resident_service_pb2_grpc as residents_grpc
from tests.e2e.shell import Ended, run_here
from tests.support.center import SAMPLES
from tests.support.center_process import ROOT, CenterProcess
from tests.support.register_service import death

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
MAIN = "from juki_agency.cli import main; main()"
ALIVE = "takahashi-ichiro"
DYING = ("yoshida-taro", "yoshida-hanako")
PATIENT_SECONDS = 60


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("agency"), is_forked=True) as serving:
        yield serving


def agency(
    center: CenterProcess, *arguments: str, stdin: str = "", config: str = "agency.toml"
) -> Ended:
    """Run a command with `--json`."""
    options = ("--config", str(center.folder / config), "--json")
    return run_here(main, [*options, *arguments], stdin=stdin)


def result(ended: Ended) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(ended.out.splitlines()[-1])
    return dict(envelope["result"])


def watched(center: CenterProcess, key: str) -> str:
    """Confirm a sample resident and watch them from now on; return the reference."""
    asked = json.dumps({"code": SAMPLES[key].record.code.digits})
    options = ("--affair", "passport", "--watch", "--from", "-")
    found = result(agency(center, "confirm", *options, stdin=asked))
    return str(found["subject_reference"])


def die(center: CenterProcess, key: str) -> None:
    """Register a death at the counter of Tokorozawa."""
    pki = PKIFolder(center.folder / "pki")
    own = pki.terminal("112089", "01")
    credentials = grpc.ssl_channel_credentials(
        (pki.trust_path / "center-leaves.pem").read_bytes(), own.key_pem, own.chain_pem
    )
    with grpc.secure_channel(center.address, credentials) as channel:
        residents_grpc.ResidentServiceStub(channel).RegisterDeath(death(key))


@contextmanager
def watching(center: CenterProcess, state: Path) -> Iterator[queue.Queue[dict[str, Any]]]:
    """Run `watch` for ever; gives the notices that it prints."""
    config = str(center.folder / "agency.toml")
    command = ["--config", config, "--json", "watch", "--affair", "passport", "--state", str(state)]
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *command], cwd=ROOT, stdout=subprocess.PIPE
    )
    notices: queue.Queue[dict[str, Any]] = queue.Queue()
    assert process.stdout is not None
    lines = iter(process.stdout.readline, b"")
    reading = threading.Thread(
        target=lambda: [notices.put(json.loads(line)["result"]["notice"]) for line in lines]
    )
    reading.start()
    try:
        yield notices
    finally:
        process.kill()
        process.wait()
        reading.join()
        process.stdout.close()


def test_doctor_finds_a_center_that_serves(center: CenterProcess) -> None:
    ended = agency(center, "doctor")

    assert ended.exit_code == 0
    assert result(ended)["checks"]["center"] == f"{center.address} answers"


def test_question_of_attributes_is_answered(center: CenterProcess) -> None:
    """Case 39: 高橋 for 髙橋 is told as a variant, and is no yes for a script."""
    record = SAMPLES[ALIVE].record
    asked = {
        "name": "高橋　一郎",
        "birth": record.birth.paper_text,
        "sex": "男",
        "address": record.address,
    }

    ended = agency(
        center, "confirm", "--affair", "passport", "--items", "name", "--from", "-",
        stdin=json.dumps(asked),
    )  # fmt: skip

    found = result(ended)
    assert ended.exit_code == 3
    assert (found["outcome"], found["varied"]) == ("MATCH_WITH_VARIANT", ["name"])
    assert found["information"] == {"name": record.name}


def test_affair_that_is_not_authorised_is_refused(center: CenterProcess) -> None:
    """Case 37."""
    asked = json.dumps({"code": SAMPLES[ALIVE].record.code.digits})

    ended = agency(center, "confirm", "--affair", "parking-permits", "--from", "-", stdin=asked)

    assert ended.exit_code == 3
    assert json.loads(ended.out)["error"]["reason"] == "AFFAIR_NOT_AUTHORISED"


def test_batch_sums_up_what_the_result_holds(center: CenterProcess, tmp_path: Path) -> None:
    known, unknown, wrong = SAMPLES[ALIVE].record.code.digits, "12345678903", "25208017644"
    questions, out = tmp_path / "questions.csv", tmp_path / "results.csv"
    questions.write_text(f"\ufeffcode\r\n{known}\r\n{unknown}\r\n{wrong}", encoding="utf-8")

    ended = agency(
        center, "batch", str(questions), "--affair", "pension", "--out", str(out),
        config="agency-pension.toml",
    )  # fmt: skip

    error = json.loads(ended.out)["error"]
    assert (ended.exit_code, error["reason"]) == (3, "LINES_REFUSED")
    assert error["metadata"] == {
        "refused": "1",
        "lines": "3",
        "MATCH": "1",
        "NO_MATCH": "1",
        "out": str(out),
    }
    assert known not in out.read_text(encoding="utf-8")


def test_changes_arrive_through_restarts_of_either_side(
    center: CenterProcess, tmp_path: Path
) -> None:
    references = [watched(center, key) for key in DYING]
    state = tmp_path / "cursor"

    with watching(center, state) as notices:
        die(center, DYING[0])
        first = notices.get(timeout=PATIENT_SECONDS)
        center.stop()
        center.start()
        die(center, DYING[1])
        second = notices.get(timeout=PATIENT_SECONDS)
    last = agency(center, "watch", "--affair", "passport", "--state", str(state), "--once")

    assert [one["subject_reference"] for one in (first, second)] == references
    assert first["reason"] == "DEATH"
    assert "passport" in state.read_text(encoding="utf-8")
    assert result(last)["notices"] in {0, 1}


def test_without_a_center_the_exit_says_so(center: CenterProcess, tmp_path: Path) -> None:
    center.stop()
    try:
        ended = agency(
            center, "watch", "--affair", "passport", "--state", str(tmp_path / "cursor"),
            "--once", "--patience", "0",
        )  # fmt: skip
    finally:
        center.start()

    assert ended.exit_code == 5
    assert json.loads(ended.out)["error"]["reason"] == "CENTER_UNREACHABLE"
