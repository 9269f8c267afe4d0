"""The invented clerks of a development center: two at each window, with every right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.clerks.register import AddClerk, ChangeRight, add_clerk, change_right
from juki_center.areas.clerks.rows import Grant, Right
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import dev_texts
from juki_center.cli.dev_folder import NODE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from juki_center.areas.ports import Tx

_CALLER = f"juki://center/{NODE}"


def enter_clerks(tx: Tx, serials: Mapping[str, bytes], now: datetime) -> None:
    """Act: enter the clerks that are not there yet, each with the card of its key."""
    for one in dev_texts.CLERKS:
        municipality, serial = MunicipalityCode(one.municipality), serials[one.key]
        tx.registers.host(municipality)
        if tx.clerks.by_card(serial) is None:
            command = AddClerk(_CALLER, municipality, one.name, serial)
            _give_every_right(tx, add_clerk(tx, command, now).clerk_id, now)


def _give_every_right(tx: Tx, clerk_id: str, now: datetime) -> None:
    today = day_in_japan(now)
    for right in Right:
        # As long as the card is valid at the most: ten years.
        grant = Grant(right, today, today.replace(year=today.year + 9, day=1))
        change_right(tx, ChangeRight(_CALLER, clerk_id, right, grant), now)
