"""Ports that a supervisor holds for its workers, so that nobody else can listen there.

The port is taken as one process takes it, which fails while anybody has it, and is shared only
afterwards: there is no moment in which a stranger could slip in. It is bound and never listened
on, so that no connection comes here. The kernel lets nobody share it but this user's processes
that ask to; of ours only workers do.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class AddressTakenError(OSError):
    """Somebody listens on an address, or it is none of this machine's."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}; is another center running?")
        self.address = address


@contextmanager
def reserved(address: str) -> Iterator[str]:
    """Hold a port until the block ends, and give the address with it; 0 is any that is free.

    An empty address is given back. Raises AddressTakenError.
    """
    if not address:
        yield address
        return
    host, _, port = address.rpartition(":")
    try:
        held = _held(host.strip("[]"), int(port))
    except OSError as error:
        raise AddressTakenError(address) from error
    try:
        yield f"{host}:{held[0].getsockname()[1]}"
    finally:
        for one in held:
            one.close()


def _held(host: str, port: int) -> list[socket.socket]:
    """Bind every address of a host to the same port."""
    held: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            chosen = held[0].getsockname()[1] if held else port
            held.append(_bound(family, (address, chosen)))
    except OSError:
        for one in held:
            one.close()
        raise
    return held


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _bound(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port whose last connections are still fading is free all the same.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(address)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        one.close()
        raise
    return one
