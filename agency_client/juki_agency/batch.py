"""A batch, from its file to its result: asked line by line, resumed after any cut of either side.

No more than two messages of questions are on their way at a time. A result counts once it and the
state beside it are on the disk.
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_agency import questions
from juki_agency.batch_receipts import BatchReceipts
from juki_agency.batch_state import REFUSED, BatchState
from juki_agency.question_file import Broken
from juki_agency.result_file import opened_result, row_of
from juki_agency.watch import has_newer_certificate
from juki_client.outcome import Problem
from juki_client.stream import Stream
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from juki_agency.batch_state import BatchOrder
    from juki_agency.center import Center
    from juki_agency.patience import Patience
    from juki_agency.question_file import Line, QuestionFile
    from juki_agency.result_file import ResultFile

_LINES_AT_ONCE: Final = 100
# Below the limit of a message, with room for what stands around the lines.
_LINES_OCTETS: Final = 48_000
_STEP_SECONDS: Final = 60.0

BatchStream = Stream[pb.ConfirmBatchRequest, pb.ConfirmBatchResponse]


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """Where a batch comes from and goes to; the state lies beside the result."""

    questions: QuestionFile
    out: Path

    @property
    def state(self) -> Path:
        """The state's file."""
        return self.out.with_name(self.out.name + ".state")


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What came of a batch. `counts` are lines by outcome, and add up with `refused`."""

    batch_id: str
    line_count: int
    counts: dict[str, int]
    refused: int


def run_batch(
    center: Center,
    files: BatchFiles,
    order: BatchOrder,
    patience: Patience,
    tell: Callable[[int], None],
) -> BatchOutcome:
    """Run a batch, or take it up where it was cut; `tell` hears how many lines are done.

    Raises Problem: that of the center, BATCH_NOT_THE_SAME, FILE_NOT_USABLE, and the last problem
    on the way where the patience is over. Whatever is raised, the same call goes on from there.
    """
    # The state is read under the lock on the result: another run may have just ended.
    with opened_result(files.out) as result:
        state = BatchState.read(files.state, order)
        if state is None:
            result.require_empty()
            state = BatchState.begin(order)
            state.keep(files.state)
        result.cut_to(state.octets)
        run = _Run(center, files, state, result, tell)
        run.carry_through(patience)
        files.state.unlink()
    return run.outcome()


class _Run:
    """A batch under way."""

    def __init__(
        self,
        center: Center,
        files: BatchFiles,
        state: BatchState,
        result: ResultFile,
        tell: Callable[[int], None],
    ) -> None:
        self._center = center
        self._files = files
        self._state = state
        self._result = result
        self._tell = tell

    def carry_through(self, patience: Patience) -> None:
        """Open streams until one has come to its end."""
        if self._state.octets == 0:
            self._keep(self._state.with_results([], self._result.begin()))
        while True:
            done = self._state.done
            self._center.take_up()
            try:
                self._stream()
            except Problem as problem:
                if self._state.done > done:
                    patience.reward()
                if not has_newer_certificate(self._center, problem):
                    patience.bear(problem)
            else:
                return

    def outcome(self) -> BatchOutcome:
        """Return what came of the batch."""
        counts = dict(self._state.counts)
        refused = counts.pop(REFUSED, 0)
        return BatchOutcome(self._state.batch_id, self._state.done, counts, refused)

    def _stream(self) -> None:
        """Carry one stream from hello to totals."""
        receipts = BatchReceipts(self._center.receipts, self._state.batch_id)
        batches = self._center.confirmations.ConfirmBatch
        stream: BatchStream = Stream(batches, seconds=_STEP_SECONDS)
        with closing(stream):
            stream.send(receipts.stamped(pb.ConfirmBatchRequest(hello=self._hello())))
            first = _expect(stream.receive(), "welcome").welcome.next_line
            if not 1 <= first <= self._state.done + 1:
                raise _out_of_order(f"line {first}")
            self._ask(stream, first, receipts)
            stream.send(pb.ConfirmBatchRequest(finish=pb.ConfirmBatchRequest.Finish()))
            totals = _expect(stream.receive(), "totals").totals
            if totals.line_count != self._state.done:
                raise _out_of_order(f"totals of {totals.line_count} lines")
            stream.finish()

    def _hello(self) -> pb.ConfirmBatchRequest.Hello:
        order = self._state.order
        return pb.ConfirmBatchRequest.Hello(
            batch_id=self._state.batch_id,
            affair=order.affair,
            items=questions.item_numbers(questions.Item(item) for item in order.items),
            watch_changes=order.watch,
            line_count=order.line_count,
            results_from_line=self._state.done + 1,
            content_digest=bytes.fromhex(order.digest),
        )

    def _ask(self, stream: BatchStream, first: int, receipts: BatchReceipts) -> None:
        """Send the lines from `first` on and write down their results."""
        answered = self._answered(stream, first, receipts)
        rows: list[dict[str, str]] = []
        while True:
            try:
                found = next(answered, None)
            except Problem:
                self._write(rows)
                raise
            rows += found or []
            # The disk is waited for once in a while, and not for each few lines.
            if found is None or len(rows) >= _LINES_AT_ONCE:
                self._write(rows)
                rows = []
            if found is None:
                return

    def _answered(
        self, stream: BatchStream, first: int, receipts: BatchReceipts
    ) -> Iterator[list[dict[str, str]]]:
        """Send the lines from `first` on; give their rows as they come, with their receipts."""
        messages = _messages(self._files.questions.lines(first), first)
        asked: deque[Broken | None] = deque()
        line = first
        while True:
            while len(asked) <= _LINES_AT_ONCE and (message := next(messages, None)) is not None:
                stream.send(receipts.stamped(pb.ConfirmBatchRequest(lines=message.lines)))
                asked.extend(message.broken)
            if not asked:
                return
            answer = _expect(stream.receive(), "results")
            results = answer.results.results
            rows = [
                row_of(result, _taken(asked, result, number))
                for number, result in enumerate(results, start=line)
            ]
            receipts.require(answer, line, line + len(rows) - 1)
            line += len(rows)
            yield rows

    def _write(self, rows: list[dict[str, str]]) -> None:
        """Write down results, but those of lines that are written down already."""
        new = [row for row in rows if int(row["line"]) > self._state.done]
        if new:
            octets = self._result.append(new)
            self._keep(self._state.with_results([row["outcome"] for row in new], octets))

    def _keep(self, state: BatchState) -> None:
        state.keep(self._files.state)
        self._state = state
        self._tell(state.done)


def _taken(asked: deque[Broken | None], result: pb.LineResult, line: int) -> Broken | None:
    """Return what was wrong with the line of a result, which must be the next that was asked."""
    if not asked or result.line != line:
        raise _out_of_order(f"result of line {result.line}")
    return asked.popleft()


def _expect(message: pb.ConfirmBatchResponse, step: str) -> pb.ConfirmBatchResponse:
    got = message.WhichOneof("step")
    if got != step:
        raise _out_of_order(got or "nothing")
    return message


def _out_of_order(got: str) -> Problem:
    return Problem("STEP_OUT_OF_ORDER", {"got": got})


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of lines, and which of them could not be read."""

    lines: pb.ConfirmBatchRequest.Lines
    broken: tuple[Broken | None, ...]


def _messages(lines: Iterator[Line], first: int) -> Iterator[_Message]:
    """Put lines into messages of limited number and size.

    A line that could not be read goes as an empty question: the center counts and refuses it.
    """
    wanted: list[pb.ConfirmBatchRequest.Line] = []
    broken: list[Broken | None] = []
    size = 0
    for line in lines:
        question = pb.ConfirmBatchRequest.Line() if isinstance(line, Broken) else line
        octets = question.ByteSize() + 4
        if wanted and (len(wanted) == _LINES_AT_ONCE or size + octets > _LINES_OCTETS):
            yield _message(wanted, broken, first)
            first, wanted, broken, size = first + len(wanted), [], [], 0
        wanted.append(question)
        broken.append(line if isinstance(line, Broken) else None)
        size += octets
    if wanted:
        yield _message(wanted, broken, first)


def _message(
    wanted: list[pb.ConfirmBatchRequest.Line], broken: list[Broken | None], first: int
) -> _Message:
    lines = pb.ConfirmBatchRequest.Lines(first_line=first, lines=wanted)
    return _Message(lines, tuple(broken))
