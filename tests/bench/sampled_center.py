"""A center that notes where its CPU goes, for the table of `where`; nothing else runs so.

A thread looks every few milliseconds where each thread of Python is, and gives the place the CPU
that the thread has used since it was looked at last, by the thread's own clock. What waits gets
nothing; but the event loop waits in C, as it works. What threads of gRPC use that run no Python is
the rest of the process's CPU. The thread gets the interpreter where others let go of it or are made
to, which is more often here than usual, so that it sees few places more than they are there.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from juki_center.cli import main as center

SECONDS_BETWEEN = 0.003
_SWITCH_SECONDS = 0.0002
GO = "BENCH_SAMPLES"
"""Names a file: while it is there, places are noted; when it is taken away, a report is written."""
OTHER_THREADS = "threads that run no Python, gRPC's own"
LOOP = "event loop, gRPC and TLS, in C"
_WAITING = ("threading.py", "queue.py", "selectors.py")
_OURS = ("juki_center", "juki_audit", "juki_card", "juki_pki")
_KNOWN = ("grpc", "google", "asyncio", "prometheus_client", "cryptography")


def main() -> None:
    """Run `juki-center`, and note places while the file is there."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    threading.Thread(target=_watch, args=(Path(os.environ[GO]),), daemon=True).start()
    center()


def report_of(go: Path) -> Path:
    """Return where the report of a file is written."""
    return go.with_suffix(".json")


def place_of(frame: FrameType | None) -> str:
    """Return the innermost place that has a name for a reader: our module, or their package."""
    while frame is not None:
        parts = Path(frame.f_code.co_filename).parts
        for name in _OURS:
            if name in parts and "cli" not in parts:
                return "/".join(parts[parts.index(name) :]).removesuffix(".py")
        if frame.f_back is not None and (known := next((n for n in _KNOWN if n in parts), None)):
            return known if known != "asyncio" or frame.f_code.co_name != "run" else LOOP
        frame = frame.f_back
    return LOOP


def _watch(go: Path) -> None:
    while True:
        if go.exists():
            _note(go)
        time.sleep(0.05)


def _note(go: Path) -> None:
    places: Counter[str] = Counter()
    first: dict[int, float] = {}
    given: dict[int, float] = {}
    began, own = time.process_time(), time.thread_time()
    while go.exists():
        for thread, frame in sys._current_frames().items():
            clock = _clock(thread)
            if clock is None:
                continue
            first.setdefault(thread, clock)
            if not _waits(frame):
                places[place_of(frame)] += clock - given.get(thread, first[thread])
                given[thread] = clock
        time.sleep(SECONDS_BETWEEN)
    whole = time.process_time() - began - (time.thread_time() - own)
    threads = Counter[str]()
    for thread, clock in first.items():
        threads[_name(thread)] += (_clock(thread) or clock) - clock
    threads[OTHER_THREADS] = places[OTHER_THREADS] = max(0.0, whole - sum(threads.values()))
    beside = go.with_suffix(".new")
    beside.write_text(json.dumps({"threads": threads, "places": places}), encoding="utf-8")
    beside.replace(report_of(go))


def _clock(thread: int) -> float | None:
    """Return the CPU that a thread has used; None for the sampler, and for threads that ended."""
    if thread == threading.get_ident() or thread not in {t.ident for t in threading.enumerate()}:
        return None
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def _name(thread: int) -> str:
    return next((t.name for t in threading.enumerate() if t.ident == thread), "threads that ended")


def _waits(frame: FrameType) -> bool:
    """Say whether a thread waits: what it used before was used elsewhere, and waits for a look."""
    return Path(frame.f_code.co_filename).name in _WAITING
