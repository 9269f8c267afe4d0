"""Protos are compared with the right commit, and a break is found."""

from __future__ import annotations

from pathlib import Path
from subprocess import run

import pytest

from tools.checks import breaking

MESSAGE = 'syntax = "proto3";\npackage a.v1;\nmessage M {\n  int32 number = 1;\n}\n'
BUF = "version: v2\nbreaking:\n  use: [WIRE_JSON]\n"


class Clone:
    """A repository in a folder, with protos in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "protos" / "a" / "v1").mkdir(parents=True)
        (root / "protos" / "buf.yaml").write_text(BUF)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git as nobody in particular."""
        identity = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
        ran = run(
            ["git", *identity, *arguments],
            cwd=self.root, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return ran.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit a proto with this text; return the commit's name."""
        (self.root / "protos" / "a" / "v1" / "m.proto").write_text(message)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return an empty repository."""
    return Clone(tmp_path / "clone")


def compare(clone: Clone, tmp_path: Path) -> list[str]:
    """Return what breaks since the baseline."""
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    assert breaking.unpack(clone.root, breaking.baseline(clone.root), earlier)
    return breaking.findings(clone.root, earlier)


def test_first_commit_has_no_baseline(clone: Clone) -> None:
    clone.commit(MESSAGE)

    assert breaking.baseline(clone.root) == ""


def test_main_is_compared_with_the_commit_before(clone: Clone) -> None:
    first = clone.commit(MESSAGE)
    clone.commit(MESSAGE)

    assert breaking.baseline(clone.root) == first


def test_branch_is_compared_with_where_it_left_main(clone: Clone) -> None:
    fork = clone.commit(MESSAGE)
    clone.git("switch", "--quiet", "--create", "topic")
    clone.commit(MESSAGE)
    clone.commit(MESSAGE)

    assert breaking.baseline(clone.root) == fork


def test_release_is_the_baseline_of_all_that_follows(clone: Clone) -> None:
    released = clone.commit(MESSAGE)
    clone.git("tag", "v0.1.0")
    clone.commit(MESSAGE)
    clone.commit(MESSAGE)

    assert breaking.baseline(clone.root) == released


def test_shallow_clone_has_no_baseline(clone: Clone, tmp_path: Path) -> None:
    clone.commit(MESSAGE)
    clone.commit(MESSAGE)
    run(
        ["git", "clone", "--quiet", "--depth", "1", clone.root.as_uri(), tmp_path / "shallow"],
        check=True,
    )

    assert breaking.baseline(tmp_path / "shallow") == ""


def test_commit_without_protos_is_no_baseline(clone: Clone, tmp_path: Path) -> None:
    clone.git("commit", "--quiet", "--allow-empty", "--message", "x")
    empty = clone.git("rev-parse", "HEAD")

    assert not breaking.unpack(clone.root, empty, tmp_path)


def test_added_field_breaks_nothing(clone: Clone, tmp_path: Path) -> None:
    clone.commit(MESSAGE)
    clone.commit(MESSAGE.replace("}", "  string text = 2;\n}"))

    assert compare(clone, tmp_path) == []


def test_changed_type_is_found(clone: Clone, tmp_path: Path) -> None:
    clone.commit(MESSAGE)
    clone.commit(MESSAGE.replace("int32", "string"))

    assert any("number" in line for line in compare(clone, tmp_path))
