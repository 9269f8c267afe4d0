"""Papers of disclosures: every field of the law, "no such record", nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from juki_terminal import disclosure_words as words
from juki_terminal.paper.disclosure import DisclosurePaper, disclosure_pdf
from juki_terminal.paper.errors import CharacterUnsupported
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.disclosure.v1 import disclosure_service_pb2 as pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from jukinet.residents.v1.residence_record_pb2 import CHANGE_REASON_MOVE_IN, Entries
from tests.support.pdf_text import pages_of

if TYPE_CHECKING:
    from juki_terminal.paper.fonts import Fonts


def provided(at: datetime) -> pb.ProvidedInformation:
    one = pb.ProvidedInformation(
        usage_method=pb.USAGE_METHOD_BY_CODE,
        reason="旅券の発給の審査",
        affair="旅券の発給",
        provider_municipality_code="112089",
        recipient="外務省",
        items=[agencies_pb.ITEM_NAME, agencies_pb.ITEM_ADDRESS],
    )
    one.provided_time.FromDatetime(at)
    return one


def log(count: int) -> pb.ListProvisionsResponse:
    told = pb.ListProvisionsResponse(total=count, first_day="2019-12-05", last_day="2026-11-30")
    told.provisions.extend(
        provided(datetime(2026, 11, 1, 15, minute % 60, tzinfo=UTC)) for minute in range(count)
    )
    return told


def paper_of(told: pb.ListProvisionsResponse) -> DisclosurePaper:
    return DisclosurePaper(
        title=words.LOG_TITLE,
        statement=words.LOG_STATEMENT,
        disclosed_on=date(2026, 12, 5),
        rows=tuple(words.log_rows(told)),
        head=words.HEAD,
        lines=tuple(words.provision_cells(one) for one in told.provisions),
        note="" if told.provisions else words.NO_SUCH_RECORD,
    )


def test_the_log_shows_each_field_of_the_law(fonts: Fonts) -> None:
    (page,) = pages_of(disclosure_pdf(paper_of(log(1)), fonts=fonts))

    for item in (
        words.LOG_TITLE,
        "令和元年12月5日から令和8年11月30日まで",
        "1件",
        "令和8年12月5日",
        "住民票コードによる照会",
        "旅券の発給の審査",
        "埼玉県所沢市",
        "外務省",
        "氏名、住所",
        *words.HEAD,
    ):
        assert item in page
    assert words.NO_SUCH_RECORD not in page


def test_times_are_those_of_japan() -> None:
    cells = words.provision_cells(provided(datetime(2026, 11, 30, 15, 0, tzinfo=UTC)))

    assert cells[0] == "2026-12-01 00:00:00"


def test_no_such_record_is_a_paper_of_its_own(fonts: Fonts) -> None:
    (page,) = pages_of(disclosure_pdf(paper_of(log(0)), fonts=fonts))

    assert words.NO_SUCH_RECORD in page
    assert "令和8年11月30日まで" in page
    assert words.HEAD[5] not in page


def test_a_long_log_goes_on_over_pages_with_its_head(fonts: Fonts) -> None:
    pages = pages_of(disclosure_pdf(paper_of(log(60)), fonts=fonts))

    assert len(pages) > 1
    assert all(words.HEAD[5] in page for page in pages)


def test_an_answer_of_yes_or_no_says_so() -> None:
    one = provided(datetime(2026, 11, 1, tzinfo=UTC))
    del one.items[:]

    assert words.provision_cells(one)[-1] == words.YES_OR_NO


def test_a_value_of_a_later_version_is_shown_as_unknown() -> None:
    one = provided(datetime(2026, 11, 1, tzinfo=UTC))
    one.usage_method = 99  # type: ignore[assignment]

    assert words.provision_cells(one)[1] == words.UNKNOWN


def test_every_method_and_item_has_its_word() -> None:
    methods, items = pb.UsageMethod.values()[1:], agencies_pb.Item.values()[1:]

    assert (sorted(words.METHODS), sorted(words.ITEMS)) == (sorted(methods), sorted(items))


def own() -> pb.GetOwnInformationResponse:
    told = pb.GetOwnInformationResponse(
        information=agencies_pb.IdentityInformation(
            name="髙橋　一郎",
            sex=Entries.SEX_MALE,
            address="埼玉県所沢市並木一丁目1番地",
            code="24727059608",
            date_of_birth=CivilDate(original_text="昭和22年3月1日"),
        ),
        change_reason=CHANGE_REASON_MOVE_IN,
        change_date=CivilDate(original_text="令和8年4月1日"),
        municipality_code="112089",
    )
    told.disclosed_time.FromDatetime(datetime(2026, 12, 4, 15, 0, tzinfo=UTC))
    return told


def test_own_information_is_printed_as_registered(fonts: Fonts) -> None:
    told = own()
    paper = DisclosurePaper(
        title=words.OWN_TITLE,
        statement=words.OWN_STATEMENT,
        disclosed_on=words.day_of(told.disclosed_time),
        rows=tuple(words.own_rows(told)),
    )

    (page,) = pages_of(disclosure_pdf(paper, fonts=fonts))

    for item in ("髙橋　一郎", "24727059608", "転入", "令和8年12月5日", "埼玉県所沢市並木一丁目"):
        assert item in page


def test_an_alias_is_shown_where_there_is_one() -> None:
    told = own()
    told.information.alias = "山田　太郎"

    assert ("通称", "山田　太郎") in list(words.own_rows(told))


def test_a_name_that_no_font_has_is_not_printed(fonts: Fonts) -> None:
    paper = DisclosurePaper("開示", "開示", date(2026, 12, 5), (("氏名", "\U0010fffd"),))

    with pytest.raises(CharacterUnsupported):
        disclosure_pdf(paper, fonts=fonts)
