"""The calls of MoveService over a real store and a real channel: done, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from juki_center.areas.cards.register import Purpose
from juki_center.cli.policies import move_policy
from juki_center.cli.queue_drain import drain
from juki_center.config import CenterConfig
from juki_center.rule_sets import RuleSet
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support import cut_off
from tests.support import move_requests as ask
from tests.support.center import CHIYODA
from tests.support.move_service import MOVES, MoveOffice, name_of, serving
from tests.support.register_answers import refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from google.protobuf.message import Message

    from juki_pki.folder import PKIFolder
    from jukinet.moves.v1.move_service_pb2_grpc import MoveServiceStub

State, Kind = records.Move, records.MoveAlert
NOBODYS = "M000000000292"
REQUESTS: dict[str, Callable[[], Message]] = {
    "FileMoveOut": ask.filing,
    "ChangeMoveOut": ask.change,
    "CancelMoveOut": ask.withdrawal,
    "IssueMovingOutCertificate": ask.paper_wanted,
    "CorrectMoveOut": ask.sent_correction,
    "RecordArrival": ask.arrived,
    "FetchTransferInformation": ask.by_card,
    "RegisterMoveIn": ask.moving_in,
    "AbandonMoveIn": ask.giving_back,
    "CancelMoveIn": ask.taking_back,
    "AcceptCorrection": ask.accepting,
    "ContinueCard": ask.continuing,
    "RegisterMoveWithin": ask.moving_within,
    "GetMove": ask.asking,
    "ListMoves": ask.listing,
    "ListMissingArrivals": ask.listing_missing,
    "ListMoveAlerts": ask.listing_alerts,
    "AcknowledgeMoveAlert": ask.seeing,
}
OF_ONE_MOVE: dict[str, Callable[[str], Message]] = {
    "ChangeMoveOut": ask.change,
    "CancelMoveOut": ask.withdrawal,
    "IssueMovingOutCertificate": ask.paper_wanted,
    "CorrectMoveOut": ask.sent_correction,
    "RecordArrival": ask.arrived,
    "CancelMoveIn": ask.taking_back,
    "AcceptCorrection": ask.accepting,
    "GetMove": ask.asking,
}


@pytest.fixture
async def moves(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[MoveOffice]:
    """A center that serves moves under the rule set of 2012."""
    async with serving(pki, furnished_registers, tmp_path / "center") as office:
        yield office


@pytest.fixture
async def pushing(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[MoveOffice]:
    """A center that serves moves under the rule set of 2023."""
    folder = tmp_path / "pushing"
    async with serving(pki, furnished_registers, folder, RuleSet.R2023_02_06) as office:
        yield office


async def filed(office: MoveOffice, request: pb.FileMoveOutRequest | None = None) -> str:
    """Let the family notify its move; return the move's number."""
    async with office.stub(office.origin()) as origin:
        answer = await origin.FileMoveOut(request or ask.filing())
    return answer.move.number


async def fetched(
    office: MoveOffice, destination: MoveServiceStub
) -> pb.FetchTransferInformationResponse:
    """Let the destination fetch the family's information with Taro's card."""
    return await destination.FetchTransferInformation(ask.by_card(await office.session(ask.TARO)))


async def moved_in(office: MoveOffice, destination: MoveServiceStub) -> pb.RegisterMoveInResponse:
    """Let the family move in with Taro's card."""
    information = await fetched(office, destination)
    return await destination.RegisterMoveIn(ask.moving_in(information.transfer_id))


# Every method


def test_every_method_stands_in_the_table() -> None:
    assert set(REQUESTS) == {method.name for method in MOVES.methods}


@pytest.mark.parametrize("only", [False, True])
def test_the_configuration_settles_whose_card_opens_a_special_move(
    only: bool,
) -> None:
    table: dict[str, object] = {
        "environment": "test",
        "rule_set": "2012-07-09",
        "pki": {"dir": "pki"},
        "keys": {"kek": "kek"},
        "store": {"url": "sqlite:///center.db"},
        "moves": {"householder_card_only": only},
    }

    policy = move_policy(CenterConfig.parse(table, base=Path("/srv")))

    assert policy.householder_card_only is only
    assert (policy.rule_set, policy.cards_continue, policy.is_pushed) == (
        RuleSet.R2012_07_09,
        True,
        False,
    )


