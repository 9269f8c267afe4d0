"""The Japanese words of papers: labels, dates and titles, the same on paper and on the screen.

Nothing here knows fonts or pages. Personal data go in as the register has them and come out
unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

from juki_terminal.paper.content import CopyContent, Municipality, Person

JST: Final = timezone(timedelta(hours=9), "JST")
# The eras of the days on which a paper can have been made, the newest first.
ERAS: Final = ((date(2019, 5, 1), "令和"), (date(1989, 1, 8), "平成"))
# The prefecture, and before a town or village the county, are not on a mayor's seal.
NOT_ON_SEAL: Final = re.compile(
    r"\A(?:東京都|北海道|京都府|大阪府|.{2,3}県)(?:.+?郡(?=.+[町村]\Z))?"
)

TITLE: Final = "住民票の写し"
STATEMENT: Final = "この写しは、住民票の原本と相違ないことを証明する。"
WIDE_AREA: Final = "住民基本台帳法に基づく広域交付"
OMITTED: Final = "この写しは広域交付によるものであり、一部の事項の記載を省略しています。"
END_OF_ENTRIES: Final = "以下余白"
QR_FULL: Final = "電子署名された全内容"
QR_SHORT: Final = "発行番号と電子署名（照会用）"
CARD_TITLE: Final = "住民基本台帳カード"


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One labelled item of a person's box; `field` is the key in the payload."""

    field: str
    label: str
    text: str

    def __repr__(self) -> str:
        """Name the label only: the text is a personal datum."""
        return f"Entry({self.label}, ***)"


def entries(person: Person) -> tuple[Entry, ...]:
    """Return the items of one person that are on the copy, in the order of the paper."""
    found = (
        ("kana", "フリガナ", person.kana),
        ("name", "氏名", person.name),
        ("alias", "通称", person.alias),
        ("birth", "生年月日", person.birth),
        ("sex", "性別", person.sex),
        ("addr", "住所", person.address),
        ("since", "住民となった年月日", person.resident_since),
        ("addrs", "住所を定めた年月日", person.address_since),
        ("notif", "届出年月日", person.notified),
        ("prev", "前住所", person.previous_address),
        ("head", "世帯主", person.householder),
        ("rel", "続柄", person.relationship),
        ("code", "住民票コード", person.resident_code),
    )
    # An empty sex is an item of the copy whose register entry is blank; None is no item.
    return tuple(Entry(field, label, text) for field, label, text in found if text is not None)


def era_date(moment: datetime) -> str:
    """Return the day of a moment in Japan, in the era calendar, such as 令和8年11月23日.

    Raises ValueError for a moment before 1989-01-08.
    """
    return era_day(moment.astimezone(JST).date())


def era_day(day: date) -> str:
    """Return a day in the era calendar; raises ValueError for one before 1989-01-08."""
    for first, era in ERAS:
        if day >= first:
            year = day.year - first.year + 1
            return f"{era}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    raise ValueError("no paper was made before the era of Heisei")


def card_validity(last: date) -> str:
    """Return the last day of a card's validity in both calendars, as it stands on the face."""
    return f"{era_day(last)}（{last.year}年{last.month}月{last.day}日）まで有効"


def mayor(municipality: Municipality) -> str:
    """Return the title of a municipality's mayor with the prefecture: 東京都千代田区長."""
    return f"{municipality.name}長"


def seal_text(municipality: Municipality) -> str:
    """Return the words of the mayor's seal: 千代田区長之印."""
    return f"{NOT_ON_SEAL.sub('', municipality.name)}長之印"


def plain_text(content: CopyContent) -> str:
    """Return all of the signed content for the human eye, one item a line."""
    lines = [
        f"{TITLE}（広域交付）",
        f"発行番号: {content.issue_number}",
        f"発行日: {era_date(content.issued_at)}",
        f"発行者: {mayor(content.issuer)}（{content.issuer.code}）",
        f"住所地: {content.residence.name}（{content.residence.code}）",
    ]
    for place, person in enumerate(content.persons, start=1):
        lines.append(f"[{place}/{len(content.persons)}]")
        lines.extend(f"  {entry.label}: {entry.text}" for entry in entries(person))
    return "\n".join(lines)
