"""A clerk at the command line of the register: what is typed, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from juki_terminal.cli import app
from tests.unit.terminal.residents_double import CODE, NAME

DEATH: dict[str, object] = {
    "code": CODE,
    "expected_version": 4,
    "date_of_death": "令和8年11月20日",
}
ENTRIES = {
    "name": NAME,
    "nationality": "NATIONALITY_JAPANESE",
    "date_of_birth": {
        "calendar": "CALENDAR_ERA",
        "era": "ERA_SHOWA",
        "year": 33,
        "month": 2,
        "day": 14,
        "precision": "PRECISION_DAY",
    },
    "sex": "SEX_MALE",
    "address": "東京都千代田区九段南一丁目2番1号",
    "relationship_to_householder": "世帯主",
    "resident_since": "昭和60年4月1日",
}
FORMS: dict[str, dict[str, object]] = {
    "show": {"code": CODE},
    "household": {"code": CODE},
    "birth": {"household_of_code": CODE, "entries": ENTRIES},
    "death": DEATH,
    "delete": {"code": CODE, "expected_version": 4, "change_date": "令和8年11月20日"},
    "correct": {
        "code": CODE,
        "expected_version": 4,
        "entries": ENTRIES,
        "reason": "CHANGE_REASON_NAME_CHANGE",
        "change_date": "2026-11-20",
    },
    "change-household": {
        "members": [{"code": CODE, "expected_version": 4, "relationship_to_householder": "世帯主"}],
        "new_household": True,
        "change_date": "令和8年11月20日",
    },
    "change-code": {"code": CODE, "expected_version": 4},
    "cancel": {"code": CODE, "cancelled_version": 4},
    "protect": {
        "code": CODE,
        "expected_version": 4,
        "begin": {"planned_end": "令和9年11月20日"},
    },
    "lift": {"code": CODE, "expected_version": 4, "lift": "600s"},
    "end-protection": {"code": CODE, "expected_version": 4},
    "lock": {"code": CODE},
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.out.splitlines()[-1])
        return found

    def result(self, name: str) -> object:
        result = self.envelope["result"]
        assert isinstance(result, dict)
        return result[name]

    def error(self, name: str) -> object:
        error = self.envelope["error"]
        assert isinstance(error, dict)
        return error[name]


Run = Callable[..., Ended]


def runner(config: Path) -> Run:
    """Return a function that runs `juki-terminal resident` with arguments and typed lines."""
    return group_runner(config, "resident")


def group_runner(config: Path, group: str) -> Run:
    """Return a function that runs commands of a group with arguments and typed lines."""

    def run(*arguments: str, stdin: str = "", lang: str = "ja", as_json: bool = True) -> Ended:
        options = ["--config", str(config), "--lang", lang, *(["--json"] if as_json else [])]
        ended = CliRunner().invoke(app, [*options, group, *arguments], input=stdin)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run
