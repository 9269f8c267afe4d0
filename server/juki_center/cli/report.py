"""How a command ends: exit codes and the `juki/1` envelope.

Texts and remedies of refusals are the descriptor's; those of files and keys stand here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

import typer

from juki_audit.errors import LogRefused
from juki_card.errors import CertificateRefused
from juki_center.cli.crew_errors import RenewalFailed, SupervisorAbsent, WorkersFailed
from juki_center.cli.reserved_port import AddressTakenError
from juki_center.cli.startup_guard import StartRefused
from juki_center.errors import (
    ConfigInvalid,
    KeyUnusable,
    LogBroken,
    NotAllowed,
    Reason,
    Refusal,
    RotationBlocked,
    RuleBroken,
    StoreUnusable,
)
from juki_center.rpc.options import reason_options
from juki_center.rpc.server import BindFailedError
from juki_pki.errors import PKIError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

JSON: TypeAlias = "str | int | bool | list[JSON] | dict[str, JSON] | None"

SCHEMA: Final = "juki/1"


class Exit(IntEnum):
    """Exit codes of every command of the project that this one uses."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 5


class InputUnfit(RuleBroken):
    """What was typed breaks a rule; `sentence` names it and says what would be right.

    For names of things only: never for what may be a person's.
    """

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(rule)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command did not do what it was asked."""

    reason: str
    message: str
    remedy: str
    exit: Exit = Exit.REFUSED
    part: str = "center"
    retry: str = "never"
    metadata: Mapping[str, str] = field(default_factory=dict)

    def envelope(self, command: str) -> dict[str, JSON]:
        """Return the object for --json."""
        return {
            "schema": SCHEMA,
            "command": command,
            "ok": False,
            "error": {
                "reason": self.reason,
                "part": self.part,
                "message": self.message,
                "remedy": self.remedy,
                "retry": self.retry,
                "metadata": dict(self.metadata),
            },
        }


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of error means to the operator."""

    reason: str
    remedy: str
    exit: Exit = Exit.REFUSED


