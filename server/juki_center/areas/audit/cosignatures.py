"""Cosignatures of the log's heads: whose are taken, which are kept, and how far they reach.

A center that shows different logs to different people cannot do so to a witness who remembers. What
witnesses sign is kept beside the log, and goes out with it: nobody has to believe the center that
they were asked. No leaf is written, so that a witness never makes a new head by signing the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_audit import checkpoints, witnesses
from juki_audit.checkpoints import SignedCheckpoint
from juki_audit.errors import LogRefused, ProofInvalid
from juki_audit.notes import Signature
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Head, verify_consistency
from juki_audit.witnesses import WitnessKey
from juki_center.areas.audit.proofs import ProvableLog, newest_checkpoint, prove_consistency
from juki_center.areas.callers import Terminal
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal

ROUND: Final = timedelta(minutes=5)
"""For so long a head that was cosigned is offered to the other witnesses."""
CLOCK_SLACK: Final = timedelta(minutes=5)
"""So far the clock of a witness may be ahead."""


@dataclass(frozen=True, slots=True)
class WitnessSite:
    """A witness: the municipality whose terminals hand its cosignatures in, and its key."""

    municipality: MunicipalityCode
    key: WitnessKey


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Whose cosignatures count, how many of them make a head cosigned, and the log's own keys.

    `log` is None where the log has no signer.
    """

    sites: tuple[WitnessSite, ...] = ()
    quorum: int = 1
    log: TrustedLog | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the witnesses, each once."""
        return tuple(dict.fromkeys(site.key.name for site in self.sites))

    def keys_of(self, municipality: MunicipalityCode) -> tuple[WitnessKey, ...]:
        """Return the keys of a municipality's witnesses."""
        return tuple(site.key for site in self.sites if site.municipality == municipality)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A head with the lines of the log and of one witness, and when it was signed and taken."""

    witness: str
    key_id: bytes
    size: int
    cosigned_at: datetime
    taken_at: datetime
    note: bytes


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """The newest head that enough witnesses have cosigned, and when the last of them did."""

    size: int
    cosigned_at: datetime
    note: bytes


class Cosignatures(Protocol):
    """What the store keeps of cosignatures: the newest ones of each witness."""

    def put(self, cosignature: Cosignature) -> None:
        """Keep one in place of an earlier one of the same key and size, as taken when that was."""

    def newest(self, witness: str, key_id: bytes) -> Cosignature | None:
        """Return a key's newest one."""

    def every(self) -> list[Cosignature]:
        """Return all, those of the largest head first."""


class CosigningTx(Protocol):
    """What cosignatures need of a transaction."""

    @property
    def audit(self) -> ProvableLog: ...

    @property
    def cosignatures(self) -> Cosignatures: ...


def add_cosignature(
    tx: CosigningTx, note: bytes, caller: Terminal, policy: WitnessPolicy, now: datetime
) -> int:
    """Act: keep a witness's cosignature; return the size of the head.

    Raises Refusal: WITNESS_UNKNOWN, COSIGNATURE_INVALID with the rule that is broken,
    COSIGNATURE_OLD, COSIGNED_HEAD_OTHER, LOG_SHORTER and LOG_NOT_SIGNED.
    """
    keys = policy.keys_of(caller.municipality)
    if not keys:
        raise Refusal(Reason.WITNESS_UNKNOWN)
    if policy.log is None:
        raise Refusal(Reason.LOG_NOT_SIGNED)
    signed = _signed(note, policy.log)
    head = signed.checkpoint.head
    key, line = _cosigner(signed, keys)
    at = witnesses.cosigned_at(line)
    if at is None or at > now + CLOCK_SLACK:
        raise _invalid("TIME_AHEAD")
    _require_of_log(tx.audit, head)
    before = tx.cosignatures.newest(key.name, key.key_id)
    if before is not None and before.size > head.size:
        raise Refusal(Reason.COSIGNATURE_OLD, treeSize=str(before.size))
    kept = SignedCheckpoint(signed.checkpoint, (*_own_lines(signed, policy.log), line))
    octets = kept.note().encode()
    tx.cosignatures.put(Cosignature(key.name, key.key_id, head.size, at, now, octets))
    return head.size


def cosigned_head(cosignatures: Cosignatures, policy: WitnessPolicy) -> CosignedHead | None:
    """Return the newest head that enough of today's witnesses have cosigned."""
    known = _known(cosignatures, policy)
    for size in dict.fromkeys(one.size for one in known):
        of_head = [one for one in known if one.size == size]
        if len({one.witness for one in of_head}) >= policy.quorum:
            cosigned_at = max(one.cosigned_at for one in of_head)
            return CosignedHead(size, cosigned_at, _joined(of_head))
    return None


