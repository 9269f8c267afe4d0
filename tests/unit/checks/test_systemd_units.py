"""The units that we ship: systemd takes them, and they give away little of a machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNITS = sorted(
    path for folder in ("server", "terminal_client") for path in ROOT.glob(f"{folder}/systemd/*")
)
SERVICES = [path for path in UNITS if path.suffix == ".service"]
# systemd's own scale goes from 0, nothing is exposed, to 100; a service without any measure has 96.
MOST_EXPOSED = 20


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the units, their programs where this machine has one."""
    folder = tmp_path_factory.mktemp("systemd")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        for program in ("juki-center", "juki-pki", "juki-terminal"):
            text = text.replace(f"/usr/lib/juki-net/bin/{program}", "/bin/true")
        (folder / unit.name).write_text(text.replace("file:/usr", "man:true(1) file:/usr"))
    return folder


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("systemd-analyze")
    assert command is not None, "systemd is among the packages of the tests"
    return subprocess.run([command, *arguments], check=False, text=True, capture_output=True)


def test_there_are_units_for_serving_renewing_and_copying() -> None:
    assert {path.name for path in SERVICES} >= {
        "juki-center.service",
        "juki-center-access.service",
        "juki-center-backup.service",
    }


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_taken_as_it_is(installed: Path, unit: Path) -> None:
    verified = analyze("verify", "--man=no", str(installed / unit.name))

    said = [line for line in verified.stderr.splitlines() if unit.stem in line]
    assert (verified.returncode, said) == (0, [])


def test_a_unit_with_a_slip_is_not_taken(installed: Path) -> None:
    text = (installed / "juki-center.service").read_text(encoding="utf-8")
    slip = installed / "slip.service"
    slip.write_text(text.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))

    assert "NoNewPrivilege" in analyze("verify", "--man=no", str(slip)).stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_a_service_gives_away_little_of_the_machine(installed: Path, unit: Path) -> None:
    rated = analyze(
        "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(installed / unit.name)
    )

    assert rated.returncode == 0, rated.stdout[-400:]
