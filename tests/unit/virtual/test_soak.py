"""Whole sessions with fresh keys each, and how many leading zeros they met.

A coordinate or secret that begins with 00 and loses that octet has broken whole card systems; it
shows only in one of some hundred sessions. 200 sessions here, 2,000 by JUKI_LONG=1; JUKI_SOAK sets
another number. `tests/unit/vectors/test_sessions` plays sessions with such zeros made on purpose.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from juki_card import ec
from juki_card.apdu import CommandAPDU, ResponseAPDU
from tests.support.eac_world import (
    AUTH,
    RESIDENT_CODE,
    CardInHand,
    FixedChance,
    ephemerals,
    whole_session,
    world,
)

if TYPE_CHECKING:
    from juki_card import pace
    from juki_card.eac import CenterKeys, ChipResult

LONG = bool(os.environ.get("JUKI_LONG"))
SESSIONS = int(os.environ.get("JUKI_SOAK", "2000" if LONG else "200"))


class ZeroCounter:
    """A transport that looks at the points of PACE as they pass."""

    def __init__(self, card: CardInHand, found: Counter[str]) -> None:
        self._card = card
        self._found = found
        self.card_point = b""

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Pass one exchange on."""
        answer = self._card.transmit(command)
        if command.cla & 0x0F == 0 and command.ins == 0x86:
            self._look(command.data)
            self._look(answer.data)
        return answer

    def _look(self, octets: bytes) -> None:
        if len(octets) == 69:
            point = octets[4:]
            count_point(self._found, f"PACE point {octets[2]:02X}", point)
            self.card_point = point if octets[2] == 0x84 else self.card_point


def count_point(found: Counter[str], name: str, point: bytes) -> None:
    """Count the coordinates of a point that begin with 00."""
    found[name] += (point[1] == 0) + (point[33] == 0)


def count_secrets(
    found: Counter[str],
    *,
    secrets: pace.Ephemerals,
    card_point: bytes,
    keys: CenterKeys,
    chip: ChipResult,
) -> None:
    """Count the shared secrets and the points of CA that begin with 00."""
    peer = ec.decode_point(ec.P256, card_point)
    found["PACE secret"] += ec.ecdh(secrets.agreement.key(), peer)[0] == 0
    found["CA secret"] += ec.ecdh(keys.ephemeral, chip.chip_key.public_key())[0] == 0
    count_point(found, "CA point", ec.encode_point(keys.ephemeral.public_key()))
    count_point(found, "chip point", chip.chip_key.point)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_sessions_with_fresh_keys_all_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    found: Counter[str] = Counter()
    terminal = world().terminal(AUTH)

    for number in range(SESSIONS):
        chance = FixedChance(("soak", number))
        card = CardInHand(world().memory(chance=chance), chance)
        secrets = ephemerals(seed=("soak reader", number))
        own = ec.Scalar.from_random(ec.P256, FixedChance(("soak center", number)).octets(40))
        plan, keys = world().plan(ephemeral=own.key(), terminal=terminal)
        watched = ZeroCounter(card, found)
        chip, code = whole_session(watched.transmit, plan, keys, secrets=secrets)
        assert code == RESIDENT_CODE
        count_secrets(found, secrets=secrets, card_point=watched.card_point, keys=keys, chip=chip)

    with capsys.disabled():
        listed = ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
        print(f"\n{SESSIONS} sessions, {found.total()} leading zeros: {listed}")
    if SESSIONS >= 100:
        assert found.total() > 0
    if SESSIONS >= 1000:
        assert found["PACE secret"] > 0
        assert found["CA secret"] > 0
