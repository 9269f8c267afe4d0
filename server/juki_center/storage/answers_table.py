"""Answers to requests in the database: a keyed hash of the request, and the answer sealed."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from juki_center.areas.requests.answers import Request, Stored
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.act_trace import ActTrace
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)


class AnswersTable:
    """Answers, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing, trace: ActTrace) -> None:
        self._sql = sql
        self._keys = keys
        self._trace = trace

    def find(self, request: Request) -> Stored | None:
        """Return the answer that was given to this caller and id.

        Raises Refusal(RESIDENCE_DISCONNECTED) while it cannot be opened.
        """
        row = self._sql.execute(
            "SELECT content_token, resource, answered_at, municipality, key_version, sealed"
            " FROM answers WHERE caller_uri = ? AND request_id = ?",
            (request.caller_uri, request.request_id.bytes),
        ).fetchone()
        if row is None:
            return None
        same = hmac.compare_digest(as_octets(row[0]), self._content_token(request))
        if same:
            self._trace.found.append((request.caller_uri, request.request_id))
        return Stored(
            same_content=same,
            resource=as_text(row[1]),
            answered_at=from_micros(as_number(row[2])),
            answer=self._open(row, request) if same else None,
        )

    def put(
        self,
        request: Request,
        answer: bytes,
        *,
        resource: str,
        sealed_for: MunicipalityCode | None,
        now: datetime,
    ) -> None:
        """Keep an answer; the id is new for this caller."""
        self._trace.kept.append((request.caller_uri, request.request_id))
        data_key = self._keys.data_key(sealed_for) if sealed_for else self._keys.center_key()
        self._sql.execute(
            "INSERT INTO answers (caller_uri, request_id, content_token, resource, answered_at,"
            " municipality, key_version, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.caller_uri,
                request.request_id.bytes,
                self._content_token(request),
                resource,
                to_micros(now),
                str(sealed_for) if sealed_for else None,
                data_key.version,
                data_key.key.seal(answer, answer_owner(request.caller_uri, request.request_id)),
            ),
        )

    def answer_of(self, caller_uri: str, request_id: UUID) -> bytes | None:
        """Open the answer to a request whose content is not at hand; None once it is forgotten."""
        row = self._sql.execute(
            "SELECT municipality, key_version, sealed FROM answers"
            " WHERE caller_uri = ? AND request_id = ?",
            (caller_uri, request_id.bytes),
        ).fetchone()
        if row is None:
            return None
        self._trace.found.append((caller_uri, request_id))
        return self._unsealed(row, answer_owner(caller_uri, request_id))

    def wipe(self, caller_uri: str, request_id: UUID) -> None:
        """Forget an answer's content for good; the id still stands."""
        self._sql.execute(
            "UPDATE answers SET sealed = NULL WHERE caller_uri = ? AND request_id = ?",
            (caller_uri, request_id.bytes),
        )

    def wipe_before(self, moment: datetime) -> None:
        """Forget the content of all answers that were given before a time."""
        self._sql.execute(
            "UPDATE answers SET sealed = NULL WHERE sealed IS NOT NULL AND answered_at < ?",
            (to_micros(moment),),
        )

    def _open(self, row: Row, request: Request) -> bytes | None:
        return self._unsealed(row[3:], answer_owner(request.caller_uri, request.request_id))

    def _unsealed(self, row: Row, owner: str) -> bytes | None:
        municipality, key_version, sealed = row
        if sealed is None:
            return None
        if municipality is None:
            return self._keys.center_key(as_number(key_version)).key.open(as_octets(sealed), owner)
        data_key = self._keys.data_key(
            MunicipalityCode(as_text(municipality)), as_number(key_version)
        )
        return data_key.key.open(as_octets(sealed), owner)

    def _content_token(self, request: Request) -> bytes:
        return self._keys.look_up(LookUp.CONTENT).token(b"request", request.content)


def answer_owner(caller_uri: str, request_id: UUID) -> str:
    """Return what an answer is sealed to."""
    return f"answer:{caller_uri}:{request_id}"
