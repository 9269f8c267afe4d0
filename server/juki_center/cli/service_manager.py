"""Telling the service manager how far the program is (sd_notify(3)), where there is one."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
_VARIABLE: Final = "NOTIFY_SOCKET"


def tell(state: str) -> None:
    """Send a state to the service manager that started this program, if one did.

    A manager that does not listen is no reason for a center to stop.
    """
    address = os.environ.get(_VARIABLE, "")
    if address[:1] not in {"/", "@"}:
        return
    # An abstract address is written with an at sign.
    path = f"\0{address[1:]}" if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state.encode(), path)
