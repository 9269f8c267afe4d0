"""Papers after an act of moves: the certificate of moving out, and receipts, as files.

The act stands whether a paper comes out or not; what was not written is told with the way to it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from juki_client.outcome import Problem
from juki_client.report import say
from juki_terminal.cli.moves_texts import Text
from juki_terminal.move_press import certificate_pdf, full_address, receipt_pdf, receipt_person
from juki_terminal.municipality_names import name_of
from juki_terminal.paper import receipt_words as words
from juki_terminal.paper.receipt import Receipt
from juki_terminal.paper.wording import JST, era_day
from juki_terminal.printer import write_whole
from jukinet.moves.v1 import move_pb2 as pb
from jukinet.moves.v1 import move_service_pb2 as service_pb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from juki_client.outcome import Language
    from jukinet.residents.v1.residence_record_pb2 import Entries, ResidenceRecord


def certificate_lines(
    certificate: pb.MovingOutCertificate, out: Path | None, language: Language
) -> list[str]:
    """Write a certificate of moving out; say where it is.

    Raises Problem CHARACTER_NOT_PRINTABLE, TEXT_DOES_NOT_FIT, PRINTER_FAILED; the act stands.
    """
    number = certificate.move_number
    if out is None or not number:
        return [Text.NO_CERTIFICATE.say(language)]
    facts = {"moveNumber": number}
    try:
        write_whole(out, certificate_pdf(certificate), facts)
    except Problem as problem:
        say(Text.NOT_PRINTED.say(language, number=number))
        raise Problem(problem.reason, {**problem.metadata, **facts}) from problem
    return [Text.CERTIFICATE_PRINTED.say(language, file=out)]


def receipt_line(receipt: Receipt, out: Path, language: Language) -> str:
    """Write a receipt; say where it is.

    One that cannot be written is told, and is no refusal: the act stands.
    """
    try:
        write_whole(out, receipt_pdf(receipt), {"moveNumber": receipt.number})
    except Problem as problem:
        say(f"{problem.reason}: {problem.text(language)}")
        return Text.RECEIPT_MISSING.say(language)
    return Text.RECEIPT_PRINTED.say(language, file=out)


def moved_out(move: pb.Move, persons: Sequence[Entries]) -> Receipt:
    """Return the receipt for a move-out notice."""
    planned = move.planned_destination_code
    rows = [
        (words.FROM, name_of(move.origin_code)),
        (words.TO, name_of(planned) if planned else words.ABROAD_PLACE),
        (words.PLANNED_DATE, _era(move.planned_date)),
    ]
    if move.last_day:
        rows.append((words.LAST_DAY, _era(move.last_day)))
    return Receipt(
        title=words.Title.OUT,
        municipality=name_of(move.origin_code),
        received_on=date.fromisoformat(move.notice_date),
        rows=tuple(rows),
        persons=tuple(map(receipt_person, persons)),
        notes=_out_notes(move),
        number=move.number,
    )


def _out_notes(move: pb.Move) -> tuple[str, ...]:
    if not move.planned_destination_code:
        return words.ABROAD
    return words.SPECIAL_OUT if move.kind == pb.Move.KIND_SPECIAL else words.ORDINARY_OUT


def moved_in(answer: service_pb.RegisterMoveInResponse) -> Receipt:
    """Return the receipt for a move in."""
    first, move = answer.registered[0].record, answer.move
    rows = (
        (words.OLD_MUNICIPALITY, name_of(move.origin_code)),
        (words.ADDRESS, full_address(first.entries)),
        (words.MOVED_DATE, _era(move.moved_date)),
    )
    return Receipt(
        title=words.Title.IN,
        municipality=name_of(first.municipality_code),
        received_on=_recorded(first),
        rows=rows,
        persons=tuple(receipt_person(one.record.entries) for one in answer.registered),
        notes=(*words.MOVED_IN, *_card_notes(answer.registered)),
        number=move.number,
    )


def moved_within(
    request: service_pb.RegisterMoveWithinRequest, answer: service_pb.RegisterMoveWithinResponse
) -> Receipt:
    """Return the receipt for a move within, which has no number."""
    first = answer.registered[0].record
    rows = (
        (words.ADDRESS, full_address(first.entries)),
        (words.MOVED_DATE, _era(request.moved_date)),
    )
    return Receipt(
        title=words.Title.WITHIN,
        municipality=name_of(first.municipality_code),
        received_on=_recorded(first),
        rows=rows,
        persons=tuple(receipt_person(one.record.entries) for one in answer.registered),
        notes=(*words.MOVED_WITHIN, *_card_notes(answer.registered)),
    )


def _card_notes(registered: Sequence[pb.Registered]) -> list[str]:
    """Return what the persons must know about their cards."""
    notes: list[str] = []
    last_days = sorted(one.continue_until for one in registered if one.continue_until)
    if last_days:
        notes.append(words.CONTINUE.format(last=_era(last_days[0])))
    if any(one.card_face_count for one in registered):
        notes.append(words.BACK)
    if any(one.lapsed_card_count for one in registered):
        notes.append(words.LAPSED)
    return notes


def _recorded(record: ResidenceRecord) -> date:
    """Return the day in Japan on which an entry was made."""
    moment: datetime = record.change.record_time.ToDatetime(UTC)
    return moment.astimezone(JST).date()


def _era(day: str) -> str:
    return era_day(date.fromisoformat(day))
