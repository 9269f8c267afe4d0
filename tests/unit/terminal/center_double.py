"""A center in this process, over real mutual TLS: an honest card session, and issues in memory.

Tests bend it at named places: a message on its way out, a fault before or after an act.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
from cryptography import x509
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from juki_card import eac, ec, pin_management
from juki_card.apdu import ResponseAPDU
from juki_card.auxiliary import AuxiliaryData
from juki_card.chat import CHAT, Right, Role
from juki_card.errors import CardError
from juki_card.flow import Batch, Dialogue, Flow
from juki_card.transcript import Transcript
from juki_pki.folder import PKIFolder
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.card.v1 import card_session_service_pb2_grpc as card_grpc
from jukinet.cards.v1 import card_application_service_pb2_grpc as applications_grpc
from jukinet.cards.v1 import card_service_pb2 as cards_pb
from jukinet.cards.v1 import card_service_pb2_grpc as cards_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.disclosure.v1 import disclosure_service_pb2_grpc as disclosure_grpc
from jukinet.fleet.v1 import terminal_service_pb2 as fleet_pb
from jukinet.fleet.v1 import terminal_service_pb2_grpc as fleet_grpc
from jukinet.moves.v1 import move_service_pb2_grpc as moves_grpc
from jukinet.operations.v1 import center_service_pb2_grpc as operations_grpc
from jukinet.options.v1 import options_pb2
from jukinet.residents.v1 import resident_service_pb2_grpc as residents_grpc
from tests.support import copy_content
from tests.support.receipting import ProofDouble, Receipting

WINDOW = Right.PIN_MANAGEMENT | Right.CAN_ALLOWED
RIGHTS = {
    options_pb2.PURPOSE_CERTIFICATE_COPY: ("at-center-auth", Right.READ_DG1),
    options_pb2.PURPOSE_PIN_PROOF: ("at-center-id", Right.NONE),
    options_pb2.PURPOSE_CARD_CHECK: ("at-center-window", WINDOW),
    options_pb2.PURPOSE_PIN_UNLOCK: ("at-center-window", WINDOW),
    options_pb2.PURPOSE_CLERK_SIGN_IN: ("at-center-id", Right.NONE),
    options_pb2.PURPOSE_SPECIAL_MOVE_IN: ("at-center-id", Right.NONE),
    options_pb2.PURPOSE_OWN_DISCLOSURE: ("at-center-id", Right.NONE),
}
CLERK = "千代田　花子"
Bend = Callable[[card_pb.AuthenticateResponse], card_pb.AuthenticateResponse]


def refuse(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str, **facts: str) -> None:
    """End a call as the center's interceptor does."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain="center.jukinet", metadata=facts)
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=code.value[0], message="", details=[detail])
    context.abort_with_status(rpc_status.to_status(status))


