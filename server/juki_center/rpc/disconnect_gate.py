"""The gate of disconnections: whoever is cut off is refused, and what runs for them ends.

What it holds in memory refuses early and ends calls under way; what an act depends on is looked at
again in the act's own transaction. It is renewed by each control event, also of acts that another
process has done on the same store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.control import ControlKind
from juki_center.areas.fleet.disconnections import (
    Standing,
    refusal_of,
    refuse_cut_off,
    subjects_of,
)
from juki_center.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from juki_center.areas.calls import Call, Guard
    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.areas.fleet.disconnections import Subject
    from juki_center.areas.ports import Store, Tx
    from juki_center.areas.residents.codes import MunicipalityCode
    from juki_center.areas.residents.municipalities import Municipalities
    from juki_center.rpc.live_calls import LiveCalls
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller

logger = logging.getLogger(__name__)

_REMEMBERED: Final = 8192
_KINDS: Final = frozenset({ControlKind.DISCONNECTED, ControlKind.RECONNECTED})


class DisconnectGate:
    """Refuses whoever is cut off. `forget` is called after each change of who is."""

    def __init__(
        self,
        store: Store,
        municipalities: Municipalities,
        live: LiveCalls,
        forget: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._municipalities = municipalities
        self._live = live
        self._forget = forget
        self._cut_off: frozenset[Subject] = frozenset()
        # A terminal calls the same few methods all day long.
        self._standing = lru_cache(maxsize=_REMEMBERED)(self._look_up)
        self.look()

    def admit(self, call: Call, caller: Caller, rule: AccessRule) -> None:  # noqa: ARG002
        """Refuse a call of who is cut off, and have each of its acts look again."""
        standing = self._standing_of(call)
        if standing is None:
            return
        cut_off = self._first(standing.subjects)
        if cut_off is not None:
            raise refusal_of(cut_off)
        call.exclusions.append(standing.guard)

    def tell(self, events: Sequence[ControlEvent]) -> None:
        """Look again where something was cut off or connected."""
        if any(event.kind in _KINDS for event in events):
            self.look()

    def look(self) -> None:
        """Read who is cut off, end what runs for them, and have their keys forgotten."""
        try:
            found = self._store.read(lambda tx: tx.disconnections.every())
        except Refusal as refusal:
            # Nothing gets through meanwhile: the guards look at the store itself.
            logger.warning("no look at disconnections: %s", refusal.reason)
            return
        self._cut_off = frozenset(one.subject for one in found)
        for subject in self._cut_off:
            self._live.end(partial(self._is_of, subject), refusal_of(subject))
        self._forget()

    def _first(self, subjects: Iterable[Subject]) -> Subject | None:
        if not self._cut_off:
            return None
        return next((one for one in subjects if one in self._cut_off), None)

    def _is_of(self, subject: Subject, call: Call) -> bool:
        batch = subject.batch
        if batch is not None:
            return call.card is not None and batch.covers(call.card)
        standing = self._standing_of(call)
        return standing is not None and subject in standing.subjects

    def _standing_of(self, call: Call) -> _Standing | None:
        return self._standing(call.method, call.role, call.uri, call.municipality)

    def _look_up(
        self, method: str, role: str, uri: str, municipality: MunicipalityCode | None
    ) -> _Standing | None:
        register = municipality
        if municipality is not None and municipality in self._municipalities:
            register = self._municipalities.register_of(municipality)
        subjects = subjects_of(Standing(method, role, uri, municipality, register))
        return _Standing(subjects, partial(_guard, subjects)) if subjects else None


@dataclass(frozen=True, slots=True)
class _Standing:
    """Whose disconnections stop a caller's calls of a method, and the guard that looks for them."""

    subjects: tuple[Subject, ...]
    guard: Guard


def _guard(subjects: tuple[Subject, ...], tx: Tx) -> None:
    refuse_cut_off(tx, subjects)
