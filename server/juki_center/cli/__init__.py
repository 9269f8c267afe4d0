"""The command `juki-center`: run a center, look after it, or try one out.

gRPC reads its settings when it is imported, so nothing that imports it stands at the top here.
"""

from __future__ import annotations

import gc

from juki_center.rpc import tls13
from juki_client.memory import forbid_core_dumps


def main() -> None:
    """Run the command."""
    forbid_core_dumps()
    tls13.settle()
    # Looking for garbage only delays the imports; the command that was asked for ends this.
    gc.disable()
    from juki_center.cli.commands import app  # noqa: PLC0415  # after the settings

    app()
