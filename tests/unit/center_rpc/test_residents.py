"""The calls of ResidentService over a real store and a real channel: what each does and refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from juki_center.areas.ports import Tx
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from jukinet.residents.v1 import resident_service_pb2_grpc as pb_grpc
from tests.support.leaves import leaves
from tests.support.register_service import (
    CHIYODA,
    CLERK,
    STOCK,
    TOKOROZAWA,
    Office,
    Refused,
    ask,
    birth,
    code_of,
    correction,
    death,
    new_code,
    refusal,
    reiwa,
)

MAKOTO = "tsuji-makoto"
MISAKI = "tsuji-misaki"
HARUTO = "tsuji-haruto"


async def refused(call: grpc.aio.UnaryUnaryCall) -> Refused:  # type: ignore[type-arg]  # any call
    """Await a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return refusal(raised.value)


def deletion(key: str = MISAKI, version: int = 1) -> pb.DeleteRecordRequest:
    return pb.DeleteRecordRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        code=code_of(key),
        expected_version=version,
        change_date=reiwa(8, 11, 20),
    )


def cancellation(key: str = MISAKI, version: int = 2) -> pb.CancelEntryRequest:
    return pb.CancelEntryRequest(
        request_id=str(uuid4()), clerk_name=CLERK, code=code_of(key), cancelled_version=version
    )


def household_change(**target: object) -> pb.ChangeHouseholdRequest:
    request = pb.ChangeHouseholdRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        change_date=reiwa(8, 11, 20),
        **target,  # type: ignore[arg-type]  # named per test
    )
    request.members.add(
        code=code_of(HARUTO), expected_version=1, relationship_to_householder="世帯主"
    )
    return request


def protection(version: int = 1, **step: object) -> pb.SetProtectiveMeasureRequest:
    return pb.SetProtectiveMeasureRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        code=code_of(MAKOTO),
        expected_version=version,
        **step,  # type: ignore[arg-type]  # named per test
    )


BEGIN = pb.SetProtectiveMeasureRequest.Begin
END = pb.SetProtectiveMeasureRequest.End


async def test_record_is_read_with_every_entry_and_the_look_is_logged(office: Office) -> None:
    async with office.stub() as stub:
        answer = await stub.GetRecord(ask(MAKOTO))

    record = answer.record
    assert (record.code, record.municipality_code) == (code_of(MAKOTO), "131016")
    assert (record.state, record.version) == (records.ResidenceRecord.STATE_ACTIVE, 1)
    assert record.entries.name == "辻󠄁　誠"
    assert record.entries.relationship_to_householder == "世帯主"
    assert not record.HasField("change")
    assert not record.HasField("protective_measure")
    assert leaves(office.center.store)[-1]["ev"] == "RECORD_READ"


async def test_history_is_read_newest_first_and_only_if_asked_for(office: Office) -> None:
    async with office.stub() as stub:
        record = (await stub.GetRecord(ask(MAKOTO))).record
        for building in ("一号室", "二号室"):
            changed = await stub.CorrectRecord(correction(record, building_and_room=building))
            record = changed.record
        plain = await stub.GetRecord(ask(MAKOTO))
        full = await stub.GetRecord(ask(MAKOTO, with_history=True))

    assert not plain.earlier_versions
    assert [one.version for one in (full.record, *full.earlier_versions)] == [3, 2, 1]
    assert full.earlier_versions[0].entries.building_and_room == "一号室"


async def test_household_comes_in_the_order_of_its_paper(office: Office) -> None:
    async with office.stub() as stub:
        answer = await stub.ListHousehold(
            pb.ListHouseholdRequest(code=code_of(HARUTO), clerk_name=CLERK)
        )

    relationships = [one.entries.relationship_to_householder for one in answer.records]
    assert relationships == ["世帯主", "妻", "子"]


async def test_deleted_members_are_listed_only_if_asked_for(office: Office) -> None:
    wanted = pb.ListHouseholdRequest(code=code_of(MAKOTO), clerk_name=CLERK)
    async with office.stub() as stub:
        await stub.RegisterDeath(death(MISAKI))
        living = await stub.ListHousehold(wanted)
        wanted.with_deleted = True
        everybody = await stub.ListHousehold(wanted)

    assert len(living.records) == 2
    assert len(everybody.records) == 3


