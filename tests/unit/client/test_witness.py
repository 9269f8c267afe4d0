"""A witness cosigns a head that follows its last one, and never two heads of one size."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint
from juki_audit.witnesses import cosigned_by
from juki_client import witness_key
from juki_client.log_shelf import FileShelf, MemoryShelf
from juki_client.outcome import Exit, Problem
from juki_client.witness import Witness
from juki_client.witness_key import WitnessSecret
from tests.support.trial_log import KEY, ORIGIN, OTHER_KEY, TrialLog
from tests.support.trial_prover import TrialProver

SECRET = WitnessSecret("witness.test", Ed25519PrivateKey.from_private_bytes(bytes(32)))


class FullShelf(MemoryShelf):
    """A shelf that cannot be written."""

    def replace(self, octets: bytes) -> None:
        """Refuse."""
        raise Problem("JOURNAL_DAMAGED", {"octets": str(len(octets))})


class ExtendedProver(TrialProver):
    """Adds an extension line to the head, and signs it."""

    def newest(self, first: int) -> tuple[bytes, tuple[bytes, ...]]:
        """Return the newest head with one line more."""
        head = self.log.heads[self.log.size]
        signed = checkpoints.sign(Checkpoint(ORIGIN, head, ("more",)), KEY)
        return signed.note().encode(), tuple(self.between(first, self.log.size))


@pytest.fixture
def log() -> TrialLog:
    """A log with five leaves."""
    log = TrialLog()
    log.append_others(5)
    return log


@pytest.fixture
def shelf(tmp_path: Path) -> FileShelf:
    """The witness's own state file."""
    return FileShelf(tmp_path / "witness.key.state")


def witness(log: TrialLog, shelf: MemoryShelf | FileShelf) -> Witness:
    """Return a witness as it is after its program has begun anew."""
    return Witness(log.trusted, SECRET, shelf)


def refused(one: Witness, log: TrialLog) -> Problem:
    """Return the problem with which nothing is cosigned."""
    with pytest.raises(Problem) as caught:
        one.cosign(TrialProver(log))
    return caught.value


def test_grown_log_is_cosigned_each_time(log: TrialLog, shelf: FileShelf) -> None:
    witness(log, shelf).cosign(TrialProver(log))
    log.append_others(3)

    cosigned = witness(log, shelf).cosign(TrialProver(log))

    signed = checkpoints.parse(cosigned.note)
    assert cosigned.head == log.heads[8]
    assert log.trusted.head(cosigned.note) == log.heads[8]
    assert cosigned_by(signed, [SECRET.public]) == ["witness.test"]


def test_same_head_is_cosigned_again(log: TrialLog, shelf: FileShelf) -> None:
    first = witness(log, shelf).cosign(TrialProver(log))

    assert witness(log, shelf).cosign(TrialProver(log)).head == first.head


@pytest.mark.parametrize("grown", [0, 4])
def test_fork_is_never_cosigned_and_is_kept(log: TrialLog, shelf: FileShelf, grown: int) -> None:
    fork = log.forked_at(3)
    fork.append_others(1)
    fork.append_octets(b"another leaf")
    fork.append_others(grown)
    # The cosignature of this run is lost, as by a kill between state and output.
    witness(log, shelf).cosign(TrialProver(log))

    problem = refused(witness(log, shelf), fork)

    assert (problem.reason, problem.exit) == ("LOG_FORKED", Exit.REFUSED)
    assert fork.heads[-1].root != log.heads[-1].root
    with shelf.turn() as content:
        assert b'"fault"' in content.read()
    assert refused(witness(log, shelf), log).reason == "LOG_FORKED"


def test_shrunken_log_is_never_cosigned(log: TrialLog, shelf: FileShelf) -> None:
    short = log.forked_at(4)
    witness(log, shelf).cosign(TrialProver(log))

    assert refused(witness(log, shelf), short).reason == "LOG_SHRANK"
    assert refused(witness(log, shelf), log).reason == "LOG_SHRANK"


def test_false_proof_is_refused(log: TrialLog, shelf: FileShelf) -> None:
    witness(log, shelf).cosign(TrialProver(log))
    log.append_others(3)
    prover = TrialProver(log, bend=lambda proof: [bytes(32), *proof[1:]])

    with pytest.raises(Problem) as caught:
        witness(log, shelf).cosign(prover)

    assert caught.value.reason == "LOG_FORKED"


@pytest.mark.parametrize("other", [TrialLog(origin="log.other"), TrialLog(key=OTHER_KEY)])
def test_head_of_another_log_or_key_is_refused(
    log: TrialLog, shelf: FileShelf, other: TrialLog
) -> None:
    assert refused(witness(log, shelf), other).reason == "LOG_NOT_TRUSTED"


def test_head_with_extension_lines_is_refused(log: TrialLog, shelf: FileShelf) -> None:
    with pytest.raises(Problem) as caught:
        witness(log, shelf).cosign(ExtendedProver(log))

    assert caught.value.metadata == {"rule": "EXTENSIONS"}


def test_nothing_is_cosigned_where_the_state_cannot_be_written(log: TrialLog) -> None:
    assert refused(witness(log, FullShelf()), log).reason == "JOURNAL_DAMAGED"


def test_damaged_state_is_not_begun_anew(log: TrialLog, shelf: FileShelf) -> None:
    shelf.replace(b"{}")

    assert refused(witness(log, shelf), log).reason == "JOURNAL_DAMAGED"


def test_key_is_written_for_its_owner_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"

    public = witness_key.make("witness.test", path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert witness_key.load(path).public == public


def test_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    public = witness_key.make("witness.test", path)

    with pytest.raises(Problem) as caught:
        witness_key.make("witness.test", path)

    assert caught.value.reason == "USAGE_INVALID"
    assert witness_key.load(path).public == public


@pytest.mark.parametrize("name", ["", "a b", "a+b"])
def test_name_that_no_key_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem):
        witness_key.make(name, tmp_path / "witness.key")

    assert not (tmp_path / "witness.key").exists()


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY", "PRIVATE+KEY+a+00000000+BAAA", "+a+b+c"])
def test_file_that_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "witness.key"
    path.write_text(text)

    with pytest.raises(Problem) as caught:
        witness_key.load(path)

    assert caught.value.reason == "USAGE_INVALID"
