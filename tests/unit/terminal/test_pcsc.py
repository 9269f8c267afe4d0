"""A PC/SC reader: whose fault is what, hung cards, lengths, the transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from juki_client.outcome import Part, Problem
from juki_terminal.reader import connected, open_reader, scard
from juki_terminal.reader.pcsc import Limits, PCSCReader
from juki_terminal.reader.scard import PCSCError
from tests.unit.terminal.fake_pcsc import ATR, FakeCard, FakeService

SELECT = bytes.fromhex("00a4040000")
OK = b"\x90\x00"


def reader_with(
    answer: Callable[[bytes], bytes], limits: Limits | None = None
) -> tuple[PCSCReader, FakeCard, FakeService]:
    card = FakeCard(answer)
    service = FakeService({"Juki 00 00": card})
    return PCSCReader("Juki", establish=service, limits=limits), card, service


def raising(code: int) -> Callable[[bytes], bytes]:
    def answer(command: bytes) -> bytes:
        raise PCSCError("SCardTransmit", code)

    return answer


def test_session_holds_one_transaction_and_resets_the_card() -> None:
    reader, card, service = reader_with(lambda _: OK)

    with connected(reader, 0) as atr:
        answer = reader.transmit(SELECT)

    assert (atr, answer) == (ATR, OK)
    assert card.log == ["begin", "end", "disconnect"]
    assert service.released == 2


@pytest.mark.parametrize(
    ("code", "reason", "part"),
    [
        (scard.W_REMOVED_CARD, "CARD_REMOVED", Part.CARD),
        (scard.E_NOT_TRANSACTED, "CARD_REMOVED", Part.CARD),
        (scard.W_RESET_CARD, "CARD_REMOVED", Part.CARD),
        (scard.W_UNRESPONSIVE_CARD, "CARD_TIMEOUT", Part.CARD),
        (scard.E_NO_SERVICE, "READER_FAILED", Part.READER),
        (scard.F_COMM_ERROR, "READER_FAILED", Part.READER),
        (scard.E_SHARING_VIOLATION, "READER_FAILED", Part.READER),
        (scard.E_UNKNOWN_READER, "READER_NOT_FOUND", Part.READER),
    ],
)
def test_failing_exchange_names_reader_or_card_and_never_the_pin(
    code: int, reason: str, part: Part
) -> None:
    reader, _, _ = reader_with(raising(code))

    with connected(reader, 0), pytest.raises(Problem) as caught:
        reader.transmit(SELECT)

    assert (caught.value.reason, caught.value.part) == (reason, part)
    assert caught.value.metadata["code"] == f"{code:08X}"


@pytest.mark.parametrize("answer", [b"", b"\x90"])
def test_success_without_a_status_word_is_a_removed_card(answer: bytes) -> None:
    reader, _, _ = reader_with(lambda _: answer)

    with connected(reader, 0), pytest.raises(Problem) as caught:
        reader.transmit(SELECT)

    assert caught.value.reason == "CARD_REMOVED"


def test_hung_card_times_out_and_leaves_the_reader_usable() -> None:
    release = threading.Event()
    given_back = threading.Event()

    def hang(command: bytes) -> bytes:
        release.wait(10)
        return OK

    reader, card, service = reader_with(hang, Limits(connect=5, exchange=0.02))
    card.disconnect = given_back.set  # type: ignore[method-assign]  # tells when the worker is done
    with connected(reader, 0), pytest.raises(Problem) as caught:
        reader.transmit(SELECT)
    release.set()
    given_back.wait(10)
    service.put("Juki 00 00", FakeCard(lambda _: OK))

    with connected(reader, 0):
        answer = reader.transmit(SELECT)

    assert (caught.value.reason, caught.value.part) == ("CARD_TIMEOUT", Part.CARD)
    assert answer == OK


def test_call_after_a_hung_one_is_refused_at_once() -> None:
    release = threading.Event()
    calls: list[bytes] = []

    def hang(command: bytes) -> bytes:
        calls.append(command)
        release.wait(10)
        return OK

    reader, _, _ = reader_with(hang, Limits(connect=5, exchange=0.02))
    with connected(reader, 0):
        for _ in range(2):
            with pytest.raises(Problem, match="CARD_TIMEOUT"):
                reader.transmit(SELECT)
    release.set()

    assert calls == [SELECT]


def test_hung_connect_times_out() -> None:
    release = threading.Event()
    reader, card, _ = reader_with(lambda _: OK, Limits(connect=0.02, exchange=1))
    card.begin = lambda: bool(release.wait(10)) and None  # type: ignore[method-assign]  # a reader held by another program

    with pytest.raises(Problem, match="CARD_TIMEOUT"), connected(reader, 0):
        pass
    release.set()


def test_no_card_no_reader_and_no_service_are_told_apart() -> None:
    service = FakeService({"Juki 00 00": None})
    reader = PCSCReader("Juki", establish=service)

    with pytest.raises(Problem, match="CARD_REMOVED"):
        reader.connect(0)
    service.unplug("Juki 00 00")
    with pytest.raises(Problem, match="READER_NOT_FOUND"):
        reader.connect(0)
    service.stop()
    with pytest.raises(Problem, match="READER_FAILED"):
        reader.connect(0)


def test_transmit_without_a_card_is_a_removed_card() -> None:
    reader = PCSCReader("Juki", establish=FakeService())

    with pytest.raises(Problem, match="CARD_REMOVED"):
        reader.transmit(SELECT)


@pytest.mark.parametrize(
    "refusal",
    [lambda: b"\x67\x00", lambda: raising(scard.E_INVALID_PARAMETER)(b"")],
    ids=["card", "driver"],
)
def test_refused_extended_command_goes_as_a_chain_from_then_on(
    refusal: Callable[[], bytes],
) -> None:
    seen: list[bytes] = []

    def answer(command: bytes) -> bytes:
        seen.append(command)
        return refusal() if command[4] == 0 and len(command) > 7 else OK

    reader, _, _ = reader_with(answer)
    extended = bytes.fromhex("002a00be") + b"\x00" + (300).to_bytes(2, "big") + bytes(300)

    with connected(reader, 0):
        first = reader.transmit(extended)
        second = reader.transmit(extended)

    chain = [
        bytes.fromhex("102a00beff") + bytes(255),
        bytes.fromhex("002a00be2d") + bytes(45),
    ]
    assert (first, second) == (OK, OK)
    assert seen == [extended, *chain, *chain]


def test_chain_stops_at_the_first_refused_link() -> None:
    seen: list[bytes] = []

    def answer(command: bytes) -> bytes:
        seen.append(command)
        return b"\x67\x00" if command[4] == 0 else b"\x68\x84"

    reader, _, _ = reader_with(answer)
    with connected(reader, 0):
        result = reader.transmit(bytes.fromhex("002a00be00012c") + bytes(300))

    assert result == b"\x68\x84"
    assert len(seen) == 2


def test_announced_rest_is_fetched_by_get_response() -> None:
    answers = iter([bytes(range(16)) + b"\x61\x04", b"\xaa\xbb\xcc\xdd\x90\x00"])
    seen: list[bytes] = []

    def answer(command: bytes) -> bytes:
        seen.append(command)
        return next(answers)

    reader, _, _ = reader_with(answer)
    with connected(reader, 0):
        result = reader.transmit(bytes.fromhex("00b09c0000"))

    assert result == bytes(range(16)) + b"\xaa\xbb\xcc\xdd\x90\x00"
    assert seen[1].hex() == "00c0000004"


def test_card_that_announces_a_rest_and_gives_nothing_is_refused() -> None:
    reader, _, _ = reader_with(
        lambda command: b"\x01\x61\x04" if command[1] == 0xB0 else b"\x61\x04"
    )

    with connected(reader, 0), pytest.raises(Problem) as caught:
        reader.transmit(bytes.fromhex("00b09c0000"))

    assert caught.value.reason == "CARD_REFUSED"


def test_card_that_says_it_knows_only_short_lengths_never_sees_extended_ones() -> None:
    seen: list[bytes] = []

    def answer(command: bytes) -> bytes:
        seen.append(command)
        return OK

    reader, card, _ = reader_with(answer)
    card.atr = lambda: bytes.fromhex("3b858001807300008000")  # type: ignore[method-assign]  # chaining only
    with connected(reader, 0):
        reader.transmit(bytes.fromhex("002a00be00012c") + bytes(300))

    assert [command[0] for command in seen] == [0x10, 0x00]


@pytest.mark.parametrize("address", ["", "pcsc", "pcsc:", "usb:1", "virtual"])
def test_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(Problem) as caught:
        open_reader(address)

    assert caught.value.reason == "READER_NOT_FOUND"


def test_exact_name_wins_over_a_reader_whose_name_only_begins_so() -> None:
    wanted = FakeCard(lambda _: b"\x01\x90\x00")
    other = FakeCard(lambda _: b"\x02\x90\x00")
    service = FakeService({"Juki 2": other, "Juki": wanted})
    reader = PCSCReader("Juki", establish=service)

    with connected(reader, 0):
        answer = reader.transmit(SELECT)

    assert answer == b"\x01\x90\x00"


def test_slot_with_a_card_wins_over_an_empty_one() -> None:
    service = FakeService({"Juki 00": None, "Juki 01": FakeCard(lambda _: OK)})

    with connected(PCSCReader("Juki", establish=service), 0) as atr:
        pass

    assert atr == ATR
