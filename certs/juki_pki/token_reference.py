"""A key's file that says in which PKCS#11 token the key lies, by a URI of RFC 7512."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from juki_pki.errors import Unreadable

_SCHEME: Final = "pkcs11"
_OBJECT: Final = "object"
_REQUIRED: Final = frozenset(("token", "module-path", "pin-source"))


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where a token is: the module that speaks to it, its label, and the file with its PIN."""

    module: Path
    label: str
    pin_file: Path


@dataclass(frozen=True, slots=True)
class TokenReference:
    """A key in a token, as a file stands for it in the place of the key: a URI of RFC 7512.

    `object` is the key's label; a URI that names a token alone leaves it empty.
    """

    place: TokenPlace
    object: str = ""

    @classmethod
    def parse(cls, text: str, base: Path) -> TokenReference:
        """Read `pkcs11:token=T;object=O?module-path=M&pin-source=P`; paths are taken from `base`.

        Raises Unreadable for anything else.
        """
        scheme, _, rest = text.strip().partition(":")
        path, _, query = rest.partition("?")
        names = dict(_pairs(path, ";")) | dict(_pairs(query, "&"))
        if scheme != _SCHEME or not _REQUIRED <= set(names) <= _REQUIRED | {_OBJECT}:
            raise Unreadable(
                "the reference to a token",
                "must be pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=FILE",
            )
        pin_file = names["pin-source"].removeprefix("file:")
        place = TokenPlace(base / names["module-path"], names["token"], base / pin_file)
        return cls(place, names.get(_OBJECT, ""))

    def encode(self) -> bytes:
        """Return the URI as the line of a file."""
        of = self.place
        names = f"token={quote(of.label)};{_OBJECT}={quote(self.object)}"
        places = f"module-path={quote(str(of.module))}&pin-source={quote(f'file:{of.pin_file}')}"
        return f"{_SCHEME}:{names}?{places}\n".encode()


def is_reference(octets: bytes) -> bool:
    """Tell whether a key's file refers to a token."""
    return octets.startswith(f"{_SCHEME}:".encode())


def reference_in(octets: bytes, path: Path) -> TokenReference:
    """Return the reference that stands in a key's file. Raises Unreadable."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(str(path), "not the reference to a token") from error
    reference = TokenReference.parse(text, path.resolve().parent)
    if not reference.object:
        raise Unreadable(str(path), "names no object of the token")
    return reference


def _pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, text.split(separator)):
        name, _, value = pair.partition("=")
        yield name, unquote(value)
