"""An address with the municipality's name in front, as it stands where one has moved from."""

from __future__ import annotations

from typing import Final

from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.names import ADDRESS

# Between lot and building, as on copies.
_SPACE: Final = "\u3000"


def with_place(municipality: Municipality, address: str, building: str) -> str:
    """Return an address with its prefecture and municipality, and with its building.

    Registers hold addresses with and without either name. What would be too long for the entry
    loses the building, and then the names in front.

    >>> from juki_center.areas.residents.codes import MunicipalityCode
    >>> city = Municipality(MunicipalityCode("112089"), "埼玉県", "所沢市", "", False)
    >>> with_place(city, "並木一丁目1番地の1", "101号室")
    '埼玉県所沢市並木一丁目1番地の1\u3000101号室'
    >>> with_place(city, "埼玉県所沢市並木一丁目1番地の1", "")
    '埼玉県所沢市並木一丁目1番地の1'
    """
    full = _full(municipality, address)
    forms = (full + _SPACE + building if building else full, full, address)
    return next(one for one in forms if _fits(one) or one is address)


def _full(municipality: Municipality, address: str) -> str:
    if address.startswith(municipality.prefecture):
        return address
    if address.startswith(municipality.name):
        return municipality.prefecture + address
    return municipality.full_name + address


def _fits(text: str) -> bool:
    return len(text) <= ADDRESS.code_points and len(text.encode()) <= ADDRESS.octets
