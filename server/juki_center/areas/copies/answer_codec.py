"""Answers as they are kept for a request that comes again."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import cbor2

from juki_center.areas.copies.commands import Issue, IssuedCopy, PrintState
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
    ]
    return cbor2.dumps(fields, canonical=True)


def decode_copy(octets: bytes) -> IssuedCopy:
    """Return the issue and its signed content."""
    number, issued_at, issuing, state, attempts, recalled_at, content = cast(
        "tuple[str, str, str, str, int, str | None, bytes]", cbor2.loads(octets)
    )
    issue = Issue(
        issue_number=number,
        issued_at=datetime.fromisoformat(issued_at),
        issuing_municipality=MunicipalityCode(issuing),
        print_state=PrintState(state),
        print_attempts=attempts,
        recalled_at=datetime.fromisoformat(recalled_at) if recalled_at else None,
    )
    return IssuedCopy(issue, content)
