"""Whether a reader is there, asked without touching a card that somebody may be using."""

from __future__ import annotations

from pathlib import Path

from juki_client.outcome import Problem


def is_present(address: str) -> bool:
    """Say whether the reader at `pcsc:NAME` or `virtual:FILE` answers; a card is not connected."""
    scheme, _, name = address.partition(":")
    if scheme == "virtual":
        return Path(name).exists()
    # pyscard needs libpcsclite, which a terminal with virtual cards does not have.
    try:
        from juki_terminal.reader.monitor import Monitor, select  # noqa: PLC0415

        states = Monitor().look()
    except (ImportError, OSError, Problem):
        return False
    return states is not None and select(states, name) is not None
