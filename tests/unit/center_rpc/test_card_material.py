"""What the center shows to cards, read again while it runs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_card.errors import CertificateRefused
from juki_center.areas.cards.register import Purpose
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.making_material import load_making_material
from juki_pki import rollover
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_pki.renewal import renew_access
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own_pki(pki: PKIFolder, tmp_path: Path) -> PKIFolder:
    """A copy of the PKI folder, for one test."""
    shutil.copytree(pki.path, tmp_path / "pki")
    return PKIFolder(tmp_path / "pki")


def shown(source: MaterialSource, now: datetime) -> str:
    (chain,) = source.current(now).access[Purpose.CERTIFICATE_COPY].chains
    return chain.certificates[-1].chr


def test_renewed_certificate_is_shown_within_a_minute(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    source = MaterialSource(own_pki, now)
    before = shown(source, now)

    renew_access(own_pki, Profiles.load(), now)

    assert shown(source, now + timedelta(seconds=59)) == before
    assert shown(source, now + timedelta(seconds=60)) != before


def test_folder_in_the_middle_of_a_renewal_changes_nothing(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    source = MaterialSource(own_pki, now)
    before = shown(source, now)

    (own_pki.path / "cv/at-center-auth/certificate.cvcert").write_bytes(b"")

    assert shown(source, now + timedelta(seconds=60)) == before


def test_material_is_read_at_once_when_that_is_asked_for(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    source = MaterialSource(own_pki, now)
    before = shown(source, now)
    renew_access(own_pki, Profiles.load(), now)

    source.reread(now)

    assert shown(source, now) != before


def roll_cvca(pki: PKIFolder, now: datetime) -> None:
    step = Step(Rolling.CVCA, Making(pki, Profiles.load(), now), at_once=True)
    rollover.renew(step)
    rollover.activate(step)


def test_each_generation_of_cards_has_a_chain_of_its_own(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    roll_cvca(own_pki, now - timedelta(seconds=1))
    roll_cvca(own_pki, now)

    chains = MaterialSource(own_pki, now).current(now).access[Purpose.PIN_PROOF].chains

    at = own_pki.cv("at-center-id").certificate.chr
    dv = own_pki.trust().dv.chr
    assert [(chain.trust_point, [one.chr for one in chain.certificates]) for chain in chains] == [
        ("JPJUKICVCA00003", [dv, at]),
        ("JPJUKICVCA00002", ["JPJUKICVCA00003", dv, at]),
        ("JPJUKICVCA00001", ["JPJUKICVCA00002", "JPJUKICVCA00003", dv, at]),
    ]


def test_retired_cvca_has_no_chain(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    roll_cvca(own_pki, now)
    rollover.retire(Step(Rolling.CVCA, Making(own_pki, Profiles.load(), now), at_once=True))

    chains = MaterialSource(own_pki, now).current(now).access[Purpose.PIN_PROOF].chains

    assert [chain.trust_point for chain in chains] == ["JPJUKICVCA00002"]


def test_dv_below_an_unknown_cvca_is_refused(own_pki: PKIFolder, other_pki: PKIFolder) -> None:
    roll_cvca(own_pki, datetime.now(UTC))
    shutil.copyfile(other_pki.trust_path / "cvca.cvcert", own_pki.trust_path / "cvca.cvcert")

    with pytest.raises(CertificateRefused, match="not known"):
        MaterialSource(own_pki, datetime.now(UTC))


def test_cards_are_made_for_the_cvca_and_by_the_signer_in_use(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    before = load_making_material(own_pki)
    roll_cvca(own_pki, now)
    step = Step(Rolling.CARD_SIGNER, Making(own_pki, Profiles.load(), now), at_once=True)
    rollover.renew(step)
    published = load_making_material(own_pki)

    rollover.activate(step)

    after = load_making_material(own_pki)
    assert published.signer_certificate == before.signer_certificate != after.signer_certificate
    assert [one.chr for one in after.trust_points] == ["JPJUKICVCA00002"]


def test_certificate_that_ran_out_is_not_valid_any_more(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    source = MaterialSource(own_pki, now)

    assert source.is_valid(now)
    assert not source.is_valid(now + timedelta(days=4))


def test_center_does_not_start_with_a_certificate_that_ran_out(own_pki: PKIFolder) -> None:
    with pytest.raises(CertificateRefused):
        MaterialSource(own_pki, datetime.now(UTC) + timedelta(days=4))
