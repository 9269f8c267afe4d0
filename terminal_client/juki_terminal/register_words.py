"""A record in the words of a register: labels in their order, dates, states; texts as registered.

In Japanese for clerks, with English labels for engineers. Nothing here knows tables or screens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from jukinet.residents.v1 import residence_record_pb2 as pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.timestamp_pb2 import Timestamp

_JST: Final = timezone(timedelta(hours=9), "JST")
_ERAS: Final[Mapping[int, str]] = {
    CivilDate.ERA_MEIJI: "明治",
    CivilDate.ERA_TAISHO: "大正",
    CivilDate.ERA_SHOWA: "昭和",
    CivilDate.ERA_HEISEI: "平成",
    CivilDate.ERA_REIWA: "令和",
}


class Label(Enum):
    """What an item is called, in both languages."""

    CODE = ("住民票コード", "Resident record code")
    STATE = ("記録の状態", "State")
    VERSION = ("版", "Version")
    NAME = ("氏名", "Name")
    KANA = ("フリガナ", "Reading")
    KANJI_NAME = ("漢字氏名", "Name in kanji")
    ALIAS = ("通称", "Alias")
    NATIONALITY = ("国籍の別", "Nationality")
    BIRTH = ("生年月日", "Date of birth")
    SEX = ("性別", "Sex")
    ADDRESS = ("住所", "Address")
    BUILDING = ("方書", "Building and room")
    RELATIONSHIP = ("続柄", "Relationship")
    RESIDENT_SINCE = ("住民となった年月日", "Resident since")
    ADDRESS_SINCE = ("住所を定めた年月日", "Address since")
    NOTIFIED = ("届出年月日", "Notified")
    PREVIOUS_ADDRESS = ("前住所", "Previous address")
    DOMICILE = ("本籍", "Registered domicile")
    REGISTER_HEAD = ("筆頭者", "Head of the family register")
    CHANGE = ("異動事由", "Reason of the change")
    CHANGE_DATE = ("異動年月日", "Date of the change")
    RECORDED = ("記載日時", "Recorded")
    PROTECTION = ("支援措置", "Protective measure")
    FORMER_CODES = ("旧コードの数", "Former codes")

    def say(self, language: Language) -> str:
        """Return the label in a language."""
        ja, en = self.value
        return ja if language is Language.JAPANESE else en


ENTRIES: Final[Mapping[str, Label]] = {
    "name": Label.NAME,
    "name_kana": Label.KANA,
    "kanji_name": Label.KANJI_NAME,
    "alias": Label.ALIAS,
    "nationality": Label.NATIONALITY,
    "date_of_birth": Label.BIRTH,
    "sex": Label.SEX,
    "address": Label.ADDRESS,
    "building_and_room": Label.BUILDING,
    "relationship_to_householder": Label.RELATIONSHIP,
    "resident_since": Label.RESIDENT_SINCE,
    "address_since": Label.ADDRESS_SINCE,
    "notification_date": Label.NOTIFIED,
    "previous_address": Label.PREVIOUS_ADDRESS,
    "registered_domicile": Label.DOMICILE,
    "family_register_head": Label.REGISTER_HEAD,
}
"""The fields of Entries in the order in which a record is read."""

SEXES: Final[Mapping[int, str]] = {
    pb.Entries.SEX_MALE: "男",
    pb.Entries.SEX_FEMALE: "女",
    pb.Entries.SEX_BLANK: "空欄",
}
NATIONALITIES: Final[Mapping[int, str]] = {
    pb.Entries.NATIONALITY_JAPANESE: "日本人",
    pb.Entries.NATIONALITY_FOREIGN: "外国人",
}
STATES: Final[Mapping[int, str]] = {
    pb.ResidenceRecord.STATE_ACTIVE: "住民",
    pb.ResidenceRecord.STATE_MOVED_OUT: "除票(転出)",
    pb.ResidenceRecord.STATE_DECEASED: "除票(死亡)",
    pb.ResidenceRecord.STATE_DELETED: "除票(職権消除等)",
}
REASONS: Final[Mapping[int, str]] = {
    pb.CHANGE_REASON_BIRTH: "出生",
    pb.CHANGE_REASON_DEATH: "死亡",
    pb.CHANGE_REASON_MOVE_IN: "転入",
    pb.CHANGE_REASON_SPECIAL_MOVE_IN: "特例転入",
    pb.CHANGE_REASON_MOVE_OUT: "転出",
    pb.CHANGE_REASON_MOVE_WITHIN: "転居",
    pb.CHANGE_REASON_CORRECTION_EX_OFFICIO: "職権修正",
    pb.CHANGE_REASON_DELETION_EX_OFFICIO: "職権消除",
    pb.CHANGE_REASON_HOUSEHOLD_CHANGE: "世帯変更",
    pb.CHANGE_REASON_NAME_CHANGE: "氏名の変更",
    pb.CHANGE_REASON_CODE_ASSIGNED: "住民票コードの記載",
    pb.CHANGE_REASON_CODE_CHANGED: "住民票コードの変更",
    pb.CHANGE_REASON_NATURALISATION: "帰化",
    pb.CHANGE_REASON_NATIONALITY_LOST: "国籍喪失",
    pb.CHANGE_REASON_CANCELLATION: "異動の取消し",
    pb.CHANGE_REASON_PROTECTION: "支援措置",
}
_UNKNOWN_VALUE: Final = "不明な値"


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled item of a record."""

    label: Label
    text: str = field(repr=False)


