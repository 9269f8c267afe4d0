"""A provision's octets, over which the audit log holds a hash: one encoding, for ever."""

from __future__ import annotations

import cbor2
import pytest

from juki_center.areas.agencies.commands import AffairCode, Kind, Outcome
from juki_center.areas.agencies.provisions import Provision, Recorded
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from tests.support.center import NOW


@pytest.mark.parametrize("items", [(), (Item.NAME, Item.ADDRESS)])
@pytest.mark.parametrize("number", [1, 2**40])
def test_octets_of_a_provision_are_the_deterministic_encoding(
    items: tuple[Item, ...], number: int
) -> None:
    provision = Provision(
        at=NOW,
        agency="pension-1",
        affair=AffairCode("pension"),
        purpose="examination for pension",
        kind=Kind.BATCH,
        person=PersonID(bytes(16)),
        municipality=MunicipalityCode("112089"),
        items=items,
        outcome=Outcome.MATCH,
    )

    octets = Recorded(provision, number, bytes(32), is_new=True).octets

    assert octets == cbor2.dumps(cbor2.loads(octets), canonical=True)
    assert cbor2.loads(octets)["what"] == [item.value for item in items]
