"""The reader driver over a real pcscd: restarts, cards that hang, cards that are pulled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from juki_cardbox.sandbox import PcscSandbox, why_unavailable

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parent.parent.parent
ATR = bytes.fromhex("3b8080018081")


@dataclass
class Answering:
    """A card that answers every command alike; it can be made to think for ever."""

    answer: bytes = b"\x90\x00"
    hangs: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def power_on(self) -> bytes:
        return ATR

    def transmit(self, _command: bytes) -> bytes:
        self.reached.set()
        if self.hangs:
            self.release.wait(60)
        return self.answer

    def reset(self) -> None:
        return

    def power_off(self) -> None:
        return


@pytest.fixture(scope="module")
def pcscd() -> Iterator[PcscSandbox]:
    """A pcscd of our own; the test says why where the machine permits none."""
    reason = why_unavailable()
    if reason:
        pytest.skip(reason)
    with PcscSandbox(slots=1) as sandbox:
        yield sandbox


@contextmanager
def client(sandbox: PcscSandbox, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.terminal_reader", *arguments],
        cwd=ROOT,
        env={**os.environ, **sandbox.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return the next line that the client tells."""
    assert process.stdout is not None
    told: dict[str, str] = json.loads(process.stdout.readline())
    return told


def ask(process: subprocess.Popen[str]) -> dict[str, str]:
    """Make the client exchange once, and return how it ended."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return heard(process)


def until(process: subprocess.Popen[str], happening: str) -> list[str]:
    """Return what happened up to and with `happening`."""
    seen: list[str] = []
    while not seen or seen[-1] != happening:
        seen.append(heard(process)["happening"])
    return seen


def test_monitor_sees_cards_before_and_after_a_restart_of_pcscd(pcscd: PcscSandbox) -> None:
    with client(pcscd, "monitor") as process:
        until(process, "reader_attached")
        pcscd.insert(Answering())
        until(process, "card_inserted")
        pcscd.restart()
        lost = until(process, "service_lost")
        back = until(process, "card_inserted")
        pcscd.pull()
        removed = until(process, "card_removed")

    assert lost[-1] == "service_lost"
    assert {"service_back", "reader_attached"} <= set(back)
    assert removed[-1] == "card_removed"


def test_session_after_a_restart_of_pcscd_is_like_any_other(pcscd: PcscSandbox) -> None:
    pcscd.insert(Answering())

    with client(pcscd, "exchange", pcscd.reader_name()) as process:
        before = ask(process)
        pcscd.restart()
        after = ask(process)
    pcscd.pull()

    assert (before["reason"], after["reason"]) == ("", "")


def test_card_that_hangs_times_out_and_the_reader_takes_the_next_card(
    pcscd: PcscSandbox,
) -> None:
    hung = Answering(hangs=True)
    pcscd.insert(hung)

    with client(pcscd, "exchange", pcscd.reader_name()) as process:
        timed_out = ask(process)
        hung.release.set()
        pcscd.insert(Answering())
        usable = ask(process)
    pcscd.pull()

    assert (timed_out["reason"], timed_out["part"]) == ("CARD_TIMEOUT", "card")
    assert usable == {"reason": "", "sw": "9000"}


def test_client_whose_card_hangs_can_leave(pcscd: PcscSandbox) -> None:
    """A daemon thread holds the call; the program does not wait for it."""
    hung = Answering(hangs=True)
    pcscd.insert(hung)

    with client(pcscd, "exchange", pcscd.reader_name()) as process:
        ask(process)
        assert process.stdin is not None
        process.stdin.close()
        left = process.wait(10)
    hung.release.set()
    pcscd.pull()

    assert left == 0


def test_card_pulled_in_the_middle_of_an_exchange_is_a_removed_card(pcscd: PcscSandbox) -> None:
    leaving = Answering(hangs=True)
    pcscd.insert(leaving)

    def pull() -> None:
        leaving.reached.wait(30)
        # The card falls silent for good: the socket closes while its answer is due.
        leaving.answer = b""
        leaving.release.set()
        pcscd.pull()

    puller = threading.Thread(target=pull)
    puller.start()
    with client(pcscd, "exchange", pcscd.reader_name()) as process:
        ended = ask(process)
    puller.join()

    assert (ended["reason"], ended["part"]) == ("CARD_REMOVED", "card")


def test_reader_without_a_card_and_pcscd_that_is_away_are_told_apart(
    pcscd: PcscSandbox, tmp_path: Path
) -> None:
    environment = {**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "nowhere.comm")}

    absent = run_cli({**os.environ, **pcscd.environment}, pcscd.reader_name())
    nowhere = run_cli(environment, pcscd.reader_name())

    assert (absent["reason"], absent["part"]) == ("CARD_REMOVED", "card")
    assert (nowhere["reason"], nowhere["part"]) == ("READER_FAILED", "reader")


def run_cli(environment: dict[str, str], reader: str) -> dict[str, str]:
    """Return the error of `card status` over a reader."""
    code = "from juki_terminal.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--reader", f"pcsc:{reader}", "--json", "card", "status"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 4
    error: dict[str, str] = json.loads(ended.stdout)["error"]
    return error
