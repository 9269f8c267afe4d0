"""Fragments of the changelog: files in changelog.d that towncrier can read, each a whole sentence.

A name is `+<subject>.<type>.md`; the types are those of `[tool.towncrier]` in pyproject.toml.
"""

from __future__ import annotations

import re
import sys
import tomllib
from typing import Final

from tools.checks.report import ROOT, report

NAME: Final = re.compile(r"\+[a-z0-9-]+\.(?P<type>[a-z]+)(?:\.\d+)?\.md")
LONGEST: Final = 600


def findings(name: str, text: str, types: set[str]) -> list[str]:
    """Return what is wrong with one fragment."""
    match = NAME.fullmatch(name)
    if not match:
        return [f"changelog.d/{name}: not named +<subject>.<type>.md"]
    found = []
    if match["type"] not in types:
        found.append(f"changelog.d/{name}: type {match['type']} is none of {sorted(types)}")
    if not re.match(r"[A-Z`]", text) or not text.rstrip().endswith("."):
        found.append(f"changelog.d/{name}: not a sentence")
    if len(text) > LONGEST:
        found.append(f"changelog.d/{name}: longer than {LONGEST} characters")
    if text.lstrip().startswith(("#", "-", "*")):
        found.append(f"changelog.d/{name}: towncrier makes the headings and the bullets")
    return found


def main() -> int:
    """Check every fragment; return 1 if one is wrong."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    types = {entry["directory"] for entry in settings["tool"]["towncrier"]["type"]}
    fragments = sorted(
        path for path in (ROOT / "changelog.d").iterdir() if not path.name.startswith(".")
    )
    found = [
        line
        for path in fragments
        for line in findings(path.name, path.read_text(encoding="utf-8"), types)
    ]
    return report(found, remark=f"{len(fragments)} fragments")


if __name__ == "__main__":
    sys.exit(main())
