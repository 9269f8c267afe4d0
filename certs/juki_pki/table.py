"""A TOML table read strictly: each field once, of its type, and none left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_pki.errors import ProfileError

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence


class Table:
    """Hands out a table's fields; every refusal names the file and the dotted field."""

    def __init__(self, file: str, fields: Mapping[str, object], prefix: str = "") -> None:
        self._file = file
        self._prefix = prefix
        self._left = dict(fields)

    def refusal(self, field: str, problem: str) -> ProfileError:
        """Return the error for one field, to be raised by the caller."""
        return ProfileError(self._file, self._prefix + field, problem)

    def finish(self) -> None:
        """Raise ProfileError where a field is left that nobody asked for."""
        for field in self._left:
            raise self.refusal(field, "unknown field")

    def _take(self, field: str) -> object:
        try:
            return self._left.pop(field)
        except KeyError as error:
            raise self.refusal(field, "missing") from error

    def table(self, field: str) -> Table:
        """Return a table inside this one."""
        value = self._take(field)
        if not isinstance(value, dict):
            raise self.refusal(field, "not a table")
        return Table(self._file, value, f"{self._prefix}{field}.")

    def number(self, field: str, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`."""
        value = self._take(field)
        # TOML's true is a Python int as well, and means no number of days.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.refusal(field, f"not a whole number from {least} to {most}")
        return value

    def text(self, field: str, pattern: re.Pattern[str], wanted: str) -> str:
        """Return a string that matches `pattern` as a whole; `wanted` says so in words."""
        value = self._take(field)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.refusal(field, f"not {wanted}")
        return value

    def texts(self, field: str, pattern: re.Pattern[str], wanted: str) -> tuple[str, ...]:
        """Return a list of different strings, each matching `pattern`; it may be empty."""
        values = self._strings(field)
        for value in values:
            if not pattern.fullmatch(value):
                raise self.refusal(field, f"{value!r} is not {wanted}")
        return values

    def choices(
        self, field: str, known: Sequence[str], *, allow_empty: bool = False
    ) -> tuple[str, ...]:
        """Return a list of different strings, each one of `known`."""
        values = self._strings(field)
        for value in values:
            if value not in known:
                raise self.refusal(field, f"{value!r} is not one of {', '.join(known)}")
        if not values and not allow_empty:
            raise self.refusal(field, "empty")
        return values

    def _strings(self, field: str) -> tuple[str, ...]:
        value = self._take(field)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refusal(field, "not a list of strings")
        if len(set(value)) != len(value):
            raise self.refusal(field, "something stands there twice")
        return tuple(value)
