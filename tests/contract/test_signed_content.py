"""What the center signs, the terminal reads, prints and verifies; and back by the QR code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.copies.commands import (
    Item,
    QRText,
    Scope,
    SignedContent,
    Verdict,
    VerifyCopy,
)
from juki_center.areas.copies.signature import CopySigner, CopyTrust
from juki_center.areas.copies.verify import verify_copy
from juki_center.areas.residents.records import ResidenceState
from juki_center.data import municipality_rows
from juki_terminal.paper import wording
from juki_terminal.paper.content import Municipality
from juki_terminal.paper.envelope import open_envelope
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.qr import qr_text
from juki_terminal.paper.render import render
from juki_terminal.paper.trust import CopySigners
from juki_terminal.paper.verify import State, verify
from tests.support.center import (
    CHIYODA,
    SAMPLES,
    TOKOROZAWA,
    Center,
    enter_everybody,
    make_policy,
    open_test_store,
)
from tests.support.copy_content import make_signer

SIGNER = make_signer()
TRUST = CopySigners.from_pem(SIGNER.pem)
DER = SIGNER.certificate.public_bytes(Encoding.DER)
CENTER_TRUST = CopyTrust((DER,))
PRINTABLE = sorted(
    key
    for key, sample in SAMPLES.items()
    if sample.state is ResidenceState.ACTIVE and sample.record.measure is None
)


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    """Return the installed fonts."""
    return Fonts.find()


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Center]:
    """Give a center with everybody in it, whose signer the terminal trusts."""
    store = open_test_store(tmp_path)
    await store.act(enter_everybody)
    yield Center(store, make_policy(CopySigner(SIGNER.key, DER)), CENTER_TRUST)
    store.close()


async def _issue(center: Center, key: str, scope: Scope, items: tuple[Item, ...]) -> bytes:
    home = SAMPLES[key].municipality
    terminal = CHIYODA if home != CHIYODA.municipality else TOKOROZAWA
    command = await center.command(key, terminal=terminal, scope=scope, items=items)
    return (await center.issue(command)).signed_content


@pytest.mark.parametrize("key", PRINTABLE)
async def test_copy_of_every_sample_resident_is_read_and_printed(
    center: Center, fonts: Fonts, key: str
) -> None:
    record = SAMPLES[key].record

    signed_content = await _issue(center, key, Scope.SELF, ())

    rendered = render(signed_content, fonts=fonts)
    verdict = verify(rendered.pdf, TRUST, fonts=fonts)
    assert verdict.state is State.VALID
    assert verdict.content is not None
    (person,) = verdict.content.persons
    assert person.name == record.name
    assert person.alias == (record.alias or None)
    assert person.address.startswith(record.address)
    assert (person.relationship, person.resident_code) == (None, None)
    assert record.code.digits not in verdict.plain_text()


async def test_registered_alias_of_a_foreign_resident_stands_on_the_copy(
    center: Center, fonts: Fonts
) -> None:
    alias = SAMPLES["wang-xiaoming"].record.alias

    signed_content = await _issue(center, "wang-xiaoming", Scope.SELF, ())

    rendered = render(signed_content, fonts=fonts)
    (box,) = json.loads(rendered.source)["persons"]
    name, below, *_ = ("".join(run["text"] for run in row[0]["runs"]) for row in box["rows"])
    assert (name, below) == ("WANG　XIAOMING", "田中　小明")
    assert box["rows"][1][0]["label"] == "通称"
    assert f"通称: {alias}" in verify(rendered.pdf, TRUST, fonts=fonts).plain_text()


@pytest.mark.parametrize(
    ("scope", "items", "prefix"),
    [
        (Scope.SELF, (), "JUKI1F:"),
        (Scope.HOUSEHOLD, (Item.RELATIONSHIP, Item.RESIDENT_CODE), "JUKI1:"),
    ],
)
async def test_center_knows_a_copy_by_what_the_terminal_made_of_it(
    center: Center, fonts: Fonts, scope: Scope, items: tuple[Item, ...], prefix: str
) -> None:
    signed_content = await _issue(center, "yoshida-taro", scope, items)
    text = render(signed_content, fonts=fonts).qr_text

    def ask(evidence: SignedContent | QRText) -> Verdict:
        command = VerifyCopy(evidence)
        return center.store.read(lambda tx: verify_copy(tx, command, CENTER_TRUST)).verdict

    assert ask(SignedContent(signed_content)) is Verdict.VALID
    assert ask(QRText(text)) is Verdict.VALID
    assert text.startswith(prefix)
    assert text == qr_text(open_envelope(signed_content))


def test_every_municipality_can_issue_and_be_issued_for(fonts: Fonts) -> None:
    names = [row["prefecture"] + row["name"] for row in municipality_rows()]

    for name in names:
        place = Municipality("000000", name)
        assert len(name) <= 40
        assert fonts.runs(wording.mayor(place) + wording.seal_text(place), "issn")

    assert len(names) > 1_800


def test_words_for_the_center_s_answers_are_the_same_on_both_sides() -> None:
    assert {verdict.value.lower() for verdict in Verdict} <= {state.value for state in State}
