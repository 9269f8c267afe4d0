"""A center that confirms identities over gRPC, and questions as agencies send them."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_center.areas.ports import Tx
from juki_center.areas.residents.changes import ChangeNotice, Item
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeInformation, ChangeReason
from juki_center.cli.fleet_parts import Fleet
from juki_center.rpc import agencies, server
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.agency_alarms import AgencyAlarms
from juki_center.rpc.batch_pace import BatchPace
from juki_center.rpc.change_bell import ChangeBell
from juki_center.rpc.civil_dates import civil_date_message
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_streams import OpenStreams
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as pb_grpc
from jukinet.residents.v1.residence_record_pb2 import Entries
from tests.support.agencies import POLICY, authorise_usual, day, found
from tests.support.center import NOW, SAMPLES, enter_everybody, open_test_store
from tests.support.center_edge import RunningEdge, channel, running
from tests.support.register_service import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

SERVICE = pb.DESCRIPTOR.services_by_name["IdentityConfirmationService"]
FOUR_ITEMS = (pb.ITEM_NAME, pb.ITEM_DATE_OF_BIRTH, pb.ITEM_SEX, pb.ITEM_ADDRESS)
TOKOROZAWA = MunicipalityCode("112089")
NEW_CODE = ResidentCode("12345678903")
_SEXES = {"MALE": Entries.SEX_MALE, "FEMALE": Entries.SEX_FEMALE, "BLANK": Entries.SEX_BLANK}


def furnish(folder: Path) -> None:
    """Leave a closed store with everybody in it, and the usual authorisations."""

    def act(tx: Tx) -> None:
        enter_everybody(tx)
        authorise_usual(tx)

    async def run() -> None:
        store = open_test_store(folder)
        await store.act(act)
        store.close()

    asyncio.run(run())


@dataclass
class Bureau:
    """A center that serves agencies, and the ways to call it."""

    store: SQLiteStore
    parts: agencies.Parts
    edge: RunningEdge
    pki: PKIFolder
    clock: Clock
    alarm_log: AccessLog
    alarm_lines: list[bytes]
    metrics: Metrics

    @asynccontextmanager
    async def stub(
        self, peer: X509Credential | None = None
    ) -> AsyncIterator[pb_grpc.IdentityConfirmationServiceStub]:
        """Give a stub that calls as a peer, or as the passport office."""
        async with channel(self.edge, self.pki, peer or self.agency()) as opened:
            yield pb_grpc.IdentityConfirmationServiceStub(opened)

    def agency(self, name: str = "passport-1") -> X509Credential:
        """Return an agency's credential."""
        return self.pki.agency(name)

    def strangers(self) -> dict[str, X509Credential]:
        """Return a peer of each role that may not call."""
        return {
            "terminal": self.pki.terminal("131016", "01"),
            "desk": self.pki.desk("131016", "01"),
            "operator": self.pki.operator("operator-1"),
        }

    def alarm_text(self) -> str:
        """Return the alarms' lines."""
        self.alarm_log.flush()
        return b"".join(self.alarm_lines).decode()


@asynccontextmanager
async def serving(
    pki: PKIFolder,
    furnished: Path,
    folder: Path,
    *,
    most: int = 2,
    caught_up_seconds: float = 30.0,
    gated: bool = False,
) -> AsyncIterator[Bureau]:
    """Serve a copy of a furnished store until the block ends; `gated` minds who is cut off."""
    shutil.copytree(furnished, folder)
    store, clock, lines, metrics = open_test_store(folder), Clock(), list[bytes](), Metrics()
    log = AccessLog(lines.append)
    parts = agencies.Parts(
        store=store,
        policy=POLICY,
        clock=clock,
        alarms=AgencyAlarms(store, POLICY.alarm, log, metrics, clock),
        pace=BatchPace(),
        batches=OpenStreams(metrics.open_batches, most),
        watches=OpenStreams(metrics.open_watches, most),
        bell=ChangeBell(store),
        caught_up_seconds=caught_up_seconds,
    )
    servicer = agencies.IdentityConfirmations(parts)
    service = server.Service(
        SERVICE,
        lambda target: pb_grpc.add_IdentityConfirmationServiceServicer_to_server(servicer, target),
    )
    try:
        fleet = Fleet.of(store, clock)
        gates = fleet.gates if gated else ()
        async with (
            running(pki, service, clock=clock, live=fleet.live, gates=gates) as edge,
            fleet.watching(),
            parts.bell.watching(),
        ):
            yield Bureau(store, parts, edge, pki, clock, log, lines, metrics)
            parts.close()
    finally:
        store.close()


