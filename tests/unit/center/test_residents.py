"""Residence records: their states, what they must hold, the samples, and whose office is whose."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from datetime import UTC, date, datetime

import cbor2
import orjson
import pytest

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, is_issuable
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.records import (
    Hold,
    HouseholdID,
    PersonID,
    ProtectiveMeasure,
    ResidenceState,
)
from juki_center.areas.residents.rules import (
    TRANSITIONS,
    ResidenceEvent,
    after,
)
from juki_center.areas.residents.samples import parse_samples
from juki_center.data import municipality_rows
from juki_center.errors import NotAllowed, RuleBroken
from juki_center.storage import record_codec
from tests.support.center import SAMPLES

YOSHIDA = SAMPLES["yoshida-taro"].record
WANG = SAMPLES["wang-xiaoming"].record


@pytest.mark.parametrize(("state", "event"), [*itertools.product(ResidenceState, ResidenceEvent)])
def test_every_event_in_every_state_is_in_the_table_or_not_allowed(
    state: ResidenceState, event: ResidenceEvent
) -> None:
    if (state, event) in TRANSITIONS:
        assert after(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(NotAllowed) as refused:
            after(state, event)
        assert (refused.value.state, refused.value.event) == (state, event)


@pytest.mark.parametrize("kind", [PersonID, HouseholdID])
def test_an_id_is_sixteen_bytes(kind: type[PersonID] | type[HouseholdID]) -> None:
    with pytest.raises(RuleBroken, match="SIXTEEN_BYTES"):
        kind(bytes(15))


@pytest.mark.parametrize("key", sorted(SAMPLES))
def test_a_record_comes_back_from_its_octets(key: str) -> None:
    record = SAMPLES[key].record

    assert record_codec.decode(record_codec.encode(record)) == (record, None)


@pytest.mark.parametrize(
    "text",
    [
        "昭和25年春",
        "令和3年5月1日から10日頃までの間",
        "昭和45年03月02日",
        "年月日不詳",
        "1985年4月 日不詳",
    ],
)
def test_a_date_comes_back_from_a_records_octets_with_its_text_and_its_span(text: str) -> None:
    record = replace(YOSHIDA, resident_since=parse_date(text))

    found, _ = record_codec.decode(record_codec.encode(record))

    assert found == record
    assert found.resident_since.paper_text == text


def test_case_17_the_hold_of_a_record_from_before_becomes_a_measure_that_can_be_ended() -> None:
    old = {
        "v": 1,
        "code": YOSHIDA.code.digits,
        "birth": list(record_codec.encode_date(YOSHIDA.birth)),
        "sex": "BLANK",
        "address": YOSHIDA.address,
        "resident_since": list(record_codec.encode_date(YOSHIDA.resident_since)),
        "nationality": "JAPANESE",
        "hold": "PROTECTIVE_MEASURE",
    }

    found, _ = record_codec.decode(cbor2.dumps(old))

    assert (found.hold, found.measure) == (None, ProtectiveMeasure())
    assert (found.name, found.kana, found.relationship) == ("", "", "")


@pytest.mark.parametrize("octets", [b"\xa1\x61v\x02", b"[3,null]"])
def test_a_record_of_an_unknown_version_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="version"):
        record_codec.decode(octets)


def test_every_entry_of_a_record_has_its_place_in_the_octets() -> None:
    full = replace(
        YOSHIDA,
        alias="吉田",
        kanji_name="吉田\u3000太郎",
        former_codes=(SAMPLES["tsuji-makoto"].record.code,),
        hold=Hold.UNDER_CORRECTION,
        measure=ProtectiveMeasure(date(2027, 3, 31), datetime(2026, 11, 23, 1, 0, tzinfo=UTC)),
        notified=parse_date("昭和45年3月2日"),
        building="並木団地1号棟",
        address_since=parse_date("昭和45年3月2日"),
        previous_address="東京都千代田区永田町一丁目1番地",
    )

    assert all(getattr(full, field.name) for field in fields(full))
    assert record_codec.decode(record_codec.encode(full)) == (full, None)


def test_a_record_from_before_an_entry_was_added_has_it_blank() -> None:
    shorter = orjson.dumps(orjson.loads(record_codec.encode(YOSHIDA))[:-1])

    assert record_codec.decode(shorter) == (YOSHIDA, None)


def test_a_record_in_its_first_form_is_read() -> None:
    born = ("ERA", "DAY", 45, 3, 2, "SHOWA", "昭和45年3月2日")
    entries = {"code": YOSHIDA.code.digits, "name": "吉田", "kana": "", "sex": "MALE"}
    dates = {"birth": born, "resident_since": born}
    rest = {"address": "並木一丁目1番地", "relationship": "世帯主", "hold": "UNDER_CORRECTION"}

    record, change = record_codec.decode(cbor2.dumps({"v": 1, **entries, **dates, **rest}))

    assert change is None
    assert (record.name, record.kana, record.hold) == ("吉田", "", Hold.UNDER_CORRECTION)
    assert record.birth.original_text == "昭和45年3月2日"


def test_a_records_repr_shows_nothing_personal() -> None:
    shown = repr(YOSHIDA)

    assert not any(text in shown for text in (YOSHIDA.name, YOSHIDA.address, YOSHIDA.code.digits))


def test_the_samples_are_three_households_in_each_of_five_municipalities() -> None:
    households = {(str(one.municipality), one.household) for one in SAMPLES.values()}
    counts = {code: sum(found == code for found, _ in households) for code, _ in households}

    assert counts == dict.fromkeys(["112089", "131016", "131121", "141003", "011002"], 3)


def test_the_samples_hold_the_hard_names_and_the_hard_cases() -> None:
    names = "".join(sample.record.name for sample in SAMPLES.values())
    texts = ["𠮷田", "髙橋", "山﨑", "\ufa19谷", "辻\U000e0101", "葛\U000e0100城", "渡\U0002e7bd"]

    assert all(text in names for text in texts)
    assert sum(sample.record.measure is not None for sample in SAMPLES.values()) == 1
    states = [sample.state for sample in SAMPLES.values()]
    assert states.count(ResidenceState.MOVED_OUT) == states.count(ResidenceState.DECEASED) == 1
    codes = [sample.record.code for sample in SAMPLES.values()]
    assert len({code.digits for code in codes}) == len(codes)
    assert all(is_issuable(code) for code in codes)
    assert any(code.digits.startswith("0") for code in codes)


def test_a_sample_that_the_register_could_not_hold_is_refused() -> None:
    member = {
        "key": "x",
        "code": "24727059608",
        "name": "㈱",
        "kana": "ア",
        "birth": "1985年4月1日",
    }
    household = {"municipality": "112089", "address": "所沢市", "member": [member]}

    with pytest.raises(RuleBroken):
        parse_samples(
            [{**household, "resident_since": "1985年4月1日", "sex": "MALE", "relationship": "子"}]
        )
    with pytest.raises(RuleBroken, match="LIST_OF_MEMBERS"):
        parse_samples([{**household, "member": "nobody"}])


def test_every_ward_office_keeps_the_register_of_a_city() -> None:
    all_of_them = Municipalities.parse(municipality_rows())
    codes = [MunicipalityCode(row["code6"]) for row in municipality_rows()]
    cities = {all_of_them.register_of(code) for code in codes if all_of_them[code].is_ward}

    assert len(cities) == 20
    assert not any(all_of_them[city].is_ward for city in cities)
    chiyoda = MunicipalityCode("131016")
    assert all_of_them.register_of(chiyoda) == chiyoda
    assert all_of_them[chiyoda].full_name == "東京都千代田区"
