"""DisclosureService over a real store and a real channel: pages, other callers, wrong fields."""

from __future__ import annotations

import shutil
import uuid
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.agencies.commands import Confirm
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.cards.register import Purpose
from juki_center.areas.disclosure.records import DisclosurePolicy
from juki_center.rpc import disclosure, server
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.disclosure.v1 import disclosure_service_pb2 as pb
from jukinet.disclosure.v1 import disclosure_service_pb2_grpc as pb_grpc
from tests.support import agency_service
from tests.support.agencies import FOUR, PASSPORT, PASSPORT_OFFICE, POLICY, code_of
from tests.support.agency_service import refusal
from tests.support.center import NOW, SAMPLES, open_test_store, serial_of
from tests.support.center_edge import channel, running
from tests.support.move_service import finished_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

KEY = "takahashi-ichiro"
DECEMBER = datetime(2026, 12, 5, 1, 0, tzinfo=UTC)


@dataclass
class Office:
    """A center that discloses, and its store."""

    store: SQLiteStore
    stub: pb_grpc.DisclosureServiceStub

    async def session(self) -> bytes:
        return await finished_session(self.store, serial_of(KEY), DECEMBER, Purpose.OWN_DISCLOSURE)

    async def provide(self, count: int) -> None:
        for number in range(count):
            command, at = Confirm(PASSPORT_OFFICE, PASSPORT, code_of(KEY), FOUR), NOW
            at += timedelta(seconds=number)
            await self.store.act(lambda tx, c=command, at=at: confirm(tx, c, at, POLICY))  # type: ignore[misc]  # the loop's own


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    agency_service.furnish(folder)
    return folder


@asynccontextmanager
async def office(
    pki: PKIFolder, furnished: Path, folder: Path, peer: X509Credential | None = None
) -> AsyncIterator[Office]:
    shutil.copytree(furnished, folder)
    policy = DisclosurePolicy(POLICY.municipalities, POLICY.affairs)
    with closing(open_test_store(folder)) as store:
        servicer = disclosure.Disclosures(disclosure.Parts(store, policy, lambda: DECEMBER))
        service = server.Service(
            pb.DESCRIPTOR.services_by_name["DisclosureService"],
            lambda target: pb_grpc.add_DisclosureServiceServicer_to_server(servicer, target),
        )
        caller = peer or pki.terminal("131016", "01")
        async with running(pki, service) as edge, channel(edge, pki, caller) as line:
            yield Office(store, pb_grpc.DisclosureServiceStub(line))


async def test_own_information_is_told_field_by_field(
    pki: PKIFolder, furnished: Path, tmp_path: Path
) -> None:
    record = SAMPLES[KEY].record
    async with office(pki, furnished, tmp_path / "center") as here:
        told = await here.stub.GetOwnInformation(
            pb.GetOwnInformationRequest(
                request_id=str(uuid.uuid4()), card_session_id=await here.session()
            )
        )

    assert (told.information.name, told.information.code) == (record.name, record.code.digits)
    assert told.municipality_code == str(SAMPLES[KEY].municipality)
    assert told.disclosed_time.ToDatetime(UTC) == DECEMBER
    assert not told.HasField("change_date")


async def test_long_lists_come_in_pages_of_one_answer(
    pki: PKIFolder, furnished: Path, tmp_path: Path
) -> None:
    async with office(pki, furnished, tmp_path / "center") as here:
        await here.provide(5)
        request = pb.ListProvisionsRequest(
            request_id=str(uuid.uuid4()), card_session_id=await here.session(), page_size=2
        )
        pages = [await here.stub.ListProvisions(request)]
        await here.provide(3)
        while pages[-1].next_page_token:
            request.page_token = pages[-1].next_page_token
            pages.append(await here.stub.ListProvisions(request))

    assert [len(page.provisions) for page in pages] == [2, 2, 1]
    assert {page.total for page in pages} == {5}
    times = [one.provided_time.ToDatetime(UTC) for page in pages for one in page.provisions]
    assert times == [NOW + timedelta(seconds=number) for number in range(5)]
    first = pages[0].provisions[0]
    assert first.usage_method == pb.USAGE_METHOD_BY_CODE
    assert agencies_pb.ITEM_ADDRESS in first.items
    assert (pages[0].first_day, pages[0].last_day) == ("2019-12-05", "2026-11-30")


async def test_no_such_record_is_an_empty_list_with_its_period(
    pki: PKIFolder, furnished: Path, tmp_path: Path
) -> None:
    async with office(pki, furnished, tmp_path / "center") as here:
        told = await here.stub.ListProvisions(
            pb.ListProvisionsRequest(
                request_id=str(uuid.uuid4()), card_session_id=await here.session()
            )
        )

    assert (told.total, len(told.provisions), told.last_day) == (0, 0, "2026-11-30")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"request_id": "1"}, "request_id"),
        ({"card_session_id": b"short"}, "card_session_id"),
        ({"resident_code": "123"}, "resident_code"),
        ({"page_size": 101}, "page_size"),
        ({"page_token": "²"}, "page_token"),
        ({"page_token": "-1"}, "page_token"),
    ],
)
async def test_a_wrong_field_is_named(
    pki: PKIFolder, furnished: Path, tmp_path: Path, change: dict[str, object], field: str
) -> None:
    sound: dict[str, object] = {"request_id": str(uuid.uuid4()), "card_session_id": bytes(16)}
    async with office(pki, furnished, tmp_path / "center") as here:
        request = pb.ListProvisionsRequest(**(sound | change))  # type: ignore[arg-type]
        reason, metadata = await refusal(here.stub.ListProvisions(request))

    assert (reason, metadata["field"]) == ("FIELD_INVALID", field)


@pytest.mark.parametrize("role", ["desk", "agency", "operator"])
async def test_nobody_but_a_terminal_may_ask(
    pki: PKIFolder, furnished: Path, tmp_path: Path, role: str
) -> None:
    peers = {
        "desk": pki.desk("131016", "01"),
        "agency": pki.agency("passport-1"),
        "operator": pki.operator("operator-1"),
    }
    async with office(pki, furnished, tmp_path / "center", peers[role]) as here:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await here.stub.GetOwnInformation(pb.GetOwnInformationRequest())

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
