"""The judge of data at rest finds what was planted, in every form and at every place."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import layers
from tests.support.byte_search import ByteSearch, Hit, long_rows
from tests.support.layers import inflated
from tests.support.planting import PLANTED

CANARY = "佐藤\u3000花子"
CODE = "24727059608"
NOISE = hashlib.shake_256(b"sealed").digest(40_000)
SEARCH = ByteSearch([CANARY, CODE, "埼玉県所沢市並木一丁目1番地", "𠮷田"])


def raw_deflate(octets: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(octets) + stream.flush()


ESCAPED = {
    "python": lambda text: repr(text.encode()).encode(),
    "url": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()).encode(),
    "protobuf": lambda text: ("name: " + "".join(f"\\{o:03o}" for o in text.encode())).encode(),
    "json beyond the first plane": lambda text: json.dumps("𠮷田" + text).encode(),
}


@pytest.mark.parametrize("form", PLANTED)
@pytest.mark.parametrize("shift", range(4))
def test_each_form_is_found_at_each_place_among_sealed_octets(form: str, shift: int) -> None:
    haystack = NOISE[: 20_000 + shift] + b"\x00" + PLANTED[form](CANARY) + b"\x00" + NOISE[20_000:]

    assert Hit(CANARY, form) in SEARCH.hits(haystack)


@pytest.mark.parametrize("form", ESCAPED)
def test_what_a_log_escapes_is_found(form: str) -> None:
    found = SEARCH.hits(NOISE + ESCAPED[form](CANARY))

    assert Hit(CANARY, "utf-8 in escapes") in found


@pytest.mark.parametrize("shift", range(8))
@pytest.mark.parametrize("text", ["直美", "佐藤", CODE, CANARY])
def test_a_text_of_any_length_is_found_at_any_place(text: str, shift: int) -> None:
    found = ByteSearch([text]).hits(NOISE[:shift] + text.encode())

    assert found == {Hit(text, "utf-8")}


def test_a_raw_stream_is_found_at_the_head_of_what_is_searched() -> None:
    assert Hit(CANARY, "utf-8 in zlib") in SEARCH.hits(NOISE[:5_000] + raw_deflate(CANARY.encode()))


def test_nothing_is_found_where_nothing_is() -> None:
    nearly = "佐藤\u3000花代 24727059609 埼玉県所沢市並木一丁目2番地".encode()

    assert SEARCH.hits(NOISE + nearly + zlib.compress(nearly) + base64.b64encode(nearly)) == set()


def test_a_stream_that_breaks_off_is_searched_as_far_as_it_goes() -> None:
    whole = zlib.compress(CANARY.encode() + NOISE)
    damaged = whole[:20_000] + bytes(9) + whole[20_009:]

    assert inflated(damaged, zlib.MAX_WBITS).startswith(CANARY.encode())
    assert Hit(CANARY, "utf-8 in zlib") in SEARCH.hits(whole[:300])


def test_a_stream_made_to_burst_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "STREAM_LIMIT", 1 << 20)

    assert len(inflated(zlib.compress(bytes(8 << 20)), zlib.MAX_WBITS)) == 1 << 20


def test_what_bursts_all_bounds_is_told_and_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layers, "TOTAL_LIMIT", 1 << 20)

    with pytest.raises(ValueError, match="octets come out"):
        SEARCH.hits(zlib.compress(bytes(2 << 20)))


def test_the_main_file_the_write_ahead_log_and_every_other_file_are_searched(
    tmp_path: Path,
) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary" / "etilqs_1").write_bytes(NOISE + CANARY.encode("euc_jp"))
    (tmp_path / "access.log").write_bytes(json.dumps({"code": CODE}).encode())
    with closing(sqlite3.connect(tmp_path / "center.sqlite", isolation_level=None)) as sql:
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("CREATE TABLE t (sealed BLOB)")
        sql.execute("INSERT INTO t VALUES (?)", (CANARY.encode("shift_jis"),))
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sql.execute("INSERT INTO t VALUES (?)", (CANARY.encode("utf-16-le"),))

        found, searched = SEARCH.hits_in([tmp_path])

    assert searched > len(NOISE)
    where = {(Path(hit.place).name, hit.form, hit.text) for hit in found}
    assert where >= {
        ("center.sqlite", "shift_jis", CANARY),
        ("center.sqlite-wal", "utf-16-le", CANARY),
        ("etilqs_1", "euc_jp", CANARY),
        ("access.log", "utf-8", CODE),
    }


def test_a_row_that_is_spread_over_pages_is_searched_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    stream = zlib.compress(NOISE.hex().encode() + CANARY.encode())
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("CREATE TABLE t (sealed BLOB)")
        sql.execute("INSERT INTO t VALUES (?)", (stream,))

    found, _ = SEARCH.hits_in([tmp_path])

    assert stream in long_rows(path)
    assert found == {Hit(CANARY, "utf-8 in zlib", f"{path}, long rows")}


def test_a_raw_stream_in_a_value_is_found_wherever_the_value_lies(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("CREATE TABLE t (sealed BLOB)")
        values = [NOISE[place : place + 400] for place in range(0, len(NOISE), 400)]
        sql.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
        sql.execute("INSERT INTO t VALUES (?)", (raw_deflate(CANARY.encode("euc_jp")),))

    found, _ = SEARCH.hits_in([tmp_path])

    assert Hit(CANARY, "euc_jp", f"{path}, inflated values") in found
