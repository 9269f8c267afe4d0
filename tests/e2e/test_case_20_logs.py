"""Domain case 20 over a real center: its files while it runs, and its logs until its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict

from juki_client.outcome import Problem
from juki_terminal.application import CopyApplication, DocumentKind, PhotoDocument
from juki_terminal.copies import issue_copy
from juki_terminal.journal import State
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.e2e.recorder import Tap
from tests.e2e.window import Window, opened_window
from tests.support.byte_search import ByteSearch, Hit
from tests.support.center import SAMPLES
from tests.support.center_process import CenterProcess
from tests.support.clerks import NAME as CLERK
from tests.support.sample_texts import searched

pytestmark = pytest.mark.e2e
SALT = bytes(range(64, 80))
BIRTH = {
    "calendar": "CALENDAR_ERA",
    "era": "ERA_SHOWA",
    "year": 45,
    "month": 3,
    "day": 2,
    "precision": "PRECISION_DAY",
}


@dataclass(frozen=True)
class Written:
    """All that a center wrote: its files while it ran, and its logs after its end."""

    running: dict[str, bytes]
    logs: dict[str, bytes]

    def hits(self) -> set[Hit]:
        """Return each personal text that stands somewhere, with the file and the form."""
        search = ByteSearch(searched(CLERK))
        written = (self.running | self.logs).items()
        return set[Hit]().union(*(search.hits(octets, name) for name, octets in written))


def files_of(*folders: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def by_photo(window: Window, address: str) -> State:
    record = SAMPLES["yoshida-taro"].record
    document = PhotoDocument(
        kind=DocumentKind.DRIVING_LICENCE,
        number="012345678901",
        name=record.name,
        birth_date=ParseDict(BIRTH, CivilDate()),
        address=address,
        municipality="112089",
        salt=SALT,
    )
    return issue_copy(window.desk, CopyApplication(document, fee_yen=300)).state


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Issue by card and by photo, be refused both ways, and keep what the center wrote."""
    folder, temporary = tmp_path_factory.mktemp("case20"), tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as environment:
        for name in ("TMPDIR", "SQLITE_TMPDIR"):
            environment.setenv(name, str(temporary))
        with CenterProcess(folder) as center:
            with opened_window(folder, center.address, Tap()) as window:
                assert window.issue("yoshida-taro").state is State.CONFIRMED
                registered = SAMPLES["yoshida-taro"].record.address
                assert by_photo(window, registered) is State.CONFIRMED
                with pytest.raises(Problem) as mismatch:
                    by_photo(window, registered + "2")
                with pytest.raises(Problem) as suppressed:
                    window.issue("sasaki-megumi")
            running = files_of(folder / "center", temporary)
        logs = {str(path): path.read_bytes() for path in (center.log, folder / "center/access.log")}
    reasons = (mismatch.value.reason, suppressed.value.reason)
    assert reasons == ("ID_MISMATCH", "ISSUE_SUPPRESSED")
    return Written(running, logs)


def test_case_20_a_running_center_writes_and_logs_no_personal_text(written: Written) -> None:
    assert any(name.endswith(".sqlite-wal") and octets for name, octets in written.running.items())
    assert any(b"IssueCopy" in octets for octets in written.logs.values())

    assert written.hits() == set()
    assert all(SALT not in octets for octets in (written.running | written.logs).values())


def test_case_20_a_canary_in_a_log_is_found(written: Written) -> None:
    line = '{"method":"IssueCopy","name":"𠮷田\u3000太郎"}'.encode()

    found = Written({}, {"access.log": b"".join(written.logs.values()) + line}).hits()

    assert Hit("𠮷田\u3000太郎", "utf-8", "access.log") in found
