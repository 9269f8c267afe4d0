"""How a command line runs: its language, its encoding, and the answer to a wrong call."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

import typer

from juki_client.memory import forbid_core_dumps
from juki_client.outcome import Exit, Language, Problem
from juki_client.report import leave

if TYPE_CHECKING:
    from typing import NoReturn

# Newer versions of typer carry a click of their own and do not export this class, only its child.
_UsageError: Final[type[Exception]] = typer.BadParameter.__bases__[0]


def language_of_locale() -> Language:
    """Return Japanese where the locale is, English otherwise."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return Language.JAPANESE if value.startswith("ja") else Language.ENGLISH
    return Language.ENGLISH


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run a program's command line and leave with its exit code."""
    forbid_core_dumps()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a register says must come out whole, whatever the locale can write.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except _UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_usage(error, name))
    except typer.Abort:
        sys.exit(Exit.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _usage(error: Exception, name: str) -> int:
    """Answer a wrong call in the form that was asked for, before any option was parsed."""
    context = getattr(error, "ctx", None)
    path = str(getattr(context, "command_path", ""))
    command = path.removeprefix(name).strip()
    problem = Problem("USAGE_INVALID", {"rule": type(error).__name__})
    try:
        leave(command, problem, language_of_locale(), as_json="--json" in sys.argv)
    except typer.Exit as left:
        return left.exit_code
