"""Requests about moves meet nothing but FIELD_INVALID, whatever their fields hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, Message
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_center.areas.callers import Terminal
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc import move_ins_translation as into
from juki_center.rpc import moves_translation as out
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support import move_requests as ask
from tests.support.message_filling import fill

TERMINAL = Terminal("juki://municipality/112089/terminal/01", MunicipalityCode("112089"))
SEEDS: list[tuple[Message, Callable[[Any, Terminal], object]]] = [
    (ask.filing(), out.file_move_out),
    (ask.change(), out.change_move_out),
    (ask.withdrawal(), out.cancel_move_out),
    (ask.paper_wanted(), out.issue_certificate),
    (ask.sent_correction(), out.correct_move_out),
    (ask.arrived(), out.record_arrival),
    (ask.by_card(), into.fetch_transfer),
    (ask.beforehand(), into.fetch_transfer),
    (ask.moving_in(), into.register_move_in),
    (ask.moving_in_by_paper(), into.register_move_in),
    (ask.giving_back(), into.abandon_move_in),
    (ask.taking_back(), into.cancel_move_in),
    (ask.accepting(), into.accept_correction),
    (ask.continuing(), into.continue_card),
    (ask.moving_within(), into.register_move_within),
    (ask.asking(), out.get_move),
    (ask.listing(), out.list_moves),
    (ask.listing_missing(), out.list_missing),
    (ask.listing_alerts(), out.list_alerts),
    (ask.seeing(), out.see_alert),
]
quick = settings(max_examples=300, deadline=None)


def _refusal_of(take: Callable[[Any, Terminal], object], request: Message) -> Refusal | None:
    """Return the refusal; what is taken has one encoding, as every act needs it."""
    try:
        canonical(take(request, TERMINAL))
    except Refusal as refusal:
        return refusal
    return None


@quick
@given(data=st.data())
def test_request_with_any_fields_is_taken_or_refused_without_an_echo(data: st.DataObject) -> None:
    seed, take = data.draw(st.sampled_from(SEEDS))
    request = type(seed)()
    request.CopyFrom(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        fill(data, request)

    refusal = _refusal_of(take, request)

    assert refusal is None or refusal.reason is Reason.FIELD_INVALID
    if refusal is not None:
        assert set(refusal.metadata) == {"field", "rule"}
        assert refusal.metadata["rule"].isascii()
        assert refusal.metadata["field"].isascii()


@quick
@given(octets=st.binary(max_size=200), data=st.data())
def test_octets_of_any_kind_are_taken_or_refused(octets: bytes, data: st.DataObject) -> None:
    seed, take = data.draw(st.sampled_from(SEEDS))
    request = type(seed)()
    try:
        request.MergeFromString(seed.SerializeToString() + octets)
    except DecodeError:
        return

    refusal = _refusal_of(take, request)

    assert refusal is None or refusal.reason is Reason.FIELD_INVALID


def test_every_method_of_the_service_has_its_request_among_the_seeds() -> None:
    methods = pb.DESCRIPTOR.services_by_name["MoveService"].methods

    assert {one.input_type.name for one in methods} == {seed.DESCRIPTOR.name for seed, _ in SEEDS}
