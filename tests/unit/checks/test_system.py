"""Installing the distribution's packages: what is missing is named, and a refusal is obeyed.

The package programs are small stand-ins on PATH, so nothing is installed here.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.checks.report import ROOT

LIST = ROOT / "requirements" / "debian.txt"


@dataclass
class Machine:
    """A PATH with stand-ins for the package programs; `calls` is what apt-get was asked."""

    folder: Path

    def have(self, name: str, script: str) -> None:
        """Put a program on PATH."""
        path = self.folder / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def install(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run tools/system.sh."""
        return subprocess.run(
            ["/bin/bash", str(ROOT / "tools" / "system.sh"), *arguments],
            env={"PATH": str(self.folder), **environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )

    @property
    def calls(self) -> str:
        """What apt-get was called with."""
        log = self.folder / "calls"
        return log.read_text() if log.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine that has git alone, with apt that works."""
    made = Machine(tmp_path)
    for name in ("awk", "dirname", "id"):
        (tmp_path / name).symlink_to(Path("/usr/bin") / name)
    made.have("dpkg-query", '[ "${!#}" = git ] && echo -n installed || exit 1')
    made.have("apt-get", f'echo "$@" >> {tmp_path}/calls')
    return made


def packages(*groups: str) -> list[str]:
    """Return the packages of some groups."""
    rows = [line.split() for line in LIST.read_text().splitlines() if line[:1] != "#"]
    return [row[0] for row in rows if row[1] in groups]


def test_each_package_has_a_group_and_a_purpose() -> None:
    rows = [line.split(maxsplit=2) for line in LIST.read_text().splitlines() if line[:1] != "#"]

    assert all(len(row) == 3 for row in rows)
    assert {row[1] for row in rows} == {"build", "run", "test", "interop", "ha"}
    assert len({row[0] for row in rows}) == len(rows)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_missing_packages_are_named_and_installed(machine: Machine) -> None:
    ran = machine.install("build")

    wanted = [name for name in packages("build") if name != "git"]
    assert ran.returncode == 0
    assert ran.stdout.split() == ["installing", "from", "the", "distribution:", *wanted]
    assert machine.calls.splitlines()[-1].split()[-len(wanted) :] == wanted
    assert "ausweisapp2" not in machine.calls


def test_nothing_is_said_where_nothing_is_missing(machine: Machine) -> None:
    machine.have("dpkg-query", "echo -n installed")

    ran = machine.install("build", "run", "test", "interop")

    assert (ran.returncode, ran.stdout, ran.stderr, machine.calls) == (0, "", "", "")


@pytest.mark.parametrize(("arguments", "status"), [(["run"], 1), (["--try", "run"], 0)])
def test_forbidden_installation_names_what_is_missing(
    machine: Machine, arguments: list[str], status: int
) -> None:
    ran = machine.install(*arguments, JUKI_APT="0")

    assert ran.returncode == status
    assert "JUKI_APT=0 forbids it" in ran.stderr
    assert all(name in ran.stderr for name in packages("run"))
    assert machine.calls == ""


def test_another_distribution_is_told_the_names(machine: Machine) -> None:
    (machine.folder / "dpkg-query").unlink()

    ran = machine.install("--try", "run")

    assert ran.returncode == 0
    assert "pcscd" in ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_failed_installation_is_a_failure(machine: Machine) -> None:
    machine.have("apt-get", '[ "$1" = update ]')

    ran = machine.install("test")

    assert ran.returncode == 1
    assert "apt-get failed" in ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_old_package_lists_are_used_where_there_are_no_new_ones(machine: Machine) -> None:
    machine.have("apt-get", '[ "$1" != update ]')

    ran = machine.install("test")

    assert ran.returncode == 0
    assert "apt-get update failed" in ran.stderr
