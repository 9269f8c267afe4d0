"""The act of telling change notices: in order, resumable, none lost and none twice.

A notice says why, since when and which items have changed; what they are now is asked for by a
confirmation. Notices of a disconnected municipality wait, and the cursor remembers from where; they
are told in order once it is connected again. What is told is recorded as provided in the same act:
if it is then lost on the way, the agency's own last cursor brings it back, and it is recorded as
provided again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from juki_center.areas.agencies.authorisations import Authorisation, covering
from juki_center.areas.agencies.commands import Kind, Notice, Notices, Watch
from juki_center.areas.agencies.confirm import Asking, AuthorisedTx, authorised, rows_for
from juki_center.areas.agencies.cursors import Cursor
from juki_center.areas.agencies.policy import AgencyPolicy
from juki_center.areas.agencies.provisions import Provision, Provisions, vouching
from juki_center.areas.agencies.subscriptions import Subscriptions, Watched
from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.residents.changes import ChangeNotice, Changes, Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal

NOTICE = "NOTICE"
# How far one act looks; most notices are of persons whom this agency does not watch.
_LOOKED_AT_ONCE = 10_000


class LookTx(AuthorisedTx, Protocol):
    """What looking for news needs of a transaction."""

    @property
    def changes(self) -> Changes: ...

    @property
    def subscriptions(self) -> Subscriptions: ...


class WatchTx(LookTx, Protocol):
    """What telling notices needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def provisions(self) -> Provisions: ...


def has_news(tx: LookTx, command: Watch, now: datetime, policy: AgencyPolicy) -> bool:
    """Tell whether `next_notices` may have anything to tell, a refusal included; writes nothing.

    Raises Refusal(CURSOR_UNKNOWN).
    """
    cursor = _opened(tx, command)
    try:
        covering(rows_for(tx, _asking(command), policy), [Kind.CHANGES], [], now)
    except Refusal:
        return True
    if cursor.position < tx.changes.last_position():
        return True
    return not tx.subscriptions.disconnected().issuperset(cursor.waits)


