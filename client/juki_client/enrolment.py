"""Enrolment from the client's side: a token and the center's mark become a folder to work from.

    <folder>/identity/    key.pem chain.pem
    <folder>/trust        what the center says that is to be trusted

The mark is printed beside the token. It pins the very first connection: who answers must have the
certificate with this mark, and nothing else of the answer is believed before that. A program that
is killed goes on where it was, with the same key, so that a lost answer is given again.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_audit.receipts import OwnAct
from juki_client import channel, trust_store
from juki_client.identity_slot import CHAIN, KEY, read_pending, write_new_key
from juki_client.log_book import LogBook
from juki_client.log_proofs import VERIFIERS, parse_verifiers
from juki_client.log_shelf import FileShelf, MemoryShelf
from juki_client.outcome import Problem
from juki_client.receipts import event_of, opened
from juki_client.rotation import checked_chain, fingerprint
from juki_pki.errors import CodeMistyped
from juki_pki.files import new_folder, sync_folder
from juki_pki.typed_codes import Use, read_code
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from pathlib import Path

    from juki_audit.receipts import TrustedLog
    from juki_client.identity_slot import Pending

IDENTITY: Final = "identity"
TRUST: Final = "trust"
_ENROLLING: Final = "enrolling"
_MARK_OCTETS: Final = 16
_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an operator hands over: the token, and the mark of the center's certificate."""

    token: bytes = field(repr=False)
    center_mark: bytes

    @classmethod
    def parse(cls, text: str) -> Ticket:
        """Read two lines, the token and the mark; raise Problem USAGE_INVALID for a slip."""
        lines = [line.rpartition(":")[2].strip() for line in text.splitlines() if line.strip()]
        if len(lines) != len(Use):
            raise Problem("USAGE_INVALID", {"field": "token", "rule": "two lines"})
        try:
            return cls(read_code(lines[0], Use.TOKEN), read_code(lines[1], Use.CENTER_MARK))
        except CodeMistyped as mistyped:
            facts = {"field": mistyped.use, "rule": "it does not fit its check"}
            raise Problem("USAGE_INVALID", facts) from mistyped


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A folder to work from, and whom its certificate names."""

    uri: str
    certificate: Path
    key: Path
    trust: Path


def center_mark(certificate: bytes) -> bytes:
    """Return the mark of a center's certificate (DER): the first 16 octets of its SHA-256."""
    return hashlib.sha256(certificate).digest()[:_MARK_OCTETS]


def marked_leaf(address: str, mark: bytes) -> bytes:
    """Return the center's leaf in PEM from its handshake.

    Raises Problem: CENTER_UNREACHABLE, CENTER_NOT_TRUSTED where it has another mark. The channel
    that follows has this leaf as its only anchor, so nobody else can answer there.
    """
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Nothing is believed here but what the mark says.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            leaf = secured.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        raise Problem("CENTER_UNREACHABLE", {"status": "UNAVAILABLE"}) from error
    if leaf is None or not hmac.compare_digest(center_mark(leaf), mark):
        raise Problem("CENTER_NOT_TRUSTED", {"rule": "CENTER_MARK"})
    return ssl.DER_cert_to_PEM_cert(leaf).encode("ascii")


def enrol(address: str, ticket: Ticket, folder: Path, log_book: Path) -> Enrolled:
    """Enrol at the enrolment listener of a center, fill a folder and begin the log's book.

    Raises Problem: the center's reasons, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED, RECEIPT_MISSING
    and RECEIPT_INVALID, and USAGE_INVALID where the folder has an identity already. The same token
    gets the same certificate again.
    """
    if (folder / IDENTITY).exists():
        raise Problem("USAGE_INVALID", {"field": "folder", "rule": "it has an identity already"})
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    leaf_pem = marked_leaf(address, ticket.center_mark)
    pending, answer = _ask(address, leaf_pem, ticket, folder)
    chain = checked_chain(answer.issued, pending, "")
    found = trust_store.described(answer.descriptions)
    trust_store.require_proof(found, None)
    shelf = MemoryShelf()
    _require_receipt(answer, parse_verifiers(found.files.get(VERIFIERS, b"")), shelf)
    _keep(shelf, log_book)
    trust_store.exchange(folder / TRUST, found)
    pending.store(chain)
    pending.folder.rename(folder / IDENTITY)
    sync_folder(folder)
    return enrolled_in(folder, answer.issued.uri)


def _require_receipt(answer: pb.EnrollResponse, log: TrustedLog, shelf: MemoryShelf) -> None:
    """Require that the log shows the enrolment; raise Problem RECEIPT_MISSING and the like.

    Nothing is known of the log yet, and nothing is remembered where it does not: the next try
    begins where this one did.
    """
    book = LogBook(log, shelf)
    act = OwnAct(
        event=event_of(pb.EnrollRequest()),
        caller_uri=answer.issued.uri,
        seen=0,
        resource=fingerprint(answer.issued),
    )
    if not answer.HasField("receipt"):
        raise Problem("RECEIPT_MISSING", {"event": act.event})
    book.take(opened(answer.receipt), act, known=book.look())


def _keep(shelf: MemoryShelf, log_book: Path) -> None:
    """Begin the client's book with the head that it was enrolled under, unless it has one."""
    with FileShelf(log_book).turn() as content:
        if not content.read():
            content.replace(shelf.read())


def enrolled_in(folder: Path, uri: str) -> Enrolled:
    """Return the files of a folder."""
    identity = folder / IDENTITY
    return Enrolled(uri, identity / CHAIN, identity / KEY, folder / TRUST)


def _ask(
    address: str, leaf_pem: bytes, ticket: Ticket, folder: Path
) -> tuple[Pending, pb.EnrollResponse]:
    pending = _pending(folder)
    try:
        return pending, _enroll(address, leaf_pem, ticket, pending)
    except Problem as problem:
        # A key of an earlier try under another token has its certificate already, and no way to it.
        if problem.metadata.get("rule") != "KEY_NOT_NEW":
            raise
    shutil.rmtree(folder / _ENROLLING)
    pending = _pending(folder)
    return pending, _enroll(address, leaf_pem, ticket, pending)


def _pending(folder: Path) -> Pending:
    """Return the key of an enrolment that was begun, or begin one."""
    place = folder / _ENROLLING
    if not place.exists():
        with new_folder(place) as temporary:
            temporary.chmod(0o700)
            write_new_key(temporary)
    return read_pending(place)


def _enroll(address: str, leaf_pem: bytes, ticket: Ticket, pending: Pending) -> pb.EnrollResponse:
    request = pb.EnrollRequest(token=ticket.token, certificate_request=pending.request)
    with closing(channel.open_to(address, leaf_pem)) as line:
        return channel.call(pb_grpc.EnrollmentServiceStub(line).Enroll, request)
