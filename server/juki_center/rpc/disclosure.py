"""DisclosureService: each call is one act, with its translation.

Who calls comes from the certificate, who asks from the card session. A page is a part of an answer
that is kept as a whole, so that all pages of a request agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from juki_center.areas.disclosure.disclose import disclose_information, disclose_provisions
from juki_center.areas.disclosure.records import Disclose
from juki_center.areas.residents.codes import ResidentCode
from juki_center.rpc import fields
from juki_center.rpc.agencies_translation import information_message
from juki_center.rpc.callers import terminal
from juki_center.rpc.civil_dates import civil_date_message
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.disclosure.v1 import disclosure_service_pb2 as pb
from jukinet.disclosure.v1 import disclosure_service_pb2_grpc as pb_grpc
from jukinet.residents.v1 import residence_record_pb2

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.disclosure.records import (
        DisclosurePolicy,
        OwnInformation,
        Provided,
        ProvisionLog,
    )
    from juki_center.areas.ports import Store, Tx

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Outcome = TypeVar("Outcome")
MOST_ON_A_PAGE: Final = 100
_SESSION_OCTETS: Final = 16
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on."""

    store: Store
    policy: DisclosurePolicy
    clock: Callable[[], datetime]


class Disclosures(pb_grpc.DisclosureServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def GetOwnInformation(  # noqa: N802  # the proto's name
        self,
        request: pb.GetOwnInformationRequest,
        _context: Context[pb.GetOwnInformationRequest, pb.GetOwnInformationResponse],
    ) -> pb.GetOwnInformationResponse:
        """Disclose what the register holds of the card's holder."""
        command, policy = _command(request), self._parts.policy
        return _own_message(
            await self._act(lambda tx, now: disclose_information(tx, command, now, policy))
        )

    async def ListProvisions(  # noqa: N802  # the proto's name
        self,
        request: pb.ListProvisionsRequest,
        _context: Context[pb.ListProvisionsRequest, pb.ListProvisionsResponse],
    ) -> pb.ListProvisionsResponse:
        """Disclose to whom the holder's information was provided."""
        command, policy = _command(request), self._parts.policy
        size = fields.number("page_size", request.page_size, least=0, most=MOST_ON_A_PAGE)
        first = _first(request.page_token)
        found = await self._act(lambda tx, now: disclose_provisions(tx, command, now, policy))
        return _page(found, first, size or MOST_ON_A_PAGE)

    async def _act(self, act: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self._parts.clock()
        return await durably(self._parts.store.act(lambda tx: act(tx, now)))


def _command(request: pb.GetOwnInformationRequest | pb.ListProvisionsRequest) -> Disclose:
    code = None
    if request.resident_code:
        with fields.field("resident_code"):
            code = ResidentCode(request.resident_code)
    return Disclose(
        terminal=terminal(current_caller().identity),
        request_id=fields.uuid4("request_id", request.request_id),
        session_id=fields.octets("card_session_id", request.card_session_id, size=_SESSION_OCTETS),
        code=code,
    )


def _first(token: str) -> int:
    """Return how many provisions are on earlier pages."""
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= len(str(_MOST))):
        raise fields.invalid("page_token", "PAGE_TOKEN")
    return int(token)


def _own_message(own: OwnInformation) -> pb.GetOwnInformationResponse:
    message = pb.GetOwnInformationResponse(
        information=information_message(own.information),
        municipality_code=str(own.municipality),
        disclosed_time=_timestamp(own.disclosed_at),
    )
    if own.change_reason is not None and own.change_date is not None:
        enum = residence_record_pb2.ChangeReason
        message.change_reason = enum.Value(fields.proto_name(own.change_reason, enum.DESCRIPTOR))
        message.change_date.CopyFrom(civil_date_message(own.change_date))
    return message


def _page(found: ProvisionLog, first: int, size: int) -> pb.ListProvisionsResponse:
    total, end = len(found.provisions), first + size
    return pb.ListProvisionsResponse(
        provisions=[_provided_message(one) for one in found.provisions[first:end]],
        total=total,
        first_day=found.period.first_day.isoformat(),
        last_day=found.period.last_day.isoformat(),
        disclosed_time=_timestamp(found.disclosed_at),
        next_page_token=str(end) if end < total else "",
    )


def _provided_message(one: Provided) -> pb.ProvidedInformation:
    items, methods = agencies_pb.Item, pb.UsageMethod
    return pb.ProvidedInformation(
        provided_time=_timestamp(one.at),
        usage_method=methods.Value(fields.proto_name(one.method, methods.DESCRIPTOR)),
        reason=one.reason,
        affair=one.affair,
        provider_municipality_code=str(one.provider),
        recipient=one.recipient,
        items=[items.Value(fields.proto_name(item, items.DESCRIPTOR)) for item in one.items],
    )


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
