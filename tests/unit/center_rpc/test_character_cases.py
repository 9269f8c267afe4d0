"""The domain's character cases at the wire: names octet for octet, refusals by code point."""

from __future__ import annotations

from uuid import uuid4

import grpc
import pytest

from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.center import TOKOROZAWA as WINDOW
from tests.support.register_answers import persons, refused
from tests.support.register_service import (
    CLERK,
    TOKOROZAWA,
    Office,
    ask,
    birth,
    correction,
    foreigner,
    hello,
    refusal,
    rows,
    showa,
    update_row,
)

MAKOTO = "tsuji-makoto"
KEN = "yamazaki-ken"

NAMES = {
    "𠮷田": "𠮷田　次郎",
    "山﨑": "山﨑　次郎",
    "神谷 with U+FA19": "神谷　次郎",
    "葛󠄀城": "葛󠄀城　次郎",
    "䶒藤󠄃 太朗󠄅": "䶒藤󠄃　太朗󠄅",
    "渡𮞽": "渡𮞽　次郎",
}

BAD_NAMES = {
    "U+202E": ("山田\u202e太郎", "INVISIBLE_CHARACTER U+202E"),
    "U+200D": ("山\u200d田", "INVISIBLE_CHARACTER U+200D"),
    "NUL": ("山田\x00太郎", "CONTROL_CHARACTER U+0000"),
    "private use": ("山\ue000田", "PRIVATE_USE U+E000"),
    "compatibility symbol": ("㈱山田", "NO_NAME_CHARACTER U+3231"),
    "Hangul": ("관　太郎", "HANGUL U+AD00"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_case_45_name_is_the_same_octets_in_register_and_on_paper(
    office: Office, name: str
) -> None:
    """Case 45: stored by a birth and a correction, read, relayed and on the signed paper."""
    session = await office.center.session(KEN, WINDOW)
    async with office.stub() as stub, office.copies(office.terminal(TOKOROZAWA)) as copies:
        born = await stub.RegisterBirth(birth(KEN, name=name))
        own = (await stub.GetRecord(ask(KEN))).record
        await stub.CorrectRecord(correction(own, name=name))
        read = await stub.GetRecord(ask(KEN))
        child = await stub.GetRecord(pb.GetRecordRequest(code=born.record.code, clerk_name=CLERK))
        issued = await copies.IssueCopy(
            copies_pb.IssueCopyRequest(
                request_id=str(uuid4()),
                card_session_id=session.session_id,
                scope=copies_pb.IssueCopyRequest.SCOPE_HOUSEHOLD,
            )
        )

    octets = name.encode()
    on_paper = [person["name"].encode() for person in persons(issued.signed_content)]
    assert read.record.entries.name.encode() == octets
    assert child.record.entries.name.encode() == octets
    assert on_paper == [octets, octets]


@pytest.mark.parametrize("bad", BAD_NAMES)
async def test_case_46_character_is_refused_by_field_and_code_point(
    office: Office, bad: str
) -> None:
    """Case 46: the answer names field and code point, and does not echo the text."""
    name, rule = BAD_NAMES[bad]
    async with office.stub() as stub:
        answer = await refused(stub, "RegisterBirth", birth(name=name))

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert answer.facts == {"field": "entries.name", "rule": rule}
    assert "山田" not in answer.everything
    assert "太郎" not in answer.everything
    assert rule not in office.edge.log_text()


async def test_case_46_lone_surrogate_does_not_pass_the_message(office: Office) -> None:
    """Case 46: octets that are no UTF-8 are no text of a message at all."""
    request = birth(name="山田").SerializeToString()
    spoiled = request.replace("山田".encode(), b"\xed\xa1\x82" + "田".encode())
    assert spoiled != request
    async with office.raw("RegisterBirth") as call:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(spoiled)

    answer = refusal(raised.value)
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert answer.facts == {"field": "request", "rule": "PROTOBUF"}


async def test_case_47_kana_with_a_separate_mark_is_stored_composed(office: Office) -> None:
    """Case 47: か and U+3099 become one character."""
    async with office.stub() as stub:
        born = await stub.RegisterBirth(birth(name_kana="か\u3099く　コハル"))

    assert born.record.entries.name_kana == "がく　コハル"


async def test_case_47_half_width_kana_is_no_name(office: Office) -> None:
    """Case 47: ｶﾞ in a name is refused by its code point."""
    async with office.stub() as stub:
        answer = await refused(stub, "RegisterBirth", birth(name="ｶﾞ　太郎"))

    assert answer.facts == {"field": "entries.name", "rule": "HALF_WIDTH_KANA U+FF76"}


async def test_case_48_foreign_resident_keeps_each_form_of_the_name(office: Office) -> None:
    """Case 48: Latin name, kanji name and alias are three entries, given back as they came."""
    row = update_row("01234567892", entries=foreigner())
    async with office.stub() as stub:
        stream = stub.ImportRecords()
        await stream.write(hello())
        await stream.read()
        await stream.write(rows(row))
        await stream.read()
        await stream.done_writing()
        found = await stub.GetRecord(pb.GetRecordRequest(code="01234567892", clerk_name=CLERK))

    entries = found.record.entries
    assert entries.name == "NGUYỄN　THỊ　HÀ"
    assert (entries.kanji_name, entries.alias) == ("阮　氏河", "田中　はな")
    assert entries.date_of_birth == foreigner().date_of_birth


async def test_case_48_era_form_of_a_foreigners_birth_date_is_refused(office: Office) -> None:
    """Case 48: foreign residents' birth dates are Gregorian."""
    row = update_row("01234567892", entries=foreigner(date_of_birth=showa(60, 5, 6)))
    async with office.stub() as stub:
        record = (await stub.GetRecord(ask(MAKOTO))).record
        corrected = await refused(
            stub,
            "CorrectRecord",
            correction(record, foreigner(date_of_birth=showa(60, 5, 6))),
        )
        stream = stub.ImportRecords()
        await stream.write(hello())
        await stream.read()
        await stream.write(rows(row))
        imported = (await stream.read()).results.results[0]
        await stream.done_writing()

    assert corrected.facts["field"] == "entries.date_of_birth"
    assert corrected.facts["rule"] == imported.rule == "BIRTH_DATE_NOT_GREGORIAN"
    assert imported.outcome == pb.RowResult.OUTCOME_REFUSED
    assert imported.field == "entries.date_of_birth"
