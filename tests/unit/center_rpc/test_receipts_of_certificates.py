"""Enrolment, renewal and recovery held to the log: refused without a receipt, and nothing lost."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from juki_client import certificate_reports as reports
from juki_client import channel, enrolment, rotation
from juki_client.identity_slot import IdentitySlot
from juki_client.log_book import LogBook
from juki_client.log_proofs import trusted_log
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Problem
from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.typed_codes import Use, write_code
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from tests.support.client_config import NAMES, ClientConfig
from tests.support.fleet import CHIYODA_7, Fleet, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import grpc

    from juki_center.areas.fleet.tokens import MadeToken
    from juki_client.identity import ClientIdentity
    from juki_client.report import Report
    from juki_pki.folder import PKIFolder

    Bend = Callable[[object], object]

_UNARY = "unary_unary"


@dataclass(frozen=True)
class BentLine:
    """A connection on which every answer is bent before the client sees it."""

    line: grpc.Channel
    bend: Bend

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[..., bytes],
        response_deserializer: Callable[[bytes], object],
        **options: object,
    ) -> object:
        bent = lambda octets: self.bend(response_deserializer(octets))  # noqa: E731
        return getattr(self.line, _UNARY)(method, request_serializer, bent, **options)

    def __getattr__(self, name: str) -> object:
        return getattr(self.line, name)


def bent(dial: rotation.Dial, bend: Bend) -> rotation.Dial:
    return lambda identity: BentLine(dial(identity), bend)  # type: ignore[return-value]  # like one


def without_receipt_of(kind: type) -> Bend:
    def bend(answer: object) -> object:
        if isinstance(answer, kind):
            answer.ClearField("receipt")  # type: ignore[attr-defined]  # a message
        return answer

    return bend


def of_no_leaf(answer: object) -> object:
    """Give a receipt whose leaf is not in the log."""
    if isinstance(answer, pb.RenewCertificateResponse):
        answer.receipt.leaves[0].content = answer.receipt.leaves[0].content + b"\0"
    return answer


def book_of(config: ClientConfig) -> LogBook:
    return LogBook(trusted_log(config.trust_dir), FileShelf(config.log_book))


def slot_of(config: ClientConfig) -> IdentitySlot:
    return IdentitySlot(config.certificate, config.key)


def dial_of(config: ClientConfig) -> rotation.Dial:
    leaves = (config.trust_dir / "center-leaves.pem").read_bytes()
    return rotation.dialled(config.center_address, leaves)


def renew(config: ClientConfig, bend: Bend = lambda answer: answer) -> ClientIdentity:
    dial = bent(dial_of(config), bend)
    return rotation.renew(slot_of(config), dial, book_of(config), datetime.now(UTC)).identity


def problem_of(act: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as raised:
        act()
    return raised.value


def write_ticket(fleet: Fleet, made: MadeToken, path: Path) -> str:
    leaf = fleet.pki.center("center-1").certificate
    mark = enrolment.center_mark(leaf.public_bytes(Encoding.DER))
    path.write_text(f"{write_code(made.octets, Use.TOKEN)}\n{write_code(mark, Use.CENTER_MARK)}\n")
    return str(path)


def enrol(address: str, ticket: str, folder: Path) -> Report:
    return reports.enrol(address, ticket, folder, NAMES, lambda who: who.uri)


async def enrolled(fleet: Fleet, folder: Path) -> ClientConfig:
    ticket = write_ticket(fleet, await fleet.token(), folder.with_suffix(".ticket"))
    await asyncio.to_thread(enrol, fleet.enrolment_address, ticket, folder)
    return ClientConfig(folder, fleet.address)


async def test_enrolment_without_a_receipt_is_refused_and_finished_by_the_same_token(
    pki: PKIFolder, tmp_path: Path
) -> None:
    folder, store = tmp_path / "terminal", tmp_path / "center"
    async with serving(pki, store, signs=False) as fleet:
        ticket = write_ticket(fleet, await fleet.token(), tmp_path / "ticket")
        problem = await asyncio.to_thread(
            problem_of, lambda: enrol(fleet.enrolment_address, ticket, folder)
        )

    async with serving(pki, store) as fleet:
        given = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(CHIYODA_7.uri))
        await asyncio.to_thread(enrol, fleet.enrolment_address, ticket, folder)

    config = ClientConfig(folder, fleet.address)
    assert (problem.reason, problem.metadata) == ("RECEIPT_MISSING", {"event": "PEER_ENROLLED"})
    assert [slot_of(config).load().certificate_hash] == [row.fingerprint for row in given]
    assert book_of(config).look().size > 0


async def test_renewal_without_a_receipt_is_refused_and_gets_the_same_certificate_later(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center") as fleet:
        config = await enrolled(fleet, tmp_path / "terminal")
        before = slot_of(config).load().certificate_hash

        problem = await asyncio.to_thread(
            problem_of,
            lambda: renew(config, without_receipt_of(pb.RenewCertificateResponse)),
        )
        between = slot_of(config).load().certificate_hash
        after = await asyncio.to_thread(renew, config)
        rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(CHIYODA_7.uri))

    assert problem.metadata == {"event": "CERTIFICATE_RENEWED"}
    assert (problem.reason, between) == ("RECEIPT_MISSING", before)
    assert {row.fingerprint for row in rows} == {before, after.certificate_hash}


async def test_confirmation_without_a_receipt_is_refused_and_the_new_certificate_used(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center") as fleet:
        config = await enrolled(fleet, tmp_path / "terminal")
        before = slot_of(config).load().certificate_hash
        bend = without_receipt_of(pb.ConfirmCertificateResponse)

        problems = [
            await asyncio.to_thread(problem_of, lambda: renew(config, bend)) for _ in range(2)
        ]
        between = slot_of(config).load().certificate_hash
        after = await asyncio.to_thread(renew, config)

    assert [one.metadata["event"] for one in problems] == ["CERTIFICATE_CONFIRMED"] * 2
    assert before != between == after.certificate_hash
    assert slot_of(config).pending() is None


async def test_wrong_receipt_is_remembered_until_a_person_accepts_the_log(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center") as fleet:
        config = await enrolled(fleet, tmp_path / "terminal")

        problems = [
            await asyncio.to_thread(problem_of, lambda bend=bend: renew(config, bend))  # type: ignore[misc]  # bound now
            for bend in (of_no_leaf, lambda answer: answer)
        ]
        book_of(config).begin_anew()
        after = await asyncio.to_thread(renew, config)
        rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(CHIYODA_7.uri))

    assert [one.reason for one in problems] == ["RECEIPT_INVALID"] * 2
    assert len(rows) == 2
    assert rows[0].fingerprint == after.certificate_hash


async def test_recovery_without_a_receipt_is_refused_and_finished_by_asking_again(
    pki: PKIFolder, tmp_path: Path
) -> None:
    identity = PeerIdentity(Role.TERMINAL, "absent", "131016")
    begun = datetime.now(UTC) - timedelta(days=395)
    make.issue_peer(pki, identity, Profiles.load(), begun)
    folder = tmp_path / "terminal"
    (folder / "identity").mkdir(parents=True)
    for name in ("chain.pem", "key.pem"):
        (folder / "identity" / name).write_bytes((pki.peer_path(identity) / name).read_bytes())
    (folder / "trust").mkdir()
    for path in pki.trust_path.iterdir():
        (folder / "trust" / path.name).write_bytes(path.read_bytes())
    config = ClientConfig(folder, "")
    bend = without_receipt_of(pb.RecoverCertificateResponse)

    async with serving(pki, tmp_path / "center") as fleet:
        unasked = await asyncio.to_thread(problem_of, lambda: recover(fleet, config, bend))
        asked, _ = await asyncio.to_thread(recover, fleet, config)
        await approve(fleet, asked.recovery_id)
        refused = await asyncio.to_thread(problem_of, lambda: recover(fleet, config, bend))
        _, back = await asyncio.to_thread(recover, fleet, config)
        rows = fleet.store.read(lambda tx: tx.peer_certificates.of_peer(identity.uri))

    assert unasked.metadata == {"event": "RECOVERY_ASKED"}
    assert refused.metadata == {"event": "CERTIFICATE_RECOVERED"}
    assert back is not None
    assert back.certificate_hash in {row.fingerprint for row in rows}
    assert len(rows) == 2
    assert slot_of(config).load().certificate_hash == back.certificate_hash


def recover(
    fleet: Fleet, config: ClientConfig, bend: Bend = lambda answer: answer
) -> tuple[pb.RecoverCertificateResponse, ClientIdentity | None]:
    with closing(channel.open_to(fleet.enrolment_address, fleet.leaves())) as line:
        bent_line = BentLine(line, bend)
        return rotation.recover(slot_of(config), bent_line, book_of(config))  # type: ignore[arg-type]  # like one


async def approve(fleet: Fleet, number: str) -> None:
    def act(tx: object) -> None:
        recoveries = tx.recoveries  # type: ignore[attr-defined]  # a transaction
        found = recoveries.find(number)
        recoveries.change(replace(found, state=type(found.state)("APPROVED")))

    await fleet.store.act(act)
