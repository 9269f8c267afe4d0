"""Dialogues with a card as generators, and the two ways to drive them.

A flow yields a `Batch` and is sent the `Answers` that ran: the same code runs over a reader, over
the relay, over the virtual card and in test vectors. No transport is here.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.errors import CardError, UnexpectedStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")
ANY_STATUS: Final[frozenset[int]] = frozenset()
"""Accept every status word: the flow itself looks at the answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command, its name in the norm, and the status words after which a batch goes on."""

    apdu: CommandAPDU
    name: str
    accept: frozenset[int] = frozenset((SW.OK,))

    def accepts(self, answer: ResponseAPDU) -> bool:
        """Say whether the batch goes on after `answer`."""
        return not self.accept or answer.sw in self.accept


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands to run one after the other, up to the first status word not accepted (TR-03112)."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise CardError("a batch has at least one step")


Answers: TypeAlias = tuple[ResponseAPDU, ...]
Flow: TypeAlias = "Generator[Batch, Answers, T]"
Transmit: TypeAlias = "Callable[[CommandAPDU], ResponseAPDU]"


def one(
    apdu: CommandAPDU, name: str, accept: frozenset[int] = frozenset((SW.OK,))
) -> Flow[ResponseAPDU]:
    """Run one command; raise UnexpectedStatus where its status word is not in `accept`."""
    (answer,) = yield from batch(Step(apdu, name, accept))
    return answer


def batch(*steps: Step) -> Flow[Answers]:
    """Run several commands; raise UnexpectedStatus where one ended with a status not accepted."""
    answers = yield Batch(steps)
    if not 1 <= len(answers) <= len(steps):
        raise CardError("a driver returned more or fewer answers than commands ran")
    last = steps[len(answers) - 1]
    if not last.accepts(answers[-1]):
        raise UnexpectedStatus(answers[-1].sw, last.name)
    if len(answers) != len(steps):
        raise CardError("a driver stopped a batch after an acceptable status word")
    return answers


def transmit_batch(wanted: Batch, transmit: Transmit) -> Answers:
    """Send the commands of a batch one by one and return the answers that ran."""
    answers: list[ResponseAPDU] = []
    for step in wanted.steps:
        answers.append(transmit(step.apdu))
        if not step.accepts(answers[-1]):
            break
    return tuple(answers)


def run(flow: Flow[T], transmit: Transmit) -> T:
    """Drive a flow over a blocking transport to its end; what `transmit` raises closes the flow."""
    dialogue = Dialogue(flow)
    with closing(dialogue):
        state = dialogue.start()
        while isinstance(state, Batch):
            state = dialogue.answer(transmit_batch(state, transmit))
    return state.value


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A flow's result."""

    value: T


class Dialogue(Generic[T]):
    """A flow for edges that cannot block: `start`, then `answer` until `Done`.

    Use it with `contextlib.closing`, so that a flow whose peer went away runs its `finally`.
    """

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow

    def start(self) -> Batch | Done[T]:
        """Run to the first batch."""
        try:
            return next(self._flow)
        except StopIteration as end:
            return Done(end.value)

    def answer(self, answers: Answers) -> Batch | Done[T]:
        """Give the answers of the batch and run to the next one, or to the end."""
        try:
            return self._flow.send(answers)
        except StopIteration as end:
            return Done(end.value)

    def close(self) -> None:
        """End the flow wherever it is."""
        self._flow.close()
