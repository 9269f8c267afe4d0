"""Words for what the wire says of cards: one for each value, and the municipalities' own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from google.protobuf.descriptor import EnumDescriptor

from juki_client.card_words import (
    CHANNELS,
    LOSSES,
    REPORTERS,
    STATES,
    TOPICS,
    Words,
    state_word,
)
from juki_client.outcome import Language
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (STATES, card_pb2.CardState.DESCRIPTOR),
        (REPORTERS, pb.SuspendCardRequest.Reporter.DESCRIPTOR),
        (CHANNELS, pb.SuspendCardRequest.Channel.DESCRIPTOR),
        (LOSSES, pb.SuspendCardRequest.Reason.DESCRIPTOR),
        (TOPICS, pb.CallerQuestion.Topic.DESCRIPTOR),
    ],
)
def test_every_value_has_a_word_of_its_own_in_both_languages(
    table: Mapping[int, Words], values: EnumDescriptor
) -> None:
    told = {number for number in values.values_by_number if number}

    assert set(table) == told
    assert all(len({words[place] for words in table.values()}) == len(told) for place in (0, 1))


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (card_pb2.CARD_STATE_ACTIVE, "運用中"),
        (card_pb2.CARD_STATE_SUSPENDED, "一時停止"),
        (card_pb2.CARD_STATE_REVOKED, "廃止"),
    ],
)
def test_states_are_told_as_municipalities_write_them(state: int, word: str) -> None:
    assert state_word(state, Language.JAPANESE) == word


def test_state_of_a_newer_center_is_told_by_its_number() -> None:
    assert state_word(99, Language.ENGLISH) == "99"
