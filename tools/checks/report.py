"""Say what a check found, in the form that all checks share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Return the files below `root` that git tracks, or would after `git add`, and that exist."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return sorted(
        {path for name in listing.split("\0") if name and (path := root / name).is_file()}
    )


def report(findings: Iterable[str], *, remark: str) -> int:
    """Print the findings, or the remark if there are none; return the exit status."""
    found = list(findings)
    for line in found or [remark]:
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0
