"""The acts of a batch: open it, answer its lines, sum it up.

What is answered, its provisions and how far the batch is commit together, so that a batch goes on
where it was after any interruption. A line that cannot be answered disturbs no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.agencies.answering import Answered, answer, kind_of
from juki_center.areas.agencies.authorisations import Authorisation, covering
from juki_center.areas.agencies.batch_rows import Batch, Batches
from juki_center.areas.agencies.commands import (
    AffairCode,
    ByCode,
    Confirmation,
    ConfirmLines,
    FinishBatch,
    Kind,
    LineError,
    LineResult,
    OpenBatch,
    Outcome,
    Question,
    Totals,
    Welcome,
)
from juki_center.areas.agencies.confirm import (
    Asking,
    ConfirmTx,
    authorised,
    numbered,
    provision_of,
    rows_for,
    watched,
)
from juki_center.areas.agencies.policy import AgencyPolicy
from juki_center.areas.agencies.provisions import (
    LineAnswer,
    Provision,
    Recorded,
    vouching,
)
from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.callers import Agency
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import Holding
from juki_center.errors import Reason, Refusal


class BatchTx(ConfirmTx, Protocol):
    """What a batch needs of a transaction."""

    @property
    def batches(self) -> Batches: ...


def open_batch(tx: BatchTx, command: OpenBatch, now: datetime, policy: AgencyPolicy) -> Welcome:
    """Begin a batch, or take it up where it was.

    Raises Refusal: BATCH_NOT_THE_SAME; and DeniedAttempt with AFFAIR_NOT_AUTHORISED or
    ITEM_NOT_PERMITTED, which the log shows.
    """
    asking = _asking(command.agency, command.affair, is_watching=command.watch)
    authorised(tx, asking, command.items, now, policy)
    batch = tx.batches.find(command.agency.agency, command.batch_id)
    if batch is None:
        batch = _new(command, now)
        tx.batches.add(batch, command.content_digest)
    elif _what(batch) != _what(_new(command, now)) or not tx.batches.is_content(
        batch, command.content_digest
    ):
        raise Refusal(Reason.BATCH_NOT_THE_SAME)
    following = batch.lines_done + 1
    return Welcome(min(command.results_from_line or following, following))


def confirm_lines(
    tx: BatchTx, command: ConfirmLines, now: datetime, policy: AgencyPolicy
) -> tuple[LineResult, ...]:
    """Answer lines, and record their provisions, the batch's progress and one leaf for all.

    A line that was done before is answered anew; another question or another answer is a further
    provision.

    Raises Refusal: STEP_OUT_OF_ORDER for lines that leave a gap or come before `open_batch`,
    FIELD_INVALID for lines beyond the batch's last; and DeniedAttempt as in `open_batch`.
    """
    batch = _opened(tx, command)
    _check_place(batch, command)
    asking = _asking(command.agency, batch.affair, is_watching=batch.is_watching)
    allowed = authorised(tx, asking, batch.items, now, policy)
    told = _Answering(tx, batch, rows_for(tx, asking, policy), policy, now).lines(command)
    recorded = _recorded(tx, batch, told)
    results = [
        LineResult(number, _outcome(one, recorded.get(number))) for number, one in told.items()
    ]
    tx.batches.update(_progressed(batch, results, now))
    new_rows = [one.octets for one in recorded.values() if one.is_new]
    tx.audit.append(_event(command, batch, allowed, results, new_rows, now))
    return tuple(results)


def finish_batch(tx: BatchTx, command: FinishBatch, now: datetime, policy: AgencyPolicy) -> Totals:
    """Sum up a batch whose lines are all done.

    Raises Refusal(STEP_OUT_OF_ORDER) where lines are missing; and DeniedAttempt as in `open_batch`.
    """
    batch = _opened(tx, command)
    asking = _asking(command.agency, batch.affair, is_watching=batch.is_watching)
    authorised(tx, asking, batch.items, now, policy)
    if batch.lines_done < batch.line_count:
        raise _out_of_order(f"line {batch.lines_done + 1}", "finish")
    counts = tuple((one, batch.counts[one]) for one in Outcome if batch.counts.get(one))
    return Totals(batch.line_count, counts, batch.refused)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a line is answered, and the provision that this is, if any."""

    answered: Answered
    provision: Provision | None
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Answering:
    """Answers the lines of one chunk; their codes are looked up together."""

    tx: BatchTx
    batch: Batch
    rows: list[Authorisation]
    policy: AgencyPolicy
    now: datetime
    allowed: dict[Kind, Authorisation] = field(default_factory=dict)

    def lines(self, command: ConfirmLines) -> dict[int, _Told | LineError]:
        """Answer each line, or say why it is refused, by its number."""
        codes = {line.code for line in command.lines if isinstance(line, ByCode)}
        held = self.tx.residents.by_codes(codes)
        return {
            number: line if isinstance(line, LineError) else self._answered(line, held)
            for number, line in enumerate(command.lines, start=command.first_line)
        }

    def _answered(
        self, question: Question, held: Mapping[ResidentCode, Holding]
    ) -> _Told | LineError:
        try:
            return self._told(question, held)
        except Refusal as refusal:
            return LineError(refusal.reason)

    def _told(self, question: Question, held: Mapping[ResidentCode, Holding]) -> _Told:
        """Answer a question. It is refused before anything of it is written."""
        allowed = self._allowed(kind_of(question))
        told = answer(self.tx, question, self.batch.items, self.policy.municipalities, held)
        if self.batch.is_watching:
            told = watched(self.tx, told, allowed)
        provision = provision_of(told, allowed, Kind.BATCH, self.now)
        content = b"" if provision is None else canonical((question, told.confirmation))
        return _Told(told, provision, content)

    def _allowed(self, kind: Kind) -> Authorisation:
        """Return the row that allows a kind of question, which is the same for the whole chunk."""
        if kind not in self.allowed:
            kinds = (*_kinds(is_watching=self.batch.is_watching), kind)
            self.allowed[kind] = covering(self.rows, kinds, self.batch.items, self.now)
        return self.allowed[kind]


