"""Nothing that is tracked depends on one machine."""

from __future__ import annotations

import pytest

from tools.checks import fragments, tree

HOME = "/" + "home/somebody/project"
HOST = "https:" + "//packages.index.net/simple"
INDEX = "extra-" + "index-url"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.md", f"see {HOST}"),
        ("a.md", HOST.replace("//", "//user:word@")),
        ("a.py", f'PATH = "{HOME}"'),
        ("Makefile", f"\tpip install --{INDEX} x"),
        ("requirements/dev.txt", f"--{INDEX} x"),
    ],
)
def test_line_of_one_machine_is_found(name: str, line: str) -> None:
    assert len(tree.findings(name, f"first\n{line}\n")) == 1


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.md", "https://center.jukinet.example/terms"),
        ("a.md", "http://127.0.0.1:7444/live and http://localhost:1"),
        ("a.md", f"the option {INDEX} is not used"),
        ("a.py", "out/demo/home/x and tests/unit/y"),
        ("a.toml", "/etc/juki/center.toml"),
        ("Makefile", "--no-emit-index-url"),
    ],
)
def test_line_that_holds_anywhere_passes(name: str, line: str) -> None:
    assert tree.findings(name, line) == []


def test_good_fragment_passes() -> None:
    assert fragments.findings("+copy.added.md", "A copy can be issued.\n", {"added"}) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("copy.added.md", "A copy can be issued."),
        ("+copy.md", "A copy can be issued."),
        ("+copy.novel.md", "A copy can be issued."),
        ("+copy.added.md", "a copy"),
        ("+copy.added.md", "A copy " + "x" * 600 + "."),
        ("+copy.added.md", ""),
    ],
)
def test_bad_fragment_is_found(name: str, text: str) -> None:
    assert fragments.findings(name, text, {"added"})
