"""The trust folder of a client, taken over from its center as a whole.

What the center says is proved before anything of it is stored: it must lead from the card access
authority that the folder has already. A folder that is a link is exchanged for the next one by one
rename; a plain one gets each file whole, one after the other.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import channel
from juki_client.anchors import read_public
from juki_client.outcome import Problem
from juki_pki.descriptions import CVCA, Described, prove
from juki_pki.errors import DescriptionsRefused
from juki_pki.files import new_folder, sync_folder, write_public
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from pathlib import Path

    import grpc

    from jukinet.fleet.v1 import center_descriptions_pb2

_NAME_DIGITS: Final = 16


def described(message: center_descriptions_pb2.CenterDescriptions) -> Described:
    """Return descriptions as they are checked."""
    files = {file.name: file.content for file in message.files}
    return Described(files, tuple(message.access_certificates))


def known_version(folder: Path) -> bytes:
    """Return the version of what a trust folder holds; empty where it cannot be read."""
    try:
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    except OSError:
        return b""
    return Described(files, ()).version


def require_proof(found: Described, trusted: bytes | None) -> None:
    """Raise Problem CENTER_NOT_TRUSTED unless descriptions prove each other."""
    try:
        prove(found, datetime.now(UTC).date(), trusted=trusted)
    except DescriptionsRefused as refused:
        raise Problem("CENTER_NOT_TRUSTED", {"rule": refused.rule}) from refused


def take_over(folder: Path, message: center_descriptions_pb2.CenterDescriptions) -> None:
    """Store what the center says now; raise Problem CENTER_NOT_TRUSTED, and change nothing."""
    found = described(message)
    require_proof(found, read_public(folder, CVCA))
    if folder.is_symlink():
        exchange(folder, found)
        return
    for name, content in sorted(found.files.items()):
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            write_public(path, content)


def refresh(line: grpc.Channel, folder: Path) -> bool:
    """Take over what the center says is to be trusted now; say whether it was anything new.

    Raises Problem CENTER_NOT_TRUSTED, CENTER_UNREACHABLE, DESCRIPTIONS_UNAVAILABLE.
    """
    request = pb.GetCenterDescriptionsRequest(known_version=known_version(folder))
    stub = pb_grpc.EnrollmentServiceStub(line)
    answer = channel.call(stub.GetCenterDescriptions, request)
    if not answer.HasField("descriptions"):
        return False
    take_over(folder, answer.descriptions)
    return True


def exchange(link: Path, found: Described) -> None:
    """Write a new folder beside a link, point the link there, and remove what it pointed to."""
    before = link.resolve() if link.is_symlink() else None
    folder = link.with_name(f"{link.name}-{found.version.hex()[:_NAME_DIGITS]}")
    if folder != before:
        # One of the same name that nothing points to was left by a program that was killed.
        shutil.rmtree(folder, ignore_errors=True)
        with new_folder(folder) as temporary:
            for name, content in found.files.items():
                write_public(temporary / name, content)
    temporary_link = link.with_name(f".{link.name}")
    temporary_link.unlink(missing_ok=True)
    temporary_link.symlink_to(folder.name)
    temporary_link.replace(link)
    sync_folder(link.parent)
    if before is not None and before != folder:
        shutil.rmtree(before, ignore_errors=True)
