"""How every command of `juki-pki` ends: its result, or a refusal with its reason and exit code."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_pki.errors import PKIError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REFUSED: Final = 3
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]


def print_result(
    command: str, result: Mapping[str, object], lines: Sequence[str], *, as_json: bool
) -> None:
    """Print what a command has done, as lines or as one JSON object."""
    if as_json:
        envelope = {"schema": "juki/1", "command": command, "ok": True, "result": result}
        typer.echo(json.dumps(envelope, ensure_ascii=False))
    else:
        typer.echo("\n".join(lines))


@contextmanager
def reporting(command: str, *, as_json: bool) -> Iterator[None]:
    """Turn a refusal into its reason on standard error and the exit code for it."""
    try:
        yield
    except PKIError as error:
        if as_json:
            typer.echo(json.dumps(_failure(command, error), ensure_ascii=False))
        print(f"juki-pki: {error.reason}: {error}\n{error.remedy}", file=sys.stderr)
        raise typer.Exit(REFUSED) from error


def _failure(command: str, error: PKIError) -> dict[str, object]:
    return {
        "schema": "juki/1",
        "command": command,
        "ok": False,
        "error": {
            "reason": error.reason,
            "part": "center",
            "message": str(error),
            "remedy": error.remedy,
            "retry": "never",
            "metadata": {},
        },
    }
