"""Renewal from the client's side: a new key, its certificate, the proof that both are stored.

Until the proof was given the old certificate is used, and the center takes it. Whatever is cut off,
the next call goes on where the last one was: the same request gets the same certificate, and the
proof may be given again. Each answer is held to the audit log like that of any act; one without its
receipt is not taken over, but nothing is lost by it: the next call asks for the same again.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import channel
from juki_client.identity import ClientIdentity
from juki_client.log_proofs import CenterProver
from juki_client.outcome import Problem
from juki_client.receipts import Receipts, event_of, request_id_of
from juki_client.renewal_time import renew_at
from juki_pki.errors import IdentityError, RequestRefused
from juki_pki.identity import BROKEN, identity_from_certificate
from juki_pki.recovery import recovery_octets
from juki_pki.requests import key_sha256, parse_request
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc
    from google.protobuf.message import Message

    from juki_client.identity_slot import IdentitySlot, Pending
    from juki_client.log_book import LogBook
    from juki_client.receipts import Asking

    Dial: TypeAlias = Callable[[ClientIdentity], grpc.Channel]

CONFIRM_SECONDS: Final = 10.0
_BEGIN_ANEW: Final = frozenset(
    ("REQUEST_ID_REUSED", "ANSWER_EXPIRED", "CERTIFICATE_REQUEST_INVALID")
)
"""After these the pending key will never have a certificate."""
_RECOVERED: Final = "CERTIFICATE_RECOVERED"


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of a renewal: the identity in use, and when the next one is due."""

    identity: ClientIdentity
    due: datetime
    has_changed: bool


def dialled(address: str, center_leaves_pem: bytes) -> Dial:
    """Return how to call a center with one identity or another."""
    return lambda identity: channel.pinned(address, identity, center_leaves_pem)


def due_at(identity: ClientIdentity) -> datetime:
    """Return when a certificate is to be renewed."""
    leaf = identity.leaf
    return renew_at(leaf.not_valid_before_utc, leaf.not_valid_after_utc, identity.certificate_hash)


def settle(slot: IdentitySlot, dial: Dial, book: LogBook) -> ClientIdentity:
    """Finish a renewal that was cut off, and return the identity to call with.

    Where the center cannot be asked, the old certificate is used; it counts as long as the new one
    is not confirmed. Raises Problem CONFIGURATION_INVALID where there is no identity at all.
    """
    pending = slot.pending()
    if pending is None or not pending.is_issued:
        return slot.load()
    with slot.locked():
        _settle(slot, dial, book)
        return slot.load()


def _settle(slot: IdentitySlot, dial: Dial, book: LogBook) -> bool:
    """Finish a renewal that was cut off; say whether there was one and it is finished now."""
    pending = slot.pending()
    if pending is None or not pending.is_issued:
        return False
    try:
        _take_up(slot, pending, dial, book)
    except Problem as problem:
        if problem.reason == "CERTIFICATE_RETIRED":
            slot.drop()
        return False
    return True


def renew(
    slot: IdentitySlot, dial: Dial, book: LogBook, now: datetime, *, if_due: bool = False
) -> Renewed:
    """Renew the certificate, or go on with a renewal; with `if_due` not before its time.

    Raises Problem: the center's reasons, CENTER_NOT_TRUSTED where the answer is not for this key
    or names somebody else, CENTER_UNREACHABLE, RECEIPT_MISSING and what else the log is not trusted
    for. The identity in use stays whatever is raised, or is the new one where the center has
    confirmed it.
    """
    with slot.locked():
        has_finished = _settle(slot, dial, book)
        identity = slot.load()
        waits = has_finished or (if_due and slot.pending() is None)
        if waits and now < due_at(identity):
            return Renewed(identity, due_at(identity), has_changed=has_finished)
        pending = _issued(slot, identity, dial, book)
        _take_up(slot, pending, dial, book)
        new = slot.load()
        return Renewed(new, due_at(new), has_changed=True)


def _issued(slot: IdentitySlot, identity: ClientIdentity, dial: Dial, book: LogBook) -> Pending:
    """Return what is pending with its certificate; raise Problem."""
    pending = slot.pending() or slot.begin()
    try:
        _ask(identity, pending, dial, book)
    except Problem as problem:
        if problem.reason not in _BEGIN_ANEW:
            raise
        slot.drop()
        pending = slot.begin()
        _ask(identity, pending, dial, book)
    return pending


def _ask(identity: ClientIdentity, pending: Pending, dial: Dial, book: LogBook) -> None:
    """Have the pending key certified, and store the certificate once the log shows it."""
    request = pb.RenewCertificateRequest(
        request_id=pending.request_id, certificate_request=pending.request
    )
    with closing(dial(identity)) as line:
        asking = _asking(identity, pending, line, book, request)
        stub = pb_grpc.EnrollmentServiceStub(line)
        answer = channel.call(stub.RenewCertificate, asking.stamped(request))
    chain = checked_chain(answer.issued, pending, uri_of(identity))
    asking.require(answer, resource=fingerprint(answer.issued))
    pending.store(chain)


