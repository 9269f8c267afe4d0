"""The row of an issue: what the center keeps of a copy, without personal data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from juki_center.areas.copies.commands import Issue, Item, PrintState, RecallReason, Scope
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An issue as kept, without what is kept sealed."""

    number: str
    issued_at: datetime
    terminal_uri: str
    request_id: UUID
    issuing: MunicipalityCode
    residence: MunicipalityCode
    by_card: bool
    scope: Scope
    items: tuple[Item, ...]
    fee_yen: int
    print_state: PrintState = PrintState.UNCONFIRMED
    print_attempts: int = 0
    pdf_sha256: bytes | None = None
    recalled_at: datetime | None = None
    recall_reason: RecallReason | None = None

    @property
    def issue(self) -> Issue:
        """What a caller may see of it."""
        return Issue(
            issue_number=self.number,
            issued_at=self.issued_at,
            issuing_municipality=self.issuing,
            print_state=self.print_state,
            print_attempts=self.print_attempts,
            recalled_at=self.recalled_at,
            recall_reason=self.recall_reason,
        )


class Issues(Protocol):
    """What the store keeps of issues."""

    def next_serial(self, issuing: MunicipalityCode, day: date) -> int:
        """Draw the next serial of an issuing municipality's day, from 1."""

    def add(
        self,
        row: IssueRow,
        *,
        content_proof: bytes,
        counter_note: bytes,
        persons: Iterable[PersonID],
    ) -> None:
        """Enter an issue; its number and its request are new.

        `persons` are those whose entries it shows; they are known until `forget_persons`.
        `content_proof` is kept as a keyed hash. `counter_note` is what the window stated about a
        photo document and its clerk; it is kept sealed under the center's own key, because the
        center need not host the register of a municipality whose window issues.
        """

    def counter_note(self, number: str) -> bytes:
        """Open what the window stated; empty for an issue by card."""

    def by_number(self, number: str) -> IssueRow | None:
        """Return the issue with this number."""

    def by_request(self, terminal_uri: str, request_id: UUID) -> IssueRow | None:
        """Return the issue that a terminal's request made."""

    def of_persons(self, persons: Iterable[PersonID]) -> list[IssueRow]:
        """Return the issues that show one of these persons, as far as that is still known."""

    def forget_persons(self, number: str) -> None:
        """Forget whose entries an issue shows."""

    def forget_persons_before(self, moment: datetime) -> None:
        """Forget whose entries the issues show that were made before a time."""

    def is_content(self, number: str, content_proof: bytes) -> bool:
        """Tell whether the issue's content had this proof."""

    def update_paper(self, row: IssueRow) -> None:
        """Write the print state, the attempts and the PDF's hash."""

    def update_recall(self, row: IssueRow) -> None:
        """Write the recall."""

    def page(
        self,
        *,
        issuing: MunicipalityCode | None,
        before: int | None,
        limit: int,
        unconfirmed_since: datetime | None,
    ) -> list[tuple[int, IssueRow]]:
        """Return issues with their cursors, newest first, older than the cursor `before`.

        `issuing` None means all; `unconfirmed_since` keeps those still unconfirmed that were
        issued at or before that time.
        """
