"""Whom an agency means, as people write it: a resident record code, or attributes.

The names of fields are those of a form's JSON and of a file's columns. What a register takes is the
register's question; here a text is refused only where it cannot be sent at all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_client import civil_date
from juki_client.outcome import Problem
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1.residence_record_pb2 import Entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CODE: Final = "code"
ATTRIBUTES: Final = (
    "name",
    "name_kana",
    "birth",
    "sex",
    "address",
    "municipality",
    "prefecture",
)
FIELDS: Final = (CODE, *ATTRIBUTES)
_SEXES: Final[Mapping[str, Entries.Sex.ValueType]] = {
    "": Entries.SEX_UNSPECIFIED,
    "MALE": Entries.SEX_MALE,
    "男": Entries.SEX_MALE,
    "FEMALE": Entries.SEX_FEMALE,
    "女": Entries.SEX_FEMALE,
    "BLANK": Entries.SEX_BLANK,
}


class Item(StrEnum):
    """Items that may be asked for."""

    NAME = "name"
    BIRTH = "birth"
    SEX = "sex"
    ADDRESS = "address"
    CODE = "code"


ITEM_NUMBERS: Final[Mapping[Item, pb.Item.ValueType]] = {
    Item.NAME: pb.ITEM_NAME,
    Item.BIRTH: pb.ITEM_DATE_OF_BIRTH,
    Item.SEX: pb.ITEM_SEX,
    Item.ADDRESS: pb.ITEM_ADDRESS,
    Item.CODE: pb.ITEM_RESIDENT_CODE,
}
ITEM_NAMES: Final = {number: item.value for item, number in ITEM_NUMBERS.items()}


def items_of(text: str) -> tuple[Item, ...]:
    """Parse a list such as `name,birth`; raise Problem USAGE_INVALID."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        items = tuple(Item(name) for name in names)
    except ValueError as error:
        raise _invalid("items", "of " + ",".join(Item)) from error
    if len(set(items)) != len(items):
        raise _invalid("items", "each at most once")
    return items


def item_numbers(items: Iterable[Item]) -> list[pb.Item.ValueType]:
    """Return items as the wire numbers them."""
    return [ITEM_NUMBERS[item] for item in items]


def question_of(fields: Mapping[str, str]) -> pb.ConfirmBatchRequest.Line:
    """Return the question of a person's fields; a code goes alone.

    Raises Problem USAGE_INVALID naming the field; what stands in it is not repeated.
    """
    given = {name: text.strip() for name, text in fields.items() if text.strip()}
    if CODE in given:
        if len(given) > 1:
            raise _invalid(CODE, "a code goes without attributes")
        return pb.ConfirmBatchRequest.Line(code=given[CODE])
    return pb.ConfirmBatchRequest.Line(attributes=_attributes(given))


def _attributes(given: Mapping[str, str]) -> pb.Attributes:
    if "name" not in given and "name_kana" not in given:
        raise _invalid("name", "a code, a name or a reading")
    sex = _SEXES.get(given.get("sex", "").upper())
    if sex is None:
        raise _invalid("sex", "MALE, FEMALE, BLANK, 男, 女 or empty")
    return pb.Attributes(
        name=given.get("name", ""),
        name_kana=given.get("name_kana", ""),
        date_of_birth=civil_date.parse(given.get("birth", ""), "birth"),
        sex=sex,
        address=given.get("address", ""),
        municipality_code=given.get("municipality", ""),
        prefecture_code=given.get("prefecture", ""),
    )


def _invalid(field: str, rule: str) -> Problem:
    return Problem("USAGE_INVALID", {"field": field, "rule": rule})
