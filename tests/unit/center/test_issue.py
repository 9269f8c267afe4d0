"""Issuing a copy: what is on it, to whom it is given, and what is refused with which reason."""

from __future__ import annotations

import cbor2

from juki_center.areas.copies.commands import IssuedCopy, Item, Scope
from tests.support.center import Center


def document(center: Center, copy: IssuedCopy) -> dict[str, object]:
    """Return what a signed copy says, its signature verified."""
    payload = center.trust.verify(copy.signed_content).payload
    found: dict[str, object] = cbor2.loads(payload)["doc"]
    return found


async def test_the_same_request_twice_gives_one_answer(center: Center) -> None:
    command = await center.command(
        "yoshida-taro", scope=Scope.HOUSEHOLD, items=(Item.RELATIONSHIP,)
    )

    first = await center.issue(command)
    second = await center.issue(command)

    assert second == first
    assert document(center, first)["no"] == first.issue.issue_number
