"""Clerks sign in: nothing of a window's work is possible before, each act names them after."""

from __future__ import annotations

import json
from pathlib import Path

from juki_center.cli import dev_texts
from tests.e2e.stage import RIGHT_PIN, Run, Stage
from tests.e2e.telling import Scenario

REFUSED = 3


def sign_in(stage: Stage, config: Path, key: str) -> Run:
    """Put a clerk's card into a window's reader and give its PIN."""
    with stage.slots.insert(stage.folder / "clerks" / f"{key}.card") as reader:
        return stage.terminal(
            "sign-in", "--pin-from", "-", config=config, reader=reader, stdin=f"{RIGHT_PIN}\n"
        )


def clerks_sign_in(stage: Stage) -> str:
    """Before a clerk has signed in by card and PIN, a window does nothing that needs one."""
    asked = json.dumps({"code": "24727059608"})
    tokorozawa = stage.folder / dev_texts.TOKOROZAWA.file
    refused = stage.terminal("resident", "show", "--from", "-", config=tokorozawa, stdin=asked)
    assert (refused.exit_code, refused.reason) == (REFUSED, "CLERK_SIGN_IN_REQUIRED"), refused.said
    strange = sign_in(stage, tokorozawa, "131016-1")
    assert strange.reason == "CLERK_UNKNOWN", strange.said
    for window in dev_texts.WINDOWS:
        municipality = window.terminal.partition("-")[0]
        run = sign_in(stage, stage.folder / window.file, f"{municipality}-1")
        assert run.exit_code == 0, (run.answer, run.said)
    there = stage.terminal("who", config=tokorozawa)
    assert there.result["clerk_id"] == "112089-0001", there.answer
    return (
        f"refused before; then {there.result['clerk_id']} with {len(there.result['rights'])} rights"
    )


SIGN_IN = Scenario("Nobody works at a window before signing in", clerks_sign_in)
