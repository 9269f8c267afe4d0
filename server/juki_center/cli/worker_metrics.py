"""One page of metrics from the pages of all workers: each line with its worker's number.

A worker has the number of its place, which the next one in that place takes over: there are as
many values of the label as there are places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COMMENT: Final = "# "
_LABEL: Final = "worker"


def merged(pages: Mapping[int, str]) -> str:
    r"""Return all lines, those of a metric together and its description once.

    >>> page = '# HELP a_total Acts.\n# TYPE a_total counter\na_total{code="OK"} 2.0\n'
    >>> print(merged({0: page, 1: page}), end="")
    # HELP a_total Acts.
    # TYPE a_total counter
    a_total{code="OK",worker="0"} 2.0
    a_total{code="OK",worker="1"} 2.0
    """
    said: dict[str, list[str]] = {}
    lines: dict[str, list[str]] = {}
    for worker, page in pages.items():
        for name, about, samples in _metrics(page):
            said.setdefault(name, about)
            lines.setdefault(name, []).extend(_labelled(one, worker) for one in samples)
    whole = (line for name, about in said.items() for line in (*about, *lines[name]))
    return "".join(f"{line}\n" for line in whole)


def _metrics(page: str) -> Iterable[tuple[str, list[str], list[str]]]:
    """Cut a page into metrics: the name, the lines about it, and its samples."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    name = ""
    for line in page.splitlines():
        if line.startswith(_COMMENT):
            name = line.split(" ", 3)[2]
            found.setdefault(name, ([], []))[0].append(line)
        elif line:
            found.setdefault(name, ([], []))[1].append(line)
    return [(key, *value) for key, value in found.items()]


def _labelled(sample: str, worker: int) -> str:
    label = f'{_LABEL}="{worker}"'
    head, closing, value = sample.rpartition("}")
    if not closing:
        name, _, value = sample.partition(" ")
        return f"{name}{{{label}}} {value}"
    return f"{head}{',' if not head.endswith('{') else ''}{label}}}{value}"