@pytest.mark.parametrize("role", ["desk", "agency", "operator"])
async def test_only_terminals_call(moves: MoveOffice, role: str) -> None:
    async with moves.stub(moves.strangers()[role]) as stub:
        found = {name: await refused(stub, name, make()) for name, make in REQUESTS.items()}

    assert {name: one.reason for name, one in found.items()} == dict.fromkeys(
        REQUESTS, "ROLE_NOT_ALLOWED"
    )


async def test_no_call_is_done_for_nobody(moves: MoveOffice) -> None:
    found = {}
    async with moves.stub(moves.origin()) as stub:
        for name, make in REQUESTS.items():
            request: Any = make()
            request.clerk_name = ""
            found[name] = (await refused(stub, name, request)).reason

    assert found == dict.fromkeys(REQUESTS, "CLERK_NAME_REQUIRED")


async def test_a_move_of_other_municipalities_is_as_unknown_as_none(moves: MoveOffice) -> None:
    number = await filed(moves)

    async with moves.stub(moves.destination()) as stub:
        there = [await refused(stub, name, make(number)) for name, make in OF_ONE_MOVE.items()]
        nowhere = [await refused(stub, name, make(NOBODYS)) for name, make in OF_ONE_MOVE.items()]
        listed = await stub.ListMoves(ask.listing())

    assert {one.reason for one in there} == {"MOVE_NOT_FOUND"}
    assert [(one.code, one.facts) for one in there] == [(one.code, one.facts) for one in nowhere]
    assert not listed.moves


async def test_a_field_that_breaks_a_rule_is_named_and_never_echoed(moves: MoveOffice) -> None:
    request = ask.filing(plan=ask.plan(planned_date="明日"))

    async with moves.stub(moves.origin()) as stub:
        found = await refused(stub, "FileMoveOut", request)

    assert (found.reason, found.facts) == (
        "FIELD_INVALID",
        {"field": "plan.planned_date", "rule": "DAY"},
    )
    assert "明日" not in found.everything


async def test_the_same_request_gets_its_first_answer_and_no_other_content(
    moves: MoveOffice,
) -> None:
    request = ask.filing()
    other = pb.FileMoveOutRequest()
    other.CopyFrom(request)
    other.plan.planned_date = "2026-11-27"

    async with moves.stub(moves.origin()) as stub:
        first = await stub.FileMoveOut(request)
        again = await stub.FileMoveOut(request)
        reused = await refused(stub, "FileMoveOut", other)
        second = await refused(stub, "FileMoveOut", ask.filing())

    assert again == first
    assert (reused.reason, second.reason) == ("REQUEST_ID_REUSED", "MOVE_OPEN")


# Moving out


async def test_a_special_notice_is_entered_without_paper(moves: MoveOffice) -> None:
    async with moves.stub(moves.origin()) as stub:
        answer = await stub.FileMoveOut(ask.filing())

    assert (answer.move.kind, answer.move.state) == (State.KIND_SPECIAL, State.STATE_NOTIFIED)
    assert (answer.move.member_count, answer.move.last_day) == (3, "2026-12-21")
    assert not answer.HasField("certificate")
    assert answer.special_refused_because == answer.SPECIAL_REFUSAL_UNSPECIFIED


async def test_an_ordinary_notice_has_its_paper(moves: MoveOffice) -> None:
    async with moves.stub(moves.origin()) as stub:
        answer = await stub.FileMoveOut(ask.by_paper())

    paper = answer.certificate
    assert (answer.move.state, paper.count) == (State.STATE_ORDINARY, 1)
    assert (paper.origin_name, paper.destination_name) == ("埼玉県所沢市", "東京都千代田区")
    assert (paper.destination_address, len(paper.verification_code)) == (ask.NEW_ADDRESS, 18)
    assert [one.entries.name for one in paper.persons] == [name_of(key) for key in ask.FAMILY]


