"""Commits that a fault hits, injected by strace at each write and each sync, one after another.

`python -m tests.support.faulty_disk TEMPLATE FOLDER WAY STRIDE` copies the store of the folder
TEMPLATE for each fault into FOLDER and prints one JSON object a line. This process only forks:
children, each with its share of the faults, which fork in their turn: one commits and is hit,
another one opens what it left and checks it.

The child commits three acts that share a commit, then one alone, in one of two ways: `plain`, or
`checkpointing`, with the write-ahead log moved into the database by each commit. It ends without
closing. Of the writes the first of each STRIDE are hit, and the last; of all other calls each.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import select
import shutil
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from juki_audit import tree
from juki_center.areas.calls import Logged
from juki_center.areas.ports import Tx
from juki_center.areas.requests.answers import Request
from juki_center.errors import Refusal
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.sqlite import SQLiteStore
from tests.support.log_acts import URI, answering, in_call, new_call
from tests.support.log_keys import log_key, verified_head, verified_leaf
from tests.support.planted_cards import card
from tests.support.whole_log import check_whole

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate")
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
TOGETHER = (1, 2, 3)
ALONE = 4
_SECONDS = 60.0
_AT_ONCE = 3
_SET_PTRACER, _ANYBODY = 0x59616D61, -1


@dataclass(frozen=True, slots=True)
class Fault:
    """What hits the nth call of a kind on the store's files, on the writer's thread."""

    call: str
    what: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call}#{self.nth} {self.what}"


def request(number: int) -> Request:
    """Return one of the requests."""
    return Request(URI, uuid.UUID(int=number), b"")


def act(number: int) -> Callable[[Tx], bytes]:
    """Return an act that enters a card, leaves a leaf, and answers its request."""

    def whole(tx: Tx) -> bytes:
        tx.cards.add_card(card(bytes([number]) * 32))
        return answering(request(number))(tx)

    return whole


def opened(folder: Path) -> SQLiteStore:
    """Open the store of a folder; its window is long enough for acts to meet in it."""
    kek = KeyEncryptionKey.load(folder / "kek")
    return SQLiteStore(folder / "center.db", kek, signer=log_key(), window_seconds=0.01)


async def _commit(store: SQLiteStore, number: int, say: Callable[[object], None]) -> None:
    """Do an act and say how it ended, once it is answered."""
    call = new_call()
    try:
        await in_call(call, lambda: store.act(act(number)))
    except Refusal as refusal:
        say({"refused": number, "reason": refusal.reason.value})
        return
    (one,) = call.logged
    proof = [hash_.hex() for hash_ in one.proof]
    opened_leaf = {"index": one.index, "salt": one.salt.hex(), "content": one.content.hex()}
    say({"done": number, **opened_leaf, "proof": proof, "checkpoint": one.checkpoint.decode()})


async def _be_hit(folder: Path, told: int, *, checkpointing: bool) -> None:
    """Be the child that commits; file descriptor 0 says when, `told` takes what is said."""

    def say(what: object) -> None:
        os.write(told, json.dumps(what).encode() + b"\n")

    store = opened(folder)
    if checkpointing:
        store._writer._sql.execute("PRAGMA wal_autocheckpoint = 1")
    await store.act(act(0))
    (writer,) = (one for one in threading.enumerate() if one.name == "store-writer")
    say({"thread": writer.native_id})
    os.read(0, 1)
    await asyncio.gather(*(_commit(store, number, say) for number in TOGETHER))
    await _commit(store, ALONE, say)


def _forked(work: Callable[[], None]) -> int:
    """Do something in a child that never comes back; return its number."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # the child must not go on as its parent
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


class _Lines:
    """What a child says, line by line; it ends with the child."""

    def __init__(self, source: int) -> None:
        self._source = source
        self._kept = b""

    def next(self) -> bytes:
        """Return the next line, empty at the end. Raises TimeoutError."""
        while b"\n" not in self._kept:
            if not select.select([self._source], [], [], _SECONDS)[0]:
                raise TimeoutError("the child says nothing")
            octets = os.read(self._source, 1 << 16)
            if not octets:
                return b""
            self._kept += octets
        line, _, self._kept = self._kept.partition(b"\n")
        return line

    def rest(self) -> list[dict[str, object]]:
        """Return all that is still said."""
        return [json.loads(line) for line in iter(self.next, b"")]


def hit(
    folder: Path, fault: Fault | None, *, checkpointing: bool
) -> tuple[list[dict[str, object]], str]:
    """Let a child commit and be hit; return what it said, and what strace saw."""
    go_read, go = os.pipe()
    told, told_write = os.pipe()

    def child() -> None:
        os.close(told)
        os.close(go)
        os.dup2(go_read, 0)
        ctypes.CDLL(None).prctl(_SET_PTRACER, _ANYBODY, 0, 0, 0)
        asyncio.run(_be_hit(folder, told_write, checkpointing=checkpointing))

    number = _forked(child)
    os.close(go_read)
    os.close(told_write)
    lines = _Lines(told)
    try:
        thread = json.loads(lines.next())["thread"]
        with _strace(folder, thread, fault) as tracer:
            os.write(go, b"g")
            said = lines.rest()
            os.waitpid(number, 0)
            tracer.wait(_SECONDS)
    finally:
        os.close(go)
        os.close(told)
    return said, (folder / "trace").read_text()


