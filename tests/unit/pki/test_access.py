"""The card access hierarchy, its short-lived certificates, and what is refused of it."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from juki_card.chat import Right, Role
from juki_card.cvc import verify_chain
from juki_card.errors import CertificateRefused
from juki_pki import make, renewal
from juki_pki.errors import Inconsistent, IssuerExpires, PKIError, Unreadable
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity
from juki_pki.identity import Role as Peer
from juki_pki.profile import ATS, Kind, Profiles

RIGHTS = {
    Kind.AT_CENTER_AUTH: Right.READ_DG1,
    Kind.AT_CENTER_WINDOW: Right.PIN_MANAGEMENT | Right.CAN_ALLOWED,
    Kind.AT_CENTER_ID: Right.NONE,
}


def leaf_hash(pki: PKIFolder, node: str) -> bytes:
    """Return SHA-256 of a center node's certificate, computed here."""
    return hashlib.sha256(pki.center(node).certificate.public_bytes(Encoding.DER)).digest()


@pytest.mark.parametrize("kind", ATS)
def test_chain_of_each_access_certificate_verifies_with_its_rights(
    pki: PKIFolder, now: datetime, kind: Kind
) -> None:
    chain = [pki.cv("dv").certificate, pki.cv(kind).certificate]

    holder = verify_chain(chain, pki.cv("cvca").certificate, now.date())

    assert holder.chat.role is Role.TERMINAL
    assert holder.chat.rights == RIGHTS[kind]


@pytest.mark.parametrize("kind", ATS)
def test_access_certificate_dies_after_its_last_day(
    pki: PKIFolder, now: datetime, kind: Kind
) -> None:
    chain = [pki.cv("dv").certificate, pki.cv(kind).certificate]
    anchor = pki.cv("cvca").certificate

    verify_chain(chain, anchor, now.date() + timedelta(days=2))
    with pytest.raises(CertificateRefused, match="expired"):
        verify_chain(chain, anchor, now.date() + timedelta(days=3))


@pytest.mark.parametrize("kind", ATS)
def test_description_lists_the_centers_tls_certificate(pki: PKIFolder, kind: Kind) -> None:
    credential = pki.cv(kind)

    assert credential.description is not None
    assert credential.description.comm_certificates == (leaf_hash(pki, "center-1"),)
    assert credential.certificate.description_digest == (
        hashlib.sha256((pki.cv_path(kind) / "description.der").read_bytes()).digest()
    )


def test_curve_parameters_stand_in_the_trust_point_alone(pki: PKIFolder) -> None:
    with_parameters = {
        kind for kind in ("cvca", "dv", *ATS) if pki.cv(kind).certificate.public_key.has_parameters
    }

    assert with_parameters == {"cvca"}


def test_trust_holds_the_public_half_of_card_access(pki: PKIFolder) -> None:
    trust = pki.trust()

    assert trust.cvca == pki.cv("cvca").certificate
    assert trust.dv == pki.cv("dv").certificate
    assert trust.descriptions == {kind: pki.cv(kind).description for kind in ATS}


def test_access_keys_are_the_owners_alone(pki: PKIFolder) -> None:
    modes = [path.stat().st_mode & 0o7777 for path in (pki.path / "cv").rglob("key.pem")]

    assert modes == [0o600] * 5


