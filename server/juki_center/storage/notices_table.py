"""Notices that wait for an office whose register is closed, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

import cbor2

from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, Correction, MoveAlert
from juki_center.areas.moves.waiting_rows import (
    MOST_SHOWN,
    NoticeFate,
    NoticeQueue,
    NoticeQueueState,
    NoticeSent,
    WaitingNotice,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import KeyUnusable, Reason, Refusal
from juki_center.storage import record_codec
from juki_center.storage.inboxes import SealedInbox, lay_in, new_inbox, open_inbox, take_out
from juki_center.storage.keyring import KeyRing
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_BEGIN: Final = (
    "INSERT INTO notice_queues (municipality, state, at, held, inbox, key_version, sealed)"
    " VALUES (?, ?, ?, 0, ?, ?, ?)"
)
_PUT: Final = (
    "INSERT INTO queued_notices (municipality, id, kind, about, at, sealed)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_NOTICE: Final = (
    "SELECT n.place, n.id, n.municipality, n.about, n.kind, n.at, n.sealed IS NOT NULL,"
    " coalesce(n.set_aside, '') FROM queued_notices n WHERE n.municipality = ?"
)
_FIRST: Final = (
    f"{_NOTICE} AND n.set_aside IS NULL AND NOT EXISTS (SELECT 1 FROM queued_notices p"  # noqa: S608
    " WHERE p.about = n.about AND p.place < n.place AND p.municipality = n.municipality"
    " AND p.set_aside IS NOT NULL) ORDER BY n.place LIMIT 1"  # constants
)
_ASIDE: Final = f"{_NOTICE} AND n.set_aside IS NOT NULL ORDER BY n.place"
_EVERY: Final = (
    "SELECT q.municipality, q.state, q.at, q.held, count(n.place), count(n.set_aside), min(n.at)"
    " FROM notice_queues q LEFT JOIN queued_notices n ON n.municipality = q.municipality"
    " GROUP BY q.municipality ORDER BY q.municipality"
)
_END: Final = (
    "DELETE FROM notice_queues WHERE municipality = ?1 AND held = 0"
    " AND NOT EXISTS (SELECT 1 FROM queued_notices WHERE municipality = ?1)"
)
_WAITING_OF: Final = (
    "SELECT municipality, kind, at, set_aside IS NOT NULL FROM queued_notices"
    " WHERE about = ? ORDER BY place DESC LIMIT ?"
)
_FATES_OF: Final = (
    "SELECT municipality, kind, at, fate, ended_at FROM notice_fates WHERE about = ?"
    " ORDER BY at DESC, id LIMIT ?"
)


class NoticesTable:
    """Queues of notices, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def state_of(self, municipality: MunicipalityCode) -> NoticeQueueState | None:
        """Return the state of an office's queue; None where it is told at once."""
        row = self._sql.execute(
            "SELECT state FROM notice_queues WHERE municipality = ?", (str(municipality),)
        ).fetchone()
        return None if row is None else NoticeQueueState(as_text(row[0]))

    def every(self) -> list[NoticeQueue]:
        """Return all queues, by municipality."""
        return [_queue(row) for row in self._sql.execute(_EVERY).fetchall()]

    def delivering(self) -> list[MunicipalityCode]:
        """Return whose notices are being delivered."""
        rows = self._sql.execute(
            "SELECT municipality FROM notice_queues WHERE state = ? ORDER BY municipality",
            (NoticeQueueState.DELIVERING,),
        ).fetchall()
        return [MunicipalityCode(as_text(row[0])) for row in rows]

    def held(self, municipality: MunicipalityCode) -> int:
        """Return how many notices a queue holds."""
        row = self._sql.execute(
            "SELECT held FROM notice_queues WHERE municipality = ?", (str(municipality),)
        ).fetchone()
        return 0 if row is None else as_number(row[0])

    def begin(self, municipality: MunicipalityCode, now: datetime) -> None:
        """Begin a queue. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        office = str(municipality)
        inbox = new_inbox(self._keys, municipality, notice_inbox_owner(office))
        self._sql.execute(
            _BEGIN,
            (
                office,
                NoticeQueueState.CLOSED,
                to_micros(now),
                inbox.public,
                inbox.key_version,
                inbox.sealed,
            ),
        )

    def change(self, municipality: MunicipalityCode, state: NoticeQueueState) -> None:
        """Write a queue's state."""
        self._sql.execute(
            "UPDATE notice_queues SET state = ? WHERE municipality = ?", (state, str(municipality))
        )

    def end(self, municipality: MunicipalityCode) -> None:
        """End a queue that holds nothing; any other stays."""
        self._sql.execute(_END, (str(municipality),))

    def put(self, alert: MoveAlert, correction: Correction | None = None) -> None:
        """Let a notice stand at the end of its office's queue, its entries sealed to it."""
        sealed = None if correction is None else self._sealed(alert, correction)
        self._sql.execute(
            _PUT,
            (
                str(alert.municipality),
                alert.alert_id,
                alert.kind,
                alert.number,
                to_micros(alert.at),
                sealed,
            ),
        )
        self._count(alert.municipality, 1)

    def first(self, municipality: MunicipalityCode) -> WaitingNotice | None:
        """Return what has waited longest, past what was set aside and what stands behind it."""
        row = self._sql.execute(_FIRST, (str(municipality),)).fetchone()
        return None if row is None else _notice(row)

    def correction(self, notice: WaitingNotice) -> Correction:
        """Open the entries of a notice.

        Raises KeyUnusable, and Refusal: RESIDENCE_DISCONNECTED, and STORE_UNAVAILABLE where no
        entry of this office can be opened.
        """
        alert = notice.alert
        office = str(alert.municipality)
        (row,) = self._sql.execute(
            "SELECT q.inbox, q.key_version, q.sealed, n.sealed FROM queued_notices n"
            " JOIN notice_queues q ON q.municipality = n.municipality WHERE n.place = ?",
            (notice.place,),
        ).fetchall()
        kept = SealedInbox(as_octets(row[0]), as_number(row[1]), as_octets(row[2]))
        try:
            inbox = open_inbox(self._keys, alert.municipality, kept, notice_inbox_owner(office))
        except KeyUnusable:
            raise Refusal(Reason.STORE_UNAVAILABLE) from None
        owner = notice_owner(office, alert.alert_id)
        plain = cast("list[bytes]", cbor2.loads(take_out(inbox, as_octets(row[3]), owner)))
        record, _ = record_codec.decode(plain[1])
        return Correction(alert.number, PersonID(plain[0]), alert.municipality, alert.at, record)

    def take(self, notice: WaitingNotice, fate: NoticeFate, now: datetime) -> None:
        """Take a notice out of its queue, and keep what became of it."""
        alert = notice.alert
        self._sql.execute("DELETE FROM queued_notices WHERE place = ?", (notice.place,))
        self._count(alert.municipality, -1)
        self._sql.execute(
            "INSERT INTO notice_fates (id, municipality, kind, about, at, ended_at, fate)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                alert.alert_id,
                str(alert.municipality),
                alert.kind,
                alert.number,
                to_micros(alert.at),
                to_micros(now),
                fate,
            ),
        )

    def set_aside(self, notice: WaitingNotice, rule: str) -> None:
        """Take a notice out of the order without losing it."""
        self._sql.execute(
            "UPDATE queued_notices SET set_aside = ? WHERE place = ?", (rule, notice.place)
        )

    def aside(self, municipality: MunicipalityCode) -> list[WaitingNotice]:
        """Return what was set aside, oldest first."""
        rows = self._sql.execute(_ASIDE, (str(municipality),)).fetchall()
        return [_notice(row) for row in rows]

    def retry(self, municipality: MunicipalityCode) -> int:
        """Put what was set aside back at its places; return how many there were."""
        return self._sql.execute(
            "UPDATE queued_notices SET set_aside = NULL"
            " WHERE municipality = ? AND set_aside IS NOT NULL",
            (str(municipality),),
        ).rowcount

    def of_move(self, number: MoveNumber) -> list[NoticeSent]:
        """Return what waits and has waited of a move, as sent: the newest MOST_SHOWN of each."""
        ended = self._sql.execute(_FATES_OF, (number, MOST_SHOWN)).fetchall()
        waiting = self._sql.execute(_WAITING_OF, (number, MOST_SHOWN)).fetchall()
        return [*map(_ended, reversed(ended)), *map(_waiting, reversed(waiting))]

    def forget(self, before: datetime) -> None:
        """Forget what has become of notices that ended before a time."""
        self._sql.execute("DELETE FROM notice_fates WHERE ended_at < ?", (to_micros(before),))

    def _sealed(self, alert: MoveAlert, correction: Correction) -> bytes:
        office = str(alert.municipality)
        (row,) = self._sql.execute(
            "SELECT inbox FROM notice_queues WHERE municipality = ?", (office,)
        ).fetchall()
        plain = cbor2.dumps([correction.person.octets, record_codec.encode(correction.record)])
        return lay_in(as_octets(row[0]), plain, notice_owner(office, alert.alert_id))

    def _count(self, municipality: MunicipalityCode, step: int) -> None:
        self._sql.execute(
            "UPDATE notice_queues SET held = held + ? WHERE municipality = ?",
            (step, str(municipality)),
        )