async def test_birth_enters_a_child_with_a_code_and_the_address_of_the_household(
    office: Office,
) -> None:
    async with office.stub() as stub:
        parent = (await stub.GetRecord(ask(MAKOTO))).record
        born = await stub.RegisterBirth(birth())
        found = await stub.GetRecord(pb.GetRecordRequest(code=born.record.code, clerk_name=CLERK))

    assert found.record == born.record
    assert born.record.entries.address == parent.entries.address
    assert born.record.change.reason == records.CHANGE_REASON_BIRTH
    assert born.code_stock_is_low
    assert b'juki_code_stock_low{municipality="131016"} 1.0' in office.edge.metrics.exposition()


async def test_deletion_ends_the_cards_and_says_that_the_household_needs_a_head(
    office: Office,
) -> None:
    async with office.stub() as stub:
        answer = await stub.DeleteRecord(deletion(MAKOTO))

    assert answer.record.state == records.ResidenceRecord.STATE_DELETED
    assert answer.lapsed_card_count == 1
    assert answer.household_needs_head


async def test_member_moves_to_a_new_household_and_into_another(office: Office) -> None:
    async with office.stub() as stub:
        alone = await stub.ChangeHousehold(household_change(new_household=True))
        listed = await stub.ListHousehold(
            pb.ListHouseholdRequest(code=code_of(HARUTO), clerk_name=CLERK)
        )
        back = household_change(household_of_code=code_of(MAKOTO))
        back.members[0].expected_version = 2
        back.members[0].relationship_to_householder = "子"
        again = await stub.ChangeHousehold(back)

    assert [one.code for one in listed.records] == [code_of(HARUTO)]
    assert alone.records[0].change.reason == records.CHANGE_REASON_HOUSEHOLD_CHANGE
    assert not alone.household_needs_head
    assert again.records[0].version == 3


async def test_cancelled_entry_leaves_what_stood_before_as_a_further_version(
    office: Office,
) -> None:
    async with office.stub() as stub:
        await stub.RegisterDeath(death(MISAKI))
        answer = await stub.CancelEntry(cancellation())

    assert answer.record.state == records.ResidenceRecord.STATE_ACTIVE
    assert answer.record.version == 3
    assert answer.record.change.reason == records.CHANGE_REASON_CANCELLATION
    assert answer.record.change.cancels_version == 2


async def test_measure_is_set_lifted_for_a_time_and_ended_by_hand(office: Office) -> None:
    planned = reiwa(office.clock().year + 1 - 2018, 4, 1)
    async with office.stub() as stub:
        begun = await stub.SetProtectiveMeasure(protection(begin=BEGIN(planned_end=planned)))
        lifted = await stub.SetProtectiveMeasure(protection(2, lift=Duration(seconds=600)))
        office.clock.ahead = timedelta(minutes=11)
        later = await stub.GetRecord(ask(MAKOTO))
        ended = await stub.SetProtectiveMeasure(protection(3, end=END()))

    assert begun.record.protective_measure.planned_end == planned
    assert not begun.record.protective_measure.HasField("lifted_until")
    assert lifted.record.protective_measure.HasField("lifted_until")
    assert later.record.HasField("protective_measure")
    assert not later.record.protective_measure.HasField("lifted_until")
    assert not ended.record.HasField("protective_measure")


async def test_lock_keeps_others_out_until_it_is_given_back(office: Office) -> None:
    wanted = pb.LockRecordRequest(code=code_of(MISAKI), clerk_name=CLERK)
    async with office.stub() as stub, office.stub(office.terminal(name="02")) as other:
        lock = await stub.LockRecord(wanted)
        renewed = await stub.LockRecord(wanted)
        kept_out = await refused(other.RegisterDeath(death(MISAKI)))
        no_lock = await refused(other.LockRecord(wanted))
        await other.UnlockRecord(pb.UnlockRecordRequest(lock_id=lock.lock_id))
        still_out = await refused(other.RegisterDeath(death(MISAKI)))
        await stub.UnlockRecord(pb.UnlockRecordRequest(lock_id=lock.lock_id))
        await other.RegisterDeath(death(MISAKI))

    assert renewed.lock_id == lock.lock_id
    assert lock.version == 1
    assert {kept_out.reason, no_lock.reason, still_out.reason} == {"RECORD_LOCKED"}


