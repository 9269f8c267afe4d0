"""The terminal's messages in a card session: what is taken, and the reason for the rest."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.flow import Batch, Step
from juki_center.areas.cards.register import Purpose
from juki_center.errors import Reason, Refusal
from juki_center.rpc import card_messages
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.options.v1 import options_pb2

GOOD = b"\x90\x00"
BAD = b"\x69\x82"
BATCH = Batch(
    (
        Step(CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=8), "GET CHALLENGE"),
        Step(CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=256), "READ", frozenset((SW.OK, 0x6282))),
        Step(CommandAPDU(0x00, 0xA4, 0x04, 0x0C, b"x"), "SELECT"),
    )
)


def test_known_purpose_and_version_open_a_session() -> None:
    message = pb.Hello(purpose=options_pb2.PURPOSE_CERTIFICATE_COPY, versions=[2, 1])

    assert card_messages.hello(message) == card_messages.Hello(Purpose.CERTIFICATE_COPY)


@pytest.mark.parametrize("purpose", [0, 99])
def test_unknown_purpose_is_refused(purpose: int) -> None:
    with pytest.raises(Refusal) as raised:
        card_messages.hello(pb.Hello(purpose=purpose, versions=[1]))  # type: ignore[arg-type]

    assert raised.value.reason is Reason.PURPOSE_UNKNOWN


def test_an_unlock_names_its_act() -> None:
    message = pb.Hello(purpose=options_pb2.PURPOSE_PIN_UNLOCK, versions=[1], act_id=bytes(16))

    assert card_messages.hello(message) == card_messages.Hello(Purpose.PIN_UNLOCK, bytes(16))


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17])
def test_an_act_is_named_with_an_unlock_and_with_nothing_else(purpose: Purpose, size: int) -> None:
    number = card_messages.purpose_number(purpose)
    message = pb.Hello(purpose=number, versions=[1], act_id=bytes(size))  # type: ignore[arg-type]
    if size == (16 if purpose is Purpose.PIN_UNLOCK else 0):
        assert card_messages.hello(message).purpose is purpose
        return

    with pytest.raises(Refusal) as raised:
        card_messages.hello(message)

    assert raised.value.reason is Reason.ANSWERS_MALFORMED
    assert raised.value.metadata == {"field": "act_id"}


@pytest.mark.parametrize("versions", [[], [2], [0]])
def test_version_not_spoken_is_refused_with_those_that_are(versions: list[int]) -> None:
    message = pb.Hello(purpose=options_pb2.PURPOSE_CERTIFICATE_COPY, versions=versions)

    with pytest.raises(Refusal) as raised:
        card_messages.hello(message)

    assert raised.value.reason is Reason.VERSION_UNSUPPORTED
    assert raised.value.metadata == {"supported": "1"}


def ready(**changes: object) -> pb.Ready:
    fields: dict[str, object] = {
        "atr": bytes(2),
        "card_access": b"1",
        "trust_point": "JPCVCA00001",
        "id_picc": bytes(32),
        "r_picc": bytes(8),
        "status_words": [0x9000] * 6,
        "attested_at": Timestamp(seconds=1),
        "attestation": bytes(70),
    }
    return pb.Ready(**(fields | changes))  # type: ignore[arg-type]  # named per test


def test_ready_keeps_what_the_card_showed() -> None:
    taken = card_messages.ready(ready())

    assert (taken.trust_point, taken.attested_at) == ("JPCVCA00001", 1)
    assert taken.status_words == (0x9000,) * 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("atr", b"1"),
        ("atr", bytes(34)),
        ("card_access", b""),
        ("card_access", bytes(1_025)),
        ("trust_point", ""),
        ("trust_point", "x" * 17),
        ("id_picc", bytes(31)),
        ("id_picc", bytes(33)),
        ("r_picc", bytes(7)),
        ("status_words", [0x1_0000]),
        ("status_words", [0x9000] * 65),
        ("attested_at", Timestamp(seconds=-1)),
        ("attestation", bytes(81)),
        ("attestation", b""),
    ],
)
def test_ready_with_a_wrong_field_names_it(name: str, value: object) -> None:
    with pytest.raises(Refusal) as raised:
        card_messages.ready(ready(**{name: value}))

    assert raised.value.reason is Reason.ANSWERS_MALFORMED
    assert raised.value.metadata == {"field": name}


def answers(*responses: bytes, number: int = 1) -> pb.Answers:
    return pb.Answers(batch_number=number, responses=responses)


def test_answers_to_every_command_are_taken() -> None:
    taken = card_messages.answers(answers(b"12345678" + GOOD, b"\x62\x82", GOOD), BATCH, 1)

    assert [answer.sw for answer in taken] == [0x9000, 0x6282, 0x9000]


def test_answers_may_stop_at_a_status_word_not_accepted() -> None:
    taken = card_messages.answers(answers(GOOD, BAD), BATCH, 1)

    assert taken == (ResponseAPDU(b"", 0x9000), ResponseAPDU(b"", 0x6982))


@pytest.mark.parametrize("number", [0, 2])
def test_answers_to_another_batch_are_out_of_order(number: int) -> None:
    with pytest.raises(Refusal) as raised:
        card_messages.answers(answers(GOOD, number=number), BATCH, 1)

    assert raised.value.reason is Reason.STEP_OUT_OF_ORDER
    assert raised.value.metadata == {"expected": "answers 1", "got": f"answers {number}"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_missing_answer_is_truncated(count: int) -> None:
    with pytest.raises(Refusal) as raised:
        card_messages.answers(answers(*[GOOD] * count), BATCH, 1)

    assert raised.value.reason is Reason.ANSWERS_TRUNCATED
    assert raised.value.metadata == {"expected": "3", "got": str(count)}


@pytest.mark.parametrize(
    "responses",
    [(GOOD,) * 4, (BAD, GOOD), (GOOD, BAD, GOOD), (b"\x90",), (b"",)],
    ids=["too-many", "after-a-stop", "after-a-later-stop", "one-byte", "empty"],
)
def test_answers_that_no_run_gives_are_malformed(responses: tuple[bytes, ...]) -> None:
    with pytest.raises(Refusal) as raised:
        card_messages.answers(answers(*responses), BATCH, 1)

    assert raised.value.reason is Reason.ANSWERS_MALFORMED


def test_batch_goes_out_with_its_acceptable_status_words() -> None:
    message = card_messages.batch_message(BATCH, 1, pb.Batch.PROTECTION_TERMINAL)

    assert message.batch.number == 1
    assert list(message.batch.commands[1].acceptable_status_words) == [0x6282, 0x9000]
    assert message.batch.commands[0].apdu == bytes.fromhex("0084000008")
