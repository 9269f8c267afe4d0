"""What the center shows to cards, read again while it runs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_card.errors import CertificateRefused
from juki_center.areas.cards.register import Purpose
from juki_center.rpc.card_material import MaterialSource
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_pki.renewal import renew_access

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


def test_certificate_that_ran_out_is_not_valid_any_more(own_pki: PKIFolder) -> None:
    now = datetime.now(UTC)
    source = MaterialSource(own_pki, now)

    assert source.is_valid(now)
    assert not source.is_valid(now + timedelta(days=4))


def test_center_does_not_start_with_a_certificate_that_ran_out(own_pki: PKIFolder) -> None:
    with pytest.raises(CertificateRefused):
        MaterialSource(own_pki, datetime.now(UTC) + timedelta(days=4))