async def test_a_changed_notice_is_its_next_version(moves: MoveOffice) -> None:
    number = await filed(moves)

    async with moves.stub(moves.origin()) as stub:
        answer = await stub.ChangeMoveOut(ask.change(number))
        outdated = await refused(stub, "ChangeMoveOut", ask.change(number))

    assert (answer.move.notice_version, answer.move.planned_date) == (2, "2026-11-27")
    assert outdated.reason == "NOTICE_CHANGED"


async def test_a_withdrawn_notice_ends(moves: MoveOffice) -> None:
    number = await filed(moves)

    async with moves.stub(moves.origin()) as stub:
        answer = await stub.CancelMoveOut(ask.withdrawal(number))

    assert (answer.move.state, answer.restored_count) == (State.STATE_CANCELLED, 0)
    assert answer.move.HasField("end_time")


async def test_a_paper_is_issued_again_with_another_code(moves: MoveOffice) -> None:
    async with moves.stub(moves.origin()) as stub:
        first = await stub.FileMoveOut(ask.by_paper())
        again = await stub.IssueMovingOutCertificate(ask.paper_wanted(first.move.number))

    assert (again.certificate.count, again.move.certificate_count) == (2, 2)
    assert again.certificate.verification_code != first.certificate.verification_code


async def test_a_correction_is_sent_after_the_information_was_fetched(moves: MoveOffice) -> None:
    number = await filed(moves)

    async with moves.stub(moves.origin()) as origin, moves.stub(moves.destination()) as there:
        early = await refused(origin, "CorrectMoveOut", ask.sent_correction(number))
        await fetched(moves, there)
        answer = await origin.CorrectMoveOut(ask.sent_correction(number))
        read = await there.GetMove(ask.asking(number))
        alerts = (await there.ListMoveAlerts(ask.listing_alerts())).alerts

    assert early.reason == "NOT_IN_THIS_STATE"
    assert answer.move.state == State.STATE_TRANSFERRED
    assert [one.code for one in read.corrections] == [ask.code(ask.TARO)]
    assert [one.kind for one in alerts] == [Kind.KIND_CORRECTION]


async def test_a_correction_for_who_is_cut_off_is_told_to_wait_and_then_to_be_delivered(
    moves: MoveOffice,
) -> None:
    number = await filed(moves)

    async with moves.stub(moves.origin()) as origin, moves.stub(moves.destination()) as there:
        await fetched(moves, there)
        await cut_off.cut(moves.store, CHIYODA.municipality)
        answer = await origin.CorrectMoveOut(ask.sent_correction(number))
        (waiting,) = (await origin.GetMove(ask.asking(number))).notices
        await cut_off.connect(moves.store, CHIYODA.municipality)
        await drain(moves.store, moves.clock)
        (told,) = (await origin.GetMove(ask.asking(number))).notices
        alerts = (await there.ListMoveAlerts(ask.listing_alerts())).alerts

    assert answer.waits
    assert waiting.state == records.MoveNotice.STATE_WAITS
    assert told.state == records.MoveNotice.STATE_DELIVERED
    assert [one.kind for one in alerts] == [Kind.KIND_CORRECTION]


async def test_an_arrival_that_came_another_way_completes_the_move(moves: MoveOffice) -> None:
    request = ask.by_paper(plan=ask.plan(destination_code="122041"))
    number = await filed(moves, request)

    async with moves.stub(moves.origin()) as stub:
        answer = await stub.RecordArrival(ask.arrived(number))

    assert (answer.move.state, answer.move.destination_code) == (State.STATE_COMPLETED, "122041")
    assert answer.move.moved_date == ask.MOVED_ON


# Moving in


