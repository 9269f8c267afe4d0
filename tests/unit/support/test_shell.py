"""A command that runs in this process ends and speaks as it would in its own."""

from __future__ import annotations

import os
import sys

import pytest

from tests.e2e.shell import run_here


def says(text: str, code: int | None = None) -> None:
    sys.stdout.write(text)
    raise SystemExit(code)


@pytest.mark.parametrize(("code", "status"), [(None, 0), (0, 0), (3, 3)])
def test_what_is_printed_and_how_it_ends_is_kept(code: int | None, status: int) -> None:
    ended = run_here(lambda: says("神谷\n", code), [])

    assert (ended.exit_code, ended.out, ended.said) == (status, "神谷\n", "")


def test_a_command_sees_its_arguments_its_input_and_its_environment() -> None:
    def main() -> None:
        sys.stderr.write(f"{sys.argv[1:]} {sys.stdin.read()} {os.environ['JUKI_TEST_WORD']}")

    ended = run_here(main, ["a", "b"], stdin="入力", environment={"JUKI_TEST_WORD": "here"})

    assert ended.said == "['a', 'b'] 入力 here"
    assert "JUKI_TEST_WORD" not in os.environ


def test_octets_written_to_the_buffer_are_kept_in_order() -> None:
    def main() -> None:
        sys.stdout.write("first ")
        sys.stdout.buffer.write(b"second")

    assert run_here(main, []).out == "first second"


def test_a_defect_ends_as_an_interpreter_ends_it() -> None:
    def main() -> None:
        raise LookupError("where")

    before = sys.argv, sys.stdin, sys.stdout
    ended = run_here(main, ["x"])

    assert ended.exit_code == 1
    assert "LookupError: where" in ended.said
    assert (sys.argv, sys.stdin, sys.stdout) == before
