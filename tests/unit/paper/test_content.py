"""The payload of a signed copy: read as it stands, refused in any other form."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_terminal.paper.content import (
    CopyContent,
    Item,
    Municipality,
    Person,
    Proof,
    Scope,
    decode_content,
)
from juki_terminal.paper.errors import ContentRefused
from tests.support.copy_content import document, encode, payload_of, person

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "copy-content.json"
PAYLOAD = payload_of(document())


def test_whole_document_is_read_as_it_stands() -> None:
    content = decode_content(PAYLOAD)

    assert content == CopyContent(
        issue_number="131016-20261123-000042-7K3Q",
        issued_at=datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC),
        issuer=Municipality("131016", "東京都千代田区"),
        residence=Municipality("112089", "埼玉県所沢市"),
        request_id=bytes(range(16)),
        proof=Proof.CARD,
        evidence=bytes(range(32)),
        scope=Scope.SELF,
        items=(),
        persons=(
            Person(
                name="\U00020bb7田　太郎",
                kana="ヨシダ　タロウ",
                alias=None,
                birth="昭和45年3月2日",
                sex="男",
                address="埼玉県所沢市並木一丁目1番地の1",
                resident_since="平成12年4月1日",
                address_since="平成15年6月10日",
                notified="平成15年6月12日",
                previous_address="埼玉県川越市元町一丁目3番地1",
                householder=None,
                relationship=None,
                resident_code=None,
            ),
        ),
        digest=hashlib.sha256(encode(document())).digest(),
    )


def test_items_asked_for_are_read() -> None:
    entry = person(head="\U00020bb7田　太郎", rel="本人", code="07215594348")
    doc = document(scope="household", items=["relationship", "code"], per=[entry, entry])

    content = decode_content(payload_of(doc))

    assert content.items == (Item.RELATIONSHIP, Item.RESIDENT_CODE)
    assert content.persons[1].resident_code == "07215594348"
    assert content.persons[1].relationship == "本人"


def test_optional_entries_left_out_are_none() -> None:
    entry = person(kana=None, addrs=None, notif=None, prev=None, sex="")

    (read,) = decode_content(payload_of(document(per=[entry]))).persons

    assert (read.kana, read.address_since, read.notified, read.previous_address) == (None,) * 4
    assert read.sex == ""


def test_registered_alias_is_read() -> None:
    entry = person(name="WANG　XIAOMING", alias="田中　小明")

    (read,) = decode_content(payload_of(document(per=[entry]))).persons

    assert (read.name, read.alias) == ("WANG　XIAOMING", "田中　小明")


@pytest.mark.parametrize(
    "name",
    [
        "\ufa19谷",
        "山\ufa11",
        "\u9ad9橋",
        "葛\U000e0100城",
        "\u4d92藤\U000e0103　太朗\U000e0105",
        "渡\U0002e7bd",
    ],
    ids=lambda name: "-".join(f"{ord(c):X}" for c in name),
)
def test_name_is_never_normalised(name: str) -> None:
    content = decode_content(payload_of(document(per=[person(name=name)])))

    assert content.persons[0].name == name


def test_representation_shows_no_personal_datum() -> None:
    shown = repr(decode_content(PAYLOAD))

    assert "Person(***)" in shown
    assert not any(value in shown for value in person().values())


def test_committed_vectors_are_read() -> None:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))

    contents = [decode_content(bytes.fromhex(case["payload"])) for case in vectors["copies"]]

    assert [c.digest.hex() for c in contents] == [case["sha"] for case in vectors["copies"]]
    assert [len(c.persons) for c in contents] == [case["persons"] for case in vectors["copies"]]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    *((f"{key} missing", {key: None}, f"doc.{key}") for key in document()),
    ("unknown key", {"hon": "東京都"}, "doc"),
    ("version 2", {"v": 2}, "doc.v"),
    ("version true", {"v": True}, "doc.v"),
    ("number as float", {"at": 1795395723.0}, "doc.at"),
    ("before the service began", {"at": 1_061_737_199}, "doc.at"),
    ("after 2099", {"at": 4_102_412_401}, "doc.at"),
    ("issue number in lower case", {"no": "131016-20261123-000042-7k3q"}, "doc.no"),
    ("issue number with line break", {"no": "131016-20261123-000042-7K3Q\n"}, "doc.no"),
    ("municipality of 5 digits", {"iss": "13101"}, "doc.iss"),
    ("municipality in full width", {"res": "１１２０８９"}, "doc.res"),
    ("municipality name empty", {"resn": ""}, "doc.resn"),
    ("municipality name with bidi control", {"issn": "東京\u202e都"}, "doc.issn"),
    ("request id of 15 bytes", {"req": bytes(15)}, "doc.req"),
    ("request id as text", {"req": "0" * 16}, "doc.req"),
    ("evidence of 31 bytes", {"ev": bytes(31)}, "doc.ev"),
    ("unknown proof", {"by": "letter"}, "doc.by"),
    ("unknown scope", {"scope": "street"}, "doc.scope"),
    ("items in another order", {"items": ["code", "relationship"]}, "items"),
    ("item twice", {"items": ["code", "code"]}, "items"),
    ("unknown item", {"items": ["domicile"]}, "items"),
    ("item that is a list", {"items": [["code"]]}, "items"),
    ("nobody", {"per": []}, "doc.per"),
    ("two persons for oneself", {"per": [person(), person()]}, "doc.per"),
    ("51 persons", {"scope": "household", "per": [person()] * 51}, "doc.per"),
    ("person that is text", {"per": ["太郎"]}, "per[0]"),
    ("relationship not asked for", {"per": [person(rel="子")]}, "per[0]"),
    ("householder not asked for", {"per": [person(head="太郎")]}, "per[0]"),
    ("code not asked for", {"per": [person(code="24727059608")]}, "per[0]"),
    ("code of 10 digits", {"items": ["code"], "per": [person(code="2472705960")]}, "per[0].code"),
    ("name missing", {"per": [person(name=None)]}, "per[0].name"),
    ("name with line break", {"per": [person(name="太郎\n次郎")]}, "per[0].name"),
    ("name with zero-width joiner", {"per": [person(name="太\u200d郎")]}, "per[0].name"),
    ("name in private use", {"per": [person(name="\ue000郎")]}, "per[0].name"),
    ("name with no-break space", {"per": [person(name="太\u00a0郎")]}, "per[0].name"),
    ("name of 101 characters", {"per": [person(name="あ" * 101)]}, "per[0].name"),
    ("address of 402 characters", {"per": [person(addr="あ" * 402)]}, "per[0].addr"),
    ("unknown sex", {"per": [person(sex="不明")]}, "per[0].sex"),
]


@pytest.mark.parametrize(
    ("changes", "field"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_document_of_another_form_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    doc = document(**changes)

    with pytest.raises(ContentRefused) as refused:
        decode_content(payload_of(doc))

    assert refused.value.field == field
    assert not any(value in str(refused.value) for value in person().values())


def test_refused_name_is_not_in_the_message() -> None:
    doc = document(per=[person(name="山田\u202e太郎")])

    with pytest.raises(ContentRefused, match=r"U\+202E") as refused:
        decode_content(payload_of(doc))

    assert "山田" not in str(refused.value)


def test_digest_of_another_document_is_refused() -> None:
    payload = encode({"doc": document(), "sha": bytes(32)})

    with pytest.raises(ContentRefused, match="digest"):
        decode_content(payload)


def test_payload_with_a_third_key_is_refused() -> None:
    payload = encode({**cbor2.loads(PAYLOAD), "x": 1})

    with pytest.raises(ContentRefused, match="unknown"):
        decode_content(payload)


def _map_of(*pairs: tuple[str, object]) -> bytes:
    body = b"".join(cbor2.dumps(key) + cbor2.dumps(value, canonical=True) for key, value in pairs)
    return bytes([0xA0 | len(pairs)]) + body


SHA = hashlib.sha256(encode(document())).digest()
OTHER_ENCODINGS = {
    "trailing byte": PAYLOAD + b"\x00",
    "two items": PAYLOAD + PAYLOAD,
    "keys in another order": _map_of(("sha", SHA), ("doc", document())),
    "key twice": _map_of(("doc", document()), ("sha", SHA), ("sha", SHA)),
    "indefinite map": b"\xbf" + PAYLOAD[1:] + b"\xff",
    "length in two bytes": b"\xb8\x02" + PAYLOAD[1:],
    "text in pieces": PAYLOAD.replace(b"\x63doc", b"\x7f\x63doc\xff", 1),
    "keys inside in another order": PAYLOAD.replace(
        encode(document()), cbor2.dumps(dict(sorted(document().items())))
    ),
    "self-described": b"\xd9\xd9\xf7" + PAYLOAD,
    "truncated": PAYLOAD[:-1],
    "empty": b"",
}


@pytest.mark.parametrize("payload", OTHER_ENCODINGS.values(), ids=OTHER_ENCODINGS.keys())
def test_other_encoding_of_the_same_content_is_refused(payload: bytes) -> None:
    assert payload != PAYLOAD

    with pytest.raises(ContentRefused):
        decode_content(payload)


@given(st.binary(max_size=300))
def test_noise_meets_nothing_but_a_refusal(noise: bytes) -> None:
    with pytest.raises(ContentRefused):
        decode_content(noise)


@given(st.integers(0, len(PAYLOAD) - 1), st.integers(1, 255))
def test_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(PAYLOAD)
    changed[place] ^= change

    with pytest.raises(ContentRefused):
        decode_content(bytes(changed))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(document())), VALUES)
def test_value_of_any_kind_is_read_or_refused(key: str, value: object) -> None:
    doc = {**document(), key: value}

    try:
        content = decode_content(payload_of(doc))
    except ContentRefused:
        return

    assert content.digest == hashlib.sha256(encode(doc)).digest()


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00", b"\xd8\x1c", b"\xd8\x23", b"\x9f"])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    with pytest.raises(ContentRefused):
        decode_content(opening * 20_000)
