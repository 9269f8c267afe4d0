"""`card print-face`: what is printed on a card, as PDF or picture at true size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_client.card_numbers import NumberKind, read_number
from juki_client.outcome import JSON, Problem
from juki_client.report import Report
from juki_terminal.cli.applications_texts import Text
from juki_terminal.letter_press import card_face, require_fonts
from juki_terminal.printer import write_whole
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as service_pb

if TYPE_CHECKING:
    from pathlib import Path

    from juki_terminal.cli.settings import Settings

_SUFFIXES: Final = (".pdf", ".png")


def print_face(settings: Settings, number: str, out: Path) -> Report:
    """Ask for the face of an application's card, and write it."""
    suffix = out.suffix.lower()
    if suffix not in _SUFFIXES:
        raise Problem("USAGE_INVALID", {"field": "out", "rule": " or ".join(_SUFFIXES)})
    application = read_number(number, NumberKind.APPLICATION, "application_number")
    require_fonts()
    request = service_pb.GetCardFaceRequest(application_number=application)
    with settings.center(settings.config()) as center:
        face: card_pb2.CardFace = center.call(center.cards.GetCardFace, request).face
    rendered = card_face(face)
    octets = rendered.pdf() if suffix == ".pdf" else rendered.png()
    write_whole(out, octets, {"applicationNumber": application})
    result: dict[str, JSON] = {"card_number": face.number, "out": str(out)}
    return Report(result, Text.FACE_PRINTED.say(settings.language, file=out))
