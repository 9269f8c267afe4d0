"""What every command is called with, and what is made of it: configuration, reader, channel.

A flag comes before the environment, the environment before the file.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from juki_terminal.config import TerminalConfig
from juki_terminal.journal import Journal
from juki_terminal.reader import Reader, open_reader
from juki_terminal.trace import Trace, TracedReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_terminal.channel import Center

DEFAULT_CONFIG: Final = Path("/etc/juki/terminal.toml")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options before the command."""

    config_path: Path
    reader_address: str | None
    as_json: bool
    trace: Trace | None
    language: Language

    def config(self) -> TerminalConfig:
        """Read the configuration; raise Problem CONFIGURATION_INVALID."""
        return TerminalConfig.load(self.config_path)

    def address_of_reader(self) -> str:
        """Return the reader that was named, else the configured one."""
        return self.reader_address or self.config().reader

    def reader(self) -> Reader:
        """Open the reader, traced where a trace was asked for."""
        reader = open_reader(self.address_of_reader())
        return TracedReader(reader, self.trace) if self.trace is not None else reader

    @contextmanager
    def center(self, config: TerminalConfig) -> Iterator[Center]:
        """Open the pinned channel to the center."""
        # gRPC and X.509 are loaded for the commands that speak to the center alone.
        from juki_client import rotation  # noqa: PLC0415
        from juki_client.identity_slot import IdentitySlot  # noqa: PLC0415
        from juki_client.log_book import LogBook  # noqa: PLC0415
        from juki_client.log_shelf import FileShelf  # noqa: PLC0415
        from juki_terminal import channel  # noqa: PLC0415
        from juki_terminal.hotlist_guard import load, trusted_leaves  # noqa: PLC0415
        from juki_terminal.trust import Trust  # noqa: PLC0415

        trust = Trust.load(config.trust_dir)
        trust = trust.anchored_by(trusted_leaves(trust.center_leaves_pem, load(config)))
        dial = rotation.dialled(config.center_address, trust.center_leaves_pem)
        shelf = FileShelf(config.log_book)
        slot, book = IdentitySlot(config.certificate, config.key), LogBook(trust.log, shelf)
        identity = rotation.settle(slot, dial, book)
        with channel.Center(config.center_address, identity, trust, self.trace, shelf) as center:
            yield center

    def journal(self, config: TerminalConfig) -> Journal:
        """Return the journal; entering it locks it."""
        return Journal(config.journal)
