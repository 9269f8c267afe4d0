"""A terminal's configuration: one TOML file with paths relative to it, unknown keys refused.

Nothing is read here but that file; which file it is, the command line and the environment say.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_terminal.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "center": frozenset(("address",)),
    "identity": frozenset(("certificate", "key")),
    "trust": frozenset(("dir",)),
    "reader": frozenset(("name", "card_wait_seconds")),
    "journal": frozenset(("path",)),
    "paper": frozenset(("fee_yen",)),
    "session": frozenset(("pin_timeout_seconds", "retry_seconds")),
}
_ENVIRONMENTS: Final = ("dev", "test", "production")
_MAX_FEE_YEN: Final = 10_000


@dataclass(frozen=True, slots=True)
class TerminalConfig:
    """What one terminal needs to know. Times are in seconds."""

    environment: str
    center_address: str
    certificate: Path
    key: Path
    trust_dir: Path
    reader: str
    journal: Path
    fee_yen: int
    card_wait_seconds: float
    pin_timeout_seconds: float
    retry_seconds: float

    @classmethod
    def load(cls, path: Path) -> TerminalConfig:
        """Read the file; raise Problem CONFIGURATION_INVALID naming the key that is at fault."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise _invalid(path, "", "the file cannot be read as TOML") from error
        _refuse_unknown(path, table)
        read = _Values(path, table)
        return cls(
            environment=read.choice("environment", _ENVIRONMENTS),
            center_address=read.text("center.address"),
            certificate=read.path("identity.certificate"),
            key=read.path("identity.key"),
            trust_dir=read.path("trust.dir"),
            reader=read.reader("reader.name"),
            journal=read.path("journal.path"),
            fee_yen=int(read.number("paper.fee_yen", 0, _MAX_FEE_YEN, default=0)),
            card_wait_seconds=read.number("reader.card_wait_seconds", 0, 600, default=30),
            pin_timeout_seconds=read.number("session.pin_timeout_seconds", 1, 115, default=90),
            retry_seconds=read.number("session.retry_seconds", 0, 300, default=20),
        )


def _invalid(path: Path, key: str, rule: str) -> Problem:
    return Problem("CONFIGURATION_INVALID", {"file": path.name, "key": key, "rule": rule})


def _refuse_unknown(path: Path, table: Mapping[str, object]) -> None:
    for section, content in table.items():
        if section == "environment":
            continue
        if section not in _KEYS or not isinstance(content, dict):
            raise _invalid(path, section, "unknown section")
        for key in content:
            if key not in _KEYS[section]:
                raise _invalid(path, f"{section}.{key}", "unknown key")


class _Values:
    """Values of the file by dotted key, each checked as it is taken."""

    def __init__(self, path: Path, table: Mapping[str, object]) -> None:
        self._path = path
        self._table = table

    def _get(self, key: str) -> object:
        section, _, name = key.rpartition(".")
        if not section:
            return self._table.get(name)
        content = self._table.get(section)
        return content.get(name) if isinstance(content, dict) else None

    def text(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str) or not value:
            raise _invalid(self._path, key, "a text is required")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in choices:
            raise _invalid(self._path, key, "one of " + ", ".join(choices))
        return value

    def path(self, key: str) -> Path:
        return self._path.resolve().parent / self.text(key)

    def reader(self, key: str) -> str:
        scheme, _, name = self.text(key).partition(":")
        if scheme not in ("pcsc", "virtual") or not name:
            raise _invalid(self._path, key, "pcsc:NAME or virtual:FILE")
        if scheme == "virtual":
            name = str(self._path.resolve().parent / name)
        return f"{scheme}:{name}"

    def number(self, key: str, least: int, most: int, *, default: int) -> float:
        value = self._get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _invalid(self._path, key, "a number is required")
        if not least <= value <= most:
            raise _invalid(self._path, key, f"{least} to {most}")
        return value