async def test_the_destination_fetches_with_a_card_and_registers(moves: MoveOffice) -> None:
    number = await filed(moves)

    async with moves.stub(moves.destination()) as stub:
        information = await fetched(moves, stub)
        answer = await stub.RegisterMoveIn(ask.moving_in(information.transfer_id))
    async with moves.stub(moves.origin()) as origin:
        alerts = (await origin.ListMoveAlerts(ask.listing_alerts())).alerts
        read = await origin.GetMove(ask.asking(number))

    shown = information.information
    assert (shown.move.number, shown.origin_name) == (number, "埼玉県所沢市")
    assert [one.entries.name for one in shown.persons] == [name_of(key) for key in ask.FAMILY]
    assert (len(information.transfer_id), information.last_day) == (16, "2026-12-04")
    assert answer.move.state == State.STATE_COMPLETED
    assert [one.record.municipality_code for one in answer.registered] == [ask.DESTINATION] * 3
    assert [one.record.entries.address for one in answer.registered] == [ask.NEW_ADDRESS] * 3
    assert {one.continue_until for one in answer.registered} == {"2027-02-21"}
    assert [one.kind for one in alerts] == [Kind.KIND_ARRIVED]
    assert (read.move.moved_count, list(read.codes)) == (3, [ask.code(one) for one in ask.FAMILY])


async def test_a_move_in_against_a_paper_wants_both_of_its_numbers(moves: MoveOffice) -> None:
    async with moves.stub(moves.origin()) as origin:
        paper = (await origin.FileMoveOut(ask.by_paper())).certificate
    right = paper.move_number, paper.verification_code

    async with moves.stub(moves.destination()) as stub:
        wrong = await refused(stub, "RegisterMoveIn", ask.moving_in_by_paper(right[0]))
        unknown = await refused(stub, "RegisterMoveIn", ask.moving_in_by_paper(NOBODYS, right[1]))
        answer = await stub.RegisterMoveIn(ask.moving_in_by_paper(*right))

    assert wrong.reason == unknown.reason == "CERTIFICATE_NOT_FOUND"
    assert (wrong.code, wrong.facts) == (unknown.code, unknown.facts)
    assert (answer.move.state, answer.move.registered_late) == (State.STATE_COMPLETED, False)
    assert {one.continue_until for one in answer.registered} == {""}


async def test_information_that_is_given_back_may_be_fetched_again(moves: MoveOffice) -> None:
    await filed(moves)

    async with moves.stub(moves.destination()) as stub:
        first = await fetched(moves, stub)
        back = await stub.AbandonMoveIn(ask.giving_back(first.transfer_id))
        gone = await refused(stub, "RegisterMoveIn", ask.moving_in(first.transfer_id))
        again = await moved_in(moves, stub)

    assert back.move.state == State.STATE_NOTIFIED
    assert not back.waits
    assert gone.reason == "TRANSFER_NOT_FOUND"
    assert again.move.state == State.STATE_COMPLETED


async def test_a_completed_move_is_taken_back_and_both_offices_are_told(
    moves: MoveOffice,
) -> None:
    number = await filed(moves)

    async with moves.stub(moves.destination()) as stub, moves.stub(moves.origin()) as origin:
        done = await moved_in(moves, stub)
        version = done.registered[0].record.version
        answer = await stub.CancelMoveIn(ask.taking_back(number, version=version))
        told = [
            [one.kind for one in (await office.ListMoveAlerts(ask.listing_alerts())).alerts]
            for office in (stub, origin)
        ]

    assert answer.move.state == State.STATE_CANCELLED_AFTER
    assert told == [
        [Kind.KIND_CANCELLED_AFTER],
        [Kind.KIND_ARRIVED, Kind.KIND_CANCELLED_AFTER],
    ]


async def test_a_correction_is_entered_at_the_destination(moves: MoveOffice) -> None:
    number = await filed(moves)

    async with moves.stub(moves.destination()) as stub, moves.stub(moves.origin()) as origin:
        version = (await moved_in(moves, stub)).registered[0].record.version
        none = await refused(stub, "AcceptCorrection", ask.accepting(number, version=version))
        await origin.CorrectMoveOut(ask.sent_correction(number))
        answer = await stub.AcceptCorrection(ask.accepting(number, version=version))

    assert none.reason == "NO_CORRECTION"
    assert answer.record.version == version + 1
    assert answer.record.entries.name == ask.sent_correction().entries.name
    assert answer.record.entries.address == ask.NEW_ADDRESS


async def test_case_27_the_use_of_a_card_is_continued_where_its_holder_moved_in(
    moves: MoveOffice,
) -> None:
    await filed(moves)

    async with moves.stub(moves.destination()) as stub:
        await moved_in(moves, stub)
        session = await moves.session(ask.TARO, Purpose.PIN_PROOF, CHIYODA)
        answer = await stub.ContinueCard(ask.continuing(session))

    assert answer.card.continue_until == ""


