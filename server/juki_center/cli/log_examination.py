"""The whole log of a store's copy, examined before the copy counts for anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from juki_audit.examination import examine
from juki_center.cli.report import Failure, fail
from juki_center.storage.log_records import stored_log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from juki_audit.examination import Trust
    from juki_audit.findings import Finding
    from juki_audit.tree import Head

_MOST_NAMED: Final = 20


class LogNotSound(Exception):  # what was found, and no defect
    """The log of a copy does not hold."""

    def __init__(self, path: Path, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"{path}: {len(findings)} findings")
        self.path = path
        self.findings = findings

    def conclude(self, command: str, *, as_json: bool) -> NoReturn:
        """Say what does not hold, and leave with the exit code for "refused"."""
        named = [one.text() for one in self.findings[:_MOST_NAMED]]
        message = f"{self.path}: its log does not hold:\n  " + "\n  ".join(named)
        remedy = "Nothing was changed. Keep the file as it is; docs/audit.md says how to go on."
        fail(command, Failure("LOG_NOT_SOUND", message, remedy), as_json=as_json)


def require_sound_log(path: Path, trust: Trust, heads: Sequence[Head] = ()) -> None:
    """Raise LogNotSound where a store's log does not hold, or did not grow from these heads."""
    with stored_log(path) as log:
        examined = examine(log, trust, heads, lambda _done: None)
    if examined.findings:
        raise LogNotSound(path, examined.findings)
