"""Whose center it is, and how busy it is: read from its status page."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from juki_center.rpc import status_http
from juki_center.rpc.metrics import Metrics
from juki_client.outcome import Problem
from juki_load.center_status import (
    Observer,
    cpu_and_memory,
    default_address,
    parse_values,
    require_test_center,
)
from juki_load.measure.result import Sample
from juki_load.wire.dial import Address


@asynccontextmanager
async def page(metrics: Callable[[], bytes]) -> AsyncIterator[Address]:
    """Serve the center's own status page."""
    probes = status_http.Probes(dict, metrics)
    server, port = await status_http.start(probes, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", port)


def told(environment: str) -> Metrics:
    metrics = Metrics()
    metrics.tell_center(environment=environment, node="center-1")
    metrics.tell_store(lambda: 1.5)
    return metrics


@pytest.mark.parametrize("environment", ["dev", "test"])
async def test_a_center_for_tests_takes_load(environment: str) -> None:
    async with page(told(environment).exposition) as address:
        await require_test_center(address)


@pytest.mark.parametrize("metrics", [told("production").exposition, Metrics().exposition, bytes])
async def test_a_production_center_and_one_that_says_nothing_get_none(
    metrics: Callable[[], bytes],
) -> None:
    async with page(metrics) as address:
        with pytest.raises(Problem) as caught:
            await require_test_center(address)

    assert caught.value.reason == "USAGE_INVALID"
    assert caught.value.metadata["field"] == "center"


async def test_a_page_that_nobody_serves_is_an_unreachable_center() -> None:
    with pytest.raises(Problem, match="CENTER_UNREACHABLE"):
        await require_test_center(Address("127.0.0.1", 1))


async def test_the_center_is_watched_by_its_own_metrics() -> None:
    samples: list[Sample] = []
    began = time.monotonic() + 0.1
    async with page(told("test").exposition) as address:
        watching = asyncio.create_task(Observer(address).watch(began, 0.05, samples))
        async with asyncio.timeout(10):
            while len(samples) < 2:  # noqa: ASYNC110  # another task fills it
                await asyncio.sleep(0.01)
        watching.cancel()

    first, second, *_ = samples
    assert 0 <= first.second < second.second
    assert (first.cpu_share, second.store_share) == (None, 0.0)
    assert second.cpu_share is not None
    assert (second.rss_mib or 0) > 10
    assert second.open_streams == 0


def test_cpu_and_memory_of_a_process_are_read_from_the_system() -> None:
    cpu, memory = cpu_and_memory(os.getpid())

    assert (cpu or 0) > 0
    assert (memory or 0) > 1 << 20
    assert cpu_and_memory(2**22 + 1) == (None, None)


def test_metrics_with_several_labels_are_added_up() -> None:
    found = parse_values('# HELP a b\na{x="1"} 2.0\na{x="2"} 3e0\nb 7\n')

    assert found == {"a": 5.0, "b": 7.0}


@pytest.mark.parametrize("text", ["center", ":7443", "center:", "center:https"])
def test_an_address_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        Address.parse(text)


def test_the_status_page_is_at_the_next_port() -> None:
    assert default_address(Address.parse("[::1]:7443")) == Address("::1", 7444)
