"""The questions of the desk, one after the other, in the order of a telephone call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from juki_client.card_words import CHANNELS, LOSSES, REPORTERS, TOPICS, ReportItem, Words, word
from juki_client.outcome import Language, Problem
from juki_client.report import say
from juki_desk.cli.texts import Text
from juki_desk.suspensions import card_of
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

_RIGHT: Final[Mapping[str, bool]] = {"y": True, "n": False}


@dataclass(frozen=True, slots=True)
class Prompts:
    """Asks on standard error; what cannot be taken is asked again."""

    language: Language

    def report(self, clerk: str | None) -> pb.SuspendCardRequest:
        """Ask for everything that a report needs."""
        report = pb.SuspendCardRequest(clerk_name=clerk or self._required(Text.ASK_CLERK))
        report.card.CopyFrom(self._card())
        report.reporter = self._choice(ReportItem.REPORTER, REPORTERS)  # type: ignore[assignment]  # a key of the table
        report.channel = self._choice(ReportItem.CHANNEL, CHANNELS)  # type: ignore[assignment]  # so too
        report.reason = self._choice(ReportItem.LOSS, LOSSES)  # type: ignore[assignment]  # so too
        self._questions(report)
        report.police_report = self._ask(ReportItem.POLICE.say(self.language))
        return report

    def is_same(self, time: str) -> bool:
        """Ask whether this is the report whose outcome is unknown."""
        return self._ask(Text.ASK_SAME.say(self.language, time=time)).lower() == "y"

    def _card(self) -> pb.CardReference:
        while True:
            try:
                return card_of(self._required(Text.ASK_CARD))
            except Problem:
                say(Text.CARD_AGAIN.say(self.language))

    def _questions(self, report: pb.SuspendCardRequest) -> None:
        say(Text.QUESTIONS.say(self.language))
        for topic, words in TOPICS.items():
            answer = self._one_of(f"  {word(words, self.language)} [y/n/ ]", ("", *_RIGHT))
            if answer:
                report.questions.add(topic=topic, answered_rightly=_RIGHT[answer])

    def _choice(self, item: ReportItem, choices: Mapping[int, Words]) -> int:
        """Ask for one of some words by its number; the first is the usual one."""
        keys = tuple(choices)
        words = (word(choices[key], self.language) for key in keys)
        listed = "  ".join(f"{number} {one}" for number, one in enumerate(words, start=1))
        numbers = ("", *(str(number) for number in range(1, len(keys) + 1)))
        answer = self._one_of(f"{item.say(self.language)}: {listed} [1]", numbers)
        return keys[int(answer or "1") - 1]

    def _one_of(self, question: str, answers: tuple[str, ...]) -> str:
        while (answer := self._ask(question).lower()) not in answers:
            pass
        return answer

    def _required(self, text: Text) -> str:
        while not (answer := self._ask(text.say(self.language))):
            pass
        return answer

    @staticmethod
    def _ask(question: str) -> str:
        answer: str = typer.prompt(question, default="", show_default=False, err=True)
        return answer.strip()
