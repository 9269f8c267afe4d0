"""The hashed locks in requirements/: made by `uv pip compile`, checked without the network.

Each lock's first line is a digest of what it was made from (the dependencies in pyproject.toml) and
of its own lines. So a check needs no index, a newer release somewhere changes nothing, and a lock
that is stale or was edited by hand is found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.checks.report import ROOT, report

LABEL = "# made by `make lock`; digest "
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
LOCKS = ("terminal", "center", "agency", "dev")


def inputs(pyproject: str) -> str:
    """Return what a lock depends on in the text of pyproject.toml, in one canonical form."""
    document = tomllib.loads(pyproject)
    project = document["project"]
    keys = ("requires-python", "dependencies", "optional-dependencies")
    return json.dumps([document["build-system"], [project.get(key) for key in keys]])


def first_line(pyproject: str, body: str) -> str:
    """Return the line that a lock with these lines below it must begin with."""
    return LABEL + hashlib.sha256(f"{inputs(pyproject)}\n{body}".encode()).hexdigest() + "\n"


def findings(pyproject: str, locks: dict[str, str]) -> list[str]:
    """Return what is wrong with the texts of the locks, given by name; `dev` is the largest."""
    found = []
    everything = versions(locks["dev"])
    for name, text in locks.items():
        head, _, body = text.partition("\n")
        if head + "\n" != first_line(pyproject, body):
            found.append(f"requirements/{name}.txt is not what `make lock` makes: run it")
        if "://" in body:
            found.append(f"requirements/{name}.txt names a URL")
        found += [
            f"requirements/{name}.txt pins {pin} to another version than dev.txt"
            for pin, version in versions(text).items()
            if everything.get(pin) != version
        ]
        found += [f"requirements/{name}.txt has no hash for {pin}" for pin in unhashed(body)]
    return found


def versions(lock: str) -> dict[str, set[str]]:
    """Return the pinned versions of each package; several where markers tell them apart."""
    pins: dict[str, set[str]] = {}
    for match in PIN.finditer(lock):
        pins.setdefault(match["name"], set()).add(match["version"])
    return pins


def unhashed(lock: str) -> list[str]:
    """Return the requirements of a lock that carry no hash."""
    entries = re.split(r"\n(?=[^\s#])", lock.strip())
    return [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def write(name: str, *, upgrade: bool) -> None:
    """Compile one lock; the versions in dev.txt hold for all of them, so make that one first."""
    path = ROOT / "requirements" / f"{name}.txt"
    constraint = [] if name == "dev" else ["--constraint", "requirements/dev.txt"]
    subprocess.run(
        [
            "uv", "pip", "compile", "pyproject.toml", "--extra", name, *constraint,
            "--universal", "--python-version", "3.11", "--generate-hashes",
            "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet", "--no-config",
            "--output-file", str(path), *(["--upgrade"] if upgrade else []),
        ],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    body = path.read_text(encoding="utf-8")
    path.write_text(first_line((ROOT / "pyproject.toml").read_text("utf-8"), body) + body, "utf-8")


def read(root: Path) -> dict[str, str]:
    """Return the texts of all locks of the project at `root`."""
    return {
        name: (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8") for name in LOCKS
    }


def main(arguments: list[str]) -> int:
    """Check the locks, or with --write make those that are named; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", nargs="+", choices=LOCKS, default=[])
    parser.add_argument("--upgrade", action="store_true", help="take newer releases")
    options = parser.parse_args(arguments)
    for name in sorted(options.write, key=lambda name: name != "dev"):
        write(name, upgrade=options.upgrade)
    locks = read(ROOT)
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    counts = ", ".join(f"{name} {len(versions(text))}" for name, text in locks.items())
    return report(findings(pyproject, locks), remark=f"packages pinned: {counts}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
