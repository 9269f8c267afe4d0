"""`juki-terminal move in --paper`: a move in against a certificate of moving out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_terminal.cli import app
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.clerk import Ended, Run, group_runner
from tests.unit.terminal.moves_double import (
    MOVE,
    VERIFICATION,
    MovesDouble,
)
from tests.unit.terminal.moves_forms import BY_PAPER, PAPER, TYPED_PLACE
from tests.unit.terminal.residents_double import CODE, NAME


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "move")


@pytest.fixture
def by_paper(run: Run) -> Run:
    """Move in by paper with a form."""

    def by_paper(*options: str, form: object = None, **named: object) -> Ended:
        given = ["in", "--from", "-", "--yes", *options]
        return run(*given, stdin=json.dumps(BY_PAPER if form is None else form), **named)

    return by_paper


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"verification_code": "123456789012345612"}, "paper.verification_code"),
        ({"verification_code": "1234"}, "paper.verification_code"),
        ({"move_number": "M123456789012"}, "paper.move_number"),
        ({"moved_date": "2026-02-30"}, "paper.moved_date"),
    ],
)
def test_bad_numbers_of_a_paper_are_named_and_not_quoted(
    by_paper: Run, moves: MovesDouble, changes: dict[str, str], field: str
) -> None:
    ended = by_paper(form={**BY_PAPER, "paper": {**PAPER, **changes}})

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert ended.envelope["error"]["metadata"]["field"] == field  # type: ignore[index]  # an object
    assert next(iter(changes.values())) not in ended.out + ended.err
    assert moves.requests == []


def test_paper_needs_no_card(by_paper: Run, moves: MovesDouble, sessions: SessionDouble) -> None:
    ended = by_paper()

    (one,) = moves.of(pb.RegisterMoveInRequest)
    assert ended.code == 0, ended.err
    assert sessions.hellos == []
    assert one.paper.verification_code == VERIFICATION
    assert VERIFICATION not in ended.out + ended.err


def test_day_beside_a_paper_is_refused_by_its_right_place(
    by_paper: Run, moves: MovesDouble
) -> None:
    ended = by_paper(form={**BY_PAPER, "moved_date": "2026-11-21"})

    metadata = ended.envelope["error"]["metadata"]  # type: ignore[index]  # an object
    assert (ended.code, metadata) == (2, {"field": "moved_date", "rule": "paper.moved_date"})
    assert moves.requests == []


def test_paper_is_asked_for_and_shown(run: Run, moves: MovesDouble) -> None:
    typed = [MOVE, PAPER["verification_code"], "2026-11-21", CODE, "世帯主", "", *TYPED_PLACE]

    ended = run("in", "--paper", stdin="\n".join([*typed, "", "はい", "はい", ""]))

    (one,) = moves.of(pb.RegisterMoveInRequest)
    assert ended.code == 0, ended.err
    assert (one.by_agent, one.place.new_household) == (True, True)
    assert one.arrivals[0].expected_version == 0
    assert "転入届を受理します: 通常（転出証明書）" in ended.err
    assert "カード: 失効します。" in ended.err


def test_late_paper_is_asked_for_its_reason(run: Run, moves: MovesDouble) -> None:
    moves.faults = ["LATE_REASON_REQUIRED"]
    typed = [MOVE, VERIFICATION, "2026-10-01", CODE, "世帯主", "", *TYPED_PLACE]

    ended = run(
        "in",
        "--paper",
        stdin="\n".join([*typed, "", "いいえ", "はい", "入院していたため", ""]),
    )

    assert ended.code == 0, ended.err
    assert moves.of(pb.RegisterMoveInRequest)[1].paper.late_reason == "入院していたため"


@pytest.mark.parametrize("reason", ["CERTIFICATE_NOT_FOUND", "MOVE_WITHDRAWN"])
def test_paper_that_does_not_count_is_refused(
    by_paper: Run, moves: MovesDouble, reason: str
) -> None:
    moves.faults = [reason]

    ended = by_paper()

    assert (ended.code, ended.error("reason")) == (3, reason)


@pytest.mark.parametrize("fault", ["before", "after"])
def test_paper_that_was_cut_is_finished_by_the_same_command(
    by_paper: Run, moves: MovesDouble, fault: str
) -> None:
    moves.faults = [fault]

    lost, again = by_paper(), by_paper()

    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert (again.code, again.result("repeated")) == (0, True)
    assert len(moves.acts) == 1


def test_trace_of_a_move_has_no_name_no_code_and_no_verification_code(
    config: Path, moves: MovesDouble, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.jsonl"
    line = ["--config", str(config), "--trace", str(trace), "move", "in", "--yes"]

    ended = CliRunner().invoke(app, [*line, "--from", "-"], input=json.dumps(BY_PAPER))

    written = trace.read_text(encoding="utf-8")
    assert ended.exit_code == 0, ended.stderr
    assert "RegisterMoveInRequest" in written
    for secret in (CODE, NAME, VERIFICATION, "神田"):
        assert secret not in written