def next_notices(tx: WatchTx, command: Watch, now: datetime, policy: AgencyPolicy) -> Notices:
    """Tell the next change notices, at most `limit`, and record them as provided.

    There may be none although more are to come: then the cursor has moved on.

    Raises Refusal(CURSOR_UNKNOWN), and DeniedAttempt with AFFAIR_NOT_AUTHORISED, which the log
    shows.
    """
    allowed = authorised(tx, _asking(command), (), now, policy)
    rows = [row for row in rows_for(tx, _asking(command), policy) if Kind.CHANGES in row.kinds]
    start = _opened(tx, command)
    page = _Page(tx, command, rows, now, start.position, dict(start.waits))
    is_caught_up = page.catch_up() and page.go_on()
    _record(tx, command, allowed, page, now)
    return Notices(
        notices=tuple(one.told for one in page.given),
        cursor=page.sealed_cursor(),
        is_caught_up=is_caught_up,
        waiting=tuple(sorted({*page.waits, *page.stopped_by})),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A notice that is told, and whose it is."""

    told: Notice
    watched: Watched


@dataclass(slots=True)
class _Page:
    """The notices of one act, and where the stream stands after each of them."""

    tx: LookTx
    command: Watch
    rows: Sequence[Authorisation]
    now: datetime
    position: int
    waits: dict[MunicipalityCode, int]
    given: list[_Given] = field(default_factory=list)
    stopped_by: set[MunicipalityCode] = field(default_factory=set)

    def catch_up(self) -> bool:
        """Tell what has waited at municipalities that are connected again; say if that is all."""
        cut_off = self.tx.subscriptions.disconnected()
        for municipality in sorted(self.waits.keys() - cut_off):
            waited = self._watched(self.waits[municipality], self.position, municipality)
            for one in waited:
                self.waits[municipality] = one.position
                self._give(one)
                if self._is_full:
                    return False
            if len(waited) == self.command.limit:
                return False
            del self.waits[municipality]
        return True

    def go_on(self) -> bool:
        """Tell what comes after the position; say if that is everything there is."""
        newest = self.tx.changes.last_position()
        up_to = min(newest, self.position + _LOOKED_AT_ONCE)
        cut_off = self.tx.subscriptions.disconnected()
        seen = self._watched(self.position, up_to)
        for one in seen:
            if one.municipality in cut_off and not self._let_wait(one):
                return True
            self.position = one.position
            if one.municipality not in cut_off:
                self._give(one)
            if self._is_full:
                return False
        if len(seen) == self.command.limit:
            return False
        self.position = up_to
        return up_to == newest

    def sealed_cursor(self) -> bytes:
        """Return the cursor from which the stream goes on."""
        agency, affair = self.command.agency.agency, self.command.affair
        content = Cursor(self.position, self.waits).encode()
        return self.tx.subscriptions.seal_cursor(content, agency, affair)

    @property
    def _is_full(self) -> bool:
        return len(self.given) >= self.command.limit

    def _watched(
        self, after: int, up_to: int, only: MunicipalityCode | None = None
    ) -> list[Watched]:
        return self.tx.subscriptions.watched(
            self.command.agency.agency,
            self.command.affair,
            after=after,
            up_to=up_to,
            limit=self.command.limit,
            only=only,
        )

    def _let_wait(self, one: Watched) -> bool:
        """Remember from where a municipality's notices wait; False where the cursor is full.

        The whole stream then waits, so that nothing is lost.
        """
        told = self.waits.get(one.municipality, one.position - 1)
        waits = self.waits | {one.municipality: told}
        if not Cursor(one.position, waits).fits:
            self.stopped_by.add(one.municipality)
            return False
        self.waits = waits
        return True

    def _give(self, one: Watched) -> None:
        notice = self.tx.changes.at(one.position)
        items = self._permitted(one, notice)
        if not items:
            return
        told = Notice(
            subject_reference=self.tx.subscriptions.reference(
                self.command.agency.agency, self.command.affair, one.person
            ),
            recorded_at=one.recorded_at,
            cursor=self.sealed_cursor(),
            reason=notice.reason,
            date=notice.date,
            items=items,
        )
        self.given.append(_Given(told, one))

    def _permitted(self, one: Watched, notice: ChangeNotice) -> tuple[Item, ...]:
        """Return which of the changed items the agency may be told of.

        None of what was entered while it had no authorisation, and none that it may not have now.
        """
        if not any(row.allows_at(one.recorded_at) for row in self.rows):
            return ()
        permitted = {item for row in self.rows if row.allows_at(self.now) for item in row.items}
        return tuple(item for item in notice.items if item in permitted)


def _opened(tx: LookTx, command: Watch) -> Cursor:
    """Return the cursor that an agency sends. Raises Refusal(CURSOR_UNKNOWN)."""
    if not command.cursor:
        return Cursor()
    content = tx.subscriptions.open_cursor(command.cursor, command.agency.agency, command.affair)
    if content is None:
        raise Refusal(Reason.CURSOR_UNKNOWN)
    return Cursor.decode(content)


def _record(
    tx: WatchTx, command: Watch, allowed: Authorisation, page: _Page, now: datetime
) -> None:
    """Record what is told: a row for each notice, one leaf for all of them."""
    if not page.given:
        return
    rows = [
        tx.provisions.add(
            Provision(
                at=now,
                agency=allowed.agency,
                affair=allowed.affair,
                purpose=allowed.purpose,
                kind=Kind.CHANGES,
                person=one.watched.person,
                municipality=one.watched.municipality,
                items=one.told.items,
                outcome=NOTICE,
            )
        ).octets
        for one in page.given
    ]
    facts = (("affair", command.affair.text), ("purpose", allowed.purpose), *vouching(rows))
    uri = command.agency.uri
    tx.audit.append(AuditEvent(Event.CHANGES_PROVIDED, now, uri, details=facts))


def _asking(command: Watch) -> Asking:
    return Asking(command.agency, command.affair, (Kind.CHANGES,))
