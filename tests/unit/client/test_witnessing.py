"""A witness that goes on: what it cosigns, what it only checks, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints
from juki_audit.witnesses import cosigned_by
from juki_client.log_shelf import MemoryShelf
from juki_client.outcome import Exit, Problem
from juki_client.witness import Witness
from juki_client.witness_key import WitnessSecret
from juki_client.witnessing import AGAIN_SECONDS, HandedIn, NotReached, Witnessing
from tests.support.trial_log import TrialLog
from tests.support.trial_prover import TrialProver

SECRET = WitnessSecret("witness.test", Ed25519PrivateKey.from_private_bytes(bytes(32)))


@dataclass
class TrialCollector(TrialProver):
    """A center that offers a head of a size, or the newest; `fault` ends one call."""

    offer: int | None = None
    notes: list[bytes] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)

    def offered(self) -> bytes:
        """Return the head that is offered."""
        return self.log.checkpoint(self.offer)

    def hand_in(self, note: bytes) -> tuple[int, int]:
        """Take a note."""
        if self.faults:
            raise self.faults.pop()
        self.notes.append(note)
        size = checkpoints.parse(note).checkpoint.head.size
        return size, size - 1


@dataclass
class Trial:
    """A witness over a log that the test may change."""

    collector: TrialCollector
    shelf: MemoryShelf
    seconds: float = 0.0

    def witnessing(self) -> Witnessing:
        """Begin as a program does."""
        witness = Witness(self.collector.log.trusted, SECRET, self.shelf)
        return Witnessing(witness, self.collector, lambda: self.seconds)

    def sizes(self) -> list[int]:
        """Return the sizes of the heads that were handed in."""
        return [checkpoints.parse(note).checkpoint.head.size for note in self.collector.notes]


@pytest.fixture
def trial() -> Trial:
    log = TrialLog()
    log.append_others(5)
    return Trial(TrialCollector(log), MemoryShelf())


def times(count: int) -> Callable[[], bool]:
    """Return a wait that ends after so many rounds."""
    left = iter([True] * (count - 1))
    return lambda: next(left, False)


def test_offered_head_is_cosigned_and_handed_in(trial: Trial) -> None:
    assert trial.witnessing().round() == HandedIn(5, 4)

    signed = checkpoints.parse(trial.collector.notes[0])
    assert cosigned_by(signed, [SECRET.public]) == ["witness.test"]


def test_head_that_was_handed_in_is_not_cosigned_again_at_once(trial: Trial) -> None:
    one = trial.witnessing()
    one.round()

    assert one.round() is None
    assert trial.sizes() == [5]


def test_head_that_does_not_grow_is_cosigned_again_after_a_while(trial: Trial) -> None:
    one = trial.witnessing()
    one.round()
    trial.seconds += AGAIN_SECONDS

    assert one.round() == HandedIn(5, 4)


def test_newer_head_waits_while_an_older_one_is_offered(trial: Trial) -> None:
    one = trial.witnessing()
    one.round()
    trial.collector.log.append_others(4)
    trial.collector.offer = 5

    assert one.round() is None
    trial.collector.offer = None
    assert one.round() == HandedIn(9, 8)


def test_offered_head_below_the_newest_is_cosigned(trial: Trial) -> None:
    trial.collector.log.append_others(4)
    trial.collector.offer = 7

    assert trial.witnessing().round() == HandedIn(7, 6)


def test_witness_ahead_of_the_offer_cosigns_the_newest_head(trial: Trial) -> None:
    trial.witnessing().round()
    trial.collector.log.append_others(4)
    trial.collector.offer = 3

    assert trial.witnessing().round() == HandedIn(9, 8)


def test_begun_anew_it_hands_the_same_head_in_again(trial: Trial) -> None:
    trial.witnessing().round()

    assert trial.witnessing().round() == HandedIn(5, 4)


def test_fork_behind_the_offer_is_seen_and_ends_it(trial: Trial) -> None:
    one = trial.witnessing()
    one.round()
    fork = trial.collector.log.forked_at(3)
    fork.append_octets(b"another leaf")
    fork.append_others(4)
    honest, trial.collector.log = trial.collector.log.checkpoint(), fork
    trial.collector.offered = lambda: honest  # type: ignore[method-assign]  # the split view

    with pytest.raises(Problem) as caught:
        one.round()

    assert (caught.value.reason, caught.value.exit) == ("LOG_FORKED", Exit.REFUSED)
    assert trial.sizes() == [5]
    with pytest.raises(Problem):
        trial.witnessing().round()


def test_shrunken_log_ends_it(trial: Trial) -> None:
    trial.witnessing().round()
    trial.collector.log = trial.collector.log.forked_at(4)

    with pytest.raises(Problem) as caught:
        list(trial.witnessing().rounds(times(5)))

    assert caught.value.reason == "LOG_SHRANK"


def test_offer_that_is_no_head_ends_it(trial: Trial) -> None:
    trial.collector.offered = lambda: b"no head"  # type: ignore[method-assign]  # broken center

    with pytest.raises(Problem) as caught:
        trial.witnessing().round()

    assert caught.value.reason == "LOG_NOT_TRUSTED"


@pytest.mark.parametrize("reason", ["CENTER_UNREACHABLE", "STORE_UNAVAILABLE", "LOG_UNAVAILABLE"])
def test_center_that_is_not_reached_gets_the_same_note_later(trial: Trial, reason: str) -> None:
    trial.collector.faults = [Problem(reason)]

    told = list(trial.witnessing().rounds(times(2)))

    assert told == [NotReached(reason), HandedIn(5, 4)]
    assert len(trial.collector.notes) == 1


@pytest.mark.parametrize("reason", ["WITNESS_UNKNOWN", "COSIGNED_HEAD_OTHER", "COSIGNATURE_OLD"])
def test_refusal_ends_it(trial: Trial, reason: str) -> None:
    trial.collector.faults = [Problem(reason)]

    with pytest.raises(Problem) as caught:
        list(trial.witnessing().rounds(times(5)))

    assert caught.value.reason == reason