async def test_from_2023_an_expected_move_is_looked_at_beforehand(pushing: MoveOffice) -> None:
    number = await filed(pushing)

    async with pushing.stub(pushing.destination()) as stub:
        listed = await stub.ListMoves(ask.listing(pb.ListMovesRequest.SELECTION_EXPECTED))
        looked = await stub.FetchTransferInformation(ask.beforehand(number))
        read = await stub.GetMove(ask.asking(number))

    assert [one.number for one in listed.moves] == [number]
    assert (looked.transfer_id, looked.last_day) == (b"", "")
    assert len(looked.information.persons) == 3
    assert (read.move.state, list(read.codes)) == (State.STATE_NOTIFIED, [])


# Within, and looking


async def test_a_move_within_writes_the_next_version(moves: MoveOffice) -> None:
    async with moves.stub(moves.destination()) as stub:
        answer = await stub.RegisterMoveWithin(ask.moving_within())

    (one,) = answer.registered
    assert (one.record.version, one.record.entries.address) == (2, ask.NEW_ADDRESS)
    assert not answer.registered_late


async def test_lists_name_nobody_and_go_on_by_their_token(moves: MoveOffice) -> None:
    first = await filed(moves, ask.filing(ask.TARO, ask.SAKURA))
    second = await filed(moves, ask.by_paper(ask.HANAKO))

    async with moves.stub(moves.origin()) as stub:
        one = await stub.ListMoves(ask.listing(page_size=1))
        two = await stub.ListMoves(ask.listing(page_size=1, page_token=one.next_page_token))
        missing = await stub.ListMissingArrivals(ask.listing_missing())

    assert [move.number for move in (*one.moves, *two.moves)] == [first, second]
    assert two.next_page_token == ""
    assert not missing.moves


async def test_an_alert_is_listed_until_a_clerk_has_seen_it(moves: MoveOffice) -> None:
    await filed(moves)

    async with moves.stub(moves.destination()) as there, moves.stub(moves.origin()) as stub:
        await moved_in(moves, there)
        (alert,) = (await stub.ListMoveAlerts(ask.listing_alerts())).alerts
        elsewhere = await refused(there, "AcknowledgeMoveAlert", ask.seeing(alert.alert_id))
        seen = (await stub.AcknowledgeMoveAlert(ask.seeing(alert.alert_id))).alert
        rest = (await stub.ListMoveAlerts(ask.listing_alerts())).alerts
        every = (await stub.ListMoveAlerts(ask.listing_alerts(with_acknowledged=True))).alerts

    assert elsewhere.reason == "ALERT_NOT_FOUND"
    assert seen.HasField("acknowledge_time")
    assert (list(rest), list(every)) == ([], [seen])


async def test_a_municipality_that_is_cut_off_is_refused(moves: MoveOffice) -> None:
    number = await filed(moves)
    await moves.cut_off()

    async with moves.stub(moves.origin()) as origin, moves.stub(moves.destination()) as there:
        found = [
            await refused(origin, "FileMoveOut", ask.filing(ask.HANAKO)),
            await refused(origin, "GetMove", ask.asking(number)),
            await refused(
                there, "FetchTransferInformation", ask.by_card(await moves.session(ask.TARO))
            ),
        ]

    assert {one.reason for one in found} == {"RESIDENCE_DISCONNECTED"}


async def test_the_access_log_tells_nothing_of_a_move(moves: MoveOffice) -> None:
    number = await filed(moves)
    async with moves.stub(moves.destination()) as stub:
        await moved_in(moves, stub)
        await stub.GetMove(ask.asking(number))
    log = moves.edge.log_text()

    assert "RegisterMoveIn" in log
    texts = (number, ask.CLERK, ask.NEW_ADDRESS, ask.NEW_BUILDING, ask.OLD_ADDRESS)
    for secret in (*texts, *map(name_of, ask.FAMILY), *map(ask.code, ask.FAMILY)):
        assert secret not in log
