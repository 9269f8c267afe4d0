"""Compare the protos with those of an earlier commit, so that no client breaks unnoticed.

The earlier commit is the newest release tag that the clone knows; before the first release it is
where this branch left main, or on main itself the commit before. A clone that has none of these
(one commit, or a shallow one) has nothing to compare with, and says so.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.checks.report import ROOT, report


def git(root: Path, *arguments: str) -> str:
    """Return what git says, or an empty string where it refuses."""
    ran = subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True, text=True)
    return ran.stdout.strip() if ran.returncode == 0 else ""


def baseline(root: Path) -> str:
    """Return the commit to compare with, or an empty string."""
    here = git(root, "rev-parse", "HEAD")
    candidates = (
        git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"),
        git(root, "merge-base", "HEAD", "origin/main"),
        git(root, "merge-base", "HEAD", "main"),
        git(root, "rev-parse", "--verify", "--quiet", "HEAD^"),
    )
    commits = (git(root, "rev-parse", f"{name}^{{commit}}") for name in candidates if name)
    return next((commit for commit in commits if commit not in ("", here)), "")


def unpack(root: Path, commit: str, folder: Path) -> bool:
    """Write the protos of a commit below `folder`; return whether the commit has any."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", commit, "protos"],
        cwd=root, check=False, capture_output=True,
    )  # fmt: skip
    if packed.returncode != 0:
        return False
    subprocess.run(["tar", "--extract"], cwd=folder, check=True, input=packed.stdout)
    return True


def findings(root: Path, earlier: Path) -> list[str]:
    """Return what buf calls a breaking change from the protos in `earlier` to those in `root`."""
    ran = subprocess.run(
        ["buf", "breaking", str(root / "protos"), "--against", str(earlier / "protos")],
        cwd=root, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return [] if ran.returncode == 0 else ran.stdout.splitlines()


def main() -> int:
    """Compare; return 1 if something breaks."""
    commit = baseline(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not commit or not unpack(ROOT, commit, folder):
            return report([], remark="no earlier protos to compare with in this clone")
        return report(findings(ROOT, folder), remark=f"nothing breaks since {commit[:10]}")


if __name__ == "__main__":
    sys.exit(main())
