"""Card sessions through a roll-over of the CVCA and of the card signer."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from juki_pki import rollover
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making
from tests.support.center_cards import MemoryCard
from tests.unit.center_rpc.test_card_session import card_center

if TYPE_CHECKING:
    from pathlib import Path


def roll(pki: PKIFolder, what: Rolling) -> None:
    step = Step(what, Making(pki, Profiles.load(), datetime.now(UTC)), at_once=True)
    rollover.renew(step)
    rollover.activate(step)


async def test_old_card_learns_the_new_cvca_and_a_new_card_knows_it(
    pki: PKIFolder, tmp_path: Path
) -> None:
    """The old card announces the old CVCA, is led by the link, and announces the new one then."""
    shutil.copytree(pki.path, tmp_path / "pki")
    own = PKIFolder(tmp_path / "pki")
    old = MemoryCard.personalised(own)
    roll(own, Rolling.CVCA)
    roll(own, Rolling.CARD_SIGNER)
    new = MemoryCard.personalised(own)

    async with card_center(own) as center:
        for card in (old, new):
            center.register.enter(card.serial)
            await center.window(card).authenticate()
            card.session = MemoryCard(card.memory).session
        await center.window(old).authenticate()

        assert len(center.register.sessions) == 3
    assert [one.chr for one in old.memory.trust_points] == ["JPJUKICVCA00002", "JPJUKICVCA00001"]
    assert [one.chr for one in new.memory.trust_points] == ["JPJUKICVCA00002"]


async def test_running_center_takes_a_roll_over_up_within_a_minute(
    pki: PKIFolder, tmp_path: Path
) -> None:
    shutil.copytree(pki.path, tmp_path / "pki")
    own = PKIFolder(tmp_path / "pki")

    async with card_center(own) as center:
        roll(own, Rolling.CVCA)
        roll(own, Rolling.CARD_SIGNER)
        new = MemoryCard.personalised(own)
        center.register.enter(new.serial)
        center.clock.ahead = timedelta(seconds=61)
        await center.window(MemoryCard.personalised(own), "02").hello()
        center.clock.ahead = timedelta()
        await center.window(new).authenticate()

    assert len(center.register.sessions) == 1
