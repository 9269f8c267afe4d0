"""Disclosures in the words of the office, for the screen and for paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date
from typing import TYPE_CHECKING, Final

from juki_terminal.municipality_names import name_of
from juki_terminal.paper.wording import JST, era_day
from juki_terminal.register_words import SEXES, date_text, moment_text, reason_text
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.disclosure.v1 import disclosure_service_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

OWN_TITLE: Final = "本人確認情報開示書"
OWN_STATEMENT: Final = (
    "請求により、住民基本台帳に記録されている本人確認情報を次のとおり開示します。"
)
LOG_TITLE: Final = "本人確認情報提供状況開示書"
LOG_STATEMENT: Final = "請求により、本人確認情報の提供の状況を次のとおり開示します。"
NO_SUCH_RECORD: Final = "該当する記録はありません。"
PERIOD: Final = "対象期間"
DISCLOSED: Final = "開示年月日"
COUNT: Final = "提供の件数"
HEAD: Final = (
    "提供年月日",
    "利用の方法",
    "事務の区分",
    "提供の理由",
    "提供元",
    "提供先",
    "提供した事項",
)
YES_OR_NO: Final = "該当の有無のみ"
UNKNOWN: Final = "不明な値"
METHODS: Final[Mapping[int, str]] = {
    pb.USAGE_METHOD_BY_CODE: "住民票コードによる照会",
    pb.USAGE_METHOD_BY_ATTRIBUTES: "４情報による照会",
    pb.USAGE_METHOD_BATCH: "一括提供",
    pb.USAGE_METHOD_CHANGES: "異動等の通知",
    pb.USAGE_METHOD_WIDE_AREA: "広域交付",
}
ITEMS: Final[Mapping[int, str]] = {
    agencies_pb.ITEM_NAME: "氏名",
    agencies_pb.ITEM_DATE_OF_BIRTH: "生年月日",
    agencies_pb.ITEM_SEX: "性別",
    agencies_pb.ITEM_ADDRESS: "住所",
    agencies_pb.ITEM_RESIDENT_CODE: "住民票コード",
}


def own_rows(own: pb.GetOwnInformationResponse) -> Iterator[tuple[str, str]]:
    """Yield label and text of what the register holds, in the order of the paper."""
    told = own.information
    yield "氏名", told.name
    if told.alias:
        yield "通称", told.alias
    yield "出生の年月日", date_text(told.date_of_birth)
    yield "性別", SEXES.get(told.sex, UNKNOWN)
    yield "住所", told.address
    yield "住民票コード", told.code
    if own.change_reason:
        yield "異動事由", reason_text(own.change_reason)
        yield "異動年月日", date_text(own.change_date)
    yield "住所地市区町村", name_of(own.municipality_code)


def log_rows(log: pb.ListProvisionsResponse) -> Iterator[tuple[str, str]]:
    """Yield what is said of the whole log: its period, and how many provisions there are."""
    yield PERIOD, f"{_era(log.first_day)}から{_era(log.last_day)}まで"
    yield COUNT, f"{log.total}件"


def provision_cells(one: pb.ProvidedInformation) -> tuple[str, ...]:
    """Return the cells of one provision, under HEAD."""
    items = "、".join(ITEMS.get(item, UNKNOWN) for item in one.items)
    return (
        moment_text(one.provided_time).removesuffix(" JST"),
        METHODS.get(one.usage_method, UNKNOWN),
        one.affair,
        one.reason,
        name_of(one.provider_municipality_code),
        one.recipient,
        items or YES_OR_NO,
    )


def day_of(moment: Timestamp) -> date:
    """Return the day of a point in time, in Japan."""
    return moment.ToDatetime(UTC).astimezone(JST).date()


def _era(day: str) -> str:
    return era_day(date.fromisoformat(day))