_KINDS: Final[Mapping[type[Exception], _Kind]] = {
    ConfigInvalid: _Kind(
        "CONFIGURATION_INVALID", "Correct the named key of the configuration file.", Exit.USAGE
    ),
    BindFailedError: _Kind(
        "ADDRESS_IN_USE", "Stop the other program, or choose another address in listen.*."
    ),
    AddressTakenError: _Kind(
        "ADDRESS_IN_USE", "Stop the other program, or choose another address in listen.*."
    ),
    WorkersFailed: _Kind(
        "WORKERS_FAILED",
        "Read above what the workers said, and try `juki-center doctor`; then start it again.",
        Exit.FAILED,
    ),
    RenewalFailed: _Kind(
        "WORKERS_NOT_RENEWED",
        "The workers of before serve on. Read in the center's output what the new one said.",
    ),
    SupervisorAbsent: _Kind(
        "SUPERVISOR_ABSENT",
        "Start it by `juki-center serve --workers N`, with listen.local in its configuration.",
        Exit.UNREACHABLE,
    ),
    KeyUnusable: _Kind(
        "KEY_UNUSABLE",
        "Restore the key's file from its backup, with mode 0600. Only a new store takes a new key.",
    ),
    LogBroken: _Kind(
        "AUDIT_LOG_BROKEN",
        "Nothing was changed. Keep the file as evidence, find out who could write to it, and go on"
        " from the newest backup whose log holds.",
    ),
    StoreUnusable: _Kind(
        "STORE_UNAVAILABLE",
        "Correct store.url, or make its folder or database; it must be a store that you may write.",
        Exit.UNREACHABLE,
    ),
    StartRefused: _Kind(
        "START_REFUSED",
        "Give the center the store, the PKI folder and the configuration that belong together.",
    ),
    RotationBlocked: _Kind(
        "RESIDENCE_DISCONNECTED",
        "Connect the named municipalities, then run the same command: it goes on where it was.",
    ),
    CertificateRefused: _Kind(
        "CARD_ACCESS_EXPIRED", "Renew the card access certificates with `juki-pki issue at`."
    ),
    NotAllowed: _Kind("NOT_ALLOWED", "Look at the card's state with `juki-center cards status`."),
    RuleBroken: _Kind("INPUT_INVALID", "Correct the input.", Exit.USAGE),
    LogRefused: _Kind(
        "LOG_NOT_SOUND",
        "Keep the file as it is, and compare it with an earlier copy; docs/audit.md says how.",
    ),
    FileExistsError: _Kind("FILE_EXISTS", "Name a file that does not exist yet."),
    FileNotFoundError: _Kind(
        "FILE_UNUSABLE", "Make the named file, or name another one; --config names the center's."
    ),
    OSError: _Kind("FILE_UNUSABLE", "Look at the named file, and at who may read it."),
}
_RULES: Final[Mapping[str, str]] = {
    "CLERK_OR_TERMINAL": "name a clerk by id, or a terminal by --terminal URI",
    "TWO_OPERATORS": "this right needs two operators: name yourself by --as OPERATOR",
    "CARD_IN_USE": "the register has this card already",
    "LAST_BEFORE_FIRST": "the last day is before the first",
    "PAST": "this day is over",
    "REQUIRED": "it must not be empty",
    "URI_OR_FINGERPRINT": "name a peer by its juki:// URI, or a certificate by 64 hex digits",
    "OF_WITH_FINGERPRINT": "--of goes with a fingerprint; a URI says itself who is meant",
    "ONE_OF_SERIAL_NUMBER_CODE_FROM": (
        "name the card by --serial or --number, or its holder by --from FILE or -"
    ),
    "RESUMED_AT_A_WINDOW": (
        "a resident's card is resumed at a window of the residence: in person, with two documents"
    ),
    "SERIAL_IN_HEX": "--serial takes hex digits, as `juki-card show` prints them",
    "SERIAL_OF_32_BYTES": "--serial takes 64 hex digits, as `juki-card show` prints them",
    "NOT_TEXT": "the file with the resident record code is not text",
    "ELEVEN_DIGITS": "the first line must be a resident record code: 11 digits and nothing else",
    "ALL_ZERO": "this resident record code is given to nobody",
    "INVALID_CHECK_DIGIT": "the code's check digit is wrong: a digit was mistyped",
    "SIX_DIGITS": "a municipality code is 6 digits",
    "MUNICIPALITY_UNKNOWN": "no municipality has or had this code",
    "MUNICIPALITY_NOT_VALID": "this municipality code is no longer in force",
    "NO_REGISTER_OF_ITS_OWN": "this is a ward; its city keeps the register",
    "ONE_KEY_AT_A_TIME": "name one key: --municipality CODE, --look-up or --center",
    "ENROLLED_ROLE": "terminal, desk or agency",
    "MUNICIPALITY_OF_ROLE": "a terminal and a desk stand in a municipality, an agency in none",
    "HOURS": "a token counts 1 to 744 hours",
    "TOKEN_UNKNOWN": "there is no token with this id; `juki-center enrol tokens` lists them",
    "TOKEN_NOT_OPEN": "this token was used or taken back already",
    "NOT_HOSTED": "the center hosts no register of this municipality",
    "JSON_NEEDS_OUT": "--json and the lines cannot share standard output: name a file by --out",
    "EMPTY_FILE": "the file is empty",
    "UTF_16": "the file is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW",
    "ISO_2022_JP": "the file is ISO-2022-JP; convert it: iconv -f ISO-2022-JP -t UTF-8 FILE > NEW",
    "EUC_JP": "the file is EUC-JP; convert it: iconv -f EUC-JP -t UTF-8 FILE > NEW",
    "SHIFT_JIS": "the file is Shift_JIS; convert it: iconv -f CP932 -t UTF-8 FILE > NEW",
    "NOT_UTF_8": "the file is not UTF-8, nor any other encoding that is known here",
    "HEADER_MISSING": "the first line must name the columns: municipality,code,household,...",
    "COLUMN_UNKNOWN": "no column has this name",
    "COLUMN_TWICE": "the header names this column twice",
    "COLUMN_MISSING": "the header lacks this column",
    "LINE_TOO_LONG": "a line is at most 64 KiB",
    "DAY_TEXT": "takes a day such as 2026-04-01",
    "DAYS_REVERSED": "the last day is before the first",
    "DRILL_IN_PRODUCTION": "this center is in production: say --really where it is meant",
    "DRILL_BY_TWO": "two operators connect again: --as and --second name two different ones",
    "DRILL_OF_TWO": "name the municipality that is cut off, and by --other one whose calls go on",
    "NOTHING_TO_CUT_OFF": (
        "name `center`, a municipality's code, a terminal's or agency's URI, a service, or a batch"
        " of cards; `juki-center disconnect --help` shows one of each"
    ),
    "AGENCY_EXISTS": "this agency was added already",
    "AGENCY_UNKNOWN": "no such agency; add it by `juki-center agency add`",
    "AFFAIR_CODE": "an affair is named in small letters, such as passport",
    "AFFAIR_UNKNOWN": "the law names no such affair; `juki-center agency affairs` lists them",
    "PURPOSE_MISSING": "say for which purpose: --purpose",
    "TEXT_UNUSABLE": "a name or a purpose is 1 to 200 visible characters",
    "NO_QUESTION_ALLOWED": "allow at least one kind of question: --kind by-code, by-attributes",
    "CHANGES_WITHOUT_ITEMS": "change notices need the items whose changes are told: --item",
    "FIRST_DAY_PAST": "nothing is authorised for the past; today is the earliest first day",
    "LAST_DAY_PAST": "the last day cannot be before today, nor before the first",
    "LAST_DAY_LATER": "withdrawing cannot lengthen it; add another authorisation",
    "AUTHORISATION_UNKNOWN": "this agency has no such authorisation; see `juki-center agency show`",
    "TRUST_MISSING": (
        "name the log's verifiers: --trust FOLDER, the trust folder, or a file with them;"
        " they never come from what is examined"
    ),
    "NEED_TOO_LARGE": "more witnesses are needed than are known: name their keys by --witness",
    "NOT_A_WITNESS": "not the keys of witnesses, name+id+key, one a line",
    "COPY_OR_STORE": "name one thing to examine: a copy, --store FILE or --proof FILE",
    "LEAF_OR_REQUEST": "name what to prove: the index of a leaf, or --request ID",
    "REQUEST_ID": "a request id is a UUID, as the terminal's journal has it",
    "AUTHORISATION_ENDED": "this authorisation was withdrawn already",
}
"""What an operator reads for a rule that the command line's input breaks."""
EXPECTED: Final[tuple[type[Exception], ...]] = (Refusal, PKIError, *_KINDS)
"""What a command may meet in its surroundings; anything else is a defect and shows itself."""


