"""How an act of moves ends: papers, what the clerk is told, and the answer for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from google.protobuf import json_format

from juki_client.report import Report
from juki_terminal.cli import moves_papers
from juki_terminal.cli.moves_summaries import kind_word
from juki_terminal.cli.moves_tables import move_table
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.moves_words import ALERTS, REFUSALS, words_in
from juki_terminal.cli.residents_tables import record_table
from juki_terminal.move_press import unprintable
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from juki_client.changes import Answered
    from juki_client.outcome import JSON, Language
    from jukinet.moves.v1 import move_pb2
    from jukinet.residents.v1.residence_record_pb2 import Entries


def end_of(
    request: Message,
    answered: Answered,
    persons: Sequence[Entries],
    out: Path | None,
    receipt: Path | None,
    language: Language,
) -> Report:
    """Write the papers of an act, and return what is told of it.

    Raises Problem as `moves_papers.certificate_lines` does; the act stands.
    """
    lines = _told(answered.message, language)
    result = result_of(answered, persons)
    match answered.message:
        case pb.FileMoveOutResponse() | pb.ChangeMoveOutResponse() as answer:
            if receipt is not None:
                paper = moves_papers.moved_out(answer.move, persons)
                lines.append(moves_papers.receipt_line(paper, receipt, language))
            lines += _certificate(answer, out, result, language)
        case pb.IssueMovingOutCertificateResponse() as answer:
            lines += _certificate(answer, out, result, language)
        case pb.RegisterMoveInResponse() as answer if receipt is not None:
            paper = moves_papers.moved_in(answer)
            lines.append(moves_papers.receipt_line(paper, receipt, language))
        case pb.RegisterMoveWithinResponse() as answer if receipt is not None:
            within = cast("pb.RegisterMoveWithinRequest", request)
            paper = moves_papers.moved_within(within, answer)
            lines.append(moves_papers.receipt_line(paper, receipt, language))
        case _:
            pass
    return Report(result, "\n".join(lines))


def result_of(answered: Answered, persons: Sequence[Entries]) -> dict[str, JSON]:
    """Return an answer for machines, with the entries that this window cannot show."""
    plain: dict[str, JSON] = json_format.MessageToDict(
        answered.message, preserving_proto_field_name=True
    )
    flags: list[JSON] = [
        {"person": one.person, "field": one.field, "code_points": list(one.code_points)}
        for one in unprintable(persons)
    ]
    named: dict[str, JSON] = {"request_id": answered.request_id, "repeated": answered.is_repeated}
    return {**named, **plain, "unprintable": flags}


def _certificate(
    answer: pb.FileMoveOutResponse
    | pb.ChangeMoveOutResponse
    | pb.IssueMovingOutCertificateResponse,
    out: Path | None,
    result: dict[str, JSON],
    language: Language,
) -> list[str]:
    if not answer.HasField("certificate"):
        return [Text.NO_CERTIFICATE.say(language)]
    lines = moves_papers.certificate_lines(answer.certificate, out, language)
    result["out"] = str(out)
    return lines


def _told(answer: Message, language: Language) -> list[str]:
    match answer:
        case pb.FileMoveOutResponse():
            return _filed(answer, language)
        case pb.RegisterMoveInResponse():
            return _registered(answer, language)
        case pb.RegisterMoveWithinResponse():
            lines = [Text.DONE_WITHIN.say(language), *_cards(answer.registered, language)]
            lines += _if(Text.RECORDED_LATE, language, holds=answer.registered_late)
            return lines + _if(Text.NEEDS_HEAD, language, holds=answer.household_needs_head)
        case pb.AcceptCorrectionResponse():
            return [Text.DONE_ACCEPT.say(language), record_table(answer.record, language)]
        case pb.CancelMoveOutResponse():
            number, count = answer.move.number, answer.restored_count
            return [Text.DONE_CANCEL.say(language, number=number, count=count)]
        case pb.IssueMovingOutCertificateResponse():
            number, count = answer.move.number, answer.certificate.count
            return [Text.DONE_CERTIFICATE.say(language, number=number, count=count)]
        case _:
            move: move_pb2.Move = answer.move  # type: ignore[attr-defined]  # the others have it
            lines = [_plainly(answer).say(language, number=move.number)]
            waits = getattr(answer, "waits", False)
            is_back = isinstance(answer, pb.AbandonMoveInResponse)
            text = Text.GIVEN_BACK_WAITS if is_back else Text.NOTICE_WAITS
            lines += [text.say(language, number=move.number)] if waits else []
            return [*lines, move_table(move, language)]


def _plainly(answer: Message) -> Text:
    match answer:
        case pb.ChangeMoveOutResponse():
            return Text.DONE_CHANGE
        case pb.CorrectMoveOutResponse():
            return Text.SENT_CORRECT if answer.waits else Text.DONE_CORRECT
        case pb.RecordArrivalResponse():
            return Text.DONE_ARRIVED
        case pb.AbandonMoveInResponse():
            return Text.DONE_ABANDON
        case _:
            return Text.DONE_TAKE_BACK


def _filed(answer: pb.FileMoveOutResponse, language: Language) -> list[str]:
    move = answer.move
    kind = kind_word(move.kind, language)
    lines = [Text.DONE_OUT.say(language, number=move.number, kind=kind)]
    if refusal := words_in(language, REFUSALS).get(answer.special_refused_because):
        lines += [refusal, Text.ORDINARY_INSTEAD.say(language)]
    lines.append(move_table(move, language))
    return lines + _if(Text.NEEDS_HEAD, language, holds=answer.household_needs_head)


def _registered(answer: pb.RegisterMoveInResponse, language: Language) -> list[str]:
    lines = [Text.DONE_IN.say(language, number=answer.move.number)]
    lines += _cards(answer.registered, language)
    kinds = words_in(language, ALERTS)
    lines += [Text.ALERTED.say(language, alert=kinds.get(one.kind, "")) for one in answer.alerts]
    lines += _if(Text.RECORDED_LATE, language, holds=answer.move.registered_late)
    lines += _if(Text.NEEDS_HEAD, language, holds=answer.household_needs_head)
    return [*lines, move_table(answer.move, language)]


def _cards(registered: Sequence[move_pb2.Registered], language: Language) -> list[str]:
    lapsed = sum(one.lapsed_card_count for one in registered)
    faces = sum(one.card_face_count for one in registered)
    lines = [Text.CARDS_LAPSED.say(language, count=lapsed)] if lapsed else []
    for one in registered:
        if one.continue_until:
            name, until = one.record.entries.name, one.continue_until
            lines.append(Text.CONTINUE_UNTIL.say(language, name=name, until=until))
    return lines + ([Text.BACKS_TO_WRITE.say(language, count=faces)] if faces else [])


def _if(text: Text, language: Language, *, holds: bool) -> list[str]:
    return [text.say(language)] if holds else []
