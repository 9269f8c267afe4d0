"""A TCP connection made inside another process's network namespace.

A child enters the namespace, connects and hands the socket over; a socket keeps the namespace that
it was made in. This works for root and inside unprivileged user namespaces alike, and needs no
system call that Python lacks.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Final

from juki_cardbox.errors import ReaderUnavailable

# vpcd takes one caller at a time and listens without a queue: a call that comes before it looked up
# is dropped, and the kernel would call again only after one, three and seven seconds.
_CHILD: Final = """
import socket, sys, time
channel = socket.socket(fileno=int(sys.argv[1]))
deadline = time.monotonic() + 5
while True:
    try:
        connection = socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=0.3)
        break
    except TimeoutError:
        if time.monotonic() > deadline:
            raise
socket.send_fds(channel, [b"x"], [connection.fileno()])
"""


def connect_beside(pid: int, host: str, port: int) -> socket.socket:
    """Connect as if from process `pid`; raise ReaderUnavailable where nothing listens there."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.set_inheritable(True)
        arguments = [str(theirs.fileno()), host, str(port)]
        child = subprocess.run(
            [*_enter(pid), sys.executable, "-I", "-S", "-c", _CHILD, *arguments],
            pass_fds=(theirs.fileno(),),
            capture_output=True,
            check=False,
        )
        if child.returncode:
            last_line = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise ReaderUnavailable(host, port, last_line)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=descriptors[0])


def _enter(pid: int) -> list[str]:
    user_namespace = ["-U", "--preserve-credentials"] if os.geteuid() else []
    return ["nsenter", "-t", str(pid), *user_namespace, "-n", "--"]
