"""The gate of the clerks: no act of a window without a signed-in clerk who has the right.

What it refuses is refused early; the guard that it adds looks again in the act's own transaction,
so that a clerk who is stopped meanwhile changes nothing, and reads nothing either. The clerk's name
in a request is written here and by nobody else. Other roles are persons by their own certificate,
and pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from juki_center.areas.clerks.rows import Right
from juki_center.areas.clerks.rules import require_right, require_signed_in
from juki_center.areas.clerks.sign_ins import require_clerk
from juki_center.errors import Reason, Refusal
from juki_center.rpc.options import ClerkRule
from juki_pki.identity import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from juki_center.areas.calls import Call
    from juki_center.areas.clerks.policy import ClerkPolicy
    from juki_center.areas.clerks.rows import Standing
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller

CLERK_NAME: Final = "clerk_name"
_CARD_SESSION: Final = "card_session_id"
_ASKING: Final = frozenset({ClerkRule.SIGNED_IN, ClerkRule.SIGNED_IN_WITHOUT_CARD})


@dataclass(frozen=True, slots=True)
class ClerkGate:
    """Looks for the clerk at the calling terminal."""

    store: Store
    policy: ClerkPolicy
    clock: Callable[[], datetime]

    def admit(self, call: Call, caller: Caller, rule: AccessRule) -> None:
        """Refuse a terminal's call that needs a clerk and has none with the right.

        Raises Refusal: CLERK_SIGN_IN_REQUIRED, CLERK_STOPPED, CLERK_RIGHT_MISSING.
        """
        if caller.identity.role is not Role.TERMINAL:
            return
        if rule.clerk is ClerkRule.SIGNED_IN:
            self._require(call, rule)
        elif rule.clerk is ClerkRule.SIGNED_IN_WITHOUT_CARD:
            self._note(call, rule)

    def take(self, call: Call, rule: AccessRule, request: Message) -> None:
        """Write the clerk's name into a request; refuse one that needs a clerk and has none.

        Raises Refusal: CLERK_SIGN_IN_REQUIRED, CLERK_STOPPED, CLERK_RIGHT_MISSING.
        """
        if call.role != Role.TERMINAL or rule.clerk not in _ASKING:
            return
        if rule.clerk is ClerkRule.SIGNED_IN_WITHOUT_CARD and not _shows_card(request):
            self._require(call, rule)
        if places := _places(request):
            name = self._name(call) if call.clerk else ""
            for place in places:
                setattr(place, CLERK_NAME, name)

    def _require(self, call: Call, rule: AccessRule) -> None:
        right, now = _right(rule), self.clock()
        standing = self._standing(call, right)
        found = require_signed_in(standing, now, self.policy)
        require_right(found, right, now)
        call.clerk = found.clerk.clerk_id
        call.guards.append(self._guard(call.uri, call.clerk, right))
        call.looks.append(self._look(call.uri, call.clerk, right))

    def _note(self, call: Call, rule: AccessRule) -> None:
        """Remember who is there, where the call goes through without anybody."""
        standing = self._standing(call, _right(rule))
        try:
            found = require_signed_in(standing, self.clock(), self.policy)
        except Refusal:
            return
        call.clerk = found.clerk.clerk_id

    def _standing(self, call: Call, right: Right | None) -> Standing | None:
        return self.store.read(lambda tx: tx.clerks.standing(call.uri, right))

    def _guard(self, uri: str, clerk_id: str, right: Right | None) -> Callable[[Tx], None]:
        def guard(tx: Tx) -> None:
            # The time of the act, not of the call: a stream may outlast a sign-in.
            _require_same(require_clerk(tx, uri, right, self.clock(), self.policy), clerk_id)

        return guard

    def _look(self, uri: str, clerk_id: str, right: Right | None) -> Callable[[Tx], None]:
        def look(tx: Tx) -> None:
            # As the guard of acts, but a read remembers no use.
            now = self.clock()
            found = require_signed_in(tx.clerks.standing(uri, right), now, self.policy)
            require_right(found, right, now)
            _require_same(found, clerk_id)

        return look

    def _name(self, call: Call) -> str:
        """Return the clerk's name, or the id while the municipality is cut off."""

        def name(tx: Tx) -> str:
            clerk = tx.clerks.clerk(call.clerk)
            return call.clerk if clerk is None else tx.clerks.name(clerk)

        try:
            return self.store.read(name)
        except Refusal as refusal:
            if refusal.reason is not Reason.RESIDENCE_DISCONNECTED:
                raise
            return call.clerk


def _require_same(standing: Standing, clerk_id: str) -> None:
    """Refuse another clerk: who has come meanwhile answers for nothing that the first has begun."""
    if standing.clerk.clerk_id != clerk_id:
        raise Refusal(Reason.CLERK_SIGN_IN_REQUIRED)


def _places(request: Message) -> list[Message]:
    """Return the request and the parts of it that have a place for a clerk's name."""
    own, parts = _paths(request.DESCRIPTOR)
    places = [request] if own else []
    return places + [getattr(request, part) for part in parts if request.HasField(part)]


@cache
def _paths(descriptor: Descriptor) -> tuple[bool, tuple[str, ...]]:
    """Return whether a message has the field itself, and which of its parts have it."""
    parts = tuple(
        field.name
        for field in descriptor.fields
        if field.message_type is not None
        and not field.is_repeated
        and CLERK_NAME in field.message_type.fields_by_name
    )
    return CLERK_NAME in descriptor.fields_by_name, parts


def _shows_card(request: Message) -> bool:
    return bool(getattr(request, _CARD_SESSION, b""))


def _right(rule: AccessRule) -> Right | None:
    return Right(rule.right) if rule.right else None
