"""The center's side of disclosures: one holder, as many provisions as a test puts in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc

from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.disclosure.v1 import disclosure_service_pb2 as pb
from jukinet.disclosure.v1 import disclosure_service_pb2_grpc as pb_grpc
from jukinet.options.v1 import options_pb2
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from jukinet.residents.v1.residence_record_pb2 import Entries
from tests.unit.terminal.center_double import SessionDouble, refuse

if TYPE_CHECKING:
    Request = pb.GetOwnInformationRequest | pb.ListProvisionsRequest

NAME, CODE = "髙橋　一郎", "24727059608"
DISCLOSED = datetime(2026, 12, 5, 1, 0, tzinfo=UTC)


@dataclass
class DisclosuresDouble(pb_grpc.DisclosureServiceServicer):
    """The service; a page has two provisions."""

    sessions: SessionDouble
    provisions: int = 0
    requests: list[pb.GetOwnInformationRequest | pb.ListProvisionsRequest] = field(
        default_factory=list
    )

    def GetOwnInformation(  # noqa: N802
        self, request: pb.GetOwnInformationRequest, context: grpc.ServicerContext
    ) -> pb.GetOwnInformationResponse:
        self._look(request, context)
        answer = pb.GetOwnInformationResponse(
            information=agencies_pb.IdentityInformation(
                name=NAME,
                code=CODE,
                sex=Entries.SEX_MALE,
                address="埼玉県所沢市並木一丁目1番地",
                date_of_birth=CivilDate(original_text="昭和22年3月1日"),
            ),
            municipality_code="112089",
        )
        answer.disclosed_time.FromDatetime(DISCLOSED)
        return answer

    def ListProvisions(  # noqa: N802
        self, request: pb.ListProvisionsRequest, context: grpc.ServicerContext
    ) -> pb.ListProvisionsResponse:
        self._look(request, context)
        first = int(request.page_token or 0)
        answer = pb.ListProvisionsResponse(
            total=self.provisions, first_day="2019-12-05", last_day="2026-11-30"
        )
        answer.disclosed_time.FromDatetime(DISCLOSED)
        for number in range(first, min(first + 2, self.provisions)):
            one = answer.provisions.add(
                usage_method=pb.USAGE_METHOD_BY_CODE,
                reason="旅券の発給の審査",
                affair="旅券の発給",
                provider_municipality_code="112089",
                recipient=f"外務省{number}課",
            )
            one.provided_time.FromDatetime(DISCLOSED.replace(month=11))
        answer.next_page_token = str(first + 2) if first + 2 < self.provisions else ""
        return answer

    def _look(self, request: Request, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        purpose = self.sessions.purposes.get(request.card_session_id)
        if purpose != options_pb2.PURPOSE_OWN_DISCLOSURE:
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "SESSION_NOT_FOUND")
        if request.resident_code not in {"", CODE}:
            refuse(context, grpc.StatusCode.PERMISSION_DENIED, "DISCLOSURE_NOT_OWN")
