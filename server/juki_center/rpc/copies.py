"""CertificateCopyService: each call is one act or one question, with its translation.

Who calls comes from the certificate, never from the request. What is allowed is decided by the
acts, inside the committing transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from juki_center.areas.copies.find import get_issue, list_issues
from juki_center.areas.copies.issue import issue_copy
from juki_center.areas.copies.prints import confirm_print
from juki_center.areas.copies.recall import recall_copy
from juki_center.areas.copies.verify import verify_copy
from juki_center.rpc import copies_translation as translate
from juki_center.rpc.callers import terminal, terminal_or_operator
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.clerks.policy import ClerkPolicy
    from juki_center.areas.copies.policy import CopyPolicy
    from juki_center.areas.copies.signature import CopyTrust
    from juki_center.areas.ports import Store, Tx

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on."""

    store: Store
    policy: CopyPolicy
    trust: CopyTrust
    clock: Callable[[], datetime]
    clerks: ClerkPolicy


class CertificateCopies(pb_grpc.CertificateCopyServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def use(self, policy: CopyPolicy, trust: CopyTrust) -> None:
        """Work by another policy and trust from the next call on."""
        self._parts = replace(self._parts, policy=policy, trust=trust)

    async def IssueCopy(  # noqa: N802  # the proto's name
        self,
        request: pb.IssueCopyRequest,
        _context: Context[pb.IssueCopyRequest, pb.IssueCopyResponse],
    ) -> pb.IssueCopyResponse:
        """Issue a copy."""
        command = translate.issue_copy(request, _terminal())
        policy = self._parts.policy
        issued = await self._act(lambda tx, now: issue_copy(tx, command, now, policy))
        return pb.IssueCopyResponse(
            issue=translate.issue_message(issued.issue), signed_content=issued.signed_content
        )

    async def ConfirmPrint(  # noqa: N802  # the proto's name
        self,
        request: pb.ConfirmPrintRequest,
        _context: Context[pb.ConfirmPrintRequest, pb.ConfirmPrintResponse],
    ) -> pb.ConfirmPrintResponse:
        """Record what became of the paper."""
        command = translate.confirm_print(request, _terminal())
        issue = await self._act(lambda tx, now: confirm_print(tx, command, now))
        return pb.ConfirmPrintResponse(issue=translate.issue_message(issue))

    async def GetIssue(  # noqa: N802  # the proto's name
        self,
        request: pb.GetIssueRequest,
        _context: Context[pb.GetIssueRequest, pb.GetIssueResponse],
    ) -> pb.GetIssueResponse:
        """Say what became of an issue."""
        command = translate.get_issue(request, _terminal())
        clerks = self._parts.clerks
        found = await self._read(lambda tx, now: get_issue(tx, command, now, clerks))
        return pb.GetIssueResponse(
            issue=translate.issue_message(found.issue), signed_content=found.signed_content
        )

    async def VerifyCopy(  # noqa: N802  # the proto's name
        self,
        request: pb.VerifyCopyRequest,
        _context: Context[pb.VerifyCopyRequest, pb.VerifyCopyResponse],
    ) -> pb.VerifyCopyResponse:
        """Give the verdict on a copy."""
        command = translate.verify_copy(request)
        trust = self._parts.trust
        return translate.verification_message(
            await self._read(lambda tx, _: verify_copy(tx, command, trust))
        )

    async def RecallCopy(  # noqa: N802  # the proto's name
        self,
        request: pb.RecallCopyRequest,
        _context: Context[pb.RecallCopyRequest, pb.RecallCopyResponse],
    ) -> pb.RecallCopyResponse:
        """Recall a copy."""
        command = translate.recall_copy(request, terminal_or_operator(current_caller().identity))
        issue = await self._act(lambda tx, now: recall_copy(tx, command, now))
        return pb.RecallCopyResponse(issue=translate.issue_message(issue))

    async def ListIssues(  # noqa: N802  # the proto's name
        self,
        request: pb.ListIssuesRequest,
        _context: Context[pb.ListIssuesRequest, pb.ListIssuesResponse],
    ) -> pb.ListIssuesResponse:
        """List issues."""
        command = translate.list_issues(request, terminal_or_operator(current_caller().identity))
        page = await self._read(lambda tx, now: list_issues(tx, command, now))
        return translate.page_message(page)

    async def _act(self, act: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self._parts.clock()
        return await durably(self._parts.store.act(lambda tx: act(tx, now)))

    async def _read(self, question: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self._parts.clock()
        return await self._parts.store.ask(lambda tx: question(tx, now))


def _terminal() -> Terminal:
    return terminal(current_caller().identity)