def offered_head(tx: CosigningTx, policy: WitnessPolicy, now: datetime) -> bytes:
    """Return the head that witnesses should cosign now, without their lines.

    Heads grow faster than witnesses look: left to themselves, two of them would never meet at one.
    Raises Refusal(LOG_NOT_SIGNED).
    """
    newest, known = newest_checkpoint(tx.audit), _known(tx.cosignatures, policy)
    latest = max(known, key=_taken_at, default=None)
    if latest is None or policy.log is None:
        return newest
    # The round began with the first of them: those that come late do not make it longer.
    began = min(one.taken_at for one in known if one.size == latest.size)
    if not now - ROUND < began <= now:
        return newest
    signed = checkpoints.parse(latest.note)
    lines = _own_lines(signed, policy.log)
    # A head of a key that is trusted no more is offered to nobody.
    return SignedCheckpoint(signed.checkpoint, lines).note().encode() if lines else newest


def latest_of_each(cosignatures: Cosignatures, policy: WitnessPolicy) -> dict[str, datetime | None]:
    """Return for each of today's witnesses when it last signed; None for one that never did."""
    found: dict[str, datetime | None] = dict.fromkeys(policy.names)
    for one in _known(cosignatures, policy):
        before = found[one.witness]
        found[one.witness] = one.cosigned_at if before is None else max(before, one.cosigned_at)
    return found


def lagging(
    cosignatures: Cosignatures, policy: WitnessPolicy, now: datetime, lag: timedelta
) -> list[str]:
    """Return what is late: the newest cosigned head as a whole, and each witness by its name."""
    head, oldest = cosigned_head(cosignatures, policy), now - lag
    found = []
    if head is None:
        found.append("no head is cosigned by enough of them")
    elif head.cosigned_at < oldest:
        found.append(f"the newest cosigned head is of {head.cosigned_at:%Y-%m-%d %H:%M}Z")
    for name, at in latest_of_each(cosignatures, policy).items():
        if at is None:
            found.append(f"{name} has never cosigned")
        elif at < oldest:
            found.append(f"{name} has not cosigned since {at:%Y-%m-%d %H:%M}Z")
    return found


def _known(cosignatures: Cosignatures, policy: WitnessPolicy) -> list[Cosignature]:
    """Return those of witnesses that are configured today, of the largest head first."""
    keys = {(site.key.name, site.key.key_id) for site in policy.sites}
    return (
        [one for one in cosignatures.every() if (one.witness, one.key_id) in keys] if keys else []
    )


def _signed(note: bytes, log: TrustedLog) -> SignedCheckpoint:
    try:
        signed = checkpoints.parse(note)
        checkpoints.verify(signed, log.origin, log.keys)
    except LogRefused as error:
        raise _invalid(error.rule) from error
    if signed.checkpoint.extensions:
        raise _invalid("EXTENSIONS")
    return signed


def _cosigner(signed: SignedCheckpoint, keys: Sequence[WitnessKey]) -> tuple[WitnessKey, Signature]:
    """Return the first of the keys that has cosigned, with its line."""
    for key in keys:
        for line in signed.signatures:
            is_its = (line.name, line.key_id) == (key.name, key.key_id)
            if is_its and key.has_cosigned(signed.checkpoint, line.octets):
                return key, line
    raise _invalid("NOT_COSIGNED")


def _require_of_log(log: ProvableLog, head: Head) -> None:
    """Raise COSIGNED_HEAD_OTHER where the log does not grow from the head, LOG_SHORTER, too."""
    found = prove_consistency(log, head.size, None)
    newest = checkpoints.parse(found.checkpoint).checkpoint.head
    try:
        verify_consistency(head, newest, found.proof)
    except ProofInvalid as error:
        raise Refusal(Reason.COSIGNED_HEAD_OTHER, treeSize=str(head.size)) from error


def _own_lines(signed: SignedCheckpoint, log: TrustedLog) -> tuple[Signature, ...]:
    own = {(key.name, key.key_id) for key in log.keys}
    return tuple(one for one in signed.signatures if (one.name, one.key_id) in own)


def _joined(of_head: Iterable[Cosignature]) -> bytes:
    """Join the notes of one head into one, with every line once."""
    notes = [checkpoints.parse(one.note) for one in of_head]
    lines = {(line.name, line.key_id): line for note in notes for line in note.signatures}
    return SignedCheckpoint(notes[0].checkpoint, tuple(lines.values())).note().encode()


def _taken_at(cosignature: Cosignature) -> datetime:
    return cosignature.taken_at


def _invalid(rule: str) -> Refusal:
    return Refusal(Reason.COSIGNATURE_INVALID, rule=rule)
