"""When everything ends, and when that is a warning or a fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from juki_pki import rollover
from juki_pki.expiry import NOTICES, Expiry, Level, expiries
from juki_pki.folder import PKIFolder
from juki_pki.profile import X509_KINDS, Kind, Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2056, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", NOTICES)
def test_end_is_a_warning_and_then_a_fault(kind: Kind) -> None:
    expiry, notice, second = Expiry(kind, "x", BEGINS, ENDS), NOTICES[kind], timedelta(seconds=1)

    levels = [
        expiry.level(ENDS - notice.warning - second),
        expiry.level(ENDS - notice.warning),
        expiry.level(ENDS - notice.fault - second),
        expiry.level(ENDS - notice.fault),
        expiry.level(ENDS + second),
    ]

    assert levels == [Level.OK, Level.WARNING, Level.WARNING, Level.FAULT, Level.FAULT]


def test_certificate_of_the_future_is_a_fault() -> None:
    assert Expiry(Kind.CENTER, "x", BEGINS, ENDS).level(BEGINS - timedelta(1)) is Level.FAULT


def test_predecessor_may_end() -> None:
    assert Expiry(Kind.CENTER, "x", BEGINS, ENDS, in_use=False).level(ENDS) is Level.OK


@pytest.mark.parametrize("kind", [*X509_KINDS, Kind.CVCA, Kind.DV])
def test_fresh_certificate_is_no_warning(kind: Kind, profiles: Profiles) -> None:
    days = (profiles.x509.get(kind) or profiles.cv[kind]).lifetime_days

    assert NOTICES[kind].fault < NOTICES[kind].warning < timedelta(days=days)


def test_every_kind_in_a_folder_is_told_once(pki: PKIFolder, now: datetime) -> None:
    found = list(expiries(pki))

    assert {one.kind for one in found} == set(Kind) - {Kind.DESK}
    assert len({(one.kind, one.name) for one in found}) == len(found)
    assert {one.level(now) for one in found} == {Level.OK}


def test_generations_have_names_of_their_own(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    for what in Rolling:
        node = "center-1" if what is Rolling.CENTER else None
        step = Step(what, Making(own_pki, profiles, now), node, at_once=True)
        rollover.renew(step)
        rollover.activate(step)
        rollover.renew(step)

    found = list(expiries(own_pki))

    assert len({(one.kind, one.name) for one in found}) == len(found)
    in_use = [one.kind for one in found if one.in_use]
    assert len(in_use) == len(set(in_use))
    assert sum(one.kind is Kind.CENTER for one in found) == 3
    assert sum(one.kind is Kind.CVCA for one in found) == 3


def test_access_certificate_ends_with_its_last_day(pki: PKIFolder, now: datetime) -> None:
    last = pki.cv(Kind.AT_CENTER_ID).certificate.expiration

    (end,) = [one.ends for one in expiries(pki) if one.kind is Kind.AT_CENTER_ID]

    assert end == datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
