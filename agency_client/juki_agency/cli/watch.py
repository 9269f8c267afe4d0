"""`watch`: change notices as they come, one line or one JSON object each."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from juki_agency import answers
from juki_agency.cli.texts import Text
from juki_agency.patience import Patience
from juki_agency.watch import CursorFile, watch_changes
from juki_client.civil_date import text_of
from juki_client.outcome import success
from juki_client.report import Report, write

if TYPE_CHECKING:
    from juki_agency.cli.settings import Settings
    from juki_client.outcome import JSON, Language
    from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

COMMAND = "watch"


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What `watch` was called with."""

    affair: str
    state: Path
    once: bool = False
    patience_seconds: float = 60.0


def watch(settings: Settings, options: WatchOptions) -> Report:
    """Print notices until the end is asked for; with `once`, until everything is told."""
    told = 0

    def hand_on(message: pb.WatchChangesResponse) -> None:
        nonlocal told
        if message.WhichOneof("step") == "notice":
            told += 1
            _print(message.notice, settings)

    state = CursorFile(options.state, options.affair)
    patience = Patience(options.patience_seconds if options.once else None)
    with settings.center() as center:
        end = watch_changes(center, state, patience, hand_on, once=options.once)
    waiting = [*end.waiting_municipality_codes]
    result: dict[str, JSON] = {
        "notices": told,
        "as_of": end.as_of.ToJsonString(),
        "waiting": [*waiting],
    }
    text = Text.CAUGHT_UP if not waiting else Text.CAUGHT_UP_BUT
    return Report(result, text.say(settings.language, notices=told, waiting=", ".join(waiting)))


def _print(notice: pb.ChangeNotice, settings: Settings) -> None:
    """Print a notice, and see that it is on its way before its cursor is kept."""
    if settings.as_json:
        write(success(COMMAND, {"notice": facts_of(notice)}))
    else:
        sys.stdout.write(line_of(notice, settings.language) + "\n")
    sys.stdout.flush()
    with suppress(OSError):
        # A file is synced; a terminal or a pipe cannot be.
        os.fsync(sys.stdout.fileno())


def facts_of(notice: pb.ChangeNotice) -> dict[str, JSON]:
    """Return a notice for programs."""
    return {
        "subject_reference": notice.subject_reference.hex(),
        "reason": answers.reason_name(notice.reason),
        "change_date": text_of(notice.change_date),
        "changed_items": [*answers.item_names(notice.changed_items)],
        "record_time": notice.record_time.ToJsonString(),
    }


def line_of(notice: pb.ChangeNotice, language: Language) -> str:
    """Return a notice as one line for people."""
    items = [
        answers.item_label(name, language) for name in answers.item_names(notice.changed_items)
    ]
    parts = (
        notice.record_time.ToJsonString(),
        notice.subject_reference.hex(),
        answers.reason_name(notice.reason),
        text_of(notice.change_date),
        ", ".join(items),
    )
    return "  ".join(parts)