def notice_inbox_owner(municipality: str) -> str:
    """Return what the private key of an office's inbox is sealed to."""
    return f"notice-inbox:{municipality}"


def notice_owner(municipality: str, notice_id: bytes) -> str:
    """Return what a notice's entries are sealed to: they fit no other notice or office."""
    return f"notice:{municipality}:{notice_id.hex()}"


def _queue(row: Row) -> NoticeQueue:
    there, aside = as_number(row[4]), as_number(row[5])
    return NoticeQueue(
        municipality=MunicipalityCode(as_text(row[0])),
        state=NoticeQueueState(as_text(row[1])),
        at=from_micros(as_number(row[2])),
        held=as_number(row[3]),
        waiting=there - aside,
        set_aside=aside,
        oldest=None if row[6] is None else from_micros(as_number(row[6])),
    )


def _notice(row: Row) -> WaitingNotice:
    alert = MoveAlert(
        alert_id=as_octets(row[1]),
        municipality=MunicipalityCode(as_text(row[2])),
        number=MoveNumber(as_text(row[3])),
        kind=AlertKind(as_text(row[4])),
        at=from_micros(as_number(row[5])),
    )
    return WaitingNotice(as_number(row[0]), alert, bool(row[6]), as_text(row[7]))


def _ended(row: Row) -> NoticeSent:
    return NoticeSent(
        MunicipalityCode(as_text(row[0])),
        AlertKind(as_text(row[1])),
        from_micros(as_number(row[2])),
        NoticeFate(as_text(row[3])),
        from_micros(as_number(row[4])),
    )


def _waiting(row: Row) -> NoticeSent:
    fate = NoticeFate.SET_ASIDE if row[3] else NoticeFate.WAITS
    return NoticeSent(
        MunicipalityCode(as_text(row[0])),
        AlertKind(as_text(row[1])),
        from_micros(as_number(row[2])),
        fate,
    )
