"""Nothing tracked may depend on one machine: no foreign hosts, no package index, no home folders.

Names in documents that are reserved for examples, and the host in the licence's own text, pass.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from tools.checks.report import ROOT, report, tracked

URL: Final = re.compile(r"\b(?:https?|ssh|git|wss?)://(?:[^/\s@]*@)?(?P<host>[A-Za-z0-9.-]+)")
ALLOWED: Final = re.compile(
    r"localhost|127\.0\.0\.1|[^.]*|(?:.*\.)?example(?:\.(?:org|com|net))?|www\.apache\.org|www\.w3\.org"
)
MACHINE_PATH: Final = re.compile(r"(?<![\w./$}-])/(?:home|root|work|opt|tmp|Users)/\w")
INDEX: Final = re.compile(r"(?<!emit-)(?:index-url|find-links|trusted-host)")
# Where an option of the installer would be read from; elsewhere the words are only words.
INSTALLER_FILES: Final = re.compile(r"Makefile|\.ci/.*|requirements/.*|.*\.(?:toml|sh|cfg|ini)")


def findings(name: str, text: str) -> list[str]:
    """Return what a file of this name and text says of one machine."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{name}:{number}"
        found += [
            f"{place}: names the host {match['host']}"
            for match in URL.finditer(line)
            if not ALLOWED.fullmatch(match["host"].rstrip("."))
        ]
        if MACHINE_PATH.search(line):
            found.append(f"{place}: names a path of one machine")
        if INSTALLER_FILES.fullmatch(name) and INDEX.search(line):
            found.append(f"{place}: chooses a package index")
    return found


def read(path: Path) -> str:
    """Return a file's text, or nothing for one that is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def main() -> int:
    """Check every tracked file; return 1 if one names a host or a path."""
    files = tracked(ROOT)
    found = [
        line for path in files for line in findings(path.relative_to(ROOT).as_posix(), read(path))
    ]
    return report(found, remark=f"{len(files)} files")


if __name__ == "__main__":
    sys.exit(main())
