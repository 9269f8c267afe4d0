"""A center without its edges: a store with the sample residents, cards for them, and a signer."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from juki_center.areas.audit.heads import LogSigner
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardSession, CardStatus, Purpose
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.copies.commands import (
    CardProof,
    GetIssue,
    IssueCopy,
    IssuedCopy,
    Item,
    Scope,
    Subject,
)
from juki_center.areas.copies.find import get_issue
from juki_center.areas.copies.issue import issue_copy
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.copies.signature import CopySigner, CopyTrust
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.samples import Sample
from juki_center.cli import shipped
from juki_center.errors import Reason, Refusal
from juki_center.storage import open_store
from juki_center.storage.center_store import CenterStore
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.postgresql import PostgreSQLStore
from juki_center.storage.samples import load_samples, read_samples
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.writer import WINDOW_SECONDS
from tests.support.clerks import clerk_policy
from tests.support.postgresql import URL_FILE

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
CHIYODA = Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016"))
CHIYODA_2 = Terminal("juki://municipality/131016/terminal/02", MunicipalityCode("131016"))
TOKOROZAWA = Terminal("juki://municipality/112089/terminal/01", MunicipalityCode("112089"))
SAMPLES: dict[str, Sample] = {sample.key: sample for sample in read_samples()}


def serial_of(key: str) -> bytes:
    """Return the serial of a sample resident's card."""
    return hashlib.sha256(f"card of {key}".encode()).digest()


def make_signer() -> tuple[CopySigner, CopyTrust]:
    """Return a copy signer with a certificate of its own, and the trust in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "copy signer")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    return CopySigner(key, der), CopyTrust((der,))


def make_policy(signer: CopySigner, *, photo_id: bool = True) -> CopyPolicy:
    """Return a policy over all municipalities of the country."""
    return CopyPolicy(
        photo_id_enabled=photo_id,
        municipalities=shipped.municipalities(),
        signer=signer,
    )


def open_test_store(
    folder: Path, *, window_seconds: float = 0.0, signer: LogSigner | None = None
) -> CenterStore:
    """Open the store in a folder, making its key-encryption key where there is none.

    It is a file there, or the database that a file names.
    """
    kek = folder / "kek"
    if not kek.exists():
        create_kek(kek)
    key = KeyEncryptionKey.load(kek)
    named = folder / URL_FILE
    if named.exists():
        url, window = named.read_text(), window_seconds or WINDOW_SECONDS
        return PostgreSQLStore(url, key, signer=signer, window_seconds=window)
    if window_seconds:
        return SQLiteStore(folder / "center.db", key, signer=signer, window_seconds=window_seconds)
    return open_store(f"sqlite:///{folder / 'center.db'}", key, signer)


def enter_everybody(tx: Tx, now: datetime = NOW) -> None:
    """Act: enter the samples, each with a card."""
    for sample in load_samples(tx, now):
        holder = tx.residents.by_code(sample.record.code)
        assert holder is not None
        tx.cards.add_card(
            Card(
                serial=serial_of(sample.key),
                person=holder.person,
                kind=CardKind.RESIDENT,
                status=CardStatus.ACTIVE,
                municipality=sample.municipality,
                valid_until=date(2033, 8, 24),
                number=CardNumber.drawn(serial_of(sample.key)[-8:]),
                made_on=date(2023, 8, 25),
            )
        )


@dataclass(slots=True)
class Center:
    """A store with everybody in it, a policy, and the trust in its signer."""

    store: SQLiteStore
    policy: CopyPolicy
    trust: CopyTrust
    now: datetime = field(default=NOW)

    async def session(
        self, key: str, terminal: Terminal = CHIYODA, now: datetime | None = None
    ) -> CardSession:
        """Finish a card session for a sample resident."""
        command = RecordSession(
            terminal=terminal,
            session_id=uuid.uuid4().bytes,
            purpose=Purpose.CERTIFICATE_COPY,
            card_serial=serial_of(key),
            resident_code=SAMPLES[key].record.code,
            transcript_hash=hashlib.sha256(uuid.uuid4().bytes).digest(),
        )
        return await self.store.act(lambda tx: record_session(tx, command, now or self.now))

    async def issue(self, command: IssueCopy, now: datetime | None = None) -> IssuedCopy:
        """Issue a copy."""
        return await self.store.act(
            lambda tx: issue_copy(tx, command, now or self.now, self.policy)
        )

    def found(self, command: IssueCopy) -> IssuedCopy | None:
        """Say what became of a request: its issue, or None where it has had no effect."""
        asked = GetIssue(command.terminal, command.request_id)
        try:
            return self.store.read(lambda tx: get_issue(tx, asked, self.now, clerk_policy()))
        except Refusal as refusal:
            if refusal.reason is not Reason.ISSUE_NOT_FOUND:
                raise
            return None

    async def command(
        self,
        key: str,
        *,
        terminal: Terminal = CHIYODA,
        scope: Scope = Scope.SELF,
        subjects: tuple[Subject, ...] = (),
        items: tuple[Item, ...] = (),
    ) -> IssueCopy:
        """Return a request for a copy by card, its session finished."""
        session = await self.session(key, terminal)
        return IssueCopy(
            terminal=terminal,
            request_id=uuid.uuid4(),
            proof=CardProof(session.session_id),
            scope=scope,
            fee_yen=300,
            subjects=subjects,
            items=items,
        )


def subject(key: str) -> Subject:
    """Return a sample resident as an applicant would name them."""
    return Subject(SAMPLES[key].record.name, SAMPLES[key].record.birth)