async def refusal(call: Awaitable[object]) -> tuple[str, dict[str, str]]:
    """Await a call that must fail; return the reason and its metadata."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    raise AssertionError("the call was not refused")


def reason_of(error: grpc.aio.AioRpcError) -> tuple[str, dict[str, str]]:
    """Return the reason and metadata of an error, as a client reads them."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return info.reason, dict(info.metadata)
    return error.code().name, {}


def attributes(key: str, **other: str) -> pb.Attributes:
    """Return a sample resident's attributes as registered, but for what is given."""
    record = SAMPLES[key].record
    wanted = {"name": record.name, "address": record.address} | other
    return pb.Attributes(
        **wanted,
        date_of_birth=civil_date_message(record.birth),
        sex=_SEXES[record.sex.value],
    )


def by_code(key: str, affair: str = "passport", **other: object) -> pb.ConfirmByCodeRequest:
    """Return a question for a sample resident by code, for the four items."""
    code = SAMPLES[key].record.code.digits
    wanted = {"affair": affair, "code": code, "items": FOUR_ITEMS} | other
    return pb.ConfirmByCodeRequest(**wanted)  # type: ignore[arg-type]  # each test knows its fields


def by_attributes(
    asked: pb.Attributes, items: tuple[pb.Item.ValueType, ...] = FOUR_ITEMS
) -> pb.ConfirmByAttributesRequest:
    """Return a question by attributes for passports."""
    return pb.ConfirmByAttributesRequest(affair="passport", attributes=asked, items=items)


def hello(line_count: int, **other: object) -> pb.ConfirmBatchRequest:
    """Return the opening of a batch of the pension office."""
    wanted = {"batch_id": str(uuid4()), "affair": "pension", "line_count": line_count} | other
    opening = pb.ConfirmBatchRequest.Hello(**wanted)  # type: ignore[arg-type]  # as above
    return pb.ConfirmBatchRequest(hello=opening)


def lines(first: int, *questions: pb.ConfirmBatchRequest.Line) -> pb.ConfirmBatchRequest:
    """Return a message of lines."""
    message = pb.ConfirmBatchRequest.Lines(first_line=first, lines=questions)
    return pb.ConfirmBatchRequest(lines=message)


def line(key: str) -> pb.ConfirmBatchRequest.Line:
    """Return a line that asks for a sample resident by code."""
    return pb.ConfirmBatchRequest.Line(code=SAMPLES[key].record.code.digits)


FINISH = pb.ConfirmBatchRequest(finish=pb.ConfirmBatchRequest.Finish())


def change_code(tx: Tx, key: str) -> None:
    """Act: give a sample resident another code."""
    before = found(tx, key)
    record = replace(before.record, code=NEW_CODE, former_codes=(before.record.code,))
    change = ChangeInformation(ChangeReason.CODE_CHANGED, day("令和8年11月20日"), NOW)
    tx.residents.replace(replace(before, record=record, change=change))


def add_namesake(tx: Tx, key: str, address: str) -> None:
    """Act: enter somebody who has a sample resident's name, birth date and sex."""
    one = found(tx, key)
    record = replace(one.record, code=NEW_CODE, address=address)
    tx.residents.enter(one.municipality, tx.residents.new_household(), record)


def append_notice(tx: Tx, key: str) -> None:
    """Act: tell that a sample resident has moved, a microsecond after the notice before."""
    one = found(tx, key)
    at = NOW + timedelta(microseconds=tx.changes.last_position() + 1)
    tx.changes.append(
        ChangeNotice(
            person=one.person,
            municipality=one.municipality,
            version=2,
            recorded_at=at,
            reason=ChangeReason.MOVE_WITHIN,
            date=day("令和8年11月20日"),
            items=(Item.ADDRESS,),
        )
    )
