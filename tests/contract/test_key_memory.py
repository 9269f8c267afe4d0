"""A municipality's key is in the memory of a process while its register is open, and then nowhere.

The process is a real one, searched from outside; that the key is found before shows that the search
finds what is there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_center.storage.keys import KEY_OCTETS, KeyEncryptionKey, SealKey, create_kek
from tests.support.memory_search import copies, data_key

pytestmark = pytest.mark.embedded

_TOKOROZAWA, _CHIYODA = "112089", "131016"
# Both connections open the register, the writer's and the reader's; then one act closes it.
_PROGRAM = """
import asyncio, sys
from pathlib import Path
from juki_center.areas.residents.codes import MunicipalityCode
from tests.support.center import SAMPLES, open_test_store

def opened(tx):
    for key in ("yoshida-taro", sys.argv[3]):
        tx.residents.resident(tx.residents.by_code(SAMPLES[key].record.code).person)

async def main():
    store = open_test_store(Path(sys.argv[1]))
    code = MunicipalityCode(sys.argv[2])
    await store.act(opened)
    store.read(opened)
    print("open", flush=True)
    for line in sys.stdin:
        if line.strip() == "close":
            await store.act(lambda tx: tx.registers.set_connected(code, connected=False))
        store.forget_closed_keys()
        await store.act(lambda tx: None)
        print("done", flush=True)

asyncio.run(main())
"""


class Holder:
    """A process that holds a store open; `tell` returns when it has done what it was told."""

    def __init__(self, folder: Path, municipality: str, other: str) -> None:
        arguments = [sys.executable, "-c", _PROGRAM, str(folder), municipality, other]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self._await()

    def tell(self, what: str) -> None:
        """Say something to it, and wait."""
        assert self._process.stdin
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        self._await()

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _await(self) -> None:
        assert self._process.stdout
        assert self._process.stdout.readline(), "the process has died"


@pytest.fixture
def keys(folder: Path) -> dict[str, bytes]:
    """Return the raw keys of two municipalities."""
    return {
        one: data_key(folder / "center.db", folder / "kek", one) for one in (_TOKOROZAWA, _CHIYODA)
    }


@pytest.fixture
def holder(folder: Path) -> Iterator[Holder]:
    """Give a process that has opened both registers."""
    process = Holder(folder, _TOKOROZAWA, "yamazaki-ken")
    yield process
    process.end()


def test_a_key_leaves_the_memory_of_a_process_and_others_stay(
    holder: Holder, keys: dict[str, bytes]
) -> None:
    before = copies(holder.pid, keys[_TOKOROZAWA])

    holder.tell("close")

    after = copies(holder.pid, keys[_TOKOROZAWA])
    print(f"copies of the key in memory: before={before} after={after}")
    assert before >= 1, "the search finds no key where one is in use"
    assert after == 0
    assert copies(holder.pid, keys[_CHIYODA]) >= 1


def test_no_half_of_a_key_is_left_either(holder: Holder, keys: dict[str, bytes]) -> None:
    half = KEY_OCTETS // 2

    holder.tell("close")

    key = keys[_TOKOROZAWA]
    assert [copies(holder.pid, part) for part in (key[:half], key[half:])] == [0, 0]


def test_a_key_that_another_process_has_closed_is_forgotten_too(
    holder: Holder, keys: dict[str, bytes], folder: Path
) -> None:
    other = Holder(folder, _TOKOROZAWA, "yamazaki-ken")
    try:
        other.tell("close")
    finally:
        other.end()
    before = copies(holder.pid, keys[_TOKOROZAWA])

    holder.tell("look")

    assert before >= 1
    assert copies(holder.pid, keys[_TOKOROZAWA]) == 0


def test_a_key_that_was_only_unwrapped_leaves_no_copy_behind(tmp_path: Path) -> None:
    create_kek(tmp_path / "kek")
    kek = KeyEncryptionKey.load(tmp_path / "kek")
    seen: list[bytearray] = []

    def kind(buffer: bytearray) -> SealKey:
        assert any(buffer)
        seen.append(buffer)
        return SealKey(buffer)

    opened = kek.opened(kek.new_key("a"), "a", kind)

    assert opened.open(opened.seal(b"x", "b"), "b") == b"x"
    assert seen == [bytearray(KEY_OCTETS)]