def _recorded(
    tx: BatchTx, batch: Batch, told: Mapping[int, _Told | LineError]
) -> dict[int, Recorded]:
    """Record together what is a provision; return it by the numbers of the lines."""
    answers = {
        number: LineAnswer(one.provision, one.content)
        for number, one in told.items()
        if isinstance(one, _Told) and one.provision is not None
    }
    return tx.provisions.add_lines(batch.batch_id, batch.began_at, answers)


def _outcome(told: _Told | LineError, recorded: Recorded | None) -> Confirmation | LineError:
    if isinstance(told, LineError):
        return told
    return told.answered.confirmation if recorded is None else numbered(told.answered, recorded)


def _new(command: OpenBatch, now: datetime) -> Batch:
    return Batch(
        agency=command.agency.agency,
        batch_id=command.batch_id,
        affair=command.affair,
        items=command.items,
        is_watching=command.watch,
        line_count=command.line_count,
        began_at=now,
        changed_at=now,
    )


def _what(batch: Batch) -> tuple[object, ...]:
    """Return what makes two openings the same."""
    return batch.affair, frozenset(batch.items), batch.is_watching, batch.line_count


def _opened(tx: BatchTx, command: ConfirmLines | FinishBatch) -> Batch:
    batch = tx.batches.find(command.agency.agency, command.batch_id)
    if batch is None:
        raise _out_of_order("hello", "another step")
    return batch


def _check_place(batch: Batch, command: ConfirmLines) -> None:
    following = batch.lines_done + 1
    if command.first_line > following:
        raise _out_of_order(f"line {following}", f"line {command.first_line}")
    if command.first_line + len(command.lines) - 1 > batch.line_count:
        raise Refusal(Reason.FIELD_INVALID, field="lines", rule="BEYOND_LINE_COUNT")


def _progressed(batch: Batch, results: Sequence[LineResult], now: datetime) -> Batch:
    """Return the batch after these lines; those that were done before are counted already."""
    fresh = [one.outcome for one in results if one.line > batch.lines_done]
    answered = [one.outcome for one in fresh if isinstance(one, Confirmation)]
    return replace(
        batch,
        changed_at=now,
        lines_done=batch.lines_done + len(fresh),
        counts=Counter(batch.counts) + Counter(answered),
        refused=batch.refused + len(fresh) - len(answered),
    )


def _asking(agency: Agency, affair: AffairCode, *, is_watching: bool) -> Asking:
    return Asking(agency, affair, _kinds(is_watching=is_watching))


def _kinds(*, is_watching: bool) -> tuple[Kind, ...]:
    return (Kind.BATCH, Kind.CHANGES) if is_watching else (Kind.BATCH,)


def _event(
    command: ConfirmLines,
    batch: Batch,
    allowed: Authorisation,
    results: Sequence[LineResult],
    new_rows: Sequence[bytes],
    now: datetime,
) -> AuditEvent:
    refused = sum(isinstance(one.outcome, LineError) for one in results)
    return AuditEvent(
        event=Event.BATCH_CONFIRMED,
        at=now,
        caller_uri=command.agency.uri,
        items=tuple(batch.items),
        resource=str(batch.batch_id),
        details=(
            ("affair", batch.affair.text),
            ("purpose", allowed.purpose),
            ("lines", f"{results[0].line}-{results[-1].line}"),
            ("refused", str(refused)),
            *vouching(new_rows),
        ),
    )


def _out_of_order(expected: str, got: str) -> Refusal:
    return Refusal(Reason.STEP_OUT_OF_ORDER, expected=expected, got=got)
