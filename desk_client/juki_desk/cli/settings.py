"""What every command is called with, and what is made of it: configuration and channel.

A flag comes before the environment, the environment before the file.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_desk.config import DeskConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_client.outcome import Language
    from juki_desk.center import Center

DEFAULT_CONFIG: Final = Path("/etc/juki/desk.toml")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options before the command."""

    config_path: Path
    as_json: bool
    language: Language

    def config(self) -> DeskConfig:
        """Read the configuration; raise Problem CONFIGURATION_INVALID."""
        return DeskConfig.load(self.config_path)

    @contextmanager
    def center(self, config: DeskConfig) -> Iterator[Center]:
        """Open the pinned channel to the configured center."""
        # gRPC and X.509 are loaded for the commands that speak to the center alone.
        from juki_desk.center import Center  # noqa: PLC0415

        with Center.of(config) as center:
            yield center
