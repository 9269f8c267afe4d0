"""The search for short numbers and pictures sees them, and takes nothing else for them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.support.photos import jpeg
from tests.support.secret_search import SecretSearch

NUMBER = "310452"
PHOTO = jpeg()
SEARCH = SecretSearch([NUMBER, "48213"], [PHOTO])


@pytest.mark.parametrize(
    "octets",
    [
        b"310452",
        b'{"can":"310452"}',
        b"x48213\x00",
        "番号 310452".encode("utf-16-le"),
        "48213。".encode("utf-16-be"),
    ],
)
def test_number_that_stands_alone_is_found(octets: bytes) -> None:
    assert SEARCH.hits(octets) == {"number"}


@pytest.mark.parametrize("octets", [b"3104521", b"9310452", b"12:04:05.310452", b"31045", b""])
def test_number_within_another_one_is_chance(octets: bytes) -> None:
    assert SEARCH.hits(octets) == set()


@pytest.mark.parametrize(
    "octets",
    [
        PHOTO,
        b"BLOB" + PHOTO[20:-20] + b"END",
        PHOTO.hex().encode(),
        base64.b64encode(PHOTO),
        base64.b64encode(b"a" + PHOTO),
        base64.b64encode(b"ab" + PHOTO),
    ],
)
def test_picture_is_found_without_its_metadata_and_encoded(octets: bytes) -> None:
    assert SEARCH.hits(octets) == {"picture"}


def test_files_below_a_folder_are_searched(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"can 310452\n")

    found, searched = SEARCH.hits_in([tmp_path])

    assert found == {("number", "log")}
    assert searched == 11
