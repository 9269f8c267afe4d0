"""Invented residents: the same for the same seed, and as people are."""

from __future__ import annotations

import random  # noqa: TID251  # seeded, as the command does
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date
from itertools import islice

import pytest

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode, is_issuable
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import Nationality
from juki_center.areas.residents.register_file import COLUMNS, Layout, parse_update
from juki_center.areas.residents.synthetic import Line, Synthesis
from juki_center.areas.residents.synthetic_codes import codes, permuted
from juki_center.areas.residents.synthetic_families import YEAR, Families, Member
from juki_center.areas.residents.synthetic_places import Country, Places
from juki_center.data import municipality_rows, synthetic_rows
from juki_center.errors import RuleBroken

AS_OF = date(2026, 4, 1)
COUNTRY = Country(Municipalities.parse(municipality_rows()), AS_OF)


def people(count: int, seed: int = 1, *wanted: str) -> list[Line]:
    draws = random.Random(seed)
    places = Places(synthetic_rows, COUNTRY, tuple(map(MunicipalityCode, wanted)))
    return list(Synthesis(synthetic_rows, places, draws, AS_OF).lines(count))


@pytest.fixture(scope="module")
def crowd() -> list[Line]:
    return people(12_000)


def test_the_same_seed_gives_the_same_people() -> None:
    assert people(200, 7) == people(200, 7)
    assert people(200, 7) != people(200, 8)


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    assert people(300)[:200] == people(200)


def test_another_process_gives_the_same_people() -> None:
    program = (
        "import hashlib\nfrom tests.unit.center.test_synthetic import people\n"
        "print(hashlib.sha256(repr(people(300, 5)).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert len(found) == 1


def test_codes_are_valid_issuable_and_never_twice(crowd: list[Line]) -> None:
    found = [ResidentCode(line["code"]) for line in crowd]

    assert len(set(found)) == len(crowd)
    assert all(map(is_issuable, found))


def test_the_order_of_codes_is_a_permutation() -> None:
    keys = [11, 22, 33, 44]

    images = {permuted(index, keys) for index in range(0, 10**10, 99_991)}

    assert len(images) == len(range(0, 10**10, 99_991))
    assert max(images) < 10**10


def test_codes_of_two_streams_differ() -> None:
    first, second = (set(islice(codes(random.Random(seed)), 500)) for seed in (1, 2))

    assert not first & second


def test_names_and_addresses_stand_as_the_register_stores_them(crowd: list[Line]) -> None:
    for line in crowd:
        nationality = Nationality(line.get("nationality", Nationality.JAPANESE))
        for column in ("name", "kanji_name", "alias", "family_register_head"):
            text = line.get(column, "")
            assert accept_name(text, nationality) == text
        for column in ("address", "building", "previous_address", "registered_domicile"):
            text = line.get(column, "")
            assert accept_address(text) == text
        assert accept_kana(line["kana"]) == line["kana"]


def test_every_household_has_one_householder_and_one_address(crowd: list[Line]) -> None:
    households = defaultdict(list)
    for line in crowd[:-10]:
        households[line["municipality"], line["household"]].append(line)

    for members in households.values():
        assert [one["relationship"] for one in members].count("世帯主") == 1
        assert len({one["address"] for one in members}) == 1


def test_surnames_are_as_frequent_as_in_the_country(crowd: list[Line]) -> None:
    surnames = Counter(line["name"].split("\u3000")[0] for line in crowd)

    assert surnames["佐藤"] > surnames["馬場"] > 0
    assert 0.01 < surnames["佐藤"] / len(crowd) < 0.06
    assert len(surnames) > 300


def test_a_realistic_share_writes_a_variant_kanji(crowd: list[Line]) -> None:
    surnames = Counter(line["name"].split("\u3000")[0] for line in crowd)

    assert 0.15 < surnames["髙橋"] / (surnames["高橋"] + surnames["髙橋"]) < 0.45
    assert {"𠮷田", "渡邊", "山﨑"} <= surnames.keys()
    assert any("\U000e0100" <= mark <= "\U000e01ef" for name in surnames for mark in name)
    assert any(mark == "\ufa10" for name in surnames for mark in name)


def test_a_small_share_is_foreign_with_latin_names(crowd: list[Line]) -> None:
    foreign = [line for line in crowd if line.get("nationality") == Nationality.FOREIGN]

    assert 0.01 < len(foreign) / len(crowd) < 0.05
    assert all(line["name"].isupper() for line in foreign)
    assert all(line["birth"][:2] in {"19", "20"} for line in foreign)
    assert not any("registered_domicile" in line for line in foreign)
    assert any(line.get("kanji_name") for line in foreign)
    assert any(line.get("alias") for line in foreign)


def test_a_few_births_are_known_in_part_only() -> None:
    births = [line["birth"] for line in people(30_000, 4)]

    vague = [text for text in births if "不詳" in text or "頃" in text or "推定" in text]
    assert 0 < len(vague) / len(births) < 0.003


def test_only_wanted_municipalities_are_lived_in() -> None:
    found = {line["municipality"] for line in people(500, 1, "112089", "141003")}

    assert found == {"112089", "141003"}


def test_an_address_in_a_designated_city_begins_with_a_ward() -> None:
    assert all(
        line["address"].startswith("神奈川県横浜市") and "区" in line["address"]
        for line in people(200, 1, "141003")
    )


@pytest.mark.parametrize(
    ("code", "rule"),
    [("141046", "NO_REGISTER_OF_ITS_OWN"), ("471992", "MUNICIPALITY_UNKNOWN")],
)
def test_a_ward_or_an_unknown_municipality_is_refused(code: str, rule: str) -> None:
    with pytest.raises(RuleBroken, match=rule):
        people(1, 1, code)


def households(count: int) -> list[list[Member]]:
    draws, families = random.Random(3), Families()
    return [families.household(draws) for _ in range(count)]


def test_parents_are_20_to_45_years_older_than_their_children() -> None:
    for members in households(5_000):
        parents = [one for one in members if one.relationship in {"世帯主", "妻", "夫"}]
        children = [one for one in members if one.is_child]
        elders = [one for one in members if one.relationship in {"父", "母"}]
        pairs = [(parent, child) for parent in parents for child in children]
        pairs += [(elder, members[0]) for elder in elders]
        for parent, child in pairs:
            assert 20 * YEAR <= parent.age - child.age <= 45 * YEAR


def test_spouses_are_near_in_age_and_nobody_is_unborn() -> None:
    for members in households(5_000):
        assert all(0 <= one.age <= 104 * YEAR for one in members)
        for spouse in (one for one in members if one.relationship in {"妻", "夫"}):
            assert abs(spouse.age - members[0].age) < 10 * YEAR


def test_households_are_of_every_kind() -> None:
    sizes = Counter(len(members) for members in households(5_000))
    relationships = {one.relationship for members in households(5_000) for one in members}

    assert {1, 2, 3, 4, 5} <= sizes.keys()
    assert relationships == {"世帯主", "妻", "夫", "子", "父", "母"}


def test_every_line_is_one_that_the_register_takes(crowd: list[Line]) -> None:
    layout = Layout(COLUMNS)

    for line in crowd:
        text = ",".join(line.get(column, "") for column in COLUMNS)
        assert parse_update(layout, text).record.code.digits == line["code"]
