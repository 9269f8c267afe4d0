"""What agencies ask and are told stands in no file: questions, answers, batches, notices."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from juki_center.areas.agencies.batches import confirm_lines, open_batch
from juki_center.areas.agencies.commands import Confirm, ConfirmLines, OpenBatch, Watch
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.agencies.watch import next_notices
from juki_center.areas.ports import Tx
from juki_center.areas.residents.changes import Item, notice_of
from juki_center.areas.residents.records import ChangeInformation, ChangeReason
from juki_center.storage.sqlite import SQLiteStore
from tests.support import sample_texts
from tests.support.agencies import (
    FOUR,
    PASSPORT,
    PASSPORT_OFFICE,
    PENSION,
    PENSION_OFFICE,
    POLICY,
    attributes_of,
    authorise_usual,
    code_of,
    day,
    found,
    provision_rows,
)
from tests.support.byte_search import ByteSearch
from tests.support.center import NOW, SAMPLES

pytestmark = pytest.mark.embedded

BATCH = UUID("0a1b2c3d-0000-4000-8000-000000000002")
UNKNOWN_NAME = "東雲　鶴之助"
NEW_ADDRESS = "埼玉県所沢市緑町九丁目99番地99"


async def everybody_is_asked_for(store: SQLiteStore) -> None:
    """Ask for everybody by code and by attributes, and in a batch; then tell of a move."""
    for key in SAMPLES:
        for question in (code_of(key), attributes_of(key)):
            one = Confirm(PASSPORT_OFFICE, PASSPORT, question, FOUR, watch=True)
            await store.act(lambda tx, one=one: confirm(tx, one, NOW, POLICY))  # type: ignore[misc]  # bound now
    nobody = Confirm(
        PASSPORT_OFFICE, PASSPORT, attributes_of("takahashi-ichiro", name=UNKNOWN_NAME), FOUR
    )
    await store.act(lambda tx: confirm(tx, nobody, NOW, POLICY))
    lines = tuple(code_of(key) for key in SAMPLES)
    begin = OpenBatch(PENSION_OFFICE, BATCH, PENSION, len(lines), tuple(Item))
    await store.act(lambda tx: open_batch(tx, begin, NOW, POLICY))
    chunk = ConfirmLines(PENSION_OFFICE, BATCH, 1, lines)
    await store.act(lambda tx: confirm_lines(tx, chunk, NOW, POLICY))
    await store.act(move)
    watch = Watch(PASSPORT_OFFICE, PASSPORT)
    told = await store.act(lambda tx: next_notices(tx, watch, NOW, POLICY))
    assert len(told.notices) == 1


def move(tx: Tx) -> None:
    """Act: let a sample resident move within the city."""
    before = found(tx, "takahashi-ichiro")
    change = ChangeInformation(ChangeReason.MOVE_WITHIN, day("令和8年11月20日"), NOW)
    record = replace(before.record, address=NEW_ADDRESS)
    tx.residents.replace(replace(before, record=record, change=change))
    notice = notice_of(before, found(tx, "takahashi-ichiro"))
    assert notice is not None
    tx.changes.append(notice)


async def test_case_20_no_question_and_no_answer_lies_in_any_file_or_log(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await store.act(authorise_usual)
    search = ByteSearch(sample_texts.searched(UNKNOWN_NAME, NEW_ADDRESS))

    await everybody_is_asked_for(store)

    assert len(provision_rows(store)) > 2 * len(SAMPLES)
    files = {path: path.read_bytes() for path in Path(store.path).parent.iterdir()}
    assert {f"{store.path.name}", f"{store.path.name}-wal"} <= {path.name for path in files}
    hits = [search.hits(octets, path.name) for path, octets in files.items()]
    hits.append(search.hits(caplog.text.encode(), "logs"))
    assert set().union(*hits) == set()
