"""The access log: whole lines in blocks, and defects without their text."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from juki_center.rpc.access_log import AccessLog, Entry, Incident

AT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
ENTRY = Entry(AT, "/x.Y/Z", "juki://operator/a", "OK", "", 1.5)


async def test_lines_wait_for_their_block() -> None:
    blocks: list[bytes] = []
    log = AccessLog(blocks.append)

    for _ in range(127):
        log.record(ENTRY)
    assert blocks == []
    log.record(ENTRY)

    (block,) = blocks
    assert len(block.splitlines()) == 128


async def test_flush_writes_what_is_left_once() -> None:
    blocks: list[bytes] = []
    log = AccessLog(blocks.append)
    log.record(ENTRY)

    log.flush()
    log.flush()

    (block,) = blocks
    assert orjson.loads(block) == {
        "at": "2026-11-23T01:02:03+00:00",
        "method": "/x.Y/Z",
        "peer": "juki://operator/a",
        "code": "OK",
        "reason": "",
        "milliseconds": 1.5,
    }


def test_incident_has_kind_and_place_of_the_exception_and_not_its_text() -> None:
    with pytest.raises(ValueError, match="𠮷田") as raised:
        int("𠮷田　太郎")

    incident = Incident.of(raised.value, at=AT, incident="0123", method="/x.Y/Z")

    found = orjson.loads(incident.line())
    assert found["exception"] == "ValueError"
    assert found["where"][0].startswith("test_access_log.py:")
    assert "𠮷田".encode() not in incident.line()
