"""The two questions of IdentityConfirmationService over a real store and a real channel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest

from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from jukinet.residents.v1.residence_record_pb2 import Entries
from tests.support.agencies import provision_rows
from tests.support.agency_service import (
    FOUR_ITEMS,
    NEW_CODE,
    TOKOROZAWA,
    Bureau,
    add_namesake,
    attributes,
    by_attributes,
    by_code,
    change_code,
    refusal,
)
from tests.support.center import SAMPLES
from tests.support.center_edge import channel
from tests.support.leaves import leaves

if TYPE_CHECKING:
    pass

KEY = "takahashi-ichiro"
Outcome = pb.Confirmation


async def confirmed(bureau: Bureau, request: pb.ConfirmByCodeRequest, name: str) -> pb.Confirmation:
    async with bureau.stub(bureau.agency(name)) as stub:
        return (await stub.ConfirmByCode(request)).confirmation


async def searched(bureau: Bureau, asked: pb.Attributes) -> pb.Confirmation:
    async with bureau.stub() as stub:
        return (await stub.ConfirmByAttributes(by_attributes(asked))).confirmation


async def test_question_by_code_tells_the_four_attributes_and_is_logged(bureau: Bureau) -> None:
    """Case 37: the answer, and a row with date, recipient, affair, kind and items."""
    told = await confirmed(bureau, by_code(KEY), "passport-1")

    record, (row,) = SAMPLES[KEY].record, provision_rows(bureau.store)
    assert told.outcome == Outcome.OUTCOME_MATCH
    assert (told.information.name, told.information.sex) == (record.name, Entries.SEX_MALE)
    assert told.information.address == record.address
    assert told.information.date_of_birth.original_text == record.birth.original_text
    assert (told.information.date_of_birth.era, told.information.date_of_birth.year) == (
        CivilDate.ERA_SHOWA,
        22,
    )
    assert told.information.code == ""
    assert told.provision_id == str(row["id"])
    assert (row["agency"], row["affair"], row["kind"]) == ("passport-1", "passport", "BY_CODE")
    assert row["items"].split() == ["NAME", "DATE_OF_BIRTH", "SEX", "ADDRESS"]


async def test_leaf_of_a_question_names_the_id_that_the_agency_gave_it(bureau: Bureau) -> None:
    question_id = uuid4()
    request = by_code(KEY)
    request.question_id = str(question_id)

    await confirmed(bureau, request, "passport-1")

    assert leaves(bureau.store)[-1]["req"] == question_id.bytes


async def test_question_id_that_is_no_uuid_is_refused(bureau: Bureau) -> None:
    request = by_attributes(attributes(KEY))
    request.question_id = "1"

    async with bureau.stub() as stub:
        reason, metadata = await refusal(stub.ConfirmByAttributes(request))

    assert (reason, metadata) == ("FIELD_INVALID", {"field": "question_id", "rule": "UUID_V4"})


async def test_affair_that_the_law_does_not_name_is_refused_logged_and_in_the_end_an_alarm(
    bureau: Bureau,
) -> None:
    """Case 37: AFFAIR_NOT_AUTHORISED, and an alarm after ten of them."""
    async with bureau.stub() as stub:
        found = [
            await refusal(stub.ConfirmByCode(by_code(KEY, "parking-permits"))) for _ in range(9)
        ]
        before = bureau.alarm_text()
        found.append(await refusal(stub.ConfirmByCode(by_code(KEY, "parking-permits"))))

    assert {reason for reason, _ in found} == {"AFFAIR_NOT_AUTHORISED"}
    events = [leaf["ev"] for leaf in leaves(bureau.store)]
    assert events[-11:] == ["CONFIRMATION_REFUSED"] * 10 + ["AGENCY_ALARM"]
    assert before == ""
    alarm = json.loads(bureau.alarm_text())
    assert (alarm["alarm"], alarm["peer"]) == ("AGENCY_ALARM", "juki://agency/passport-1")
    exposed = bureau.metrics.exposition().decode()
    assert 'juki_agency_alarms_total{agency="juki://agency/passport-1"} 1.0' in exposed
    assert provision_rows(bureau.store) == []


async def test_other_agencys_affair_is_not_authorised(bureau: Bureau) -> None:
    async with bureau.stub() as stub:
        reason, _ = await refusal(stub.ConfirmByCode(by_code(KEY, "pension")))

    assert reason == "AFFAIR_NOT_AUTHORISED"


async def test_item_that_is_not_authorised_is_refused(bureau: Bureau) -> None:
    request = by_code(KEY, items=[pb.ITEM_NAME, pb.ITEM_RESIDENT_CODE])
    async with bureau.stub() as stub:
        reason, facts = await refusal(stub.ConfirmByCode(request))

    assert (reason, facts) == ("ITEM_NOT_PERMITTED", {"item": "RESIDENT_CODE"})


async def test_question_without_items_is_a_yes_and_nothing_more(bureau: Bureau) -> None:
    told = await confirmed(bureau, by_code(KEY, items=()), "passport-1")

    assert told.outcome == Outcome.OUTCOME_MATCH
    assert not told.HasField("information")


async def test_watched_person_has_a_reference_of_16_bytes(bureau: Bureau) -> None:
    told = [await confirmed(bureau, by_code(KEY, watch_changes=True), "passport-1") for _ in "12"]

    assert len(told[0].subject_reference) == 16
    assert told[0].subject_reference == told[1].subject_reference


async def test_former_code_does_not_lead_to_the_new_one_without_the_right_to_codes(
    bureau: Bureau,
) -> None:
    """Case 6: CODE_CHANGED, and nothing of the new code for the passport office."""
    await bureau.store.act(lambda tx: change_code(tx, KEY))

    told = await confirmed(bureau, by_code(KEY), "passport-1")

    assert told.outcome == Outcome.OUTCOME_CODE_CHANGED
    assert not told.HasField("information")
    assert NEW_CODE.digits.encode() not in told.SerializeToString()


async def test_former_code_leads_to_the_new_one_with_the_right_to_codes(bureau: Bureau) -> None:
    """Case 6: the pension office may have codes, and asked for them."""
    await bureau.store.act(lambda tx: change_code(tx, KEY))
    request = by_code(KEY, "pension", items=[pb.ITEM_RESIDENT_CODE, pb.ITEM_NAME])

    told = await confirmed(bureau, request, "pension-1")

    assert told.outcome == Outcome.OUTCOME_CODE_CHANGED
    assert told.information == pb.IdentityInformation(code=NEW_CODE.digits)


@pytest.mark.parametrize("address", ["", "所沢市緑町二丁目14番地5"])
async def test_search_without_address_or_prefecture_is_too_broad(
    bureau: Bureau, address: str
) -> None:
    """Case 38: QUERY_TOO_BROAD."""
    async with bureau.stub() as stub:
        request = by_attributes(attributes(KEY, address=address))
        found = await refusal(stub.ConfirmByAttributes(request))

    assert found == ("QUERY_TOO_BROAD", {})


@pytest.mark.parametrize(
    "where", [{"prefecture_code": "11"}, {"municipality_code": str(TOKOROZAWA)}]
)
async def test_two_persons_who_fit_are_counted_alone(bureau: Bureau, where: dict[str, str]) -> None:
    """Case 38: AMBIGUOUS(2), and no data."""
    there = "埼玉県所沢市並木一丁目1番地1"
    await bureau.store.act(lambda tx: add_namesake(tx, KEY, there))

    told = await searched(bureau, attributes(KEY, address="", **where))

    assert told == pb.Confirmation(outcome=Outcome.OUTCOME_AMBIGUOUS, count=2)


async def test_equal_bytes_are_a_match(bureau: Bureau) -> None:
    """Case 39: MATCH."""
    told = await searched(bureau, attributes(KEY))

    assert (told.outcome, list(told.varied)) == (Outcome.OUTCOME_MATCH, [])


@pytest.mark.parametrize(
    ("key", "name"), [(KEY, "高橋　一郎"), ("kamiya-jun", "\u795e谷　純")], ids=["高", "神"]
)
async def test_variant_of_the_name_is_told_as_one(bureau: Bureau, key: str, name: str) -> None:
    """Case 39: MATCH_WITH_VARIANT, and the registered name byte for byte."""
    told = await searched(bureau, attributes(key, name=name))

    assert (told.outcome, list(told.varied)) == (
        Outcome.OUTCOME_MATCH_WITH_VARIANT,
        [pb.ITEM_NAME],
    )
    assert told.information.name == SAMPLES[key].record.name != name


async def test_foreign_resident_is_found_by_alias(bureau: Bureau) -> None:
    """Case 48: alias, Gregorian birth date and address."""
    asked = pb.Attributes(
        name="田中　小明",
        date_of_birth=CivilDate(
            calendar=CivilDate.CALENDAR_GREGORIAN,
            year=1975,
            month=10,
            day=1,
            precision=CivilDate.PRECISION_DAY,
        ),
        address="東京都世田谷区三軒茶屋二丁目41番8号",
    )

    told = await searched(bureau, asked)

    assert told.outcome == Outcome.OUTCOME_MATCH
    assert (told.information.name, told.information.alias) == ("WANG　XIAOMING", "田中　小明")
    assert told.information.date_of_birth.calendar == CivilDate.CALENDAR_GREGORIAN


async def test_residence_that_is_cut_off_is_never_nobody(bureau: Bureau) -> None:
    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))
    async with bureau.stub() as stub:
        reasons = [
            (await refusal(call))[0]
            for call in (
                stub.ConfirmByCode(by_code(KEY)),
                stub.ConfirmByAttributes(by_attributes(attributes(KEY))),
            )
        ]

    assert reasons == ["RESIDENCE_DISCONNECTED"] * 2


@pytest.mark.parametrize("role", ["terminal", "desk", "operator"])
async def test_nobody_but_an_agency_may_ask(bureau: Bureau, role: str) -> None:
    before = len(leaves(bureau.store))
    async with bureau.stub(bureau.strangers()[role]) as stub:
        batch, watch = stub.ConfirmBatch(iter(())), stub.WatchChanges(pb.WatchChangesRequest())
        calls = (
            stub.ConfirmByCode(by_code(KEY)),
            stub.ConfirmByAttributes(by_attributes(attributes(KEY))),
            anext(aiter(batch)),
            anext(aiter(watch)),
        )
        reasons = {(await refusal(call))[0] for call in calls}

    assert reasons == {"ROLE_NOT_ALLOWED"}
    assert len(leaves(bureau.store)) == before


async def test_without_a_certificate_there_is_no_handshake(bureau: Bureau) -> None:
    async with channel(bureau.edge, bureau.pki, None) as opened:
        ask = opened.unary_unary(
            "/jukinet.agencies.v1.IdentityConfirmationService/ConfirmByCode",
            request_serializer=pb.ConfirmByCodeRequest.SerializeToString,
            response_deserializer=pb.ConfirmByCodeResponse.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(by_code(KEY))

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"affair": ""}, ("affair", "REQUIRED")),
        ({"affair": "Passport!"}, ("affair", "AFFAIR_CODE")),
        ({"code": ""}, ("code", "ELEVEN_DIGITS")),
        ({"code": "１２３４５６７８９０３"}, ("code", "ELEVEN_DIGITS")),
        ({"code": " 12345678903"}, ("code", "ELEVEN_DIGITS")),
        ({"code": "00000000000"}, ("code", "ALL_ZERO")),
        ({"code": "25208017644"}, ("code", "INVALID_CHECK_DIGIT")),
        ({"items": [pb.ITEM_NAME, pb.ITEM_NAME]}, ("items", "EACH_AT_MOST_ONCE")),
        ({"items": [0]}, ("items", "REQUIRED")),
        ({"items": [99]}, ("items", "UNKNOWN_VALUE")),
    ],
)
async def test_field_that_breaks_its_rule_is_named_and_not_repeated(
    bureau: Bureau, change: dict[str, object], facts: tuple[str, str]
) -> None:
    before = len(leaves(bureau.store))
    async with bureau.stub() as stub:
        reason, metadata = await refusal(stub.ConfirmByCode(by_code(KEY, **change)))

    assert reason == "FIELD_INVALID"
    assert metadata == {"field": facts[0], "rule": facts[1]}
    assert len(leaves(bureau.store)) == before


async def test_access_log_holds_nothing_of_the_person(bureau: Bureau) -> None:
    await confirmed(bureau, by_code(KEY, items=FOUR_ITEMS), "passport-1")

    text = bureau.edge.log_text()
    record = SAMPLES[KEY].record
    assert "ConfirmByCode" in text
    assert not any(one in text for one in (record.name, record.code.digits, record.address))
