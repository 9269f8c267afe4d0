"""Cards in the making and their faces, between the wire and the areas.

Each function checks a request and makes a command of it, or writes an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.personalisation_commands import (
    GetCardFace,
    ListPersonalisations,
    PersonaliseCard,
    VoidPersonalisation,
)
from juki_center.areas.residents.records import Sex
from juki_center.rpc import fields
from juki_center.rpc.card_applications_translation import application_message
from juki_center.rpc.civil_dates import civil_date_message
from jukinet.cards.v1 import card_application_pb2, card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.application_rows import Application
    from juki_center.areas.cards.personalisation_commands import (
        CardFace,
        PersonalisationPage,
        Written,
    )
    from juki_center.areas.cards.personalisation_rows import Personalisation
    from juki_center.areas.cards.register import CardStyle

_CLERK_NAME: Final = 60
_ID: Final = 16
_PAGE: Final = 100
_PAGE_TOKEN: Final = 64
_SEX_TEXTS: Final = {Sex.MALE: "男", Sex.FEMALE: "女", Sex.BLANK: ""}


def personalise_hello(message: pb.PersonaliseHello, sender: Terminal) -> PersonaliseCard:
    """Check and translate what opens the making of a card."""
    return PersonaliseCard(
        sender,
        _clerk_name(message.clerk_name),
        _application_number(message.application_number),
    )


def void_personalisation(
    request: pb.VoidPersonalisationRequest, sender: Terminal
) -> VoidPersonalisation:
    """Check and translate a request to give a card up."""
    return VoidPersonalisation(
        sender,
        fields.uuid4("request_id", request.request_id),
        _clerk_name(request.clerk_name),
        fields.octets("personalisation_id", request.personalisation_id, size=_ID),
    )


def list_personalisations(
    request: pb.ListPersonalisationsRequest, sender: Terminal
) -> ListPersonalisations:
    """Check and translate a request for a page."""
    return ListPersonalisations(
        sender,
        _clerk_name(request.clerk_name),
        fields.number("page_size", request.page_size, least=0, most=_PAGE),
        fields.text("page_token", request.page_token, longest=_PAGE_TOKEN, may_be_empty=True),
    )


def get_card_face(request: pb.GetCardFaceRequest, sender: Terminal) -> GetCardFace:
    """Check and translate a request for a face."""
    return GetCardFace(
        sender,
        _clerk_name(request.clerk_name),
        _application_number(request.application_number),
    )


def result_message(written: Written) -> pb.PersonaliseCardResponse:
    """Translate the end of a stream."""
    return pb.PersonaliseCardResponse(
        result=pb.PersonaliseResult(
            personalisation_id=written.personalisation_id,
            card_number=written.card_number,
            card_access_number=written.card_access_number,
            valid_until=written.valid_until.isoformat(),
        )
    )


def page_message(page: PersonalisationPage) -> pb.ListPersonalisationsResponse:
    """Translate a page."""
    return pb.ListPersonalisationsResponse(
        personalisations=[_personalisation(row) for row in page.personalisations],
        next_page_token=page.next_page_token,
    )


def face_message(face: CardFace) -> pb.GetCardFaceResponse:
    """Translate a face."""
    message = card_pb2.CardFace(
        number=face.number,
        style=_style(face.style),
        name=face.name,
        municipality_name=face.municipality_name,
        valid_until=face.valid_until.isoformat(),
        card_access_number=face.card_access_number,
        address=face.address,
        photo=face.photo or b"",
    )
    if face.birth is not None:
        message.birth_date.CopyFrom(civil_date_message(face.birth))
    if face.sex is not None:
        message.sex = _SEX_TEXTS[face.sex]
    return pb.GetCardFaceResponse(face=message)


def void_message(application: Application) -> pb.VoidPersonalisationResponse:
    """Translate the application that waits for another card."""
    return pb.VoidPersonalisationResponse(application=application_message(application))


def _personalisation(row: Personalisation) -> pb.Personalisation:
    message = pb.Personalisation(
        personalisation_id=row.personalisation_id,
        application_number=row.application,
    )
    message.begin_time.FromDatetime(row.begun_at)
    if row.card_serial is not None:
        message.card_number = row.card_number
        message.card_access_number = row.secrets.card_access_number if row.secrets else ""
    return message


def _style(style: CardStyle) -> card_application_pb2.CardStyle.ValueType:
    # The proto's names begin with the name of the enumeration without STYLE.
    return card_application_pb2.CardStyle.Value(f"CARD_{style}")


def _clerk_name(name: str) -> str:
    # An empty name is refused by the act, which leaves a leaf.
    return fields.text("clerk_name", name, longest=_CLERK_NAME, may_be_empty=True)


def _application_number(text: str) -> ApplicationNumber:
    with fields.field("application_number"):
        return ApplicationNumber(text)
