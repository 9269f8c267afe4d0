"""Links between documents must lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.checks import links


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Return a document beside another one that has headings."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "wire.md").write_text("# Wire\n\n## The `order` of messages\n")
    return tmp_path / "README.md"


@pytest.mark.parametrize(
    "target",
    ["docs/wire.md", "docs/wire.md#the-order-of-messages", "#top", "https://example.org", "docs/"],
)
def test_link_that_leads_somewhere_passes(document: Path, target: str) -> None:
    document.write_text(f"# Top\n\n[text]({target})\n")

    assert links.findings(document.parent, document) == []


@pytest.mark.parametrize("target", ["docs/none.md", "docs/wire.md#none", "#none", "../x.md"])
def test_broken_link_is_found(document: Path, target: str) -> None:
    document.write_text(f"# Top\n\n[text]({target})\n")

    assert len(links.findings(document.parent, document)) == 1


def test_broken_image_is_found(document: Path) -> None:
    document.write_text("![picture](none.png)\n")

    assert len(links.findings(document.parent, document)) == 1


def test_code_is_no_link(document: Path) -> None:
    document.write_text("`[text](none.md)`\n\n```\n[text](none.md)\n```\n")

    assert links.findings(document.parent, document) == []
