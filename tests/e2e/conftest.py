"""A stage for the end-to-end tests, once with virtual readers and once with a real pcscd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from tests.e2e.stage import PcscSlots, Stage, VirtualSlots
from tests.support.center_process import CenterProcess


@pytest.fixture(scope="module", params=["virtual", "pcsc"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A center with its samples, and a reader of either kind."""
    folder: Path = tmp_path_factory.mktemp("stage")
    lacking = why_unavailable() if request.param == "pcsc" else None
    if lacking:
        pytest.skip(lacking)
    with CenterProcess(folder) as center:
        if request.param == "virtual":
            yield Stage(folder, center, VirtualSlots())
            return
        with PcscSandbox(slots=1) as sandbox:
            yield Stage(folder, center, PcscSlots(sandbox), dict(sandbox.environment))
