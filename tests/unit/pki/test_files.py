"""Keys are written once with mode 0600; public files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from juki_pki.errors import AlreadyExists, KeyExposed, Missing
from juki_pki.files import exclusive, new_folder, read_key, write_key, write_public


def test_key_written_under_a_loose_umask_is_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_key(tmp_path / "key.pem", b"secret")
    finally:
        os.umask(before)

    assert (tmp_path / "key.pem").stat().st_mode & 0o7777 == 0o600


def test_key_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"first")

    with pytest.raises(AlreadyExists, match=r"key\.pem"):
        write_key(tmp_path / "key.pem", b"second")

    assert (tmp_path / "key.pem").read_bytes() == b"first"


def test_key_path_that_is_a_dangling_link_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AlreadyExists):
        write_key(tmp_path / "key.pem", b"secret")

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o644, 0o666])
def test_key_that_others_can_reach_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    write_key(path, b"secret")
    path.chmod(mode)

    with pytest.raises(KeyExposed) as refused:
        read_key(path)

    assert refused.value.mode == mode


def test_key_not_there_reported_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        read_key(tmp_path / "key.pem")


def test_public_file_replaced_leaves_no_other_file(tmp_path: Path) -> None:
    write_public(tmp_path / "a.pem", b"first")
    write_public(tmp_path / "a.pem", b"second")

    assert (tmp_path / "a.pem").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pem"]


def test_folder_whose_filling_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), new_folder(tmp_path / "x") as folder:
        folder.read_bytes()

    assert list(tmp_path.iterdir()) == []


def test_empty_folder_taken_over(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()

    with new_folder(tmp_path / "x") as folder:
        write_public(folder / "a", b"a")

    assert (tmp_path / "x" / "a").read_bytes() == b"a"


def test_folder_with_content_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "kept").write_bytes(b"kept")

    with pytest.raises(AlreadyExists), new_folder(tmp_path / "x"):
        pytest.fail("the body must not run")

    assert [path.name for path in tmp_path.rglob("*")] == ["x", "kept"]


def test_folder_filled_by_another_in_the_meantime_kept(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "key.pem").write_bytes(b"theirs")

    with pytest.raises(AlreadyExists), new_folder(tmp_path / "x"):
        theirs.rename(tmp_path / "x")

    assert (tmp_path / "x" / "key.pem").read_bytes() == b"theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_place_taken_by_something_else_refused(tmp_path: Path, kind: str) -> None:
    if kind == "file":
        (tmp_path / "x").write_bytes(b"x")
    else:
        (tmp_path / "x").symlink_to(tmp_path / "nowhere")

    with pytest.raises(AlreadyExists), new_folder(tmp_path / "x"):
        pytest.fail("the body must not run")


def test_lock_on_a_folder_not_there_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing), exclusive(tmp_path / "nowhere"):
        pytest.fail("the body must not run")
