"""What a register's callers are answered: refusals, and the persons on a paper."""

from __future__ import annotations

import cbor2
import grpc
import pytest
from google.protobuf.message import Message

from juki_center.areas.copies.signature import take_apart
from tests.support.register_service import Refused, refusal


async def refused(stub: object, method: str, request: Message) -> Refused:
    """Make a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await getattr(stub, method)(request)
    return refusal(raised.value)


def persons(signed_content: bytes) -> list[dict[str, str]]:
    """Return the persons on a copy, as the paper shows them."""
    found: list[dict[str, str]] = cbor2.loads(take_apart(signed_content).payload)["doc"]["per"]
    return found
