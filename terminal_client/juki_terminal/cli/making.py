"""`card personalise`, `open`, `void`, `reconcile`: cards from the blank to the proof.

The card access number is printed on the face and is not shown here. How a card is made is in
`juki_terminal.personalisation`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from juki_client.change_journal import ChangeJournal
from juki_client.changes import Changes
from juki_client.outcome import JSON, Exit, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_terminal.cli import entries
from juki_terminal.cli.making_texts import Text
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.cli.tables import table
from juki_terminal.personalisation import (
    Progress,
    Wanted,
    open_ones,
    personalise,
    take_up,
    void,
)
from juki_terminal.register_words import moment_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_client.outcome import Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from juki_terminal.session import Surroundings
    from jukinet.cards.v1 import card_service_pb2 as pb

_ID_SIZE: Final = 16
_PROGRESS: Final = {
    Progress.BLANK_AWAITED: Text.BLANK_AWAITED,
    Progress.WRITING: Text.WRITING,
    Progress.WRITTEN: Text.WRITTEN,
    Progress.WRITTEN_BEFORE: Text.WRITTEN_BEFORE,
}
_CUT_OFF: Final = frozenset(
    (
        "CARD_REMOVED",
        "CARD_TIMEOUT",
        "READER_FAILED",
        "CENTER_UNREACHABLE",
        "STORE_UNAVAILABLE",
        "SHUTTING_DOWN",
        "SESSION_EXPIRED",
        "PLAN_EXPIRED",
    )
)
"""After these a card may be half made."""


def make(settings: Settings, application: str) -> Report:
    """Make a card of the blank in the reader."""
    config = settings.config()
    wanted = Wanted(application)
    with settings.center(config) as center:
        require_clerk(center, settings.language)
        try:
            made = personalise(
                center,
                settings.reader(),
                wanted,
                surroundings=_quietly(settings, config),
                progress=_tell(settings.language),
            )
        except Problem as problem:
            if problem.reason in _CUT_OFF:
                say(Text.RUN_AGAIN.say(settings.language, application=application))
            raise
    result: dict[str, JSON] = {
        "application_number": application,
        "personalisation_id": made.personalisation_id.hex(),
        "card_number": made.card_number,
        "valid_until": made.valid_until,
        "written_before": made.was_written_before,
    }
    number = grouped(made.card_number)
    text = Text.MADE.say(settings.language, number=number, until=made.valid_until)
    return Report(result, text)


def show_open(settings: Settings) -> Report:
    """List the cards that were begun and not finished."""
    config = settings.config()
    with settings.center(config) as center:
        found = open_ones(center)
    return Report({"personalisations": _rows(found)}, _table(found, settings.language))


def give_up(settings: Settings, digits: str) -> Report:
    """Give a card up, for ever."""
    personalisation_id = _id(digits)
    config = settings.config()
    path = config.journal.with_name(config.journal.name + ".cards")
    with settings.center(config) as center, ChangeJournal(path) as journal:
        changes = Changes(center, journal, patience=Patience(seconds=config.retry_seconds))
        application = void(changes, personalisation_id).number
    result: dict[str, JSON] = {
        "personalisation_id": digits,
        "application_number": application,
    }
    return Report(result, Text.GIVEN_UP.say(settings.language, application=application))


def reconcile(settings: Settings) -> Report:
    """Finish the card in the reader, if it is one that was begun, and say what is left."""
    config = settings.config()
    language = settings.language
    with settings.center(config) as center:
        finished = _take_up(settings, config, center)
        left = open_ones(center)
    lines = [
        Text.STILL_OPEN.say(
            language, application=one.application_number, id=one.personalisation_id.hex()
        )
        for one in left
    ]
    if finished is not None:
        lines.insert(0, Text.FINISHED.say(language, application=finished.application_number))
    result: dict[str, JSON] = {
        "finished": None if finished is None else finished.application_number,
        "personalisations": _rows(left),
    }
    text = "\n".join(lines) or Text.NONE_OPEN.say(language)
    return Report(result, text, exit=Exit.REFUSED if left else Exit.DONE)


def _take_up(
    settings: Settings, config: TerminalConfig, center: Center
) -> pb.Personalisation | None:
    """Finish the card in the reader; an empty reader, or none, finishes nothing."""
    try:
        return take_up(
            center,
            settings.reader(),
            surroundings=_quietly(settings, config),
            progress=_tell(settings.language),
        )
    except Problem as problem:
        if problem.exit is not Exit.READER_OR_CARD:
            raise
        say(problem.text(settings.language))
        return None


def grouped(number: str) -> str:
    """Return a card number as its face has it: 4-4-4.

    >>> grouped("000000000195")
    '0000-0000-0195'
    """
    return "-".join(number[at : at + 4] for at in range(0, len(number), 4))


def _quietly(settings: Settings, config: TerminalConfig) -> Surroundings:
    """Return the configured patience; the session that proves a card asks nobody for anything."""
    return replace(entries.surroundings(settings, config), progress=lambda _stage: None)


def _tell(language: Language) -> Callable[[Progress], None]:
    return lambda progress: say(_PROGRESS[progress].say(language))


def _id(digits: str) -> bytes:
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        octets = b""
    if len(octets) != _ID_SIZE:
        raise Problem("USAGE_INVALID", {"field": "id", "rule": "32 hexadecimal digits"})
    return octets


def _rows(found: list[pb.Personalisation]) -> list[JSON]:
    return [
        {
            "personalisation_id": one.personalisation_id.hex(),
            "application_number": one.application_number,
            "begin_time": one.begin_time.ToJsonString(),
            "card_number": one.card_number,
        }
        for one in found
    ]


def _table(found: list[pb.Personalisation], language: Language) -> str:
    if not found:
        return Text.NONE_OPEN.say(language)
    heads = (Text.HEAD_APPLICATION, Text.HEAD_BEGUN, Text.HEAD_CARD, Text.HEAD_ID)
    rows = [
        (
            one.application_number,
            moment_text(one.begin_time),
            grouped(one.card_number),
            one.personalisation_id.hex(),
        )
        for one in found
    ]
    return table([head.say(language) for head in heads], rows)
