"""The gate of overload: a call that cannot be served in time is refused before it costs anything.

Which one that is, and when its caller may come back, `areas.overload` decides. Each process has a
gate of its own: what it learns is how long the calls of this process wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from juki_center.areas.overload.admission import Admission, Settings
from juki_center.areas.overload.classes import load_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_center.areas.calls import Call
    from juki_center.areas.overload.admission import Place, Reading
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller


class OverloadGate:
    """The gate; it stands behind those that shut peers out, and before what reads the store."""

    def __init__(
        self,
        settings: Settings,
        *,
        chance: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admission = Admission(settings, chance)
        self._monotonic = monotonic
        # A call is no key itself, because two equal ones are two calls.
        self._places: dict[int, Place] = {}

    def admit(self, call: Call, _caller: Caller, rule: AccessRule) -> None:
        """Refuse OVERLOADED with the time to come back, or give the call a place until it ends."""
        load = load_of(rule.method, call.role)
        owner = call.uri if call.municipality is None else call.municipality
        self._places[id(call)] = self._admission.enter(load, owner, self._monotonic())

    def leave(self, call: Call) -> None:
        """Free the place of a call that ends, if it has one."""
        place = self._places.pop(id(call), None)
        if place is not None:
            self._admission.leave(place, self._monotonic(), has_committed=bool(call.logged))

    def reading(self) -> Reading:
        """Return what the metrics show."""
        return self._admission.reading(self._monotonic())