def lines(record: pb.ResidenceRecord) -> Iterator[Line]:
    """Yield the items of a record that are there, in their order."""
    yield Line(Label.CODE, record.code)
    yield Line(Label.STATE, STATES.get(record.state, _UNKNOWN_VALUE))
    yield Line(Label.VERSION, str(record.version))
    for name, label in ENTRIES.items():
        text = entry_text(record.entries, name)
        if text or name in ("name", "sex"):
            yield Line(label, text)
    if record.HasField("change"):
        yield from _change_lines(record.change)
    if record.HasField("protective_measure"):
        yield Line(Label.PROTECTION, protection_text(record.protective_measure))
    if record.former_code_count:
        yield Line(Label.FORMER_CODES, str(record.former_code_count))


def _change_lines(change: pb.ChangeInformation) -> Iterator[Line]:
    reason = reason_text(change.reason)
    cancelled = f" (第{change.cancels_version}版)" if change.cancels_version else ""
    yield Line(Label.CHANGE, reason + cancelled)
    yield Line(Label.CHANGE_DATE, date_text(change.change_date))
    yield Line(Label.RECORDED, moment_text(change.record_time))


def reason_text(reason: int) -> str:
    """Return the word for why an entry was made."""
    return REASONS.get(reason, _UNKNOWN_VALUE)


def entry_text(entries: pb.Entries, name: str) -> str:
    """Return one of the entries in a register's words; empty where it is absent."""
    match name:
        case "nationality":
            return NATIONALITIES.get(entries.nationality, "")
        case "sex":
            return SEXES.get(entries.sex, "")
        case _:
            value = getattr(entries, name)
    if isinstance(value, str):
        return value
    return date_text(value) if entries.HasField(name) else ""  # type: ignore[arg-type]  # a field's name


def date_text(date: CivilDate) -> str:
    """Return a date in its own calendar, or in its registered text.

    >>> date_text(CivilDate(era=CivilDate.ERA_SHOWA, year=1, month=12, day=25, precision=1))
    '昭和元年12月25日'
    """
    if date.original_text:
        return date.original_text
    era = _ERAS.get(date.era, "")
    year = f"{era}{'元' if era and date.year == 1 else date.year}年"
    match date.precision:
        case CivilDate.PRECISION_DAY:
            return f"{year}{date.month}月{date.day}日"
        case CivilDate.PRECISION_MONTH:
            return f"{year}{date.month}月 日不詳"
        case CivilDate.PRECISION_YEAR:
            return f"{year} 月日不詳"
        case _:
            return "年月日不詳"


def moment_text(moment: Timestamp) -> str:
    """Return a point in time by the clocks of Japan."""
    return f"{moment.ToDatetime(UTC).astimezone(_JST):%Y-%m-%d %H:%M:%S} JST"


def protection_text(measure: pb.ProtectiveMeasure) -> str:
    """Say whether a measure is in force, and what is planned."""
    planned = (
        f"、終期の予定 {date_text(measure.planned_end)}" if measure.HasField("planned_end") else ""
    )
    if measure.HasField("lifted_until"):
        return f"一時解除中 ({moment_text(measure.lifted_until)}まで){planned}"
    return f"実施中{planned}"
