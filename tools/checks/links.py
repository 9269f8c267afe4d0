"""Links between the documents: every relative link must lead to a file, and to a heading in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tools.checks.report import ROOT, report, tracked

LINK: Final = re.compile(
    r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)"
)
FENCE: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`[^`\n]+`")
HEADING: Final = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$", re.MULTILINE)
NOT_IN_ANCHORS: Final = re.compile(r"[^\w\- ]")


def findings(root: Path, document: Path) -> list[str]:
    """Return the links in a document that lead nowhere."""
    text = CODE.sub("", FENCE.sub("", document.read_text(encoding="utf-8")))
    targets = [match["target"] or match["image"] for match in LINK.finditer(text)]
    name = document.relative_to(root)
    return [
        f"{name}: {fault}"
        for target in targets
        if "://" not in target and (fault := broken(root, document, unquote(target)))
    ]


def broken(root: Path, document: Path, target: str) -> str:
    """Return what is wrong with one relative link, or an empty string."""
    name, _, anchor = target.partition("#")
    path = (document.parent / name).resolve() if name else document
    if not path.is_relative_to(root):
        return f"{target} leads out of the project"
    if not path.exists():
        return f"{target} does not exist"
    if anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
        return f"{target}: no such heading"
    return ""


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as the usual renderers make them."""
    titles = (match["title"] for match in HEADING.finditer(FENCE.sub("", text)))
    return {
        NOT_IN_ANCHORS.sub("", title.replace("`", "")).strip().lower().replace(" ", "-")
        for title in titles
    }


def main() -> int:
    """Check every tracked document; return 1 if a link is broken."""
    documents = tracked(ROOT, "*.md")
    found = [line for document in documents for line in findings(ROOT, document)]
    return report(found, remark=f"{len(documents)} documents")


if __name__ == "__main__":
    sys.exit(main())
