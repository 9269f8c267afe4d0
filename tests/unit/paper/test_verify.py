"""The verdict on a copy: valid for the one true paper, and for nothing near it."""

from __future__ import annotations

import io
import os
import secrets
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pikepdf
import pytest

from juki_terminal.paper.attachment import MAX_DOCUMENT, extract_signed_content
from juki_terminal.paper.envelope import open_envelope
from juki_terminal.paper.errors import CharacterUnsupported, DocumentAltered, DocumentUnreadable
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.qr import qr_text
from juki_terminal.paper.render import ATTACHMENT, render
from juki_terminal.paper.trust import CopySigners
from juki_terminal.paper.verify import State, to_png, verify
from tests.support.copy_content import make_signer, person, signed_copy
from tests.support.copy_vectors import HOUSEHOLD

SIGNER = make_signer()
COPY = signed_copy(SIGNER)
HOUSEHOLD_COPY = signed_copy(
    SIGNER, scope="household", items=["relationship", "code"], per=HOUSEHOLD
)
NUMBER = "131016-20261123-000042-7K3Q"
FLIPS = 2_000 if os.environ.get("JUKI_LONG") == "1" else 40


@cache
def _pdf(octets: bytes = COPY) -> bytes:
    return render(octets).pdf


def _rewritten(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """Return the PDF after an edit by another program."""
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(_pdf())) as document:
        change(document)
        document.save(saved)
    return saved.getvalue()


def _pdf_with_attachment(octets: bytes) -> bytes:
    def attach(document: pikepdf.Pdf) -> None:
        document.attachments[ATTACHMENT] = pikepdf.AttachedFileSpec(document, octets)

    return _rewritten(attach)


def test_paper_of_a_trusted_signer_is_valid(trust: CopySigners, fonts: Fonts) -> None:
    verdict = verify(_pdf(), trust, fonts=fonts)

    assert verdict.state is State.VALID
    assert verdict.issue_number == NUMBER
    assert not verdict.online
    assert person()["name"] in verdict.plain_text()
    assert person()["name"] not in repr(verdict)


def test_full_code_of_a_trusted_signer_is_valid_offline(trust: CopySigners) -> None:
    verdict = verify(qr_text(open_envelope(COPY)), trust)

    assert verdict.state is State.VALID
    assert "by eye" in verdict.detail
    assert person()["addr"] in verdict.plain_text()


def test_short_code_needs_the_center(trust: CopySigners) -> None:
    verdict = verify(qr_text(open_envelope(HOUSEHOLD_COPY)), trust)

    assert verdict.state is State.NEEDS_CENTER
    assert verdict.plain_text() == f"発行番号: {NUMBER}"


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_any_flipped_byte_of_the_pdf_is_never_valid(trust: CopySigners, fonts: Fonts) -> None:
    flips = [(secrets.randbelow(len(_pdf())), 1 + secrets.randbelow(255)) for _ in range(FLIPS)]

    states = {flip: verify(_flipped(_pdf(), *flip), trust, fonts=fonts).state for flip in flips}

    assert [flip for flip, state in states.items() if state is State.VALID] == []
    assert State.ALTERED in states.values()


def _flipped(octets: bytes, place: int, change: int) -> bytes:
    changed = bytearray(octets)
    changed[place] ^= change
    return bytes(changed)


def test_any_flipped_byte_of_the_attachment_is_refused(trust: CopySigners, fonts: Fonts) -> None:
    states = set()

    for place in range(0, len(COPY), 16):
        pdf = _pdf_with_attachment(_flipped(COPY, place, 0x01))
        states.add(verify(pdf, trust, fonts=fonts).state)

    assert states <= {State.ALTERED, State.UNKNOWN_SIGNER}
    assert State.ALTERED in states


