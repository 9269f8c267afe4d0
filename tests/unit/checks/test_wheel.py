"""The wheel has everything that the programs read at run time, and nothing of the folders."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools.checks.report import ROOT

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
PACKAGES = {
    "juki_agency",
    "juki_card",
    "juki_cardbox",
    "juki_audit",
    "juki_center",
    "juki_client",
    "juki_desk",
    "juki_load",
    "juki_pki",
    "juki_terminal",
    "jukinet",
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names of the files in a wheel of this project."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", BUILD, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def below(folder: str, *patterns: str) -> set[str]:
    """Return the files of a folder of the project, named as in the wheel."""
    root = ROOT / folder
    return {
        path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)
    }


def test_wheel_has_the_packages_alone(names: set[str]) -> None:
    tops = {Path(name).parts[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


@pytest.mark.parametrize(
    ("folder", "patterns"),
    [
        ("certs", ("juki_pki/profiles/*.toml",)),
        ("load", ("juki_load/scenarios/*.toml",)),
        ("server", ("juki_center/data/*.*", "juki_center/storage/migrations/**/*.py")),
        ("terminal_client", ("juki_terminal/paper/*.typ",)),
        ("protos", ("jukinet/**/*.proto",)),
        ("protos/gen", ("jukinet/jukinet.binpb", "jukinet/**/*_pb2.py*")),
    ],
)
def test_wheel_has_what_is_read_at_run_time(
    names: set[str], folder: str, patterns: tuple[str, ...]
) -> None:
    wanted = below(folder, *patterns)

    assert wanted
    assert wanted <= names


def test_each_package_is_typed(names: set[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_each_command_has_its_module(names: set[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    for target in project["scripts"].values():
        path = target.partition(":")[0].replace(".", "/")
        assert {f"{path}.py", f"{path}/__init__.py"} & names
