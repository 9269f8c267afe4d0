"""The gate that no revoked peer passes: one look into two sets, kept by control events.

A connection outlives the revocation of the certificate that opened it. So every call asks the
gate, what runs already is ended, and each act and read asks the store again in its own transaction:
an act that would commit behind the revocation is refused there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.control import ControlKind
from juki_center.areas.fleet.revocations import refuse_revoked
from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from juki_center.areas.calls import Call
    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.live_calls import LiveCalls
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller

_KINDS: Final = frozenset({ControlKind.PEER_REVOKED, ControlKind.CERTIFICATE_REVOKED})
_SCHEME: Final = "juki://"


class RevocationGate:
    """Knows who was revoked; loaded when it is made, and told of what comes later."""

    def __init__(self, store: Store, live: LiveCalls) -> None:
        self._live = live
        self._uris: set[str] = set()
        self._certificates: set[bytes] = set()
        self._enter(store.read(lambda tx: tx.revocations.subjects()))

    def __len__(self) -> int:
        """Return how many peers and certificates count no more."""
        return len(self._uris) + len(self._certificates)

    def admit(self, call: Call, _caller: Caller, _rule: AccessRule) -> None:
        """Raise Refusal(CERTIFICATE_REVOKED), or let the call's acts look again."""
        if self._is_revoked(call):
            raise Refusal(Reason.CERTIFICATE_REVOKED)
        call.exclusions.append(_Guard(call).look)

    def tell(self, events: Sequence[ControlEvent]) -> None:
        """Learn of revocations, and end the calls of those that they concern."""
        subjects = [event.subject for event in events if event.kind in _KINDS]
        if subjects:
            self._enter(subjects)
            self._live.end(self._is_revoked, Refusal(Reason.CERTIFICATE_REVOKED))

    def _is_revoked(self, call: Call) -> bool:
        return call.uri in self._uris or call.certificate in self._certificates

    def _enter(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            if subject.startswith(_SCHEME):
                self._uris.add(subject)
            else:
                self._certificates.add(bytes.fromhex(subject))


class _Guard:
    """What each act of a call looks at in its own transaction."""

    __slots__ = ("_certificate", "_uri")

    def __init__(self, call: Call) -> None:
        self._certificate = call.certificate
        self._uri = call.uri

    def look(self, tx: Tx) -> None:
        refuse_revoked(tx, self._certificate, self._uri)
