"""The monitor tells what comes and goes, also when pcscd does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from juki_terminal.reader.monitor import Event, Happening, Monitor
from tests.unit.terminal.fake_pcsc import ATR, FakeCard, FakeService

SLOT = "Juki 00 00"


def card() -> FakeCard:
    return FakeCard(lambda _: b"\x90\x00")


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_what_is_there_already_comes_first(stop: threading.Event) -> None:
    events = Monitor(FakeService({SLOT: card()})).events(stop)

    seen = [next(events), next(events)]

    assert seen == [
        Event(Happening.READER_ATTACHED, SLOT),
        Event(Happening.CARD_INSERTED, SLOT, ATR),
    ]


def test_insertion_and_removal_are_told(stop: threading.Event) -> None:
    service = FakeService({SLOT: None})
    events = Monitor(service).events(stop)
    next(events)

    service.put(SLOT, card())
    inserted = next(events)
    service.put(SLOT, None)
    removed = next(events)

    assert inserted == Event(Happening.CARD_INSERTED, SLOT, ATR)
    assert removed == Event(Happening.CARD_REMOVED, SLOT)


def test_card_exchanged_between_two_looks_is_told_as_both(stop: threading.Event) -> None:
    service = FakeService({SLOT: card()})
    events = Monitor(service).events(stop)
    next(events)
    next(events)

    service.put(SLOT, None)
    service.put(SLOT, card())

    assert [next(events).happening, next(events).happening] == [
        Happening.CARD_REMOVED,
        Happening.CARD_INSERTED,
    ]


def test_restart_of_the_service_is_survived(stop: threading.Event) -> None:
    service = FakeService({SLOT: card()})
    events = Monitor(service).events(stop)
    next(events)
    next(events)

    service.stop()
    lost = [next(events).happening for _ in range(3)]
    service.start()
    back = [next(events).happening for _ in range(3)]

    assert lost == [
        Happening.SERVICE_LOST,
        Happening.CARD_REMOVED,
        Happening.READER_DETACHED,
    ]
    assert back == [
        Happening.SERVICE_BACK,
        Happening.READER_ATTACHED,
        Happening.CARD_INSERTED,
    ]


def test_service_that_is_not_there_yet_is_waited_for(stop: threading.Event) -> None:
    service = FakeService({SLOT: None}, is_running=False)
    events = Monitor(service).events(stop)

    first = next(events)
    service.start()

    assert first == Event(Happening.SERVICE_LOST)
    assert next(events) == Event(Happening.SERVICE_BACK)


def test_reader_that_is_unplugged_is_told(stop: threading.Event) -> None:
    service = FakeService({SLOT: None, "Other": None})
    events = Monitor(service).events(stop)
    next(events)
    next(events)

    service.unplug("Other")

    assert next(events) == Event(Happening.READER_DETACHED, "Other")


def test_stop_ends_the_events(stop: threading.Event) -> None:
    events = Monitor(FakeService({SLOT: None})).events(stop)
    next(events)

    stop.set()

    assert list(events) == []


def test_card_that_comes_while_waiting_is_taken() -> None:
    service = FakeService({SLOT: None})
    timer = threading.Timer(0.05, lambda: service.put(SLOT, card()))
    timer.start()

    reader = Monitor(service).await_card("Juki", 10)

    assert reader == SLOT