def test_renewal_keeps_keys_and_counts_the_holder_up(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    before = own_pki.cv("at-center-auth")
    later = now + timedelta(days=30)

    renewal.renew_access(own_pki, profiles, later)

    after = own_pki.cv("at-center-auth")
    assert after.certificate.public_key == before.certificate.public_key
    assert (before.certificate.chr, after.certificate.chr) == ("JPJUKIAUTH00001", "JPJUKIAUTH00002")
    assert after.certificate.body.effective == later.astimezone(UTC).date()
    assert own_pki.cv("dv").certificate.chr == "JPJUKIDV00001"


def test_renewal_near_the_end_of_the_dv_renews_it_first(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    later = now + timedelta(days=91)

    renewal.renew_access(own_pki, profiles, later)

    chain = [own_pki.cv("dv").certificate, own_pki.cv("at-center-auth").certificate]
    assert [item.chr for item in chain] == ["JPJUKIDV00002", "JPJUKIAUTH00002"]
    verify_chain(chain, own_pki.cv("cvca").certificate, later.date())
    assert own_pki.trust().dv == chain[0]


def test_renewal_beyond_the_trust_points_end_refused(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    with pytest.raises(IssuerExpires, match="dv would end"):
        renewal.renew_access(own_pki, profiles, now + timedelta(days=1090))


def test_renewal_on_the_same_day_not_due(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    assert not renewal.renew_access_if_due(own_pki, profiles, now)
    assert own_pki.cv("at-center-auth").certificate.chr == "JPJUKIAUTH00001"


def test_renewal_on_the_third_day_due_once(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    third_day = now + timedelta(days=2)

    assert renewal.renew_access_if_due(own_pki, profiles, third_day)
    assert not renewal.renew_access_if_due(own_pki, profiles, third_day)


def test_further_center_node_is_listed_at_once(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    make.issue_peer(own_pki, PeerIdentity(Peer.CENTER, "center-2"), profiles, now)

    wanted = {leaf_hash(own_pki, "center-1"), leaf_hash(own_pki, "center-2")}
    for kind in ATS:
        description = own_pki.cv(kind).description
        assert description is not None
        assert set(description.comm_certificates) == wanted
        assert own_pki.trust().descriptions[kind] == description


def test_further_terminal_leaves_access_certificates_alone(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    make.issue_peer(own_pki, PeerIdentity(Peer.TERMINAL, "02", "112089"), profiles, now)

    assert own_pki.cv("at-center-auth").certificate.chr == "JPJUKIAUTH00001"


def test_renewal_cut_between_its_two_files_noticed_and_mended(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    other = own_pki.cv_path(Kind.AT_CENTER_ID) / "description.der"
    (own_pki.cv_path(Kind.AT_CENTER_AUTH) / "description.der").write_bytes(other.read_bytes())

    with pytest.raises(Inconsistent, match="another description"):
        own_pki.cv("at-center-auth")
    assert renewal.renew_access_if_due(own_pki, profiles, now)

    assert own_pki.cv("at-center-auth").description is not None


def test_sequence_number_starts_again_with_a_new_mnemonic(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    profile = profiles.cv[Kind.AT_CENTER_ID]
    renamed = replace(profile, holder=replace(profile.holder, mnemonic="OTHER"))
    changed = Profiles(profiles.x509, {**profiles.cv, Kind.AT_CENTER_ID: renamed})

    renewal.renew_access(own_pki, changed, now)

    assert own_pki.cv("at-center-id").certificate.chr == "JPOTHER00001"


def test_key_of_another_access_certificate_refused(own_pki: PKIFolder) -> None:
    key = own_pki.cv_path(Kind.DV) / "key.pem"
    key.write_bytes((own_pki.cv_path(Kind.CVCA) / "key.pem").read_bytes())

    with pytest.raises(Inconsistent, match="key"):
        own_pki.cv("dv")


@pytest.mark.parametrize(
    ("name", "what"),
    [("certificate.cvcert", "CV certificate"), ("description.der", "certificate description")],
)
def test_broken_access_file_refused_by_name(own_pki: PKIFolder, name: str, what: str) -> None:
    path: Path = own_pki.cv_path(Kind.AT_CENTER_AUTH) / name
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(Unreadable, match=what):
        own_pki.cv("at-center-auth")


def test_day_without_a_zone_refused(own_pki: PKIFolder, profiles: Profiles, now: datetime) -> None:
    with pytest.raises(PKIError, match="zone"):
        renewal.renew_access(own_pki, profiles, now.replace(tzinfo=None))


def test_center_nodes_issued_at_the_same_time_are_all_listed(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    nodes = [PeerIdentity(Peer.CENTER, f"center-{number}") for number in range(2, 6)]

    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: make.issue_peer(own_pki, node, profiles, now), nodes))

    wanted = {leaf_hash(own_pki, f"center-{number}") for number in range(1, 6)}
    description = own_pki.cv("at-center-auth").description
    assert description is not None
    assert set(description.comm_certificates) == wanted
    assert len(own_pki.trust().center_leaves) == 5
