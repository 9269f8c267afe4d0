from __future__ import annotations

import base64

import pytest

from tests.support.renderings import SHORTEST, found_in, renderings

TEXTS = ("24727059608", "𠮷田", "埼玉県所沢市並木一丁目")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("before", [0, 1, 2, 3, 4])
def test_base64_is_found_at_every_alignment(text: str, before: int) -> None:
    planted = base64.b64encode(b"x" * before + text.encode() + b"yz")

    assert any(name.startswith("utf-8 base64") for name in found_in(planted, text))


@pytest.mark.parametrize("text", TEXTS)
def test_each_rendering_is_found_where_it_is_planted(text: str) -> None:
    for name, form in renderings(text).items():
        assert name in found_in(b"before" + form + b"after", text)


def test_nothing_is_found_where_nothing_is() -> None:
    assert found_in(bytes(range(256)) * 8, "24727059608") == []


def test_an_encoding_that_lacks_a_character_is_left_out() -> None:
    assert not any(name.startswith("shift_jis") for name in renderings("𠮷"))


def test_a_form_that_chance_would_find_is_left_out() -> None:
    forms = renderings("直美")

    assert min(map(len, forms.values())) >= SHORTEST
    assert "utf-8" in forms
    assert "shift_jis" not in forms
