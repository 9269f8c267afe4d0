"""What a drill puts back, and what it heals of one that was killed before it could.

Nothing is remembered beside the store: a drill's disconnection says so in its reason, and the
card of a drill belongs to nobody. Connecting takes both operators, here as everywhere.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_center.areas.cards.drill_cards import end_drill_cards, enter_drill_card
from juki_center.areas.fleet.disconnections import Level
from juki_center.cli.clock import system_clock
from juki_center.cli.disconnect import METHOD
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.rpc.operations_disconnect import subject_message
from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from juki_center.areas.fleet.disconnections import Disconnection, Subject
    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.codes import MunicipalityCode
    from juki_center.cli.operator_channel import OperatorLine
    from juki_center.config import CenterConfig

    Answer = TypeVar("Answer")

DRILL: Final = "juki-center drill"
"""The reason of a drill's disconnection, and who reports its card."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """The center's store, and the two operators who connect again."""

    config: CenterConfig
    first: OperatorLine
    second: OperatorLine

    def entered(self, serial: bytes, municipality: MunicipalityCode) -> str:
        """Enter the card of a drill; return its number."""
        now, by = system_clock(), self._by
        card = run(self._act(lambda tx: enter_drill_card(tx, serial, municipality, by, now)))
        return card.number

    def everything(self) -> tuple[str, ...]:
        """Put back what drills have left; return what that was, in the words of the store.

        The cards come first: they need nobody. Raises Refusal where the operators are refused.
        """
        now, by = system_clock(), self._by
        cards = run(self._act(lambda tx: end_drill_cards(tx, by, now)))
        cut_off = [one.subject for one in run(self._cut_off()) if _is_of_a_drill(one)]
        for subject in cut_off:
            self._connect(subject)
        return (*(["card"] * cards), *(one.name for one in cut_off))

    @property
    def _by(self) -> str:
        return f"juki://center/{self.config.node}"

    async def _act(self, act: Callable[[Tx], Answer]) -> Answer:
        async with opened_store(self.config) as store:
            return await store.act(act, urgent=True)

    async def _cut_off(self) -> list[Disconnection]:
        async with opened_store(self.config) as store:
            return store.read(lambda tx: tx.disconnections.every())

    def _connect(self, subject: Subject) -> None:
        request = pb.ReconnectRequest(
            request_id=str(uuid.uuid4()), subject=subject_message(subject)
        )
        proposal = self.first.propose(METHOD, request)
        approve = approvals_pb.ApproveRequest(
            request_id=str(uuid.uuid4()),
            approval_id=proposal.approval_id,
            digest=proposal.digest,
        )
        self.second.call(self.second.approvals.Approve, approve)
        request.approval_id = proposal.approval_id
        stub = pb_grpc.CenterServiceStub(self.first.channel)
        self.first.call(stub.Reconnect, request)


def _is_of_a_drill(one: Disconnection) -> bool:
    return (one.level, one.reason) == (Level.NONE, DRILL)


def told_of(healed: tuple[str, ...]) -> list[str]:
    """Return what was put back, as lines."""
    if not healed:
        return ["no drill has left anything"]
    return [f"put back of an earlier drill: {one}" for one in healed]
