"""An office that was abolished neither asks for copies nor has any issued from its register."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.errors import Reason, Refusal
from tests.support.center import CHIYODA, TOKOROZAWA, Center


def abolished(center: Center, code: MunicipalityCode) -> Center:
    """Return the center in a country where a municipality ended long ago."""
    offices = center.policy.municipalities.everything()
    changed = Municipalities(
        replace(office, valid_to=date(2003, 8, 25)) if office.code == code else office
        for office in offices
    )
    return replace(center, policy=replace(center.policy, municipalities=changed))


async def test_a_terminal_of_an_abolished_office_is_nobody(center: Center) -> None:
    command = await center.command("yoshida-taro")

    with pytest.raises(Refusal) as caught:
        await abolished(center, CHIYODA.municipality).issue(command)

    assert caught.value.reason is Reason.UNAUTHENTICATED
    assert center.found(command) is None


async def test_nothing_is_issued_from_an_abolished_municipalitys_register(center: Center) -> None:
    command = await center.command("yoshida-taro")
    residence = TOKOROZAWA.municipality

    with pytest.raises(DeniedAttempt) as caught:
        await abolished(center, residence).issue(command)

    assert caught.value.reason is Reason.RECORD_DELETED
    assert center.found(command) is None
