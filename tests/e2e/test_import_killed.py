"""The center killed (-9) within an import: what it acknowledged stands, no row counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from juki_center.areas.residents.codes import resident_check_digit
from juki_center.rpc.import_stream import SLICE_ROWS
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_client.stream import Stream
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_terminal.channel import Center
from juki_terminal.trust import Trust
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.center_process import CenterProcess
from tests.support.clerks import sign_in_everywhere
from tests.support.mortal_cuts import POINTS
from tests.support.register_service import finish, hello, rows, update_row

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
TERMINAL = PeerIdentity(Role.TERMINAL, "77", "131016")
BLOCK = 40
ImportStream = Stream[pb.ImportRecordsRequest, pb.ImportRecordsResponse]


def code(number: int) -> str:
    body = f"{5_000_000_000 + number:010d}"
    return body + resident_check_digit(body)


def block(start: int, base: int) -> pb.ImportRecordsRequest:
    """Return the rows from `start` on, of persons that are numbered from `base`."""
    numbers = range(start, start + BLOCK)
    those = [update_row(code(base + one), household=str(base + one)) for one in numbers]
    return rows(*those, first=start)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("import")) as serving:
        yield serving


@contextmanager
def dialled(center: CenterProcess) -> Iterator[Center]:
    """Give a channel of one terminal."""
    pki = PKIFolder(center.folder / "pki")
    path = pki.peer_path(TERMINAL)
    if not path.exists():
        make.issue_peer(pki, TERMINAL, Profiles.load(), datetime.now(UTC))
    # Its register begins with the import, and only then has a clerk.
    sign_in_everywhere(center.folder, only=[TERMINAL.uri])
    identity = ClientIdentity.load(path / "chain.pem", path / "key.pem")
    with Center(center.address, identity, Trust.load(pki.trust_path)) as channel:
        yield channel


@contextmanager
def importing(center: CenterProcess, import_id: str) -> Iterator[tuple[ImportStream, int]]:
    """Open the import; give the stream and the row that the center wants."""
    with dialled(center) as channel:
        stream: ImportStream = Stream(
            lambda steps: channel.residents.ImportRecords(steps, timeout=60), seconds=20
        )
        with closing(stream):
            stream.send(hello(import_id))
            yield stream, stream.receive().welcome.next_row


def results(stream: ImportStream, message: pb.ImportRecordsRequest) -> list[pb.RowResult]:
    """Send rows and return what became of each, however many messages tell it."""
    stream.send(message)
    found: list[pb.RowResult] = []
    while len(found) < len(message.rows.rows):
        found.extend(stream.receive().results.results)
    return found


@pytest.mark.parametrize("point", POINTS)
def test_killed_import_is_taken_up_and_no_row_counts_twice(
    center: CenterProcess, point: str, tmp_path: Path
) -> None:
    import_id, base = str(uuid4()), 1_000 * (POINTS.index(point) + 1)
    if not center.is_ready():
        center.start()
    with importing(center, import_id) as (stream, _):
        acknowledged = results(stream, block(1, base))
        center.kill()
    center.start(cut=f"import:{point}", cut_note=str(tmp_path / "note"))
    with importing(center, import_id) as (stream, first), pytest.raises(Problem) as lost:
        results(stream, block(1 + BLOCK, base))
    center.start()
    with importing(center, import_id) as (stream, wanted):
        again = results(stream, block(1 + BLOCK, base))
        stream.send(finish(2 * BLOCK))
        totals = stream.receive().totals

    applied = {pb.RowResult.OUTCOME_APPLIED}
    assert {one.outcome for one in acknowledged} == applied
    assert first == 1 + BLOCK
    assert lost.value.reason == "CENTER_UNREACHABLE"
    assert wanted == 1 + BLOCK + (SLICE_ROWS if point == "committed" else 0)
    assert {one.outcome for one in again} == applied
    assert (totals.row_count, totals.applied, totals.duplicate) == (2 * BLOCK, 2 * BLOCK, 0)
    with dialled(center) as channel:
        for number in (1, BLOCK, 2 * BLOCK):
            asked = pb.GetRecordRequest(code=code(base + number))
            assert channel.call(channel.residents.GetRecord, asked).record.version == 1
