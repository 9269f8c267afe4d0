"""Answers of the center as people and programs read them: names for outcomes, items and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_agency.questions import ITEM_NAMES
from juki_client.civil_date import text_of
from juki_client.outcome import Language
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1.residence_record_pb2 import ChangeReason, Entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from juki_client.outcome import JSON

_OUTCOMES: Final = pb.Confirmation.Outcome.DESCRIPTOR
_OUTCOME_PREFIX: Final = "OUTCOME_"
MATCH: Final = "MATCH"
OUTCOMES: Final = tuple(
    value.name.removeprefix(_OUTCOME_PREFIX) for value in _OUTCOMES.values if value.number
)
_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    MATCH: ("一致", "match"),
    "MATCH_WITH_VARIANT": ("異体字等により一致", "match by a variant"),
    "AMBIGUOUS": ("複数該当", "several persons fit"),
    "NO_MATCH": ("該当なし", "nobody fits"),
    "DELETED": ("消除", "record deleted"),
    "CODE_CHANGED": ("住民票コード変更", "code changed"),
}
_ITEM_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("氏名", "name"),
    "alias": ("通称", "alias"),
    "birth": ("生年月日", "birth"),
    "sex": ("性別", "sex"),
    "address": ("住所", "address"),
    "code": ("住民票コード", "code"),
}
_SEXES: Final = {
    Entries.SEX_MALE: "MALE",
    Entries.SEX_FEMALE: "FEMALE",
    Entries.SEX_BLANK: "BLANK",
}
_CHANGE_REASON_PREFIX: Final = "CHANGE_REASON_"


def outcome_name(number: int) -> str:
    """Return an outcome's name without its prefix; a number for one of a newer center."""
    value = _OUTCOMES.values_by_number.get(number)
    return value.name.removeprefix(_OUTCOME_PREFIX) if value is not None else str(number)


def outcome_label(name: str, language: Language) -> str:
    """Return what people call an outcome."""
    return _label(_LABELS, name, language)


def item_label(name: str, language: Language) -> str:
    """Return what people call an item."""
    return _label(_ITEM_LABELS, name, language)


def _label(labels: Mapping[str, tuple[str, str]], name: str, language: Language) -> str:
    ja, en = labels.get(name, (name, name))
    return ja if language is Language.JAPANESE else en


def reason_name(number: int) -> str:
    """Return a change reason's name without its prefix; empty for none."""
    value = ChangeReason.DESCRIPTOR.values_by_number.get(number)
    if not number:
        return ""
    return value.name.removeprefix(_CHANGE_REASON_PREFIX) if value is not None else str(number)


def item_names(numbers: Iterable[pb.Item.ValueType]) -> list[str]:
    """Return the names of items on the wire."""
    return [ITEM_NAMES.get(number, str(number)) for number in numbers]


def information_of(confirmation: pb.Confirmation) -> dict[str, str]:
    """Return what was told of a person, item by item; what was not told is not there."""
    told = confirmation.information
    texts = {
        "name": told.name,
        "alias": told.alias,
        "birth": text_of(told.date_of_birth) if told.HasField("date_of_birth") else "",
        "sex": _SEXES.get(told.sex, ""),
        "address": told.address,
        "code": told.code,
    }
    return {name: text for name, text in texts.items() if text}


def facts_of(confirmation: pb.Confirmation) -> dict[str, JSON]:
    """Return an answer for programs; what does not apply is not there."""
    deleted = confirmation.HasField("deletion_date")
    facts: dict[str, JSON] = {
        "count": confirmation.count,
        "varied": [*item_names(confirmation.varied)],
        "information": dict(information_of(confirmation)),
        "deletion_reason": reason_name(confirmation.deletion_reason),
        "deletion_date": text_of(confirmation.deletion_date) if deleted else "",
        "subject_reference": confirmation.subject_reference.hex(),
        "provision": confirmation.provision_id,
    }
    told = {name: value for name, value in facts.items() if value}
    return {"outcome": outcome_name(confirmation.outcome), **told}
