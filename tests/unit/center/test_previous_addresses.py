"""The address that somebody has left, with the municipality's name in front."""

from __future__ import annotations

import pytest

from juki_center.areas.moves.previous_addresses import with_place
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.names import accept_address

CITY = Municipality(MunicipalityCode("112089"), "埼玉県", "所沢市", "トコロザワシ", is_ward=False)
LOT = "並木一丁目1番地の1"


@pytest.mark.parametrize("address", [LOT, f"所沢市{LOT}", f"埼玉県所沢市{LOT}"])
def test_an_address_has_prefecture_and_municipality_once(address: str) -> None:
    assert with_place(CITY, address, "") == f"埼玉県所沢市{LOT}"


def test_a_building_stands_behind_a_space_as_on_copies() -> None:
    assert with_place(CITY, LOT, "101号室") == f"埼玉県所沢市{LOT}\u3000101号室"


@pytest.mark.parametrize(
    ("length", "building", "expected"),
    [
        (194, "", "埼玉県所沢市{}"),
        (194, "室", "埼玉県所沢市{}"),
        (192, "室", "埼玉県所沢市{}\u3000室"),
        (195, "", "{}"),
        (200, "室" * 200, "{}"),
    ],
)
def test_what_is_too_long_loses_the_building_and_then_the_names(
    length: int, building: str, expected: str
) -> None:
    address = "木" * length

    previous = with_place(CITY, address, building)

    assert previous == expected.format(address)
    assert accept_address(previous) == previous


def test_octets_count_as_well_as_characters() -> None:
    address = "\U00020bb7" * 196

    previous = with_place(CITY, address, "")

    assert previous == address
    assert accept_address(previous) == previous
