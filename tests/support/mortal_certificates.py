"""A client's command about its certificate that is killed at its N-th step on the file system.

Started as a program: mode, cut, folder, then what the command needs. The process kills itself
by SIGKILL when it is about to change anything below the folder for the N-th time, counted from 1;
0 never. What runs is the command's own code.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

_CHANGES = frozenset(
    ("os.rename", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "open")
)


def die_at(cut: int, folder: str) -> None:
    """Kill this process at the N-th change below a folder."""
    seen = 0

    def look(event: str, args: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in _CHANGES or not str(args[0]).startswith(folder):
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & os.O_CREAT):
            return
        seen += 1
        if seen == cut:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def main(mode: str, cut: str, folder: str, address: str, *more: str) -> None:
    """Run the command."""
    from juki_client import certificate_reports as reports
    from tests.support.client_config import NAMES, ClientConfig

    config = ClientConfig(Path(folder), address)
    die_at(int(cut), folder)
    if mode == "renew":
        reports.renew(config, if_due=False)
    else:
        reports.enrol(address, more[0], Path(folder), NAMES, lambda who: who.uri)


if __name__ == "__main__":
    main(*sys.argv[1:])
