"""The gate of peers' certificates: what was replaced is refused, what waits only confirms itself.

Where a certificate stands is read from the store and kept for a moment: a replaced one is refused
from a time on that stands in its row well before it comes. What must hold at once is looked at
again in the transaction of each act. A certificate that no row knows was made with the PKI folder;
it is entered beside the call that used it first. What runs on a certificate ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.certificates import (
    CertificateState,
    Presented,
    Standing,
    enter_known,
    retired_in,
)
from juki_center.areas.fleet.control import ControlKind
from juki_center.errors import Reason, Refusal
from juki_center.rpc.beside import going_on
from juki_pki.identity import Role
from juki_pki.requests import key_sha256

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from juki_center.areas.calls import Call, Guard
    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.live_calls import LiveCalls
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller

logger = logging.getLogger(__name__)

ENROLLED: Final = frozenset((Role.TERMINAL, Role.DESK, Role.AGENCY))
"""The roles whose certificates are renewed by themselves; operators and nodes have theirs made."""
CONFIRM: Final = "/jukinet.fleet.v1.EnrollmentService/ConfirmCertificate"
PERIOD_SECONDS: Final = 0.25
_KEPT: Final = timedelta(seconds=2)
_CAPACITY: Final = 8192
_UNKNOWN: Final = Standing(CertificateState.CURRENT)


def presented(caller: Caller) -> Presented:
    """Return the certificate of a caller as the acts know it."""
    return Presented(
        uri=caller.identity.uri,
        fingerprint=caller.certificate_sha256,
        serial=caller.serial,
        not_before=caller.valid_from,
        not_after=caller.valid_until,
        key_sha256=key_sha256(caller.public_key),
    )


class CertificateGate:
    """The gate; one for each process."""

    def __init__(self, store: Store, clock: Callable[[], datetime], live: LiveCalls) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self._seen: dict[bytes, tuple[datetime, Standing]] = {}
        self._entering: dict[bytes, asyncio.Task[None]] = {}

    def admit(self, call: Call, caller: Caller, rule: AccessRule) -> None:
        """Refuse CERTIFICATE_RETIRED and CERTIFICATE_NOT_CONFIRMED, now and in each act."""
        call.ends_at = caller.valid_until
        if caller.identity.role not in ENROLLED:
            return
        now = self._clock()
        confirms = rule.method == CONFIRM
        standing = self._standing(caller, now)
        standing.check(now, confirms=confirms)
        guard = self._guard(caller.certificate_sha256, confirms=confirms)
        if standing.refused_from is not None:
            _replace(call, standing.refused_from)
            # It comes to be refused with time, and no event says when.
            call.guards.append(guard)
        call.exclusions.append(guard)

    def tell(self, events: Sequence[ControlEvent]) -> None:
        """Learn of retired certificates, and when the calls that run on them must end."""
        retired = dict(
            retired_in(event) for event in events if event.kind is ControlKind.CERTIFICATE_RETIRED
        )
        if not retired:
            return
        for fingerprint in retired:
            self._seen.pop(fingerprint, None)
        for call in self._live.calls():
            if (refused_from := retired.get(call.certificate)) is not None:
                _replace(call, refused_from)
        self.end_due()

    def end_due(self) -> int:
        """End the calls whose certificate counts no more, and return how many."""
        now = self._clock()
        due = {
            (call.ends_at, call.is_replaced)
            for call in self._live.calls()
            if call.ends_at is not None and call.ends_at <= now
        }
        return sum(self._end(ends_at, is_replaced) for ends_at, is_replaced in due)

    def _end(self, ends_at: datetime, is_replaced: bool) -> int:  # as in the call
        refusal = Refusal(Reason.UNAUTHENTICATED)
        if is_replaced:
            refusal = Refusal(Reason.CERTIFICATE_RETIRED, refusedFrom=ends_at.isoformat())
        return self._live.end(
            lambda call: (call.ends_at, call.is_replaced) == (ends_at, is_replaced), refusal
        )

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """End calls when their certificates do, until the block ends."""
        async with going_on(self._watch()):
            yield

    async def _watch(self) -> None:
        while True:
            self.end_due()
            await asyncio.sleep(PERIOD_SECONDS)

    def _guard(self, fingerprint: bytes, *, confirms: bool) -> Guard:
        def look_again(tx: Tx) -> None:
            standing = tx.peer_certificates.standing(fingerprint)
            if standing is not None:
                standing.check(self._clock(), confirms=confirms)

        return look_again

    def _standing(self, caller: Caller, now: datetime) -> Standing:
        fingerprint = caller.certificate_sha256
        seen = self._seen.get(fingerprint)
        if seen is not None and now - seen[0] < _KEPT:
            return seen[1]
        standing = self._store.read(lambda tx: tx.peer_certificates.standing(fingerprint))
        if standing is None:
            self._enter(caller, now)
            standing = _UNKNOWN
        if standing.state is not CertificateState.PENDING:
            # What waits is confirmed by the very next call, and must count at once.
            self._keep(fingerprint, now, standing)
        return standing

    def _keep(self, fingerprint: bytes, now: datetime, standing: Standing) -> None:
        if len(self._seen) >= _CAPACITY:
            self._seen.clear()
        self._seen[fingerprint] = (now, standing)

    def _enter(self, caller: Caller, now: datetime) -> None:
        """Write the certificate down beside the call, which does not wait for it."""
        fingerprint = caller.certificate_sha256
        if fingerprint in self._entering:
            return
        task = asyncio.get_running_loop().create_task(self._write(presented(caller), now))
        self._entering[fingerprint] = task
        task.add_done_callback(lambda _: self._entering.pop(fingerprint, None))

    async def _write(self, shown: Presented, now: datetime) -> None:
        try:
            await self._store.act(lambda tx: enter_known(tx, shown, now))
        except Refusal as refusal:
            logger.debug("certificate not entered: %s", refusal.reason)


def _replace(call: Call, refused_from: datetime) -> None:
    """Let a call end when its certificate, which was replaced, is refused."""
    if call.ends_at is None or refused_from <= call.ends_at:
        call.ends_at, call.is_replaced = refused_from, True
