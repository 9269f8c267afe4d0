"""Whole sessions of the reader's flows with the card's table."""

from __future__ import annotations

import pytest

from juki_card import ec
from juki_card.virtual.memory import Access
from juki_card.virtual.session import State
from juki_cardbox.personalise import serial_of
from tests.support.eac_world import NOW, RESIDENT_CODE, CardInHand, whole_session, world


@pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1])
def test_whole_session_reads_the_resident_code(domain: ec.Domain) -> None:
    here = world(domain)
    card = CardInHand(here.memory())
    plan, keys = here.plan()

    chip, code = whole_session(card.transmit, plan, keys)

    assert code == RESIDENT_CODE
    assert chip.serial == serial_of(card.memory)
    chip.card_security.verify([here.signer.certificate], NOW)
    assert card.session.state is State.CHIP


def test_whole_session_counts_and_forgives_one_try() -> None:
    card = CardInHand(world().memory())

    whole_session(card.transmit, *world().plan())

    assert [memory.pin.tries_left for memory in card.memories] == [2, 3]


def test_secret_files_are_never_free() -> None:
    files = world().memory().files

    free = {file.identifier for file in files if file.access is Access.ALWAYS}

    assert free == {0x2F00, 0x011C}