async def test_holder_of_the_lock_names_it_and_edits(office: Office) -> None:
    async with office.stub() as stub:
        lock = await stub.LockRecord(pb.LockRecordRequest(code=code_of(MISAKI), clerk_name=CLERK))
        request = death(MISAKI)
        request.lock_id = lock.lock_id

        answer = await stub.RegisterDeath(request)

    assert answer.record.state == records.ResidenceRecord.STATE_DECEASED


CHANGES: dict[str, tuple[str, Callable[[], Message]]] = {
    "birth": ("RegisterBirth", birth),
    "death": ("RegisterDeath", death),
    "deletion": ("DeleteRecord", deletion),
    "household": ("ChangeHousehold", lambda: household_change(new_household=True)),
    "code": ("ChangeResidentCode", new_code),
    "measure": ("SetProtectiveMeasure", lambda: protection(begin=BEGIN())),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_same_request_gets_the_first_answer_and_other_content_is_refused(
    office: Office, name: str
) -> None:
    method, make = CHANGES[name]
    request = make()
    async with office.stub() as stub:
        first = await getattr(stub, method)(request)
        again = await getattr(stub, method)(request)
        request.clerk_name = "別の担当者"  # type: ignore[attr-defined]  # each has one
        reused = await refused(getattr(stub, method)(request))

    assert again == first
    assert (reused.reason, reused.code) == ("REQUEST_ID_REUSED", grpc.StatusCode.INVALID_ARGUMENT)


async def test_answer_is_not_given_again_after_a_day(office: Office) -> None:
    request = death(MISAKI)
    async with office.stub() as stub:
        await stub.RegisterDeath(request)
        office.clock.ahead = timedelta(hours=25)

        expired = await refused(stub.RegisterDeath(request))

    assert expired.reason == "ANSWER_EXPIRED"


CALLS: dict[str, Callable[[], Message]] = {
    "GetRecord": ask,
    "ListHousehold": lambda: pb.ListHouseholdRequest(code=code_of(MAKOTO), clerk_name=CLERK),
    "RegisterBirth": birth,
    "RegisterDeath": death,
    "DeleteRecord": deletion,
    "CorrectRecord": lambda: correction(
        records.ResidenceRecord(code=code_of(MAKOTO), version=1),
        entries=birth(address="東京都千代田区九段南一丁目2番1号").entries,
    ),
    "ChangeHousehold": lambda: household_change(new_household=True),
    "ChangeResidentCode": new_code,
    "CancelEntry": cancellation,
    "SetProtectiveMeasure": lambda: protection(begin=BEGIN()),
    "LockRecord": lambda: pb.LockRecordRequest(code=code_of(MAKOTO), clerk_name=CLERK),
}


@pytest.mark.parametrize("method", CALLS)
async def test_call_without_a_clerk_is_refused(office: Office, method: str) -> None:
    request = CALLS[method]()
    request.clerk_name = " "  # type: ignore[attr-defined]  # each has one
    async with office.stub() as stub:
        answer = await refused(getattr(stub, method)(request))

    assert answer.reason == "CLERK_NAME_REQUIRED"


@pytest.mark.parametrize("method", CALLS)
async def test_resident_of_another_municipality_is_not_found_like_one_whom_nobody_knows(
    office: Office, method: str
) -> None:
    request = CALLS[method]()
    async with (
        office.stub() as stub,
        office.stub(office.terminal(TOKOROZAWA)) as elsewhere,
    ):
        answer = await refused(getattr(elsewhere, method)(request))
        nobody = await refused(
            stub.GetRecord(pb.GetRecordRequest(code="12345678903", clerk_name=CLERK))
        )

    assert (answer.reason, answer.facts) == ("RESIDENT_NOT_FOUND", {})
    assert (answer.code, answer.facts) == (nobody.code, nobody.facts)


@pytest.mark.parametrize("method", [*CALLS, "UnlockRecord"])
async def test_only_terminals_may_call(office: Office, method: str) -> None:
    request = CALLS[method]() if method in CALLS else pb.UnlockRecordRequest(lock_id=bytes(16))
    reasons = {}
    for name, peer in office.strangers().items():
        async with office.stub(peer) as stub:
            answer = await refused(getattr(stub, method)(request))
            reasons[name] = (answer.reason, answer.code)

    wanted = ("ROLE_NOT_ALLOWED", grpc.StatusCode.PERMISSION_DENIED)
    assert reasons == dict.fromkeys(office.strangers(), wanted)


async def test_caller_without_a_certificate_does_not_get_in(office: Office) -> None:
    credentials = grpc.ssl_channel_credentials((office.pki.trust_path / "root.pem").read_bytes())
    async with grpc.aio.secure_channel(office.edge.address, credentials) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await pb_grpc.ResidentServiceStub(channel).GetRecord(ask())

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


STALE: dict[str, Callable[[], Message]] = {
    "RegisterDeath": lambda: death(version=7),
    "DeleteRecord": lambda: deletion(version=7),
    "ChangeResidentCode": lambda: new_code(version=7),
    "SetProtectiveMeasure": lambda: protection(7, begin=BEGIN()),
    "CancelEntry": lambda: cancellation(version=7),
}


@pytest.mark.parametrize("method", STALE)
async def test_record_that_the_clerk_has_not_seen_as_it_is_stays(
    office: Office, method: str
) -> None:
    async with office.stub() as stub:
        answer = await refused(getattr(stub, method)(STALE[method]()))
        record = (await stub.GetRecord(ask(MISAKI))).record

    assert (answer.reason, answer.facts) == ("RECORD_CHANGED", {"version": "1"})
    assert record.version == 1


async def test_dead_person_does_not_die_again(office: Office) -> None:
    async with office.stub() as stub:
        await stub.RegisterDeath(death(MISAKI))

        answer = await refused(stub.RegisterDeath(death(MISAKI, version=2)))

    assert answer.reason == "NOT_IN_THIS_STATE"
    assert answer.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_first_version_is_not_cancelled(office: Office) -> None:
    async with office.stub() as stub:
        answer = await refused(stub.CancelEntry(cancellation(version=1)))

    assert answer.reason == "ENTRY_NOT_CANCELLABLE"


async def test_empty_stock_refuses_births_and_new_codes(office: Office) -> None:

    def empty(tx: Tx) -> None:
        for _ in range(STOCK):
            tx.codes.draw(CHIYODA)

    await office.center.store.act(empty)
    async with office.stub() as stub:
        no_birth = await refused(stub.RegisterBirth(birth()))
        no_code = await refused(stub.ChangeResidentCode(new_code()))
        family = await stub.ListHousehold(
            pb.ListHouseholdRequest(code=code_of(MAKOTO), clerk_name=CLERK)
        )

    assert {no_birth.reason, no_code.reason} == {"CODE_STOCK_EMPTY"}
    assert len(family.records) == 3


@pytest.mark.parametrize("method", CALLS)
async def test_disconnected_register_is_neither_read_nor_written(
    office: Office, method: str
) -> None:
    await office.center.store.act(lambda tx: tx.registers.set_connected(CHIYODA, connected=False))
    async with office.stub() as stub:
        answer = await refused(getattr(stub, method)(CALLS[method]()))

    assert answer.reason == "RESIDENCE_DISCONNECTED"
    assert answer.code is grpc.StatusCode.UNAVAILABLE


async def test_death_in_the_future_is_refused_by_its_field(office: Office) -> None:
    request = death(MISAKI)
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    request.date_of_death.CopyFrom(reiwa(tomorrow.year - 2018, tomorrow.month, tomorrow.day))
    async with office.stub() as stub:
        answer = await refused(stub.RegisterDeath(request))

    assert (answer.reason, answer.facts["field"]) == ("FIELD_INVALID", "date_of_death")


async def test_refusals_are_in_the_audit_log_with_their_cause(office: Office) -> None:
    async with office.stub() as stub:
        await refused(stub.RegisterDeath(death(version=7)))

    leaf = leaves(office.center.store)[-1]
    assert (leaf["ev"], leaf["out"]) == ("RECORD_REFUSED", "RECORD_CHANGED")


async def test_message_over_the_limit_is_refused(office: Office) -> None:
    request = birth()
    request.entries.previous_address = "あ" * 30_000
    async with office.stub() as stub:
        answer = await refused(stub.RegisterBirth(request))

    assert answer.reason == "MESSAGE_TOO_LARGE"


async def test_log_of_the_register_holds_nothing_of_it(office: Office) -> None:
    async with office.stub() as stub:
        read = (await stub.GetRecord(ask(MAKOTO))).record
        await stub.RegisterBirth(birth())
        await refused(stub.CorrectRecord(correction(read)))

    log = office.edge.log_text()
    assert "ResidentService/GetRecord" in log
    for datum in (read.code, read.entries.name, read.entries.address, "辻　小春", CLERK):
        assert datum not in log
