"""One transaction: the tables of all areas over one connection."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from juki_center.errors import RuleBroken
from juki_center.storage.act_trace import ActTrace, Mark
from juki_center.storage.agencies_table import AgenciesTable
from juki_center.storage.alerts_table import AlertsTable
from juki_center.storage.answers_table import AnswersTable
from juki_center.storage.applications_table import ApplicationsTable
from juki_center.storage.approvals_table import ApprovalsTable
from juki_center.storage.batches_table import BatchesTable
from juki_center.storage.card_notes_table import CardNotesTable
from juki_center.storage.cards_table import CardsTable
from juki_center.storage.changes_table import ChangesTable
from juki_center.storage.clerks_table import ClerksTable
from juki_center.storage.control_table import ControlTable
from juki_center.storage.cosignatures_table import CosignaturesTable
from juki_center.storage.disconnections_table import DisconnectionsTable
from juki_center.storage.facts_table import FactsTable
from juki_center.storage.faults import BROKEN_CONSTRAINT
from juki_center.storage.fleet_table import EnrolmentTokensTable, PeerCertificatesTable
from juki_center.storage.imports_table import ImportsTable
from juki_center.storage.issues_table import IssuesTable
from juki_center.storage.keyring import KeyRing
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.locks_table import LocksTable
from juki_center.storage.log_growth import Grown, LogGrowth
from juki_center.storage.log_table import LogTable
from juki_center.storage.moves_table import MovesTable
from juki_center.storage.notices_table import NoticesTable
from juki_center.storage.pending_table import PendingTable
from juki_center.storage.personalisations_table import PersonalisationsTable
from juki_center.storage.provisions_table import ProvisionsTable
from juki_center.storage.queues_table import QueuesTable
from juki_center.storage.recoveries_table import RecoveriesTable
from juki_center.storage.registered_table import RegisteredTable
from juki_center.storage.registers_table import RegistersTable
from juki_center.storage.residents_table import ResidentsTable
from juki_center.storage.revocations_table import RevocationsTable
from juki_center.storage.rotation import Rotations
from juki_center.storage.signing import Signing
from juki_center.storage.sql import SQL
from juki_center.storage.stock_table import StockTable
from juki_center.storage.subscriptions_table import SubscriptionsTable
from juki_center.storage.terminal_reports_table import TerminalReportsTable
from juki_center.storage.unlocks_table import UnlocksTable


class SystemChance:
    """Randomness of the operating system."""

    def octets(self, count: int) -> bytes:
        """Return so many random bytes."""
        return secrets.token_bytes(count)


class Transaction:
    """What an act is given. It may be kept for the life of its connection: it holds no row."""

    def __init__(self, sql: SQL, kek: KeyEncryptionKey) -> None:
        self._sql = sql
        self.keys = KeyRing(sql, kek)
        self.trace = ActTrace()
        self.log = LogGrowth(sql, self.keys, self.trace)
        self.agencies = AgenciesTable(sql)
        self.alerts = AlertsTable(sql)
        self.answers = AnswersTable(sql, self.keys, self.trace)
        self.applications = ApplicationsTable(sql, self.keys)
        self.approvals = ApprovalsTable(sql, self.keys)
        self.audit = LogTable(sql, self.keys, self.trace)
        self.batches = BatchesTable(sql, self.keys)
        self.card_notes = CardNotesTable(sql, self.keys)
        self.control = ControlTable(sql, self.keys)
        self.cards = CardsTable(sql, self.control)
        self.chance = SystemChance()
        self.changes = ChangesTable(sql, self.keys)
        self.clerks = ClerksTable(sql, self.keys)
        self.codes = StockTable(sql, self.keys)
        self.cosignatures = CosignaturesTable(sql)
        self.disconnections = DisconnectionsTable(sql)
        self.facts = FactsTable(sql)
        self.enrolment_tokens = EnrolmentTokensTable(sql)
        self.imports = ImportsTable(sql, self.keys)
        self.issues = IssuesTable(sql, self.keys)
        self.locks = LocksTable(sql, self.keys)
        self.moves = MovesTable(sql, self.keys)
        self.notices = NoticesTable(sql, self.keys)
        self.peer_certificates = PeerCertificatesTable(sql)
        self.pending = PendingTable(sql, self.keys)
        self.personalisations = PersonalisationsTable(sql, self.keys)
        self.provisions = ProvisionsTable(sql, self.keys)
        self.recoveries = RecoveriesTable(sql)
        self.queues = QueuesTable(sql, self.keys)
        self.registered = RegisteredTable(sql)
        self.registers = RegistersTable(sql, self.keys)
        self.residents = ResidentsTable(sql, self.keys)
        self.revocations = RevocationsTable(sql)
        self.rotations = Rotations(sql, self.keys)
        self.subscriptions = SubscriptionsTable(sql, self.keys)
        self.terminal_reports = TerminalReportsTable(sql)
        self.unlocks = UnlocksTable(sql, self.keys)

    def begin(self) -> None:
        """Begin a transaction: what an earlier one read or left counts no more."""
        self.log.begin()
        self.provisions.begin()
        self.forget_reads()

    def forget_reads(self) -> None:
        """Forget what was read: an act was undone, or another one reads."""
        self.keys.begin()
        self.agencies.begin()
        self.control.begin()

    def begin_act(self) -> int:
        """Begin an act inside the transaction; return what `undo_act` goes back to."""
        self.log.begin_act()
        return self.provisions.mark()

    def undo_act(self, mark: int) -> None:
        """Forget what an act has left, whose rows are undone."""
        self.provisions.back_to(mark)
        # A key that the act made is none, and one that it destroyed is one again.
        self.forget_reads()

    def write_waiting(self) -> None:
        """Write the rows that wait: what comes after this may be undone without them."""
        self.provisions.write()

    def seal(self, signing: Signing | None) -> Grown | None:
        """Write what waits, and what the acts have appended to the log. Raises HeadUnsigned."""
        self.write_waiting()
        return self.log.seal(signing)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Undo what is done inside where it raises, and nothing else.

        Raises RuleBroken, CONTRADICTS_THE_REGISTER, for a row that the tables cannot hold beside
        those that they have, such as a code that lies in a stock.
        """
        self.write_waiting()
        mark = self.trace.mark()
        self._sql.execute("SAVEPOINT alone")
        try:
            yield
        except BROKEN_CONSTRAINT:
            self._undo(mark)
            raise RuleBroken("CONTRADICTS_THE_REGISTER") from None
        except BaseException:
            self._undo(mark)
            raise
        self._sql.execute("RELEASE alone")

    def _undo(self, mark: Mark) -> None:
        self._sql.execute("ROLLBACK TO alone")
        self._sql.execute("RELEASE alone")
        self.trace.back_to(mark)
        self.undo_act(0)
