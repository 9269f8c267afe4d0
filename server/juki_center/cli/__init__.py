"""The command `juki-center`: run a center, look after it, or try one out.

gRPC reads its settings when it is imported, so nothing that imports it stands at the top here.
"""

from __future__ import annotations

from juki_center.rpc import tls13


def main() -> None:
    """Run the command."""
    tls13.settle()
    from juki_center.cli.commands import app  # noqa: PLC0415  # imports gRPC

    app()
