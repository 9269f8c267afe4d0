"""What the acts of all areas stand on: a transaction, and the store that runs acts in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from juki_center.areas.agencies.authorisations import Agencies
from juki_center.areas.agencies.batch_rows import Batches
from juki_center.areas.agencies.provisions import Provisions
from juki_center.areas.agencies.subscriptions import Subscriptions
from juki_center.areas.alerts.rows import Alerts
from juki_center.areas.approvals.rows import Approvals
from juki_center.areas.audit.cosignatures import Cosignatures
from juki_center.areas.audit.rows import LogRows
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.note_rows import CardNotes
from juki_center.areas.cards.personalisation_rows import Personalisations
from juki_center.areas.cards.register import Cards
from juki_center.areas.cards.unlock_rows import Unlocks
from juki_center.areas.clerks.rows import Clerks
from juki_center.areas.copies.issues import Issues
from juki_center.areas.fleet.certificates import PeerCertificates
from juki_center.areas.fleet.consistency import RegisteredPersons
from juki_center.areas.fleet.control import Control
from juki_center.areas.fleet.disconnections import Disconnections
from juki_center.areas.fleet.queues import UpdateQueues
from juki_center.areas.fleet.recoveries import Recoveries
from juki_center.areas.fleet.reports import TerminalReports
from juki_center.areas.fleet.revocations import Revocations
from juki_center.areas.fleet.tokens import EnrolmentTokens
from juki_center.areas.moves.rows import Moves
from juki_center.areas.moves.waiting_rows import Notices
from juki_center.areas.requests.answers import Answers
from juki_center.areas.residents.changes import Changes
from juki_center.areas.residents.imports import Imports
from juki_center.areas.residents.locks import EditLocks
from juki_center.areas.residents.records import Residents
from juki_center.areas.residents.registers import Registers
from juki_center.areas.residents.stock import CodeStock
from juki_center.areas.residents.updates import PendingUpdates

Answer = TypeVar("Answer")


class Chance(Protocol):
    """Where an act takes its randomness from."""

    def octets(self, count: int) -> bytes:
        """Return so many random bytes."""


class Tx(Protocol):
    """One transaction; each act takes the part of it that it needs."""

    @property
    def agencies(self) -> Agencies: ...

    @property
    def alerts(self) -> Alerts: ...

    @property
    def answers(self) -> Answers: ...

    @property
    def applications(self) -> Applications: ...

    @property
    def approvals(self) -> Approvals: ...

    @property
    def audit(self) -> LogRows: ...

    @property
    def batches(self) -> Batches: ...

    @property
    def card_notes(self) -> CardNotes: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def changes(self) -> Changes: ...

    @property
    def clerks(self) -> Clerks: ...

    @property
    def codes(self) -> CodeStock: ...

    @property
    def control(self) -> Control: ...

    @property
    def cosignatures(self) -> Cosignatures: ...

    @property
    def disconnections(self) -> Disconnections: ...

    @property
    def enrolment_tokens(self) -> EnrolmentTokens: ...

    @property
    def imports(self) -> Imports: ...

    @property
    def issues(self) -> Issues: ...

    @property
    def locks(self) -> EditLocks: ...

    @property
    def moves(self) -> Moves: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def peer_certificates(self) -> PeerCertificates: ...

    @property
    def pending(self) -> PendingUpdates: ...

    @property
    def personalisations(self) -> Personalisations: ...

    @property
    def provisions(self) -> Provisions: ...

    @property
    def recoveries(self) -> Recoveries: ...

    @property
    def queues(self) -> UpdateQueues: ...

    @property
    def registered(self) -> RegisteredPersons: ...

    @property
    def registers(self) -> Registers: ...

    @property
    def residents(self) -> Residents: ...

    @property
    def revocations(self) -> Revocations: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def terminal_reports(self) -> TerminalReports: ...

    @property
    def unlocks(self) -> Unlocks: ...

    def alone(self) -> AbstractContextManager[None]:
        """Undo what is done inside where it raises, and nothing else."""


class Store(Protocol):
    """Runs acts.

    All methods let the act's own exceptions through, with nothing changed, and raise
    Refusal(STORE_UNAVAILABLE) where the database cannot be read or cannot commit.
    """

    async def act(self, act: Callable[[Tx], Answer], *, urgent: bool = False) -> Answer:
        """Run a changing act in the committing transaction; return after the commit is durable.

        The act is queued before anything is awaited, and a caller that is cancelled after that does
        not take it back. It may run more than once, never commits more than once, and must take all
        that it depends on from its transaction. Raises Refusal(LOG_UNAVAILABLE), with nothing done,
        while the log cannot be written; what is urgent, by itself or by the method of its call, is
        done on the reserve then, and without a receipt where no head can be signed.
        """

    def read(self, question: Callable[[Tx], Answer]) -> Answer:
        """Run a reading act on the committed state, at once; call it on the event loop only."""

    async def ask(self, question: Callable[[Tx], Answer]) -> Answer:
        """Run a reading act on the committed state; beside the event loop where it may take long.

        The act must not touch what the event loop's own code changes meanwhile.
        """
