"""Requests about moves, field by field: what is taken, and what refuses the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.moves import commands
from juki_center.areas.moves.numbers import MoveNumber, VerificationCode
from juki_center.areas.moves.rows import Channel, Filer, Selection
from juki_center.areas.moves.states import MoveKind
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc import move_ins_translation as into
from juki_center.rpc import moves_translation as out
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support import move_requests as ask
from tests.support.center import SAMPLES

TERMINAL = Terminal("juki://municipality/112089/terminal/01", MunicipalityCode("112089"))
TARO = SAMPLES[ask.TARO].record.code
Take = Callable[[Any, Terminal], object]
Change = Callable[[Any], object]


def refusal(take: Take, request: Message) -> tuple[str, str]:
    """Return the field and the rule for which a request is refused."""
    with pytest.raises(Refusal) as caught:
        take(request, TERMINAL)
    assert caught.value.reason is Reason.FIELD_INVALID
    return caught.value.metadata["field"], caught.value.metadata["rule"]


# What is taken


def test_notice_becomes_the_command() -> None:
    request = ask.filing()
    request.movers[1].lock_id = bytes(range(16))
    request.notification.notice_date = "2026-11-19"

    command = out.file_move_out(request, TERMINAL)

    assert command.at == commands.AtWindow(TERMINAL, UUID(request.request_id), ask.CLERK)
    assert command.kind is MoveKind.SPECIAL
    assert command.notification == commands.Notification(
        Channel.COUNTER, Filer.HOUSEHOLDER, date(2026, 11, 19)
    )
    assert command.plan == commands.Plan(
        MunicipalityCode("131016"), date(2026, 11, 20), ask.NEW_ADDRESS
    )
    assert command.movers[0] == commands.Mover(TARO, 1)
    assert command.movers[1].lock_id == bytes(range(16))


def test_notice_without_a_day_is_of_today_and_abroad_has_no_destination() -> None:
    command = out.file_move_out(ask.filing(plan=ask.plan(abroad=True)), TERMINAL)

    assert command.notification.notified_on is None
    assert command.plan.destination is None


def test_change_withdrawal_and_paper_name_the_move() -> None:
    changed = out.change_move_out(ask.change(), TERMINAL)
    withdrawn = out.cancel_move_out(ask.withdrawal(), TERMINAL)
    paper = out.issue_certificate(ask.paper_wanted(give_up_special=True), TERMINAL)

    assert {changed.number, withdrawn.number, paper.number} == {MoveNumber(ask.NUMBER)}
    assert (changed.expected_version, len(changed.movers)) == (1, 3)
    assert paper.give_up_special


def test_correction_and_arrival_become_commands() -> None:
    corrected = out.correct_move_out(ask.sent_correction(), TERMINAL)
    arrival = out.record_arrival(ask.arrived(), TERMINAL)

    assert (corrected.code, corrected.entries.address) == (TARO, ask.OLD_ADDRESS)
    assert (str(arrival.destination), arrival.moved_on) == ("122041", date(2026, 11, 20))


def test_fetch_is_by_card_or_beforehand() -> None:
    with_card = into.fetch_transfer(ask.by_card(b"s" * 16), TERMINAL)
    expected = into.fetch_transfer(ask.beforehand(), TERMINAL)

    assert with_card.by == commands.ByCard(b"s" * 16, date(2026, 11, 20))
    assert expected.by == MoveNumber(ask.NUMBER)


def test_move_in_with_information_becomes_the_command() -> None:
    request = ask.moving_in(b"t" * 16, handed_in_card_numbers=["0000 0000-0195"], by_agent=True)

    command = into.register_move_in(request, TERMINAL)

    assert command.ground == commands.Fetched(b"t" * 16, 1)
    assert command.arrivals[1].relationship == "妻"
    assert command.place == commands.Place(ask.NEW_ADDRESS, ask.NEW_BUILDING)
    assert command.handed_in == (CardNumber(ask.CARD_NUMBER),)
    assert command.by_agent


def test_move_in_against_a_paper_takes_its_numbers_as_they_are_printed() -> None:
    request = ask.moving_in_by_paper("M0000 0000 0195", "0000 0000-0000 000195")

    command = into.register_move_in(request, TERMINAL)

    assert command.ground == commands.Paper(
        MoveNumber(ask.NUMBER), VerificationCode(ask.VERIFICATION_CODE), date(2026, 11, 20)
    )
    assert [one.expected_version for one in command.arrivals] == [0, 0, 0]


def test_what_follows_a_fetch_becomes_commands() -> None:
    back = into.abandon_move_in(ask.giving_back(b"t" * 16), TERMINAL)
    taken = into.cancel_move_in(ask.taking_back(version=3), TERMINAL)
    accepted = into.accept_correction(ask.accepting(version=3), TERMINAL)
    card = into.continue_card(ask.continuing(b"s" * 16, back_written=True), TERMINAL)

    assert back.transfer_id == b"t" * 16
    assert taken.moved[0] == commands.Arrival(TARO, 3)
    assert (accepted.code, accepted.expected_version) == (TARO, 3)
    assert (card.session_id, card.back_written) == (b"s" * 16, True)


def test_move_within_becomes_the_command() -> None:
    request = ask.moving_within(late_reason="入院していたため")
    request.movers[0].lock_id = bytes(16)

    command = into.register_move_within(request, TERMINAL)

    assert command.movers[0].lock_id == bytes(16)
    assert (command.moved_on, command.late_reason) == (date(2026, 11, 20), "入院していたため")
    assert command.place.household_of is None
    assert not command.same_household


def test_household_is_joined_by_a_code_or_stays_what_it_is() -> None:
    joining = ask.moving_in(place=ask.new_place(household_of_code=ask.code(ask.FUMI)))
    place = ask.new_place()
    place.ClearField("new_household")
    together = ask.moving_within(same_household=True, place=place)

    joined = into.register_move_in(joining, TERMINAL)
    stays = into.register_move_within(together, TERMINAL)

    assert joined.place.household_of == SAMPLES[ask.FUMI].record.code
    assert (stays.same_household, stays.place.household_of) == (True, None)


def test_looks_become_commands() -> None:
    missing = out.list_missing(ask.listing_missing(page_size=200, page_token="7"), TERMINAL)
    lapsed = ask.listing(pb.ListMovesRequest.SELECTION_LAPSED)
    alerts = out.list_alerts(ask.listing_alerts(with_acknowledged=True), TERMINAL)
    seen = out.see_alert(ask.seeing("0f" * 16), TERMINAL)

    assert out.get_move(ask.asking(), TERMINAL).by == commands.Look(TERMINAL, ask.CLERK)
    assert (missing.selection, missing.page_size, missing.page_token) == (
        Selection.MISSING,
        200,
        "7",
    )
    assert out.list_moves(lapsed, TERMINAL).selection is Selection.LAPSED
    assert (alerts.with_seen, alerts.page_size) == (True, 50)
    assert seen.alert_id == b"\x0f" * 16


# What is refused


def put(name: str, value: object, inside: str = "") -> Change:
    """Return a change of a field, in a message inside."""
    return lambda request: setattr(_inside(request, inside), name, value)


def clear(name: str, inside: str = "") -> Change:
    """Return that a field is left out."""
    return lambda request: _inside(request, inside).ClearField(name)


def _inside(request: Any, path: str) -> Any:
    for part in path.split("/") if path else ():
        request = request[int(part)] if part.isdecimal() else getattr(request, part)
    return request


def twice(name: str) -> Change:
    """Return that the first one of a list stands in it again."""
    return lambda request: getattr(request, name).append(getattr(request, name)[0])


def crowd(name: str) -> Change:
    """Return that a list has 21."""
    return lambda request: getattr(request, name).extend([getattr(request, name)[0]] * 18)


MOVE_NUMBERS = [
    (put("move_number", ""), "move_number", "REQUIRED"),
    (put("move_number", "M00000000019"), "move_number", "LENGTH"),
    (put("move_number", "M000000000196"), "move_number", "CHECK_DIGITS"),
    (put("move_number", "A000000000195"), "move_number", "LENGTH"),
    (put("move_number", "M" + "0" * 24), "move_number", "TOO_LONG"),
]
PLANS = [
    (clear("plan"), "plan", "REQUIRED"),
    (clear("destination_code", "plan"), "plan.destination", "REQUIRED"),
    (put("abroad", False, "plan"), "plan.destination", "REQUIRED"),
    (put("destination_code", "131017", "plan"), "plan.destination_code", "INVALID_CHECK_DIGIT"),
    (put("destination_code", "", "plan"), "plan.destination_code", "SIX_DIGITS"),
    (put("planned_date", "", "plan"), "plan.planned_date", "DAY"),
    (put("planned_date", "2026-02-30", "plan"), "plan.planned_date", "DAY"),
    (put("destination_address", "x\u202e", "plan"), "plan.destination_address", None),
    (put("destination_address", "九" * 201, "plan"), "plan.destination_address", "TOO_LONG"),
]
MOVERS = [
    (clear("movers"), "movers", "RANGE_1_20"),
    (crowd("movers"), "movers", "RANGE_1_20"),
    (twice("movers"), "movers", "TWICE"),
    (put("code", "1234", "movers/1"), "movers[1].code", "ELEVEN_DIGITS"),
    (put("expected_version", 0, "movers/1"), "movers[1].expected_version", "RANGE_1_4294967295"),
    (put("lock_id", b"x", "movers/1"), "movers[1].lock_id", "BYTES_16"),
]
PLACES = [
    (clear("place"), "place", "REQUIRED"),
    (put("address", "", "place"), "place.address", "REQUIRED"),
    (put("address", "\u3000", "place"), "place.address", "REQUIRED"),
    (put("address", "九" * 201, "place"), "place.address", "TOO_LONG"),
    (put("building_and_room", "\ue000", "place"), "place.building_and_room", None),
    (clear("new_household", "place"), "place.household", "REQUIRED"),
    (put("new_household", False, "place"), "place.household", "REQUIRED"),
    (put("household_of_code", "1", "place"), "place.household_of_code", "ELEVEN_DIGITS"),
]
ARRIVALS = [
    (clear("arrivals"), "arrivals", "RANGE_1_20"),
    (crowd("arrivals"), "arrivals", "RANGE_1_20"),
    (twice("arrivals"), "arrivals", "TWICE"),
    (put("code", "", "arrivals/0"), "arrivals[0].code", "ELEVEN_DIGITS"),
    (
        put("relationship_to_householder", "", "arrivals/2"),
        "arrivals[2].relationship_to_householder",
        "REQUIRED",
    ),
]
PAGES = [
    (put("page_size", 201), "page_size", "RANGE_0_200"),
    (put("page_token", "1" * 201), "page_token", "TOO_LONG"),
]
KINDS: dict[str, tuple[Take, Callable[[], Message], list[tuple[Change, str, str | None]]]] = {
    "file": (
        out.file_move_out,
        ask.filing,
        [
            (put("kind", 0), "kind", "REQUIRED"),
            (put("kind", 9), "kind", "UNKNOWN_VALUE"),
            (clear("notification"), "notification", "REQUIRED"),
            (put("channel", 0, "notification"), "notification.channel", "REQUIRED"),
            (put("channel", 3, "notification"), "notification.channel", "UNKNOWN_VALUE"),
            (put("filer", 0, "notification"), "notification.filer", "REQUIRED"),
            (put("filer", 5, "notification"), "notification.filer", "UNKNOWN_VALUE"),
            (put("notice_date", "20261119", "notification"), "notification.notice_date", "DAY"),
            *PLANS,
            *MOVERS,
        ],
    ),
    "change": (
        out.change_move_out,
        ask.change,
        [
            *MOVE_NUMBERS,
            (put("expected_version", 0), "expected_version", "RANGE_1_4294967295"),
            *PLANS,
            *MOVERS,
        ],
    ),
    "withdraw": (out.cancel_move_out, ask.withdrawal, MOVE_NUMBERS),
    "paper": (out.issue_certificate, ask.paper_wanted, MOVE_NUMBERS),
    "correct": (
        out.correct_move_out,
        ask.sent_correction,
        [
            *MOVE_NUMBERS,
            (put("code", "x"), "code", "ELEVEN_DIGITS"),
            (clear("entries"), "entries", "REQUIRED"),
            (put("address", "", "entries"), "entries.address", "REQUIRED"),
            (clear("date_of_birth", "entries"), "entries.date_of_birth", "REQUIRED"),
        ],
    ),
    "arrival": (
        out.record_arrival,
        ask.arrived,
        [
            *MOVE_NUMBERS,
            (put("destination_code", ""), "destination_code", "SIX_DIGITS"),
            (put("moved_date", "２０２６-11-20"), "moved_date", "DAY"),
        ],
    ),
    "fetch by card": (
        into.fetch_transfer,
        ask.by_card,
        [
            (clear("by_card"), "by", "REQUIRED"),
            (put("session_id", b"", "by_card"), "by_card.session_id", "BYTES_16"),
            (put("session_id", bytes(17), "by_card"), "by_card.session_id", "BYTES_16"),
            (put("moved_date", "2026-W47-5", "by_card"), "by_card.moved_date", "DAY"),
        ],
    ),
    "fetch beforehand": (
        into.fetch_transfer,
        ask.beforehand,
        [
            (put("expected_move_number", ""), "expected_move_number", "REQUIRED"),
            (put("expected_move_number", ask.NUMBER[1:]), "expected_move_number", "LENGTH"),
        ],
    ),
    "move in": (
        into.register_move_in,
        ask.moving_in,
        [
            (clear("fetched"), "ground", "REQUIRED"),
            (put("transfer_id", b"x", "fetched"), "fetched.transfer_id", "BYTES_16"),
            (put("notice_version", 0, "fetched"), "fetched.notice_version", "RANGE_1_4294967295"),
            (
                put("expected_version", 0, "arrivals/1"),
                "arrivals[1].expected_version",
                "RANGE_1_4294967295",
            ),
            *ARRIVALS,
            *PLACES,
            (
                lambda r: r.handed_in_card_numbers.extend([ask.CARD_NUMBER] * 2),
                "handed_in_card_numbers",
                "TWICE",
            ),
            (
                lambda r: r.handed_in_card_numbers.extend([ask.CARD_NUMBER] * 21),
                "handed_in_card_numbers",
                "RANGE_0_20",
            ),
            (
                lambda r: r.handed_in_card_numbers.append("000000000196"),
                "handed_in_card_numbers[0]",
                "CHECK_DIGITS",
            ),
        ],
    ),
    "move in by paper": (
        into.register_move_in,
        ask.moving_in_by_paper,
        [
            (put("move_number", "", "paper"), "paper.move_number", "REQUIRED"),
            (put("verification_code", "", "paper"), "paper.verification_code", "REQUIRED"),
            (put("verification_code", "1" * 17, "paper"), "paper.verification_code", "LENGTH"),
            (put("verification_code", "1" * 25, "paper"), "paper.verification_code", "TOO_LONG"),
            (put("verification_code", "１" * 18, "paper"), "paper.verification_code", "DIGITS"),
            (
                put("verification_code", "0" * 18, "paper"),
                "paper.verification_code",
                "CHECK_DIGITS",
            ),
            (put("moved_date", "", "paper"), "paper.moved_date", "DAY"),
            (put("late_reason", "遅" * 201, "paper"), "paper.late_reason", "TOO_LONG"),
            (put("late_reason", "a\n", "paper"), "paper.late_reason", "CONTROL_CHARACTER"),
            (
                put("expected_version", 1, "arrivals/0"),
                "arrivals[0].expected_version",
                "NOT_WITH_PAPER",
            ),
            *ARRIVALS,
            *PLACES,
        ],
    ),
    "give back": (
        into.abandon_move_in,
        ask.giving_back,
        [(put("transfer_id", b""), "transfer_id", "BYTES_16")],
    ),
    "take back": (
        into.cancel_move_in,
        ask.taking_back,
        [
            *MOVE_NUMBERS,
            (clear("moved"), "moved", "RANGE_1_20"),
            (crowd("moved"), "moved", "RANGE_1_20"),
            (twice("moved"), "moved", "TWICE"),
            (
                put("expected_version", 0, "moved/0"),
                "moved[0].expected_version",
                "RANGE_1_4294967295",
            ),
            (
                put("relationship_to_householder", "子", "moved/1"),
                "moved[1].relationship_to_householder",
                "NOT_HERE",
            ),
        ],
    ),
    "accept": (
        into.accept_correction,
        ask.accepting,
        [
            *MOVE_NUMBERS,
            (put("code", "12345678901"), "code", "INVALID_CHECK_DIGIT"),
            (put("expected_version", 0), "expected_version", "RANGE_1_4294967295"),
        ],
    ),
    "continue": (
        into.continue_card,
        ask.continuing,
        [(put("session_id", bytes(15)), "session_id", "BYTES_16")],
    ),
    "within": (
        into.register_move_within,
        ask.moving_within,
        [
            (clear("movers"), "movers", "RANGE_1_20"),
            (
                lambda r: r.movers.extend([r.movers[0]] * 20),
                "movers",
                "RANGE_1_20",
            ),
            (twice("movers"), "movers", "TWICE"),
            (
                put("expected_version", 0, "movers/0"),
                "movers[0].expected_version",
                "RANGE_1_4294967295",
            ),
            (
                put("relationship_to_householder", " ", "movers/0"),
                "movers[0].relationship_to_householder",
                "REQUIRED",
            ),
            (put("lock_id", b"x", "movers/0"), "movers[0].lock_id", "BYTES_16"),
            *PLACES,
            (put("same_household", True), "place.household", "NOT_WITH_SAME_HOUSEHOLD"),
            (put("moved_date", ""), "moved_date", "DAY"),
            (put("late_reason", "遅" * 201), "late_reason", "TOO_LONG"),
        ],
    ),
}
LOOKS: dict[str, tuple[Take, Callable[[], Message], list[tuple[Change, str, str | None]]]] = {
    "get": (out.get_move, ask.asking, MOVE_NUMBERS),
    "list": (
        out.list_moves,
        ask.listing,
        [
            (put("selection", 0), "selection", "REQUIRED"),
            (put("selection", 7), "selection", "UNKNOWN_VALUE"),
            *PAGES,
        ],
    ),
    "missing": (out.list_missing, ask.listing_missing, PAGES),
    "alerts": (out.list_alerts, ask.listing_alerts, PAGES),
    "see": (
        out.see_alert,
        ask.seeing,
        [
            (put("alert_id", ""), "alert_id", "REQUIRED"),
            (put("alert_id", "0F" * 16), "alert_id", "UNKNOWN"),
            (put("alert_id", "0f" * 15), "alert_id", "UNKNOWN"),
            (put("alert_id", "0f" * 16 + "\n"), "alert_id", "UNKNOWN"),
        ],
    ),
}
FIELDS = [
    pytest.param(take, make, change, field, rule, id=f"{name}-{field}-{rule}-{index}")
    for name, (take, make, changes) in (KINDS | LOOKS).items()
    for index, (change, field, rule) in enumerate(changes)
]


@pytest.mark.parametrize(("take", "make", "change", "field", "rule"), FIELDS)
def test_a_field_that_breaks_a_rule_is_named(
    take: Take, make: Callable[[], Message], change: Change, field: str, rule: str | None
) -> None:
    request = make()
    change(request)

    found = refusal(take, request)

    assert found[0] == field
    assert rule is None or found[1] == rule


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("value", ["", "1", "6f3a2c9e-0d7b-1f57-9a3e-1c2d3e4f5a6b"])
def test_changing_request_without_a_uuid_of_its_own_is_refused(name: str, value: str) -> None:
    take, make, _ = KINDS[name]
    request: Any = make()
    request.request_id = value

    assert refusal(take, request) == ("request_id", "UUID_V4")


@pytest.mark.parametrize("name", KINDS | LOOKS)
def test_clerks_name_is_checked_by_every_request_and_its_absence_is_left_to_the_act(
    name: str,
) -> None:
    take, make, _ = (KINDS | LOOKS)[name]
    nameless: Any = make()
    nameless.clerk_name = ""
    long: Any = make()
    long.clerk_name = "花" * 61

    take(nameless, TERMINAL)
    assert refusal(take, long) == ("clerk_name", "TOO_LONG")


def test_every_selection_of_the_wire_is_known_and_missing_is_a_method_of_its_own() -> None:
    values = pb.ListMovesRequest.Selection.values()[1:]

    known = {out.list_moves(ask.listing(value), TERMINAL).selection for value in values}

    assert known == set(Selection) - {Selection.MISSING}


def test_commands_show_no_text_of_a_person() -> None:
    late = ask.moving_in_by_paper(late_reason="入院していたため")
    shown = [
        repr(out.file_move_out(ask.filing(), TERMINAL)),
        repr(out.correct_move_out(ask.sent_correction(), TERMINAL)),
        repr(into.register_move_in(late, TERMINAL)),
        repr(into.register_move_within(ask.moving_within(), TERMINAL)),
    ]

    for text in (ask.NEW_ADDRESS, ask.NEW_BUILDING, ask.CLERK, "入院", ask.code(ask.TARO)):
        assert not any(text in one for one in shown)
    assert ask.VERIFICATION_CODE not in shown[2]
