"""A center that serves registers and copies over gRPC, and requests as terminals make them."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_center.areas.ports import Tx
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.cli.fleet_parts import Fleet
from juki_center.rpc import copies, residents, server
from juki_center.rpc.batch_pace import BatchPace
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_streams import OpenStreams
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from jukinet.residents.v1 import resident_service_pb2_grpc as pb_grpc
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.support.center import (
    SAMPLES,
    Center,
    enter_everybody,
    make_policy,
    make_signer,
    open_test_store,
)
from tests.support.center_edge import SERVICE, channel, running
from tests.support.clerks import clerk_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

CHIYODA = MunicipalityCode("131016")
TOKOROZAWA = MunicipalityCode("112089")
STOCK = 20
CLERK = "千代田　花子"
RESIDENTS = pb.DESCRIPTOR.services_by_name["ResidentService"]
SIGNER, TRUST = make_signer()


@dataclass
class Clock:
    """A clock that a test may put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def furnish(folder: Path) -> None:
    """Leave a closed store with everybody in it, and codes for Chiyoda."""

    def act(tx: Tx) -> None:
        now = datetime.now(UTC)
        enter_everybody(tx, now)
        stock_codes(tx, CHIYODA, STOCK, now, caller_uri="juki://operator/operator-1")

    async def run() -> None:
        store = open_test_store(folder)
        await store.act(act)
        store.close()

    asyncio.run(run())


@dataclass
class Office:
    """A center that serves, and the ways to call it."""

    center: Center
    edge: RunningEdge
    pki: PKIFolder
    clock: Clock
    imports: OpenStreams

    @asynccontextmanager
    async def stub(
        self, peer: X509Credential | None = None
    ) -> AsyncIterator[pb_grpc.ResidentServiceStub]:
        """Give a stub that calls as a peer, or as the first terminal of Chiyoda."""
        async with channel(self.edge, self.pki, peer or self.terminal()) as opened:
            yield pb_grpc.ResidentServiceStub(opened)

    @asynccontextmanager
    async def copies(
        self, peer: X509Credential
    ) -> AsyncIterator[copies_grpc.CertificateCopyServiceStub]:
        """Give a stub of the copies' service."""
        async with channel(self.edge, self.pki, peer) as opened:
            yield copies_grpc.CertificateCopyServiceStub(opened)

    @asynccontextmanager
    async def raw(self, method: str) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
        """Give a call that sends octets as they are."""
        async with channel(self.edge, self.pki, self.terminal()) as opened:
            yield opened.unary_unary(f"/{RESIDENTS.full_name}/{method}")

    def terminal(
        self, municipality: MunicipalityCode = CHIYODA, name: str = "01"
    ) -> X509Credential:
        """Return a terminal's credential."""
        return self.pki.terminal(str(municipality), name)

    def strangers(self) -> dict[str, X509Credential]:
        """Return a peer of each role that may not call."""
        return {
            "desk": self.pki.desk("131016", "01"),
            "agency": self.pki.agency("passport-1"),
            "operator": self.pki.operator("operator-1"),
        }


@asynccontextmanager
async def serving(
    pki: PKIFolder, furnished: Path, folder: Path, *, gated: bool = False
) -> AsyncIterator[Office]:
    """Serve a copy of a furnished store until the block ends; `gated` minds who is cut off."""
    shutil.copytree(furnished, folder)
    store = open_test_store(folder, signer=pki.log_signer())
    clock, metrics = Clock(), Metrics()
    center = Center(store, make_policy(SIGNER), TRUST, now=datetime.now(UTC))
    imports = OpenStreams(metrics.open_imports)
    register = residents.Residents(
        residents.Parts(
            store,
            RegisterPolicy(center.policy.municipalities, low_stock=100),
            clock,
            metrics,
            imports,
            BatchPace(),
        )
    )
    issue = copies.CertificateCopies(
        copies.Parts(store, center.policy, TRUST, clock, clerk_policy())
    )
    services = (
        server.Service(
            RESIDENTS, lambda s: pb_grpc.add_ResidentServiceServicer_to_server(register, s)
        ),
        server.Service(
            SERVICE, lambda s: copies_grpc.add_CertificateCopyServiceServicer_to_server(issue, s)
        ),
    )
    try:
        fleet = Fleet.of(store, clock)
        gates = fleet.gates if gated else ()
        async with running(pki, *services, live=fleet.live, gates=gates) as edge, fleet.watching():
            edge.metrics = metrics
            yield Office(center, edge, pki, clock, imports)
    finally:
        store.close()


@dataclass(frozen=True)
class Refused:
    """How a call was refused."""

    code: grpc.StatusCode
    reason: str
    facts: dict[str, str]
    everything: str
    """All that the caller is told, for searching."""


def refusal(error: grpc.aio.AioRpcError) -> Refused:
    """Read a refusal from the status of a call."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # duck-typed by the library
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    everything = f"{error!r} {error.trailing_metadata()} {error.details()} {status}"
    return Refused(error.code(), info.reason, dict(info.metadata), everything)


def code_of(key: str) -> str:
    """Return a sample resident's code."""
    return SAMPLES[key].record.code.digits


def ask(
    key: str = "tsuji-makoto", *, clerk_name: str = CLERK, with_history: bool = False
) -> pb.GetRecordRequest:
    """Ask for a record."""
    return pb.GetRecordRequest(code=code_of(key), clerk_name=clerk_name, with_history=with_history)


def showa(year: int, month: int, day: int) -> CivilDate:
    """Return a day of Showa."""
    return _era(CivilDate.ERA_SHOWA, year, month, day)


