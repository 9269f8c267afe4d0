"""Domain cases 3 and 20 over a real center: registers and agencies leave no text in its logs."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from juki_agency.center import Center as AgencyCenter
from juki_agency.config import AgencyConfig
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_terminal.channel import Center as WindowCenter
from juki_terminal.config import TerminalConfig
from juki_terminal.trust import Trust
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.residents.v1 import resident_service_pb2 as residents_pb
from tests.e2e import tour_agencies, tour_import, tour_residents
from tests.e2e.tour_stage import TourStage, opened_tour
from tests.support.byte_search import ByteSearch, Hit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
# Case 3: what is no code, and what only looks like one.
NO_CODES = ("1234567890", "123456789012", "１２３４５６７８９０３", "1234567890a", " 12345678903")
ACTS = (
    tour_residents.birth_without_a_name,
    tour_residents.correction_of_a_seen_version,
    tour_residents.household_change,
    tour_residents.code_change,
    tour_residents.cancellation_is_an_entry,
    tour_residents.edit_lock,
    tour_residents.measure_set_and_lifted,
    tour_import.broken_lines,
    tour_import.gap_that_closes,
    tour_import.odd_characters_and_dates,
    tour_agencies.denied_by_default,
    tour_agencies.smallest_answer,
    tour_agencies.every_outcome,
    tour_agencies.too_broad,
    tour_agencies.watched_code_change,
)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> TourStage:
    """A center that has done everything that a register and an agency may ask, and was stopped."""
    with opened_tour(tmp_path_factory.mktemp("logs")) as stage:
        for act in ACTS:
            assert act(stage)
        small_batch(stage)
        for code in NO_CODES:
            ask_for_no_code(stage, code)
        import_over_the_wire(stage)
    return stage


def small_batch(stage: TourStage) -> None:
    """Ask for a person, for nobody, and for what is no code, in a batch."""
    questions, results = stage.files / "questions.csv", stage.files / "answers.csv"
    lines = ["code", stage.code("takahashi-ichiro"), "12345678903", "25208017644"]
    questions.write_text("\n".join(lines) + "\n", encoding="ascii")
    options = ("--affair", "pension", "--out", str(results), "--items", tour_agencies.FOUR)
    run = stage.agency(tour_agencies.PENSIONS, "batch", str(questions), *options)
    assert run.reason == "LINES_REFUSED", (run.answer, run.said)
    assert len(results.read_text(encoding="utf-8").splitlines()) == 4


def ask_for_no_code(stage: TourStage, code: str) -> None:
    """Send what is no code, as an agency and as a window, past what clients check themselves."""
    agency = AgencyConfig.load(stage.agency_config(tour_agencies.PASSPORTS))
    with AgencyCenter.of(agency) as center:
        asked = agencies_pb.ConfirmByCodeRequest(affair="passport", code=code)
        with pytest.raises(Problem, match="FIELD_INVALID"):
            center.confirm_by_code(asked)
    with window(stage) as center:
        wanted = residents_pb.GetRecordRequest(code=code)
        with pytest.raises(Problem, match="FIELD_INVALID"):
            center.call(center.residents.GetRecord, wanted)


def window(stage: TourStage) -> WindowCenter:
    """Return the center as the window in Tokorozawa sees it."""
    config = TerminalConfig.load(stage.residence_config)
    identity = ClientIdentity.load(config.certificate, config.key)
    return WindowCenter(config.center_address, identity, Trust.load(config.trust_dir))


def import_over_the_wire(stage: TourStage) -> None:
    """Send updates as a municipality's own system does; each breaks a rule, one by its code."""
    step = residents_pb.ImportRecordsRequest
    entries = {"name": "所沢\u3000花\u202e子", "address": "埼玉県所沢市並木九丁目9番地9"}
    stage.remember(entries)
    rows = [
        residents_pb.UpdateRow(code=code, version=1, household_number="H9", entries=entries)
        for code in (*NO_CODES, "12345678903")
    ]
    steps = [
        step(hello=step.Hello(import_id=str(uuid.uuid4()))),
        step(rows=step.Rows(first_row=1, rows=rows)),
        step(finish=step.Finish(row_count=len(rows))),
    ]
    with window(stage) as center:
        answers = list(center.residents.ImportRecords(iter(steps)))
    assert answers[-1].totals.refused == len(rows)


def logs_of(stage: TourStage) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in stage.state.glob("*.log")}


def test_case_20_registers_and_agencies_leave_no_personal_text_in_logs(used: TourStage) -> None:
    logs = logs_of(used)
    methods = (
        "RegisterBirth",
        "CorrectRecord",
        "ConfirmByCode",
        "ConfirmBatch",
        "WatchChanges",
        "ImportRecords",
    )
    assert all(method.encode() in logs["access.log"] for method in methods)

    search = ByteSearch(used.personal)
    hits = set[Hit]().union(*(search.hits(octets, name) for name, octets in logs.items()))

    assert len(used.personal) > 1_000
    assert hits == set()


def test_case_3_what_is_no_code_is_refused_and_not_logged(used: TourStage) -> None:
    logs = b"".join(logs_of(used).values())

    assert logs.count(b"FIELD_INVALID") >= 2 * len(NO_CODES)
    assert ByteSearch(NO_CODES).hits(logs) == set()


def test_case_3_a_logged_code_would_be_found(used: TourStage) -> None:
    logs = b"".join(logs_of(used).values())
    line = f'{{"method":"ConfirmByCode","code":"{NO_CODES[3]}"}}'.encode()

    assert Hit(NO_CODES[3], "utf-8") in ByteSearch(NO_CODES).hits(logs + line)


def test_case_20_the_journals_of_windows_hold_no_personal_text(used: TourStage) -> None:
    folder: Path = used.folder / "terminal"

    hits, octets = ByteSearch(used.personal).hits_in([folder])

    assert octets > 0
    assert hits == set()
