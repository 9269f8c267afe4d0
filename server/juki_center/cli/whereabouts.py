"""Where a running center really listens, told to the commands beside it.

With a port of 0, or one that the command line named, that is not what the configuration says. A
file beside the store has it while the center runs; one that a killed center has left is replaced
by the next start, and removed at its end.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.config import CenterConfig

_SQLITE: Final = "sqlite:///"
_NAME: Final = "listening-on"


@contextmanager
def announced(config: CenterConfig, port: int) -> Iterator[None]:
    """Tell the port until the block ends; raise OSError where the folder cannot be written."""
    place = _place(config)
    if place is None:
        yield
        return
    host = config.listen_grpc.rpartition(":")[0]
    place.write_text(f"{host}:{port}\n", encoding="ascii")
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def address_of(config: CenterConfig) -> str:
    """Return where the center listens: where it says so itself, or as it is configured."""
    place = _place(config)
    try:
        told = place.read_text(encoding="ascii").strip() if place else ""
    except (OSError, UnicodeDecodeError):
        told = ""
    return told or config.listen_grpc


def _place(config: CenterConfig) -> Path | None:
    """Return the file beside the store; None where the store is on another machine."""
    path = config.store_url.removeprefix(_SQLITE)
    return None if path == config.store_url else Path(path).with_name(_NAME)
