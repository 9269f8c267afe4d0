"""An import against kill -9: it goes on behind the last line that counts, as if undisturbed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from juki_center.areas.residents.imports import Import, ImportMode
from tests.support.center import open_test_store
from tests.support.register_files import everybody, findings, import_into, people, text_of

pytestmark = pytest.mark.embedded

COUNT = 800
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with everything in it: good lines, a broken one, one too early, a second."""
    lines = people(COUNT)
    early = lines[400] | {
        "version": "2",
        "address": "埼玉県所沢市並木1番地",
        "reason": "MOVE_WITHIN",
        "change_date": "令和8年5月1日",
    }
    found = tmp_path_factory.mktemp("files") / "register.csv"
    mixed = [*lines[:150], "x", early, *lines[150:], early, lines[0]]
    found.write_text(text_of(mixed), encoding="utf-8", newline="")
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose store is empty; every copy of it has the same keys."""
    folder = tmp_path_factory.mktemp("empty")
    open_test_store(folder).close()
    return folder


@pytest.fixture(scope="module")
def quiet(
    tmp_path_factory: pytest.TempPathFactory, undisturbed: Path, file: Path
) -> tuple[Path, Import]:
    """Return a folder into which the file was imported at one go, and that import."""
    folder = Path(shutil.copytree(undisturbed, tmp_path_factory.mktemp("quiet") / "center"))
    return folder, import_into(folder, file)


def run_and_kill(folder: Path, file: Path, mode: ImportMode, commits: int) -> list[str]:
    """Import in a process of its own, kill it after so many commits; return what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal_import", str(folder), str(file), mode],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=ROOT,
    ) as program:
        assert program.stdout is not None
        said = [program.stdout.readline() for _ in range(commits)]
        program.kill()
        said += program.stdout.readlines()
    return [line.strip() for line in said if line.endswith("\n")]


@pytest.mark.slow
@pytest.mark.parametrize("commits", [1, 2, 9, 25, 40])
def test_a_killed_import_goes_on_and_ends_like_an_undisturbed_one(
    tmp_path: Path, undisturbed: Path, quiet: tuple[Path, Import], file: Path, commits: int
) -> None:
    folder, wanted = quiet
    killed = Path(shutil.copytree(undisturbed, tmp_path / "killed"))

    said = run_and_kill(killed, file, ImportMode.LINES, commits)
    store = open_test_store(killed)
    (begun,) = store.read(lambda tx: tx.imports.newest(9))
    done = import_into(killed, file)

    assert "done" not in said
    assert begun.line >= int(said[-1])
    assert done.import_id == begun.import_id
    assert done.totals == wanted.totals
    assert (done.totals.applied, done.totals.freed, done.totals.lines) == (COUNT, 1, COUNT + 4)
    other = open_test_store(folder)
    assert findings(store, done) == findings(other, wanted)
    assert everybody(store) == everybody(other)
    store.close()
    other.close()


@pytest.mark.slow
@pytest.mark.parametrize("commits", [1, 20, 41])
def test_a_killed_import_as_a_whole_has_applied_nothing(
    tmp_path: Path, undisturbed: Path, commits: int
) -> None:
    folder = Path(shutil.copytree(undisturbed, tmp_path / "killed"))
    file = tmp_path / "good.csv"
    file.write_text(text_of(people(COUNT)), encoding="utf-8", newline="")

    run_and_kill(folder, file, ImportMode.FILE, commits)

    store = open_test_store(folder)
    newest = store.read(lambda tx: tx.imports.newest(9))
    # At the last of these moments the commit itself may be through or not; nothing is in between.
    assert len(everybody(store)) == (COUNT if newest else 0)
    again = import_into(folder, file, ImportMode.FILE)
    assert again.totals.applied + again.totals.duplicate == COUNT
    assert len(everybody(store)) == COUNT
    store.close()
