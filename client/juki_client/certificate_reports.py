"""What the commands about a client's own certificate do and say; each program has them alike."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_client import channel, enrolment, rotation, trust_store
from juki_client.anchors import LEAVES, read_public
from juki_client.identity_slot import IdentitySlot
from juki_client.outcome import JSON, Exit, Problem
from juki_client.report import Report
from juki_pki.files import write_public
from juki_pki.identity import PeerIdentity
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from juki_client.identity import ClientIdentity

    class CertificateConfig(Protocol):
        """What a program's configuration says of its certificate and its center."""

        @property
        def center_address(self) -> str: ...

        @property
        def certificate(self) -> Path: ...

        @property
        def key(self) -> Path: ...

        @property
        def trust_dir(self) -> Path: ...


_ROOT: Final = "root.pem"
_PORT: Final = 7443


def renew(config: CertificateConfig, *, if_due: bool) -> Report:
    """Renew the certificate where it is due or wanted, and take over what is to be trusted now.

    Raises Problem: the center's reasons, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED.
    """
    leaves = read_public(config.trust_dir, LEAVES)
    dial = rotation.dialled(config.center_address, leaves)
    slot = IdentitySlot(config.certificate, config.key)
    done = rotation.renew(slot, dial, datetime.now(UTC), if_due=if_due)
    with closing(dial(done.identity)) as line:
        is_newer = _refresh(pb_grpc.EnrollmentServiceStub(line), config.trust_dir)
    said = "renewed" if done.has_changed else "not due"
    due = f"{done.due:%Y-%m-%d %H:%M}Z"
    ends = done.identity.leaf.not_valid_after_utc
    lines = [f"{said}; valid until {ends:%Y-%m-%d}, next renewal {due}"]
    if is_newer:
        lines.append("the trust folder was brought up to date")
    return Report(
        {
            "renewed": done.has_changed,
            "validUntil": ends.isoformat(),
            "nextRenewal": done.due.isoformat(),
            "trustUpdated": is_newer,
            "certificateSha256": done.identity.certificate_hash.hex(),
        },
        "\n".join(lines),
    )


def _refresh(stub: pb_grpc.EnrollmentServiceStub, folder: Path) -> bool:
    """Take over what the center says is to be trusted; say whether it was anything new."""
    known = trust_store.known_version(folder)
    request = pb.GetCenterDescriptionsRequest(known_version=known)
    answer = channel.call(stub.GetCenterDescriptions, request)
    if not answer.HasField("descriptions"):
        return False
    trust_store.take_over(folder, answer.descriptions)
    return True


def recover(config: CertificateConfig, enrolment_address: str) -> Report:
    """Ask for a certificate in place of the expired one; exit REFUSED while nobody has approved.

    The pins may be as old as the certificate: who answers must have one of the known leaves or one
    of the known root, and what it says is proved by the known card access authority. Raises
    Problem: the center's reasons, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED.
    """
    anchors = read_public(config.trust_dir, LEAVES) + read_public(config.trust_dir, _ROOT)
    slot = IdentitySlot(config.certificate, config.key)
    with closing(channel.open_to(enrolment_address, anchors)) as line:
        answer, identity = rotation.recover(slot, line)
    if identity is None:
        text = (
            f"recovery {answer.recovery_id} waits for two operators;"
            " run the same command again when they have approved it"
        )
        facts: dict[str, JSON] = {
            "recoveryId": answer.recovery_id,
            "approved": answer.approved,
        }
        return Report(facts, text, Exit.REFUSED)
    trust_store.take_over(config.trust_dir, answer.descriptions)
    ends = identity.leaf.not_valid_after_utc
    return Report(
        {"recoveryId": answer.recovery_id, "approved": True, "validUntil": ends.isoformat()},
        f"back as {answer.issued.uri}, valid until {ends:%Y-%m-%d}",
    )


def enrol(
    address: str,
    ticket_from: str,
    folder: Path,
    config_file: str,
    config_text: Callable[[PeerIdentity], str],
) -> Report:
    """Enrol, and write a configuration beside the keys where there is none.

    `ticket_from` is a file with the token and the center's mark, or - for standard input. Raises
    Problem: the center's reasons, USAGE_INVALID, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED.
    """
    done = _begun(folder, config_file) or enrolment.enrol(address, _ticket(ticket_from), folder)
    path = folder / config_file
    if not path.exists():
        write_public(path, config_text(PeerIdentity.from_uri(done.uri)).encode("utf-8"))
    result = {"uri": done.uri, "folder": str(folder), "config": str(path)}
    return Report(result, f"enrolled as {done.uri}; configuration: {path}")


def serving(enrolment_address: str, named: str) -> str:
    """Return where the center serves everything else: as named, or at its host's port 7443."""
    return named or f"{enrolment_address.rpartition(':')[0]}:{_PORT}"


def _begun(folder: Path, config_file: str) -> enrolment.Enrolled | None:
    """Return what an enrolment left that was cut off before it wrote its configuration."""
    if (folder / config_file).exists() or not (folder / enrolment.IDENTITY).exists():
        return None
    found = enrolment.enrolled_in(folder, "")
    identity: ClientIdentity = IdentitySlot(found.certificate, found.key).load()
    return enrolment.enrolled_in(folder, rotation.uri_of(identity))


def _ticket(source: str) -> enrolment.Ticket:
    if source == "-":
        return enrolment.Ticket.parse(sys.stdin.read())
    try:
        return enrolment.Ticket.parse(Path(source).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem("USAGE_INVALID", {"field": "--token-from", "rule": "a text file"}) from error
