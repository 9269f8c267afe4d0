"""What the commands about a client's own certificate do and say; each program has them alike."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_client import channel, enrolment, rotation, trust_store
from juki_client.anchors import LEAVES, read_public
from juki_client.identity_slot import IdentitySlot
from juki_client.log_book import LogBook
from juki_client.log_proofs import trusted_log
from juki_client.log_shelf import FileShelf
from juki_client.outcome import JSON, Exit, Problem
from juki_client.report import Report
from juki_pki.files import write_public
from juki_pki.identity import PeerIdentity

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

        @property
        def log_book(self) -> Path: ...


_ROOT: Final = "root.pem"
_PORT: Final = 7443


@dataclass(frozen=True, slots=True)
class Names:
    """How a program calls its configuration and its book of the log, beside its keys."""

    config: str
    log_book: str


def renew(config: CertificateConfig, *, if_due: bool) -> Report:
    """Take over what is to be trusted now, and renew the certificate where it is due or wanted.

    In this order, because the log may have another signer by now. Raises Problem: the center's
    reasons, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED, RECEIPT_MISSING and what else the log is not
    trusted for.
    """
    slot = IdentitySlot(config.certificate, config.key)
    dial, book = _dial(config), _book(config)
    with closing(dial(rotation.settle(slot, dial, book))) as line:
        is_newer = trust_store.refresh(line, config.trust_dir)
    dial, book = _dial(config), _book(config)
    done = rotation.renew(slot, dial, book, datetime.now(UTC), if_due=if_due)
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


def _dial(config: CertificateConfig) -> rotation.Dial:
    return rotation.dialled(config.center_address, read_public(config.trust_dir, LEAVES))


def _book(config: CertificateConfig) -> LogBook:
    return LogBook(trusted_log(config.trust_dir), FileShelf(config.log_book))


def recover(config: CertificateConfig, enrolment_address: str) -> Report:
    """Ask for a certificate in place of the expired one; exit REFUSED while nobody has approved.

    The pins may be as old as the certificate: who answers must have one of the known leaves or one
    of the known root, and what it says is proved by the known card access authority. Raises
    Problem: the center's reasons, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED, RECEIPT_MISSING and what
    else the log is not trusted for.
    """
    anchors = read_public(config.trust_dir, LEAVES) + read_public(config.trust_dir, _ROOT)
    slot = IdentitySlot(config.certificate, config.key)
    with closing(channel.open_to(enrolment_address, anchors)) as line:
        trust_store.refresh(line, config.trust_dir)
        answer, identity = rotation.recover(slot, line, _book(config))
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
    ends = identity.leaf.not_valid_after_utc
    return Report(
        {"recoveryId": answer.recovery_id, "approved": True, "validUntil": ends.isoformat()},
        f"back as {answer.issued.uri}, valid until {ends:%Y-%m-%d}",
    )


def enrol(
    address: str,
    ticket_from: str,
    folder: Path,
    names: Names,
    config_text: Callable[[PeerIdentity], str],
) -> Report:
    """Enrol, and write a configuration beside the keys where there is none.

    `ticket_from` is a file with the token and the center's mark, or - for standard input. Raises
    Problem: the center's reasons, USAGE_INVALID, CENTER_UNREACHABLE, CENTER_NOT_TRUSTED,
    RECEIPT_MISSING and RECEIPT_INVALID.
    """
    path, log_book = folder / names.config, folder / names.log_book
    done = _begun(folder, path) or enrolment.enrol(address, _ticket(ticket_from), folder, log_book)
    if not path.exists():
        write_public(path, config_text(PeerIdentity.from_uri(done.uri)).encode("utf-8"))
    result = {"uri": done.uri, "folder": str(folder), "config": str(path)}
    return Report(result, f"enrolled as {done.uri}; configuration: {path}")


def serving(enrolment_address: str, named: str) -> str:
    """Return where the center serves everything else: as named, or at its host's port 7443."""
    return named or f"{enrolment_address.rpartition(':')[0]}:{_PORT}"


def _begun(folder: Path, config: Path) -> enrolment.Enrolled | None:
    """Return what an enrolment left that was cut off before it wrote its configuration."""
    if config.exists() or not (folder / enrolment.IDENTITY).exists():
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
