"""How `juki-card` ends: exit codes and the `juki/1` envelope."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import typer

from juki_card.errors import CardError
from juki_cardbox.errors import (
    CardboxError,
    CardBusy,
    CardExists,
    CardFileError,
    CardNotInserted,
    PKIFileError,
    ReaderUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JSON: TypeAlias = "str | int | bool | list[JSON] | dict[str, JSON] | None"

SCHEMA: Final = "juki/1"
REFUSED: Final = 3
READER_OR_CARD: Final = 4


@dataclass(frozen=True, slots=True)
class _Outcome:
    reason: str
    exit_code: int
    part: str
    remedy: str
    retry: str = "never"


_OUTCOMES: Final[Mapping[type[Exception], _Outcome]] = {
    CardFileError: _Outcome(
        "CARD_FILE_INVALID", READER_OR_CARD, "card", "Name a card made by `juki-card new`."
    ),
    CardExists: _Outcome("CARD_EXISTS", REFUSED, "card", "Choose another name, or remove it."),
    PKIFileError: _Outcome(
        "PKI_FOLDER_INVALID", REFUSED, "card", "Make the folder with `juki-pki init`."
    ),
    CardBusy: _Outcome(
        "CARD_BUSY", READER_OR_CARD, "card", "End the program that holds the card.", "after"
    ),
    CardNotInserted: _Outcome(
        "CARD_NOT_INSERTED", REFUSED, "card", "Put the card in with `juki-card insert`."
    ),
    ReaderUnavailable: _Outcome(
        "READER_NOT_FOUND", READER_OR_CARD, "reader", "Start pcscd with its vpcd reader.", "after"
    ),
    CardError: _Outcome("INPUT_INVALID", REFUSED, "card", "Correct the data that is named."),
}


@contextmanager
def reporting(command: str, *, as_json: bool) -> Iterator[None]:
    """Turn what the package raises into one message and the exit code that belongs to it."""
    try:
        yield
    except (CardboxError, CardError) as error:
        outcome = next(found for kind, found in _OUTCOMES.items() if isinstance(error, kind))
        failure: dict[str, JSON] = {
            "reason": outcome.reason,
            "part": outcome.part,
            "message": str(error),
            "remedy": outcome.remedy,
            "retry": outcome.retry,
            "metadata": {},
        }
        if as_json:
            _envelope(command, ok=False, name="error", value=failure)
        else:
            sys.stderr.write(f"{outcome.reason}: {error}\n{outcome.remedy}\n")
        raise typer.Exit(outcome.exit_code) from None


def report(command: str, result: dict[str, JSON], lines: Sequence[str], *, as_json: bool) -> None:
    """Print a result, as lines or as one JSON object."""
    if as_json:
        _envelope(command, ok=True, name="result", value=result)
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def _envelope(command: str, *, ok: bool, name: str, value: dict[str, JSON]) -> None:
    document = {"schema": SCHEMA, "command": command, "ok": ok, name: value}
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
