"""Clerks sign in with cards and PINs at a serving center, as the demonstration shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.signing_in import clerks_sign_in
from tests.e2e.stage import Stage, VirtualSlots
from tests.support.center_process import CenterProcess


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A development center at whose windows nobody is signed in."""
    with CenterProcess(tmp_path, with_clerks=False) as center:
        yield Stage(tmp_path, center, VirtualSlots())


def test_windows_work_for_a_clerk_with_card_and_pin_and_stop_at_sign_out(stage: Stage) -> None:
    clerks_sign_in(stage)

    out = stage.terminal("sign-out")
    after = stage.terminal("who")

    assert out.exit_code == 0, out.said
    assert after.reason == "CLERK_SIGN_IN_REQUIRED"