def _change_name_on_page(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    content = page.Contents.read_bytes()
    at = content.index(b"<", content.index(b"Tj") - 80)
    page.Contents = document.make_stream(content[:at] + b"<0001>" + content[at + 6 :])


ALTERATIONS: dict[str, Callable[[], bytes]] = {
    "text on the page": lambda: _rewritten(_change_name_on_page),
    "saved by another program": lambda: _rewritten(lambda _: None),
    "a page more": lambda: _rewritten(lambda document: document.pages.append(document.pages[0])),
    "byte at the end": lambda: _pdf() + b"\n",
    "update at the end": lambda: _pdf() + b"1 0 obj\n<</Type/Catalog>>\nendobj\n",
    "paper of one, content of another": lambda: _pdf_with_attachment(
        signed_copy(SIGNER, per=[person(name="別人　太郎")])
    ),
    "content that is none": lambda: _pdf_with_attachment(b"\xd2\x80"),
    "signature of another copy": lambda: _pdf_with_attachment(COPY[:-64] + HOUSEHOLD_COPY[-64:]),
}


@pytest.mark.parametrize("make", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_changed_paper_is_altered(
    trust: CopySigners, fonts: Fonts, make: Callable[[], bytes]
) -> None:
    assert verify(make(), trust, fonts=fonts).state is State.ALTERED


def test_altered_paper_still_shows_what_was_signed(trust: CopySigners, fonts: Fonts) -> None:
    verdict = verify(_rewritten(_change_name_on_page), trust, fonts=fonts)

    assert verdict.issue_number == NUMBER
    assert person()["name"] in verdict.plain_text()


def test_whole_forgery_by_a_stranger_is_of_an_unknown_signer(
    trust: CopySigners, fonts: Fonts
) -> None:
    stranger = make_signer(scalar=99)
    octets = signed_copy(stranger)

    assert verify(_pdf(octets), trust, fonts=fonts).state is State.UNKNOWN_SIGNER
    assert verify(qr_text(open_envelope(octets)), trust).state is State.UNKNOWN_SIGNER
    assert (
        verify(_pdf(octets), CopySigners.from_pem(stranger.pem), fonts=fonts).state is State.VALID
    )


def test_signer_after_its_time_is_unknown(fonts: Fonts) -> None:
    late = make_signer(since=datetime(2020, 1, 1, tzinfo=UTC), days=365)
    trust = CopySigners.from_pem(late.pem)

    verdict = verify(_pdf(signed_copy(late)), trust, fonts=fonts)

    assert verdict.state is State.UNKNOWN_SIGNER
    assert "not valid at the time" in verdict.detail


def test_changed_character_of_the_full_code_is_never_valid(trust: CopySigners) -> None:
    text = qr_text(open_envelope(COPY))

    states = {
        verify(text[:place] + other + text[place + 1 :], trust).state
        for place in range(len(text))
        for other in "0Z"
        if text[place] != other
    }

    assert State.VALID not in states


UNREADABLE: dict[str, Callable[[], bytes | str]] = {
    "empty": lambda: b"",
    "no PDF": lambda: b"%PDF-1.7 but not really",
    "half": lambda: _pdf()[: len(_pdf()) // 2],
    "no attachment": lambda: _rewritten(_detach),
    "two attachments": lambda: _rewritten(_attach_twice),
    "bomb": lambda: _rewritten(_attach_bomb),
    "unknown packing": lambda: _rewritten(_attach_packed),
    "damaged packing": lambda: _rewritten(_attach_damaged),
    "longer than 8 MiB": lambda: _pdf() + bytes(MAX_DOCUMENT),
    "other text": lambda: "https://example.org/",
}


def _detach(document: pikepdf.Pdf) -> None:
    del document.attachments[ATTACHMENT]


def _attach_twice(document: pikepdf.Pdf) -> None:
    document.attachments["second.cose"] = pikepdf.AttachedFileSpec(document, COPY)


def _attach_raw(document: pikepdf.Pdf, raw: bytes, packing: str) -> None:
    file = document.attachments[ATTACHMENT].obj.EF.F
    file.write(raw, filter=pikepdf.Name(packing))


def _attach_bomb(document: pikepdf.Pdf) -> None:
    _attach_raw(document, zlib.compress(bytes(20_000_000), 9), "/FlateDecode")


def _attach_packed(document: pikepdf.Pdf) -> None:
    _attach_raw(document, COPY, "/DCTDecode")


def _attach_damaged(document: pikepdf.Pdf) -> None:
    _attach_raw(document, b"\x78\x9c" + COPY, "/FlateDecode")


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_copy_is_unreadable(
    trust: CopySigners, fonts: Fonts, make: Callable[[], bytes | str]
) -> None:
    verdict = verify(make(), trust, fonts=fonts)

    assert verdict.state is State.UNREADABLE
    assert verdict.plain_text() == ""


def test_attachment_without_packing_is_read() -> None:
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(_pdf())) as document:
        document.attachments[ATTACHMENT].obj.EF.F.write(COPY)
        document.save(saved, compress_streams=False)

    assert extract_signed_content(saved.getvalue()) == COPY


@pytest.mark.parametrize(
    "answer", [State.VALID, State.RECALLED, State.NOT_ISSUED, State.ALTERED, State.UNKNOWN_SIGNER]
)
@pytest.mark.parametrize("form", ["pdf", "full code", "short code"])
def test_center_has_the_last_word(
    trust: CopySigners, fonts: Fonts, answer: State, form: str
) -> None:
    documents: dict[str, tuple[bytes | str, bytes | str]] = {
        "pdf": (_pdf(), COPY),
        "full code": (qr_text(open_envelope(COPY)),) * 2,
        "short code": (qr_text(open_envelope(HOUSEHOLD_COPY)),) * 2,
    }
    document, evidence = documents[form]
    asked: list[bytes | str] = []

    def center(about: bytes | str) -> State:
        asked.append(about)
        return answer

    verdict = verify(document, trust, ask_center=center, fonts=fonts)

    assert verdict.state is answer
    assert verdict.online
    assert asked == [evidence]


def test_center_is_not_asked_about_a_forgery(trust: CopySigners, fonts: Fonts) -> None:
    def center(_: bytes | str) -> State:
        pytest.fail("asked about an altered copy")

    verdict = verify(_pdf() + b" ", trust, ask_center=center, fonts=fonts)

    assert verdict.state is State.ALTERED
    assert not verdict.online


def test_center_out_of_reach_is_the_callers_to_handle(trust: CopySigners) -> None:
    def center(_: bytes | str) -> State:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        verify(qr_text(open_envelope(COPY)), trust, ask_center=center)


def test_paper_that_cannot_be_set_here_is_no_verdict(trust: CopySigners) -> None:
    name = "NGUYỄN THỊ HÀ"
    pdf = _pdf(signed_copy(SIGNER, per=[person(name=name)]))
    installed = Fonts.find()
    without_latin = Fonts(installed.faces[:2], installed.typesetter)

    with pytest.raises(CharacterUnsupported):
        verify(pdf, trust, fonts=without_latin)


def test_picture_is_made_of_the_true_paper_only(fonts: Fonts) -> None:
    pages = to_png(_pdf(), fonts=fonts, pixels_per_inch=30)

    assert [page[:8] for page in pages] == [b"\x89PNG\r\n\x1a\n"]
    with pytest.raises(DocumentAltered):
        to_png(_pdf() + b" ", fonts=fonts)
    with pytest.raises(DocumentUnreadable):
        to_png(b"%PDF", fonts=fonts)
