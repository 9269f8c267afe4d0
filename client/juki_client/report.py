"""How a command ends: one envelope or some lines on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

import typer

from juki_client.outcome import JSON, Exit, Language, Problem, failure, success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found: for machines, and for people."""

    result: Mapping[str, JSON]
    text: str
    exit: Exit = Exit.DONE
    """REFUSED where the question was answered, and the answer is not a plain yes."""


class Manner(Protocol):
    """How a command was asked to speak."""

    @property
    def as_json(self) -> bool: ...

    @property
    def language(self) -> Language: ...


def say(line: str) -> None:
    """Tell people how far it is, on standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def end(manner: Manner, command: str, act: Callable[[], Report]) -> NoReturn:
    """Run a command's act, print its end, and leave with the exit code."""
    try:
        report = act()
    except (KeyboardInterrupt, typer.Abort):
        # A prompt makes Abort of Ctrl-C and of an input that ended.
        leave(command, Problem("INTERRUPTED"), manner.language, as_json=manner.as_json)
    except Problem as problem:
        leave(command, problem, manner.language, as_json=manner.as_json)
    except BrokenPipeError:
        _leave_unread()
    except Exception as error:
        # The text of an unforeseen error may quote what a resident said: only its place is shown.
        say("".join(traceback.format_tb(error.__traceback__)))
        defect = Problem("TERMINAL_DEFECT", {"kind": type(error).__name__})
        leave(command, defect, manner.language, as_json=manner.as_json)
    if manner.as_json:
        write(success(command, report.result))
    else:
        sys.stdout.write(report.text + "\n")
    raise typer.Exit(report.exit)


def _leave_unread() -> NoReturn:
    """Leave where whoever read standard output has gone, as `head` does after its lines."""
    # What is still buffered would raise once more when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(Exit.INTERRUPTED)


def leave(command: str, problem: Problem, language: Language, *, as_json: bool) -> NoReturn:
    """Print a problem and leave with its exit code."""
    if as_json:
        write(failure(command, problem, language))
    else:
        say(f"{problem.reason}: {problem.text(language)}")
        for name, value in problem.metadata.items():
            say(f"  {name}: {value}")
        if remedy := problem.remedy(language):
            say(f"  → {remedy}")
    raise typer.Exit(problem.exit)


def write(envelope: Mapping[str, JSON]) -> None:
    """Write one object to standard output."""
    sys.stdout.write(json.dumps(envelope, ensure_ascii=False) + "\n")