def honest(step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
    """Change nothing."""
    return step


@dataclass
class SessionDouble(card_grpc.CardSessionServiceServicer):
    """The center's side of a card session, without a register."""

    pki: PKIFolder
    bend: Bend = honest
    refusal: tuple[grpc.StatusCode, str] | None = None
    codes: list[str] = field(default_factory=list)
    finished: list[bytes] = field(default_factory=list)
    transcripts: dict[bytes, bytes] = field(default_factory=dict)
    plan_seconds: float = 120
    hellos: list[card_pb.Hello] = field(default_factory=list)
    purposes: dict[bytes, int] = field(default_factory=dict)
    takes_pin_away: bool = False

    def Authenticate(  # noqa: N802
        self,
        request_iterator: Iterator[card_pb.AuthenticateRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[card_pb.AuthenticateResponse]:
        hello = next(request_iterator).hello
        self.hellos.append(hello)
        peer = x509.load_pem_x509_certificate(context.auth_context()["x509_pem_cert"][0])
        certificate_hash = PeerHash.of(peer)
        session_id = secrets.token_bytes(16)
        plan, keys, message = self._plan(session_id, certificate_hash, hello.purpose)
        yield self.bend(card_pb.AuthenticateResponse(plan=message))
        ready = self._ready(next(request_iterator).ready)
        transcript = Transcript(session_id, certificate_hash)
        eac.add_opening(transcript, plan, ready)
        try:
            yield from self._relay(
                eac.authenticate_chip(plan, keys, ready), 1, request_iterator, transcript
            )
            if self.refusal is not None:
                refuse(context, *self.refusal)
            if (flow := self._second_flow(hello.purpose)) is not None:
                yield from self._relay(flow, 2, request_iterator, transcript)
        except CardError:
            refuse(context, grpc.StatusCode.PERMISSION_DENIED, "CARD_NOT_AUTHENTIC")
        if hello.purpose == options_pb2.PURPOSE_CERTIFICATE_COPY:
            self.codes.append(self._code)
        self.finished.append(session_id)
        self.purposes[session_id] = hello.purpose
        self.transcripts[session_id] = transcript.digest()
        result = card_pb.Result(session_id=session_id, transcript_hash=transcript.digest())
        result.usable_until.FromDatetime(datetime.now(UTC) + timedelta(seconds=300))
        yield self.bend(card_pb.AuthenticateResponse(result=result))

    def _second_flow(self, purpose: int) -> Flow[object] | None:
        """Return what is done to the card after Chip Authentication."""
        match purpose:
            case options_pb2.PURPOSE_CERTIFICATE_COPY:
                return eac.read_dg1(self._chip.channel)
            case options_pb2.PURPOSE_PIN_UNLOCK if self.takes_pin_away:
                return pin_management.pin_to_transport(self._chip.channel)
            case options_pb2.PURPOSE_PIN_UNLOCK:
                return pin_management.unblock_pin(self._chip.channel)
            case _:
                return None

    def _plan(
        self, session_id: bytes, certificate_hash: bytes, purpose: int
    ) -> tuple[eac.Plan, eac.CenterKeys, card_pb.Plan]:
        certificate, rights = RIGHTS[purpose]
        credential = self.pki.cv(certificate)
        dv = self.pki.cv("dv").certificate
        ephemeral = ec.private_key(ec.P256, 1 + secrets.randbelow(2**250))
        point = ec.encode_point(ephemeral.public_key())
        auxiliary = AuxiliaryData(certificate_hash, session_id, purpose).encode()
        chat = CHAT(Role.TERMINAL, rights)
        chain = eac.Chain(dv.car, (dv, credential.certificate))
        assert credential.description is not None
        message = card_pb.Plan(
            version=1,
            session_id=session_id,
            chat=chat.value(),
            certificate_description=credential.description.encode(),
            chains=[
                card_pb.CertificateChain(
                    trust_point=chain.trust_point,
                    certificates=[c.encode() for c in chain.certificates],
                )
            ],
            domain_parameter=12,
            ephemeral_public_key=point,
            auxiliary_data=auxiliary,
        )
        message.expires_at.FromDatetime(datetime.now(UTC) + timedelta(seconds=self.plan_seconds))
        plan = eac.Plan(chat, (chain,), ec.P256, point, auxiliary)
        return plan, eac.CenterKeys(credential.key, ephemeral), message

    @staticmethod
    def _ready(ready: card_pb.Ready) -> eac.Ready:
        return eac.Ready(
            ready.card_access,
            ready.trust_point,
            ready.id_picc,
            ready.r_picc,
            tuple(ready.status_words),
        )

    def _relay(
        self,
        flow: Flow[object],
        number: int,
        requests: Iterator[card_pb.AuthenticateRequest],
        transcript: Transcript,
    ) -> Iterator[card_pb.AuthenticateResponse]:
        with closing(Dialogue(flow)) as dialogue:
            state = dialogue.start()
            while isinstance(state, Batch):
                batch = card_pb.Batch(number=number, protection=number)
                for step in state.steps:
                    batch.commands.add(
                        apdu=step.apdu.encode(), acceptable_status_words=sorted(step.accept)
                    )
                yield self.bend(card_pb.AuthenticateResponse(batch=batch))
                answers = next(requests).answers
                for command, answer in zip(batch.commands, answers.responses, strict=False):
                    transcript.add(command.apdu, answer)
                state = dialogue.answer(tuple(ResponseAPDU.decode(r) for r in answers.responses))
            match state.value:
                case str() as code:
                    self._code = code
                case eac.ChipResult() as chip:
                    self._chip = chip
                case _:
                    pass


@dataclass
class LocksDouble(cards_grpc.CardServiceServicer):
    """Takes reports of locks."""

    reports: list[cards_pb.ReportLockRequest] = field(default_factory=list)

    def ReportLock(  # noqa: N802
        self,
        request: cards_pb.ReportLockRequest,
        context: grpc.ServicerContext,  # noqa: ARG002  # it always takes the report
    ) -> cards_pb.ReportLockResponse:
        self.reports.append(request)
        return cards_pb.ReportLockResponse()


class PeerHash:
    """The hash that binds a session to a terminal."""

    @staticmethod
    def of(certificate: x509.Certificate) -> bytes:
        from cryptography.hazmat.primitives import hashes

        return certificate.fingerprint(hashes.SHA256())


@dataclass
class CopiesDouble(copies_grpc.CertificateCopyServiceServicer):
    """Issues in memory, exactly once by request id.

    `faults` are taken one for each call: `before` and `after` cut the call before and after the
    act, a reason refuses it.
    """

    pki: PKIFolder
    sessions: SessionDouble
    faults: list[str] = field(default_factory=list)
    changes: dict[str, object] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    issues: dict[str, copies_pb.Issue] = field(default_factory=dict)
    reports: list[copies_pb.ConfirmPrintRequest] = field(default_factory=list)
    requests: list[copies_pb.IssueCopyRequest] = field(default_factory=list)
    verdict: copies_pb.VerifyCopyResponse.Verdict.ValueType = (
        copies_pb.VerifyCopyResponse.VERDICT_VALID
    )

    def IssueCopy(  # noqa: N802
        self, request: copies_pb.IssueCopyRequest, context: grpc.ServicerContext
    ) -> copies_pb.IssueCopyResponse:
        self.requests.append(request)
        fault = self._before(context)
        if request.request_id not in self.issues:
            self._issue(request)
        self._after(fault, context)
        return copies_pb.IssueCopyResponse(
            issue=self.issues[request.request_id],
            signed_content=self.contents[request.request_id],
        )

    def VerifyCopy(  # noqa: N802
        self, _request: copies_pb.VerifyCopyRequest, _context: grpc.ServicerContext
    ) -> copies_pb.VerifyCopyResponse:
        return copies_pb.VerifyCopyResponse(verdict=self.verdict)

    def ConfirmPrint(  # noqa: N802
        self, request: copies_pb.ConfirmPrintRequest, context: grpc.ServicerContext
    ) -> copies_pb.ConfirmPrintResponse:
        fault = self._before(context)
        issue = self._find(request.issue_number)
        assert issue is not None
        self.reports.append(request)
        issue.print_state = request.print_state
        issue.print_attempts = request.attempt
        self._after(fault, context)
        return copies_pb.ConfirmPrintResponse(issue=issue)

    def GetIssue(  # noqa: N802
        self, request: copies_pb.GetIssueRequest, context: grpc.ServicerContext
    ) -> copies_pb.GetIssueResponse:
        self._before(context)
        issue = self.issues.get(request.request_id) or self._find(request.issue_number)
        if issue is None:
            refuse(context, grpc.StatusCode.NOT_FOUND, "ISSUE_NOT_FOUND")
            raise AssertionError
        (key,) = [k for k, known in self.issues.items() if known is issue]
        return copies_pb.GetIssueResponse(issue=issue, signed_content=self.contents[key])

    def _issue(self, request: copies_pb.IssueCopyRequest) -> None:
        number = f"131016-20261123-{len(self.issues) + 1:06d}-7K3Q"
        self.issues[request.request_id] = copies_pb.Issue(
            issue_number=number,
            issuing_municipality="131016",
            print_state=copies_pb.PRINT_STATE_UNCONFIRMED,
        )
        by_card = request.WhichOneof("proof") == "card_session_id"
        facts: dict[str, object] = {
            "no": number,
            "req": uuid.UUID(request.request_id).bytes,
            "by": "card" if by_card else "photo",
            "ev": self._evidence(request),
            "at": int(datetime.now(UTC).timestamp()),
        }
        credential = self.pki.copy_signer()
        signer = copy_content.CopySigner(credential.key, credential.certificate)
        self.contents[request.request_id] = copy_content.signed_copy(
            signer, **(facts | self.changes)
        )

    def _evidence(self, request: copies_pb.IssueCopyRequest) -> bytes:
        if request.WhichOneof("proof") == "card_session_id":
            return self.sessions.transcripts[request.card_session_id]
        photo = request.photo_identification
        label, kind = b"juki-photo-evidence-1\x00", bytes((photo.kind,))
        octets = label + kind + photo.number_hash + uuid.UUID(request.request_id).bytes
        return hashlib.sha256(octets).digest()

    def _find(self, number: str) -> copies_pb.Issue | None:
        return next((i for i in self.issues.values() if i.issue_number == number), None)

    def _before(self, context: grpc.ServicerContext) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        if fault.isupper():
            code = grpc.StatusCode.FAILED_PRECONDITION
            refuse(context, code, fault)
        return fault

    @staticmethod
    def _after(fault: str, context: grpc.ServicerContext) -> None:
        if fault == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")


@dataclass
class SignInDouble(fleet_grpc.TerminalServiceServicer):
    """Who is signed in at the terminal; an empty name is nobody."""

    clerk: str = CLERK
    asked: int = 0

    def GetSignIn(  # noqa: N802
        self,
        _request: fleet_pb.GetSignInRequest,
        context: grpc.ServicerContext,
    ) -> fleet_pb.GetSignInResponse:
        self.asked += 1
        if not self.clerk:
            refuse(context, grpc.StatusCode.UNAUTHENTICATED, "CLERK_SIGN_IN_REQUIRED")
        signed_in = fleet_pb.SignIn(clerk_id="131016-0001", clerk_name=self.clerk)
        return fleet_pb.GetSignInResponse(sign_in=signed_in)


@contextmanager
def serving(  # noqa: PLR0917  # one for each service, and nobody names them all
    pki: PKIFolder,
    sessions: card_grpc.CardSessionServiceServicer | None = None,
    copies: copies_grpc.CertificateCopyServiceServicer | None = None,
    residents: residents_grpc.ResidentServiceServicer | None = None,
    cards: cards_grpc.CardServiceServicer | None = None,
    applications: applications_grpc.CardApplicationServiceServicer | None = None,
    moves: moves_grpc.MoveServiceServicer | None = None,
    receipting: Receipting | None = None,
    disclosures: disclosure_grpc.DisclosureServiceServicer | None = None,
    sign_in: fleet_grpc.TerminalServiceServicer | None = None,
) -> Iterator[str]:
    """Serve on a free port; gives the address."""
    receipting = receipting or Receipting.of(pki)
    center = pki.center("center-1")
    credentials = grpc.ssl_server_credentials(
        [(center.key_pem, center.chain_pem)],
        root_certificates=(pki.trust_path / "root.pem").read_bytes(),
        require_client_auth=True,
    )
    server = grpc.server(
        ThreadPoolExecutor(8), interceptors=[receipting], options=[("grpc.so_reuseport", 0)]
    )
    operations_grpc.add_CenterServiceServicer_to_server(ProofDouble(receipting), server)
    if sessions is not None:
        card_grpc.add_CardSessionServiceServicer_to_server(sessions, server)
    if copies is not None:
        copies_grpc.add_CertificateCopyServiceServicer_to_server(copies, server)
    if residents is not None:
        residents_grpc.add_ResidentServiceServicer_to_server(residents, server)
    if cards is not None:
        cards_grpc.add_CardServiceServicer_to_server(cards, server)
    if applications is not None:
        applications_grpc.add_CardApplicationServiceServicer_to_server(applications, server)
    if moves is not None:
        moves_grpc.add_MoveServiceServicer_to_server(moves, server)
    if disclosures is not None:
        disclosure_grpc.add_DisclosureServiceServicer_to_server(disclosures, server)
    fleet_grpc.add_TerminalServiceServicer_to_server(sign_in or SignInDouble(), server)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
