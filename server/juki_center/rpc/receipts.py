"""The receipt in an answer: the leaves that the call has led to, as the store has left them in it.

It is put in at the edge, into whatever message has the field, so that no servicer knows of it. A
receipt has one checkpoint: leaves under another one wait for the next message of a stream.
"""

from __future__ import annotations

from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

from juki_center.areas.calls import current_call
from juki_center.rpc.whole_writes import write_whole
from jukinet.audit.v1 import receipt_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from juki_center.areas.calls import Logged

ServicerContext: TypeAlias = "grpc.aio.ServicerContext[object, object]"

FIELD: Final = "receipt"


def fill(answer: Message) -> None:
    """Put the receipt of the current call into an answer that has the field; each leaf once."""
    call = current_call()
    if call is None or not call.logged or not _has_receipt(answer.DESCRIPTOR):
        return
    leaves = _under_one_checkpoint(call.logged)
    del call.logged[: len(leaves)]
    _write(getattr(answer, FIELD), leaves)


class Filling:
    """A stream's context, whose messages get their receipts as they are written."""

    def __init__(self, context: ServicerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> object:
        """Return what else the context has."""
        return getattr(self._context, name)

    async def write(self, answer: Message) -> None:
        """Write a message whole, with the receipt of what was done since the one before."""
        fill(answer)
        await write_whole(self._context.write, answer)


def message(leaves: Sequence[Logged]) -> pb.Receipt:
    """Return leaves under one checkpoint, at least one, as the proto has them."""
    receipt = pb.Receipt()
    _write(receipt, leaves)
    return receipt


def _write(receipt: pb.Receipt, leaves: Sequence[Logged]) -> None:
    """Write leaves into a receipt that is new, in place: a copy would cost as much again."""
    receipt.checkpoint = leaves[0].checkpoint
    for one in leaves:
        receipt.leaves.add(
            index=one.index, salt=one.salt, content=one.content, inclusion_proof=one.proof
        )


@cache
def _has_receipt(descriptor: Descriptor) -> bool:
    return FIELD in descriptor.fields_by_name


def _under_one_checkpoint(logged: Sequence[Logged]) -> list[Logged]:
    """Return the first leaves, as far as they are under one checkpoint."""
    first = logged[0].checkpoint
    return list(takewhile(lambda one: one.checkpoint == first, logged))
