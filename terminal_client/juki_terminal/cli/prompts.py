"""Questions at the prompt, on standard error; an input that ends interrupts the command.

An answer that is none is asked for again: what was entered before it is not lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from juki_client.outcome import Language, Problem
from juki_client.report import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_YES: Final = frozenset(("y", "yes", "はい"))
_NO: Final = frozenset(("n", "no", "いいえ"))
_YES_OR_NO: Final = {Language.JAPANESE: "はい/いいえ", Language.ENGLISH: "y/n"}


def ask(question: str) -> str:
    """Return the answer to a question, without the spaces around it; an empty one is an answer."""
    answer: str = typer.prompt(question, default="", show_default=False, err=True)
    return answer.strip()


def ask_or_keep(question: str, before: str) -> str:
    """Return the answer to a question; an empty one keeps what was shown with it."""
    answer: str = typer.prompt(question, default=before, show_default=bool(before), err=True)
    return answer.strip()


def ask_choices(question: str, last: int) -> tuple[int, ...]:
    """Return which of the numbers 1 to `last` were chosen, in their order; none typed is all."""
    while True:
        words = ask(question).replace(",", " ").split()
        if all(word.isascii() and word.isdecimal() and 1 <= int(word) <= last for word in words):
            chosen = sorted({int(word) for word in words})
            return tuple(chosen or range(1, last + 1))


def ask_yes_or_no(question: str, language: Language) -> bool:
    """Return the answer."""
    while True:
        answer = ask(f"{question} [{_YES_OR_NO[language]}]").lower()
        if answer in _YES:
            return True
        if answer in _NO:
            return False


def ask_choice(question: str, words: Mapping[int, str], *, or_none: bool = False) -> int | None:
    """Return the number of the word that was chosen, typed as that number.

    None is the empty answer, where it is one.
    """
    shown = " ".join(f"{number}={word}" for number, word in words.items())
    while True:
        answer = ask(f"{question} [{shown}]")
        if not answer and or_none:
            return None
        if answer.isascii() and answer.isdecimal() and int(answer) in words:
            return int(answer)


def confirm(lines: Iterable[str], question: str, language: Language) -> None:
    """Show what is about to be done, and ask; raise Problem INTERRUPTED where it is not wanted."""
    for line in lines:
        say(line)
    if ask(f"{question} [{_YES_OR_NO[language]}]").lower() not in _YES:
        raise Problem("INTERRUPTED")
