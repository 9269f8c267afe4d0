"""Answers as they are kept for a request that comes again."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import cbor2

from juki_center.areas.copies.commands import Issue, IssuedCopy, PrintState, RecallReason
from juki_center.areas.residents.codes import MunicipalityCode


def encode_issue(issue: Issue, signed_content: bytes = b"") -> bytes:
    """Return the octets of an issue, with its signed content where that belongs to the answer."""
    fields = [
        issue.issue_number,
        issue.issued_at.isoformat(),
        str(issue.issuing_municipality),
        str(issue.print_state),
        issue.print_attempts,
        issue.recalled_at.isoformat() if issue.recalled_at else None,
        signed_content,
        issue.recall_reason,
    ]
    return cbor2.dumps(fields, canonical=True)


def decode_copy(octets: bytes) -> IssuedCopy:
    """Return the issue and its signed content."""
    number, issued_at, issuing, state, attempts, recalled_at, content, *kept = cast(
        "tuple[str, str, str, str, int, str | None, bytes, str | None]", cbor2.loads(octets)
    )
    # An answer from before there was a reason to keep has none.
    (reason,) = kept or (None,)
    issue = Issue(
        issue_number=number,
        issued_at=datetime.fromisoformat(issued_at),
        issuing_municipality=MunicipalityCode(issuing),
        print_state=PrintState(state),
        print_attempts=attempts,
        recalled_at=datetime.fromisoformat(recalled_at) if recalled_at else None,
        recall_reason=RecallReason(reason) if reason else None,
    )
    return IssuedCopy(issue, content)
