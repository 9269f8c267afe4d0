"""Calls that ended, as a reader of `/metrics` sees them."""

from __future__ import annotations

from juki_center.rpc.metrics import Metrics


def _page(metrics: Metrics) -> list[str]:
    return metrics.exposition().decode().splitlines()


def test_calls_are_counted_by_method_code_and_reason() -> None:
    metrics = Metrics()
    metrics.count(method="/x.Y/Z", code="OK", reason="", seconds=0.001)
    metrics.count(method="/x.Y/Z", code="OK", reason="", seconds=0.001)
    metrics.count(method="/x.Y/Z", code="UNAVAILABLE", reason="OVERLOADED", seconds=0.001)

    page = _page(metrics)

    assert 'juki_calls_total{code="OK",method="/x.Y/Z",reason=""} 2.0' in page
    assert 'juki_calls_total{code="UNAVAILABLE",method="/x.Y/Z",reason="OVERLOADED"} 1.0' in page


def test_a_duration_is_in_its_bucket_and_in_all_longer_ones() -> None:
    metrics = Metrics()
    metrics.count(method="/x.Y/Z", code="OK", reason="", seconds=0.002)
    metrics.count(method="/x.Y/Z", code="OK", reason="", seconds=61.0)

    page = _page(metrics)

    assert 'juki_call_seconds_bucket{le="0.001",method="/x.Y/Z"} 0.0' in page
    assert 'juki_call_seconds_bucket{le="0.002",method="/x.Y/Z"} 1.0' in page
    assert 'juki_call_seconds_bucket{le="60.0",method="/x.Y/Z"} 1.0' in page
    assert 'juki_call_seconds_bucket{le="+Inf",method="/x.Y/Z"} 2.0' in page
    assert 'juki_call_seconds_count{method="/x.Y/Z"} 2.0' in page
    assert 'juki_call_seconds_sum{method="/x.Y/Z"} 61.002' in page
