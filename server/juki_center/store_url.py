"""The URL of a store: a file or a server's database; what may stand in it, and how it is shown.

A password never stands in it: URLs are read from files that many may read, and shown by commands.
It comes from where libpq looks for it: `passfile=` in the URL, or PGPASSFILE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from juki_center.errors import ConfigInvalid

FILE: Final = "sqlite:///"
SCHEME: Final = "postgresql"


def is_server(url: str) -> bool:
    """Tell whether a store's URL names a server."""
    return url.startswith(f"{SCHEME}://")


def file_of(url: str) -> Path:
    """Return the file that a URL names. Raises ConfigInvalid where it names none.

    >>> file_of("sqlite:////var/lib/juki-center/center.sqlite").name
    'center.sqlite'
    """
    if is_server(url):
        raise ConfigInvalid("store.url", "names a server, and this works on a file only")
    path = url.removeprefix(FILE)
    if path == url or not path:
        raise ConfigInvalid("store.url", "must be sqlite:///FILE or postgresql://USER@HOST/NAME")
    return Path(path)


def based(url: str, base: Path) -> str:
    """Return a URL with a relative file taken from `base`. Raises ConfigInvalid."""
    if is_server(url):
        check_url(url)
        return url
    return f"{FILE}{base / file_of(url)}"


def check_url(url: str) -> None:
    """Raise ConfigInvalid for a URL that names no database, or has a password in it.

    >>> check_url("postgresql:///juki?host=/run/postgresql&user=juki")
    """
    try:
        parts = urlsplit(url)
        secret = parts.password is not None or _has_password(parts.query)
    except ValueError:
        raise ConfigInvalid("store.url", "must be postgresql://USER@HOST/NAME") from None
    if secret:
        raise ConfigInvalid("store.url", "must have no password: name a file by passfile=FILE")
    if not parts.path.strip("/"):
        raise ConfigInvalid("store.url", "must name a database: postgresql://USER@HOST/NAME")


def _has_password(query: str) -> bool:
    return any(name in ("password", "sslpassword") for name, _ in parse_qsl(query))


def shown(url: str) -> str:
    """Return what names a store in a message: its file, or host and name without options.

    >>> shown("postgresql://juki@db.example/center?sslmode=verify-full")
    'postgresql://db.example/center'
    """
    if not is_server(url):
        return url.removeprefix(FILE)
    parts = urlsplit(url)
    return f"{SCHEME}://{parts.netloc.rpartition('@')[2]}{parts.path}"
