"""`juki-center municipalities` at the command line: tables, envelopes and exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from juki_center.cli.commands import app


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit code and both outputs."""
    done = CliRunner().invoke(app, ["municipalities", *arguments])
    return done.exit_code, done.stdout, done.stderr


def listed(*arguments: str) -> dict[str, Any]:
    """Return the result of a command's --json, by code."""
    code, out, _ = run(*arguments, "--json")
    envelope = json.loads(out)
    assert (code, envelope["schema"], envelope["ok"]) == (0, "juki/1", True)
    return {row["code"]: row for row in envelope["result"]["municipalities"]}


def test_the_list_of_a_prefecture_is_a_table_by_code() -> None:
    code, out, _ = run("list", "--prefecture", "11", "--on", "2026-11-23")

    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["code", "prefecture", "name", "kana", "kind", "from", "to"]
    assert lines[2].startswith("111007")
    assert "112089   埼玉県       所沢市" in out
    assert lines[-1] == "73 in the list"


def test_the_list_of_a_day_has_the_offices_of_that_day() -> None:
    before = listed("list", "--prefecture", "22", "--on", "2023-12-31")
    after = listed("list", "--prefecture", "22", "--on", "2024-01-01")

    assert {"221317", "221376"} <= set(before)
    assert {"221384", "221392", "221406"} == set(after) - set(before)
    assert before["221317"]["validTo"] == "2023-12-31"
    assert after["221384"]["validFrom"] == "2024-01-01"


def test_the_list_of_all_has_the_former_ones_too_and_says_so() -> None:
    found = listed("list", "--all", "--prefecture", "22")

    assert not found["221317"]["isValid"]
    assert found["221309"]["isValid"]


def test_a_code_is_shown_with_everything_it_has_meant() -> None:
    code, out, _ = run("show", "282219")

    assert code == 0
    assert "篠山市" in out
    assert "2019-04-30" in out
    assert "丹波篠山市" in out


def test_a_name_that_several_bear_shows_all_of_them() -> None:
    assert set(listed("show", "府中市")) == {"132063", "342084"}


def test_a_wrong_check_digit_is_wrong_usage_and_names_the_code_that_fits() -> None:
    code, out, err = run("show", "112080")

    assert (code, out) == (2, "")
    assert "INPUT_INVALID: 112080: the check digit is wrong" in err
    assert "112089 is 埼玉県所沢市" in err


def test_a_well_formed_code_of_nobody_is_refused() -> None:
    code, out, err = run("show", "471992")

    assert (code, out) == (3, "")
    assert "MUNICIPALITY_UNKNOWN" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "11208"), "a code has six digits"),
        (("show", "１１２０８９"), "a code has six digits"),
        (("show", "110001"), "a prefecture's code, or none"),
        (("show", "492086"), "a prefecture's code, or none"),
        (("list", "--prefecture", "48"), "--prefecture takes 01 to 47"),
        (("list", "--prefecture", "1"), "--prefecture takes 01 to 47"),
        (("list", "--on", "2024-13-01"), "--on takes a day"),
        (("list", "--all", "--on", "2024-01-01"), "--all shows every day"),
    ],
)
def test_input_that_means_nothing_is_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)

    assert (code, out) == (2, "")
    assert said in err


def test_a_name_of_nobody_is_refused_in_the_envelope() -> None:
    code, out, err = run("show", "存在しない町", "--json")

    envelope = json.loads(out)
    assert (code, envelope["ok"]) == (3, False)
    assert envelope["error"]["reason"] == "MUNICIPALITY_UNKNOWN"
    assert "MUNICIPALITY_UNKNOWN" in err