_UNREACHABLE: Final = frozenset({Reason.STORE_UNAVAILABLE, Reason.CENTER_UNREACHABLE})


def failure(error: Exception) -> Failure:
    """Return what one of the EXPECTED errors means to the operator."""
    if isinstance(error, Refusal) and not isinstance(error, StoreUnusable):
        return _refusal(error)
    if isinstance(error, PKIError):
        return Failure(error.reason, str(error), error.remedy)
    kind = next(found for known, found in _KINDS.items() if isinstance(error, known))
    return Failure(kind.reason, _message(error), kind.remedy, kind.exit)


def said(broken: RuleBroken) -> str:
    """Return what an operator reads for a broken rule, behind the field that breaks it."""
    rule = _RULES.get(broken.rule, broken.rule)
    return f"{broken.field}: {rule}" if broken.field else rule


def _message(error: Exception) -> str:
    match error:
        case StoreUnusable():
            return error.problem
        case InputUnfit():
            return error.sentence
        case RuleBroken():
            return said(error)
        case OSError(filename=str(name), strerror=str(problem)):
            return f"{name}: {problem}"
        case _:
            return str(error)


def _refusal(refusal: Refusal) -> Failure:
    option = reason_options()[refusal.reason.value]
    code = Exit.UNREACHABLE if refusal.reason in _UNREACHABLE else Exit.REFUSED
    return Failure(
        reason=refusal.reason.value,
        message=option.text,
        remedy=option.remedy,
        exit=code,
        part=option.part,
        retry=option.retry,
        metadata=refusal.metadata,
    )


@contextmanager
def reporting(command: str, *, as_json: bool) -> Iterator[None]:
    """Turn what a command meets into one message and the exit code that belongs to it."""
    try:
        yield
    except EXPECTED as error:
        fail(command, failure(error), as_json=as_json)


def fail(command: str, found: Failure, *, as_json: bool) -> NoReturn:
    """Print a failure and leave with its exit code."""
    if as_json:
        _write(found.envelope(command))
    sys.stderr.write(f"juki-center: {found.reason}: {found.message}\n{found.remedy}\n")
    raise typer.Exit(found.exit) from None


def report(
    command: str, result: Mapping[str, JSON], lines: Sequence[str], *, as_json: bool
) -> None:
    """Print a result, as lines or as one JSON object."""
    if as_json:
        _write({"schema": SCHEMA, "command": command, "ok": True, "result": dict(result)})
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def _write(document: Mapping[str, JSON]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()
