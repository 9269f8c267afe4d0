"""The part of CardService that makes cards: one stream, and three calls around it.

The servicer of the whole service hands its calls on to this. What is allowed is decided by the
acts, inside the committing transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from juki_center.areas.cards.card_faces import get_card_face
from juki_center.areas.cards.personalisations import list_open, void
from juki_center.areas.cards.window import Window
from juki_center.rpc import personalisations_translation as translate
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from juki_center.rpc.personalise_stream import personalise
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.rpc.personalise_stream import Parts

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]


class Personalisations:
    """The methods that make cards, list what is open, give cards up and show faces."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def PersonaliseCard(  # noqa: N802  # the proto's name
        self,
        request_iterator: AsyncIterator[pb.PersonaliseCardRequest],
        context: Context[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse],
    ) -> None:
        """Make a card."""
        await personalise(self._parts, request_iterator, context.write)

    async def ListPersonalisations(  # noqa: N802  # the proto's name
        self,
        request: pb.ListPersonalisationsRequest,
        _context: Context[pb.ListPersonalisationsRequest, pb.ListPersonalisationsResponse],
    ) -> pb.ListPersonalisationsResponse:
        """List what is open."""
        command = translate.list_personalisations(request, _terminal())
        window = self._window(command.terminal, command.clerk_name)
        page = await self._parts.store.ask(lambda tx: list_open(tx, window, command))
        return translate.page_message(page)

    async def VoidPersonalisation(  # noqa: N802  # the proto's name
        self,
        request: pb.VoidPersonalisationRequest,
        _context: Context[pb.VoidPersonalisationRequest, pb.VoidPersonalisationResponse],
    ) -> pb.VoidPersonalisationResponse:
        """Give a card up."""
        command = translate.void_personalisation(request, _terminal())
        window = self._window(command.terminal, command.clerk_name)
        application = await durably(self._parts.store.act(lambda tx: void(tx, window, command)))
        return translate.void_message(application)

    async def GetCardFace(  # noqa: N802  # the proto's name
        self,
        request: pb.GetCardFaceRequest,
        _context: Context[pb.GetCardFaceRequest, pb.GetCardFaceResponse],
    ) -> pb.GetCardFaceResponse:
        """Show what is printed."""
        command = translate.get_card_face(request, _terminal())
        window = self._window(command.terminal, command.clerk_name)
        face = await durably(self._parts.store.act(lambda tx: get_card_face(tx, window, command)))
        return translate.face_message(face)

    def _window(self, sender: Terminal, clerk_name: str) -> Window:
        return Window(sender, clerk_name, self._parts.clock(), self._parts.policy)


def _terminal() -> Terminal:
    return terminal(current_caller().identity)
