"""Which places a short run takes."""

from __future__ import annotations

import pytest

from tests.support.sampling import edges, sampled

PLACES = range(1, 41)


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_short_run_takes_that_many_in_their_order_with_both_ends(
    monkeypatch: pytest.MonkeyPatch, seed: str
) -> None:
    monkeypatch.setenv("JUKI_SEED", seed)

    taken = sampled(PLACES, 10, where="here", kind=edges(40), every=False)

    assert taken == sorted(set(taken))
    assert len(taken) == 10
    assert {1, 40} < set(taken) < set(PLACES)


def test_same_seed_takes_the_same_places_and_another_takes_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []
    for seed in ("1", "1", "2"):
        monkeypatch.setenv("JUKI_SEED", seed)
        taken.append(sampled(PLACES, 10, where="here", every=False))

    assert taken[0] == taken[1]
    assert taken[0] != taken[2]


def test_more_kinds_than_places_wanted_are_all_taken() -> None:
    taken = sampled(PLACES, 2, where="here", kind=lambda at: at % 7, every=False)

    assert {at % 7 for at in taken} == set(range(7))
    assert len(taken) == 7


def test_long_run_takes_all() -> None:
    assert sampled(PLACES, 2, where="here", every=True) == list(PLACES)