def reiwa(year: int, month: int, day: int) -> CivilDate:
    """Return a day of Reiwa."""
    return _era(CivilDate.ERA_REIWA, year, month, day)


def gregorian(year: int, month: int, day: int) -> CivilDate:
    """Return a day in the Gregorian calendar."""
    return CivilDate(
        calendar=CivilDate.CALENDAR_GREGORIAN,
        year=year,
        month=month,
        day=day,
        precision=CivilDate.PRECISION_DAY,
    )


def _era(era: CivilDate.Era.ValueType, year: int, month: int, day: int) -> CivilDate:
    return CivilDate(
        calendar=CivilDate.CALENDAR_ERA,
        era=era,
        year=year,
        month=month,
        day=day,
        precision=CivilDate.PRECISION_DAY,
    )


BIRTHDAY = reiwa(8, 11, 1)


def newborn(**more: object) -> records.Entries:
    """Return the entries of a child."""
    entries = records.Entries(
        name="辻　小春",
        name_kana="ツジ　コハル",
        nationality=records.Entries.NATIONALITY_JAPANESE,
        date_of_birth=BIRTHDAY,
        sex=records.Entries.SEX_FEMALE,
        relationship_to_householder="子",
        resident_since=BIRTHDAY,
        registered_domicile="東京都千代田区九段南一丁目2番",
        family_register_head="辻　誠",
    )
    return changed(entries, more)


def foreigner(**more: object) -> records.Entries:
    """Return the entries of a foreign resident with a name in each of its forms."""
    entries = records.Entries(
        name="NGUYỄN THỊ HÀ",
        name_kana="グエン　ティ　ハー",
        kanji_name="阮　氏河",
        alias="田中　はな",
        nationality=records.Entries.NATIONALITY_FOREIGN,
        date_of_birth=gregorian(1994, 5, 6),
        sex=records.Entries.SEX_FEMALE,
        address="東京都千代田区九段南一丁目2番1号",
        relationship_to_householder="世帯主",
        resident_since=reiwa(5, 4, 1),
    )
    return changed(entries, more)


def changed(entries: records.Entries, changes: dict[str, object]) -> records.Entries:
    """Return entries with other values; None takes a field out."""
    other = records.Entries()
    other.CopyFrom(entries)
    for name, value in changes.items():
        if isinstance(value, CivilDate):
            getattr(other, name).CopyFrom(value)
        elif value is None:
            other.ClearField(name)  # type: ignore[arg-type]  # a field's name
        else:
            setattr(other, name, value)
    return other


def birth(household_of: str = "tsuji-makoto", **more: object) -> pb.RegisterBirthRequest:
    """Return a birth into a sample resident's household; `more` changes the child's entries."""
    return pb.RegisterBirthRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        household_of_code=code_of(household_of),
        entries=newborn(**more),
    )


def death(key: str = "tsuji-misaki", version: int = 1) -> pb.RegisterDeathRequest:
    """Return a death."""
    return pb.RegisterDeathRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        code=code_of(key),
        expected_version=version,
        date_of_death=reiwa(8, 11, 20),
    )


def correction(
    record: records.ResidenceRecord, entries: records.Entries | None = None, **more: object
) -> pb.CorrectRecordRequest:
    """Return a correction of a record as it was read; `more` changes its entries."""
    return pb.CorrectRecordRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        code=record.code,
        expected_version=record.version,
        entries=changed(entries or record.entries, more),
        reason=records.CHANGE_REASON_CORRECTION_EX_OFFICIO,
        change_date=reiwa(8, 11, 20),
    )


def new_code(key: str = "tsuji-makoto", version: int = 1) -> pb.ChangeResidentCodeRequest:
    """Return a request for a new code."""
    return pb.ChangeResidentCodeRequest(
        request_id=str(uuid4()), clerk_name=CLERK, code=code_of(key), expected_version=version
    )


def update_row(
    code: str,
    version: int = 1,
    household: str = "100",
    entries: records.Entries | None = None,
    **more: object,
) -> pb.UpdateRow:
    """Return a row of an import: one version of a person of Chiyoda; `more` changes entries."""
    row = pb.UpdateRow(
        code=code,
        version=version,
        household_number=household,
        state=records.ResidenceRecord.STATE_ACTIVE,
        entries=changed(entries or _settled(), more),
    )
    if version > 1:
        row.change.reason = records.CHANGE_REASON_CORRECTION_EX_OFFICIO
        row.change.change_date.CopyFrom(reiwa(8, 11, 20))
    return row


def _settled() -> records.Entries:
    return newborn(
        name="千代田　一郎",
        name_kana="チヨダ　イチロウ",
        date_of_birth=showa(45, 3, 2),
        sex=records.Entries.SEX_MALE,
        relationship_to_householder="世帯主",
        resident_since=showa(45, 3, 2),
        address="東京都千代田区九段南一丁目2番1号",
    )


def hello(import_id: str = "") -> pb.ImportRecordsRequest:
    """Return the first message of an import, of a new one where no id is given."""
    return pb.ImportRecordsRequest(
        hello=pb.ImportRecordsRequest.Hello(import_id=import_id or str(uuid4()))
    )


def rows(*those: pb.UpdateRow, first: int = 1) -> pb.ImportRecordsRequest:
    """Return a message with rows."""
    return pb.ImportRecordsRequest(rows=pb.ImportRecordsRequest.Rows(first_row=first, rows=those))


def finish(row_count: int) -> pb.ImportRecordsRequest:
    """Return the last message of an import."""
    return pb.ImportRecordsRequest(finish=pb.ImportRecordsRequest.Finish(row_count=row_count))
