"""One TOML file of settings with paths relative to it; unknown keys are refused by name.

Which keys there are, and what they mean, the program says that is configured.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

_ENVIRONMENTS: Final = ("dev", "test", "production")


class TOMLFile:
    """Values of a file by dotted key, each checked as it is taken."""

    def __init__(self, path: Path, table: Mapping[str, object]) -> None:
        self._path = path
        self._table = table

    @classmethod
    def load(cls, path: Path, keys: Mapping[str, frozenset[str]]) -> Self:
        """Read a file with `environment` and sections of keys.

        Raises Problem CONFIGURATION_INVALID naming the section or key that is at fault.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise _invalid(path, "", "the file cannot be read as TOML") from error
        _refuse_unknown(path, table, keys)
        return cls(path, table)

    def _get(self, key: str) -> object:
        section, _, name = key.rpartition(".")
        if not section:
            return self._table.get(name)
        content = self._table.get(section)
        return content.get(name) if isinstance(content, dict) else None

    def invalid(self, key: str, rule: str) -> Problem:
        """Return the problem of a key that breaks a rule."""
        return _invalid(self._path, key, rule)

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self._get(key)
        if not isinstance(value, str) or not value:
            raise self.invalid(key, "a text is required")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Return one of some texts."""
        value = self.text(key)
        if value not in choices:
            raise self.invalid(key, "one of " + ", ".join(choices))
        return value

    def environment(self) -> str:
        """Return where the program runs."""
        return self.choice("environment", _ENVIRONMENTS)

    def relative(self, name: str) -> Path:
        """Return the path that a name in the file means."""
        return self._path.resolve().parent / name

    def path(self, key: str) -> Path:
        """Return a path."""
        return self.relative(self.text(key))

    def path_or(self, key: str, default: str) -> Path:
        """Return a path; that of the default name where the key is not there."""
        return self.relative(default) if self._get(key) is None else self.path(key)

    def optional_path(self, key: str) -> Path | None:
        """Return a path, relative to the file; None where the key is absent."""
        return None if self._get(key) is None else self.path(key)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(key, "true or false")
        return value

    def number(self, key: str, least: int, most: int, *, default: int) -> float:
        """Return a number within its bounds."""
        value = self._get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.invalid(key, "a number is required")
        if not least <= value <= most:
            raise self.invalid(key, f"{least} to {most}")
        return value


def _invalid(path: Path, key: str, rule: str) -> Problem:
    return Problem("CONFIGURATION_INVALID", {"file": path.name, "key": key, "rule": rule})


def _refuse_unknown(
    path: Path, table: Mapping[str, object], keys: Mapping[str, frozenset[str]]
) -> None:
    for section, content in table.items():
        if section == "environment":
            continue
        if section not in keys or not isinstance(content, dict):
            raise _invalid(path, section, "unknown section")
        for key in content:
            if key not in keys[section]:
                raise _invalid(path, f"{section}.{key}", "unknown key")