def _take_up(slot: IdentitySlot, pending: Pending, dial: Dial, book: LogBook) -> None:
    """Prove over the new certificate that it is stored, and use it from then on."""
    if not pending.is_recovered:
        identity = pending.identity()
        request = pb.ConfirmCertificateRequest()
        with closing(dial(identity)) as line:
            asking = _asking(identity, pending, line, book, request)
            confirm = pb_grpc.EnrollmentServiceStub(line).ConfirmCertificate
            answer = channel.call(confirm, asking.stamped(request), seconds=CONFIRM_SECONDS)
        # The one before is refused from now on, whatever the log shows.
        slot.use(pending)
        asking.require(answer, resource=identity.certificate_hash.hex())
    slot.use(pending)
    slot.finish()


def _asking(
    identity: ClientIdentity, pending: Pending, line: grpc.Channel, book: LogBook, request: Message
) -> Asking:
    receipts = Receipts(book, uri_of(identity), CenterProver(line))
    receipts.prove_in_time()
    return receipts.act(
        event_of(request),
        request_id=request_id_of(request),
        seen=pending.asked_at(book.look().size),
    )


def recover(
    slot: IdentitySlot, line: grpc.Channel, book: LogBook
) -> tuple[pb.RecoverCertificateResponse, ClientIdentity | None]:
    """Ask for a certificate in place of the expired one, at the enrolment listener.

    Returns the center's answer, and the new identity where two operators have approved. Raises
    Problem: the center's reasons, CENTER_NOT_TRUSTED, RECEIPT_MISSING and what else the log is not
    trusted for. The log proves itself later: at that listener nothing else is served.
    """
    with slot.locked():
        expired = slot.load()
        pending = slot.pending() or slot.begin()
        request = recovery_request(expired, pending)
        receipts = Receipts(book, uri_of(expired), CenterProver(line))
        asking = receipts.act(event_of(request), seen=pending.asked_at(book.look().size))
        recovering = pb_grpc.EnrollmentServiceStub(line).RecoverCertificate
        answer = channel.call(recovering, asking.stamped(request))
        if not answer.HasField("issued"):
            asking.require(answer, resource=answer.recovery_id)
            return answer, None
        chain = checked_chain(answer.issued, pending, uri_of(expired))
        replace(asking, event=_RECOVERED).require(answer, resource=answer.recovery_id)
        pending.store(chain, is_recovered=True)
        slot.use(pending)
        slot.finish()
        return answer, slot.load()


def recovery_request(expired: ClientIdentity, pending: Pending) -> pb.RecoverCertificateRequest:
    """Return a request that the key of the expired certificate has signed."""
    new_key = _key_of(pending)
    return pb.RecoverCertificateRequest(
        certificate=expired.leaf.public_bytes(serialization.Encoding.DER),
        certificate_request=pending.request,
        signature=expired.sign(recovery_octets(expired.certificate_hash, new_key)),
    )


def checked_chain(issued: pb.IssuedCertificate, pending: Pending, uri: str) -> bytes:
    """Return a chain in PEM; raise Problem CENTER_NOT_TRUSTED where it is not for us.

    The certificate must be of the pending key and name `uri` (empty: whatever the center says),
    and the authority that goes with it must have signed it.
    """
    try:
        leaf, issuer = map(x509.load_der_x509_certificate, (issued.certificate, issued.issuer))
        key = leaf.public_key()
        named = identity_from_certificate(leaf).uri
        leaf.verify_directly_issued_by(issuer)
    except (IdentityError, InvalidSignature, TypeError, *BROKEN) as error:
        raise Problem("CENTER_NOT_TRUSTED", {"rule": "CERTIFICATE"}) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key_sha256(key) != _key_of(pending):
        raise Problem("CENTER_NOT_TRUSTED", {"rule": "CERTIFICATE_KEY"})
    if named != issued.uri or (uri and named != uri):
        raise Problem("CENTER_NOT_TRUSTED", {"rule": "CERTIFICATE_NAME"})
    pem = serialization.Encoding.PEM
    return leaf.public_bytes(pem) + issuer.public_bytes(pem)


def fingerprint(issued: pb.IssuedCertificate) -> str:
    """Return how the audit log names a certificate: the SHA-256 of its DER, in hex."""
    return hashlib.sha256(issued.certificate).hexdigest()


def uri_of(identity: ClientIdentity) -> str:
    """Return whom a certificate names; raise Problem CONFIGURATION_INVALID where it is nobody."""
    try:
        return identity_from_certificate(identity.leaf).uri
    except IdentityError as error:
        facts = {"key": "identity.certificate", "rule": "a juki:// URI"}
        raise Problem("CONFIGURATION_INVALID", facts) from error


def _key_of(pending: Pending) -> bytes:
    try:
        return parse_request(pending.request).key_sha256
    except RequestRefused as refused:
        facts = {"key": "identity", "rule": refused.rule}
        raise Problem("CONFIGURATION_INVALID", facts) from refused
