"""The QR code: two forms, one boundary, read back by another's decoder."""

from __future__ import annotations

import io
import json

import base45
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from juki_terminal.paper.envelope import SignedCopy, open_envelope
from juki_terminal.paper.errors import ContentRefused, DocumentUnreadable
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.qr import MAX_TEXT, ShortCode, qr_text, read_qr_text
from juki_terminal.paper.render import render
from tests.support.copy_content import CopySigner, encode, person, signed_copy
from tests.support.copy_vectors import HOUSEHOLD, VECTORS


def test_committed_vectors_have_these_texts() -> None:
    copies = json.loads(VECTORS.read_text(encoding="utf-8"))["copies"]

    texts = [qr_text(open_envelope(bytes.fromhex(case["signed_content"]))) for case in copies]

    assert texts == [case["qr_text"] for case in copies]
    assert [text.split(":")[0] for text in texts] == ["JUKI1F", "JUKI1", "JUKI1F"]


def test_full_text_gives_the_signed_content_back(signer: CopySigner) -> None:
    octets = signed_copy(signer)

    found = read_qr_text(qr_text(open_envelope(octets)))

    assert isinstance(found, SignedCopy)
    assert found.octets == octets


def test_short_text_names_the_issue_and_its_signature(signer: CopySigner) -> None:
    signed = open_envelope(signed_copy(signer, scope="household", per=[person()] * 4))

    found = read_qr_text(qr_text(signed))

    assert found == ShortCode(
        signed.content.issue_number, signed.content.digest, signer.key_id, signed.signature
    )


def test_longest_full_text_fits_and_the_next_is_short(signer: CopySigner) -> None:
    texts = [
        qr_text(open_envelope(signed_copy(signer, per=[person(addr="A" * 150, prev="A" * size)])))
        for size in range(1, 200)
    ]

    full = [text for text in texts if text.startswith("JUKI1F:")]
    assert 0 < len(full) < len(texts)
    assert texts[: len(full)] == full
    assert MAX_TEXT - 3 <= len(full[-1]) <= MAX_TEXT


@pytest.mark.parametrize("persons", [1, 3])
def test_code_on_the_page_is_read_by_another_decoder(
    signer: CopySigner, fonts: Fonts, persons: int
) -> None:
    entries = [person()] if persons == 1 else HOUSEHOLD
    changes = {"scope": "household", "items": ["relationship", "code"]} if persons > 1 else {}
    rendered = render(signed_copy(signer, per=entries, **changes), fonts=fonts)

    page = Image.open(io.BytesIO(rendered.png(pixels_per_inch=200)[-1]))
    (found,) = zxingcpp.read_barcodes(page)

    assert found.format.name == "QRCode"
    assert found.text == rendered.qr_text


REFUSED = {
    "empty": "",
    "other prefix": "JUKI2:ABC",
    "lower case": "juki1:ABC",
    "line break at the end": "JUKI1:BB8\n",
    "character outside base45": "JUKI1F:bb8",
    "impossible length": "JUKI1:A",
    "impossible value": "JUKI1:GGW",
    "far too long": "JUKI1F:" + "0" * 80_000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_text_that_is_no_code_of_a_copy_is_unreadable(text: str) -> None:
    with pytest.raises(DocumentUnreadable):
        read_qr_text(text)


SHORT = {
    "no": "131016-20261123-000042-7K3Q",
    "sha": bytes(32),
    "kid": bytes(16),
    "sig": bytes(64),
}


@pytest.mark.parametrize(
    "change",
    [{"no": "x"}, {"sha": bytes(31)}, {"kid": b""}, {"sig": bytes(65)}, {"more": 1}],
    ids=str,
)
def test_short_code_of_another_form_is_refused(change: dict[str, object]) -> None:
    text = "JUKI1:" + base45.b45encode(encode({**SHORT, **change})).decode("ascii")

    with pytest.raises(ContentRefused):
        read_qr_text(text)


@given(st.sampled_from(["JUKI1:", "JUKI1F:"]), st.binary(max_size=150))
def test_noise_meets_nothing_but_a_refusal(prefix: str, noise: bytes) -> None:
    with pytest.raises((DocumentUnreadable, ContentRefused)):
        read_qr_text(prefix + base45.b45encode(noise).decode("ascii"))