def _strace(folder: Path, thread: int, fault: Fault | None) -> subprocess.Popen[bytes]:
    """Attach to a thread; return when that is done."""
    paths = [f"center.db{end}" for end in ("", "-wal", "-shm", "-journal", "-reserve")]
    options = [option for name in paths for option in ("-P", str(folder / name))]
    options += ["-e", f"trace={','.join(CALLS)}", "-o", str(folder / "trace")]
    if fault is not None:
        options += ["-e", f"inject={fault.call}:{fault.what}:when={fault.nth}"]
    tracer = subprocess.Popen(
        ["strace", *options, "-p", str(thread)], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert tracer.stderr is not None
    for line in tracer.stderr:
        if b"attached" in line:
            return tracer
    raise RuntimeError("strace cannot attach")


def check(folder: Path, said: list[dict[str, object]]) -> None:
    """Open what was left, and check it: whole, with all that was acknowledged."""
    store = opened(folder)
    check_whole(store)
    rows = store.read(lambda tx: tx._sql.execute("PRAGMA integrity_check").fetchall())
    assert rows == [("ok",)], rows
    for number in (0, *TOGETHER, ALONE):
        has_card = store.read(lambda tx, n=number: tx.cards.card(bytes([n]) * 32)) is not None
        receipts = store.read(lambda tx, n=number: tx.audit.receipt_of(URI, uuid.UUID(int=n)))
        answer = store.read(lambda tx, n=number: tx.answers.answer_of(URI, uuid.UUID(int=n)))
        assert len({has_card, bool(receipts), answer is not None}) == 1, f"act {number} is half"
    note = store.read(lambda tx: tx.audit.checkpoint())
    assert note is not None
    newest = verified_head(note)
    for one in said:
        if "done" in one:
            _check_acknowledged(store, one, newest)
    store.close()


def _check_acknowledged(store: SQLiteStore, said: dict[str, object], newest: tree.Head) -> None:
    receipt = Logged(
        index=int(str(said["index"])),
        salt=bytes.fromhex(str(said["salt"])),
        content=bytes.fromhex(str(said["content"])),
        proof=tuple(bytes.fromhex(one) for one in said["proof"]),  # type: ignore[attr-defined]
        checkpoint=str(said["checkpoint"]).encode(),
    )
    wanted = uuid.UUID(int=int(str(said["done"])))
    assert verified_leaf(receipt).request_id == wanted.bytes
    (now,) = store.read(lambda tx: tx.audit.receipt_of(URI, wanted))
    assert (now.index, now.salt, now.content) == (receipt.index, receipt.salt, receipt.content)
    older = verified_head(receipt.checkpoint)
    proof = store.read(lambda tx: tree.consistency_proof(tx.audit.node, older.size, newest.size))
    tree.verify_consistency(older, newest, proof)


def counted(trace: str) -> Counter[str]:
    """Count the calls in what strace wrote."""
    return Counter(re.findall(r"^(\w+)\(", trace, flags=re.MULTILINE))


def faults(calls: Counter[str], stride: int) -> Iterator[Fault]:
    """Return the faults for the calls of a dry run."""
    for call in CALLS:
        step = stride if call in {"write", "pwrite64"} else 1
        places = {*range(1, calls[call] + 1, step), calls[call]} - {0}
        for nth in sorted(places):
            for what in FAULTS:
                yield Fault(call, what, nth)


def run(
    template: Path, folder: Path, *, checkpointing: bool, stride: int
) -> Iterator[dict[str, object]]:
    """Count the calls of the commits, hit them, and tell how each time ended."""
    said, trace = hit(_copied(template, folder / "dry"), None, checkpointing=checkpointing)
    calls = counted(trace)
    yield {"calls": dict(calls), "done": _done(said)}
    every = list(faults(calls, stride))

    def share(number: int) -> Iterator[dict[str, object]]:
        for fault in every[number::_AT_ONCE]:
            yield _hit_and_checked(template, folder / str(number), fault, checkpointing)

    # Most of the time it is waited for the tracer and the disk.
    yield from _side_by_side([lambda n=n: share(n) for n in range(_AT_ONCE)])  # type: ignore[misc]  # bound early


def _hit_and_checked(
    template: Path, folder: Path, fault: Fault, checkpointing: bool
) -> dict[str, object]:
    copy = _copied(template, folder)
    said, trace = hit(copy, fault, checkpointing=checkpointing)
    checker = _forked(lambda: check(copy, said))
    return {
        "fault": str(fault),
        "is_injected": "INJECTED" in trace or "killed by SIGKILL" in trace,
        "done": _done(said),
        "refused": [str(one["reason"]) for one in said if "refused" in one],
        "is_whole": os.waitstatus_to_exitcode(os.waitpid(checker, 0)[1]) == 0,
    }


def _side_by_side(
    shares: Sequence[Callable[[], Iterator[dict[str, object]]]],
) -> Iterator[dict[str, object]]:
    """Let a child do each share; yield all that they find. Raises RuntimeError where one fails."""
    read, write = os.pipe()

    def tell(share: Callable[[], Iterator[dict[str, object]]]) -> None:
        for found in share():
            # A line is shorter than what a pipe takes as one piece.
            os.write(write, json.dumps(found).encode() + b"\n")

    children = [_forked(lambda share=share: tell(share)) for share in shares]  # type: ignore[misc]  # bound early
    os.close(write)
    with os.fdopen(read, "rb") as lines:
        yield from map(json.loads, lines)
    if any(os.waitpid(child, 0)[1] for child in children):
        raise RuntimeError("a share of the faults failed")


def _done(said: list[dict[str, object]]) -> list[int]:
    return sorted(int(str(one["done"])) for one in said if "done" in one)


def _copied(template: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    return Path(shutil.copytree(template, folder))


if __name__ == "__main__":
    _, template, folder, way, stride = sys.argv
    for found in run(
        Path(template), Path(folder), checkpointing=way == "checkpointing", stride=int(stride)
    ):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
