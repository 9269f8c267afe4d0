"""Roll-over in three steps: what is trusted when, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import card_security, cvc
from juki_card import ec as card_ec
from juki_card.card_security import CardSecurity, ChipKey
from juki_card.errors import CertificateRefused
from juki_pki import descriptions, generations, make, renewal, rollover
from juki_pki.certify import certificate_pem
from juki_pki.errors import (
    AlreadyStaged,
    IdentityError,
    Inconsistent,
    IssuerExpires,
    Missing,
    NothingToRetire,
    NotStaged,
    PKIError,
    StillNeeded,
    TooEarly,
    Unreadable,
)
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import ATS, Kind, Profiles
from juki_pki.rollover import OVERLAPS, Rolling, Step
from juki_pki.successors import Making

Taking = Callable[..., Step]
NODE = "center-1"


@pytest.fixture
def step(own_pki: PKIFolder, profiles: Profiles, now: datetime) -> Taking:
    """Make steps in the test's own folder, by default now."""

    def taking(
        what: Rolling,
        after: timedelta = timedelta(),
        *,
        at_once: bool = False,
        peers: tuple[x509.Certificate, ...] = (),
    ) -> Step:
        node = NODE if what is Rolling.CENTER else None
        return Step(what, Making(own_pki, profiles, now + after), node, at_once, peers)

    return taking


def roll(step: Taking, what: Rolling, after: timedelta = timedelta()) -> None:
    """Renew and activate at once."""
    rollover.renew(step(what, after))
    rollover.activate(step(what, after, at_once=True))


def openssl_verifies(pki: PKIFolder, leaf: Path, chain: Path | None = None) -> bool:
    """Ask a verifier that is not ours, with trust/root.pem as the only anchors."""
    command = ["openssl", "verify", "-CAfile", str(pki.trust_path / "root.pem")]
    command += ["-untrusted", str(chain or leaf.parent / "chain.pem"), str(leaf)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def digests(certificates: tuple[x509.Certificate, ...]) -> list[bytes]:
    return [one.fingerprint(hashes.SHA256()) for one in certificates]


# Center nodes


def test_next_center_leaf_is_listed_before_the_center_uses_it(
    own_pki: PKIFolder, step: Taking
) -> None:
    before = own_pki.center(NODE).certificate_sha256

    rollover.renew(step(Rolling.CENTER))

    leaves = digests(own_pki.trust().center_leaves)
    assert own_pki.center(NODE).certificate_sha256 == before
    assert leaves[0] == before
    assert len(leaves) == 2
    for kind in ATS:
        assert set(own_pki.trust().descriptions[kind].comm_certificates) == set(leaves)
        assert own_pki.cv(kind).description == own_pki.trust().descriptions[kind]


def test_activated_center_leaf_is_used_and_the_old_one_stays_listed(
    own_pki: PKIFolder, step: Taking
) -> None:
    before = own_pki.center(NODE)
    rollover.renew(step(Rolling.CENTER))

    rollover.activate(step(Rolling.CENTER, OVERLAPS[Rolling.CENTER].before_use))

    after = own_pki.center(NODE)
    assert after.identity == before.identity
    assert after.key_pem != before.key_pem
    assert digests(own_pki.trust().center_leaves) == [
        after.certificate_sha256,
        before.certificate_sha256,
    ]


def test_retired_center_leaf_is_pinned_no_more_and_described_until_it_ends(
    own_pki: PKIFolder, step: Taking, profiles: Profiles, now: datetime
) -> None:
    """A terminal that has not heard of the retirement wants its old pin to be described."""
    old = own_pki.center(NODE).certificate_sha256
    roll(step, Rolling.CENTER)
    week = OVERLAPS[Rolling.CENTER].after_use or timedelta()

    gone = rollover.retire(step(Rolling.CENTER, week))
    renewal.renew_access(own_pki, profiles, now + week)

    described = own_pki.trust().descriptions[Kind.AT_CENTER_AUTH].comm_certificates
    assert gone == (now.replace(microsecond=0),)
    assert digests(own_pki.trust().center_leaves) == [own_pki.center(NODE).certificate_sha256]
    assert old in described
    assert not list((own_pki.path / "center" / NODE).glob("retired/*/key.pem"))

    rollover.renew(step(Rolling.CENTER, timedelta(days=366)))

    described = own_pki.trust().descriptions[Kind.AT_CENTER_AUTH].comm_certificates
    assert old not in described


def test_further_node_is_not_touched_by_a_renewal(
    own_pki: PKIFolder, step: Taking, profiles: Profiles, now: datetime
) -> None:
    second = PeerIdentity(Role.CENTER, "center-2")
    before = make.issue_peer(own_pki, second, profiles, now).certificate_sha256

    roll(step, Rolling.CENTER)

    assert own_pki.peer(second).certificate_sha256 == before
    assert len(own_pki.trust().center_leaves) == 3


def test_renewal_of_a_node_that_is_not_there_refused(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    step = Step(Rolling.CENTER, Making(own_pki, profiles, now), "center-9")

    with pytest.raises(Missing):
        rollover.renew(step)

    assert not (own_pki.path / "center" / "center-9").exists()


def test_center_without_a_node_refused(own_pki: PKIFolder, profiles: Profiles) -> None:
    with pytest.raises(IdentityError):
        rollover.renew(Step(Rolling.CENTER, Making(own_pki, profiles, datetime.now(UTC))))


# The order of the steps


@pytest.mark.parametrize("what", Rolling)
def test_second_successor_refused_while_one_waits(step: Taking, what: Rolling) -> None:
    rollover.renew(step(what))

    with pytest.raises(AlreadyStaged):
        rollover.renew(step(what))


@pytest.mark.parametrize("what", Rolling)
def test_activation_without_a_successor_refused(step: Taking, what: Rolling) -> None:
    with pytest.raises(NotStaged):
        rollover.activate(step(what, at_once=True))


@pytest.mark.parametrize("what", Rolling)
def test_activation_before_others_have_heard_refused(step: Taking, what: Rolling) -> None:
    rollover.renew(step(what))
    second_before = OVERLAPS[what].before_use - timedelta(seconds=1)

    with pytest.raises(TooEarly):
        rollover.activate(step(what, second_before))

    rollover.activate(step(what, OVERLAPS[what].before_use))


@pytest.mark.parametrize("what", Rolling)
def test_retirement_without_a_predecessor_refused(step: Taking, what: Rolling) -> None:
    with pytest.raises(NothingToRetire):
        rollover.retire(step(what, at_once=True))


@pytest.mark.parametrize("what", Rolling)
def test_retirement_before_its_time_refused(
    own_pki: PKIFolder, step: Taking, what: Rolling
) -> None:
    roll(step, what)
    (old,) = generations.predecessors(step(what).path)
    free = rollover.trusted_until(what, old)

    with pytest.raises(TooEarly) as raised:
        rollover.retire(step(what))

    assert raised.value.until == free
    assert generations.predecessors(step(what).path) == (old,)


@pytest.mark.parametrize(
    "what", [Rolling.CENTER, Rolling.COPY_SIGNER, Rolling.CARD_SIGNER, Rolling.LOG_SIGNER]
)
def test_keys_of_all_generations_are_the_owners_alone_and_end_with_retirement(
    own_pki: PKIFolder, step: Taking, what: Rolling
) -> None:
    roll(step, what)
    rollover.renew(step(what))
    keys = list(step(what).path.rglob("key.pem"))
    old = (generations.predecessors(step(what).path)[0].path / "key.pem").read_bytes()

    rollover.retire(step(what, at_once=True))

    assert len(keys) == 3
    assert len(list(step(what).path.rglob("key.pem"))) == 2
    assert all(key.stat().st_mode & 0o7777 == 0o600 for key in own_pki.path.rglob("key.pem"))
    assert not any(path.read_bytes() == old for path in own_pki.path.rglob("key.pem"))


def test_oldest_is_retired_and_the_later_one_waits(step: Taking, own_pki: PKIFolder) -> None:
    roll(step, Rolling.CENTER)
    roll(step, Rolling.CENTER, timedelta(days=3))

    gone = rollover.retire(step(Rolling.CENTER, timedelta(days=8)))

    assert len(gone) == 1
    assert len(own_pki.trust().center_leaves) == 2


@pytest.mark.parametrize("moved", [("key.pem",), ("key.pem", "certificate.pem"), ()])
def test_activation_that_was_cut_off_is_finished_by_the_next(
    own_pki: PKIFolder, step: Taking, moved: tuple[str, ...], tmp_path: Path
) -> None:
    """The machine stops after the predecessor was kept and `moved` was renamed."""
    rollover.renew(step(Rolling.CENTER))
    place = step(Rolling.CENTER).path
    wanted = (place / "next" / "certificate.pem").read_bytes()
    rehearsal = tmp_path / "rehearsal"
    shutil.copytree(place, rehearsal)
    generations.promote(rehearsal, step(Rolling.CENTER).making.now)
    shutil.copytree(rehearsal / "previous", place / "previous")
    for name in moved:
        (place / "next" / name).replace(place / name)

    rollover.activate(step(Rolling.CENTER, at_once=True))

    assert (place / "certificate.pem").read_bytes() == wanted
    assert own_pki.center(NODE).certificate_sha256
    assert len(generations.predecessors(place)) == 1
    assert len(own_pki.trust().center_leaves) == 2


def test_daily_renewal_goes_on_while_an_activation_is_cut_off(
    own_pki: PKIFolder, step: Taking, profiles: Profiles, now: datetime
) -> None:
    rollover.renew(step(Rolling.CENTER))
    place = step(Rolling.CENTER).path
    for name in ("key.pem", "certificate.pem"):
        (place / "next" / name).replace(place / name)

    assert renewal.renew_access_if_due(own_pki, profiles, now + timedelta(days=1))
    rollover.activate(step(Rolling.CENTER, at_once=True))

    assert own_pki.center(NODE).certificate_sha256 in digests(own_pki.trust().center_leaves)


def test_half_activated_credential_is_inconsistent_for_who_reads_it(
    own_pki: PKIFolder, step: Taking
) -> None:
    rollover.renew(step(Rolling.CENTER))
    place = step(Rolling.CENTER).path
    (place / "next" / "key.pem").replace(place / "key.pem")

    with pytest.raises(Inconsistent):
        own_pki.center(NODE)


def test_predecessor_whose_name_is_no_time_refused(own_pki: PKIFolder, step: Taking) -> None:
    (step(Rolling.CARD_SIGNER).path / "previous" / "old").mkdir(parents=True)

    with pytest.raises(Unreadable, match="no time"):
        rollover.retire(step(Rolling.CARD_SIGNER))


# Signers


def test_card_of_the_old_signer_verifies_beside_one_of_the_new(
    own_pki: PKIFolder, step: Taking, now: datetime
) -> None:
    chip = ChipKey(12, card_ec.encode_point(card_ec.private_key(card_ec.P256, 11).public_key()), 1)

    def written() -> CardSecurity:
        signer = own_pki.card_signer()
        der = signer.certificate.public_bytes(Encoding.DER)
        octets = card_security.for_chip(chip, signer_certificate=der, signer_key=signer.key)
        return card_security.parse(octets)

    old = written()
    roll(step, Rolling.CARD_SIGNER)
    new = written()

    anchors = tuple(one.public_bytes(Encoding.DER) for one in own_pki.trust().card_signers)
    old.verify(anchors, now)
    new.verify(anchors, now)
    with pytest.raises(CertificateRefused):
        old.verify(anchors[:1], now)


def test_next_copy_signer_is_published_before_it_signs(own_pki: PKIFolder, step: Taking) -> None:
    before = own_pki.copy_signer().certificate_sha256

    rollover.renew(step(Rolling.COPY_SIGNER))

    published = digests(own_pki.trust().copy_signers)
    assert own_pki.copy_signer().certificate_sha256 == before == published[0]
    assert len(published) == 2

    rollover.activate(step(Rolling.COPY_SIGNER, at_once=True))

    assert digests(own_pki.trust().copy_signers) == published[::-1]


def test_log_keeps_its_name_and_both_verifiers(own_pki: PKIFolder, step: Taking) -> None:
    before = own_pki.log_signer().verifier

    roll(step, Rolling.LOG_SIGNER)

    after = own_pki.log_signer().verifier
    assert after.name == before.name
    assert after != before
    assert own_pki.trust().log_verifiers == (after, before)


# Authorities


def test_peers_of_old_and_new_issuing_authority_verify(
    own_pki: PKIFolder, step: Taking, profiles: Profiles, now: datetime
) -> None:
    roll(step, Rolling.ISSUING)

    new = PeerIdentity(Role.TERMINAL, "02", "112089")
    made = make.issue_peer(own_pki, new, profiles, now)
    old = own_pki.peer_path(PeerIdentity(Role.TERMINAL, "01", "131016"))
    assert openssl_verifies(own_pki, own_pki.peer_path(new) / "certificate.pem")
    assert openssl_verifies(own_pki, old / "certificate.pem")
    assert made.certificate.issuer == own_pki.trust().issuing.subject
    assert len({one.subject for one in own_pki.trust().issuings}) == 2


def test_issuing_authority_with_valid_peers_is_not_retired(
    own_pki: PKIFolder, step: Taking
) -> None:
    roll(step, Rolling.ISSUING)

    with pytest.raises(StillNeeded) as raised:
        rollover.retire(step(Rolling.ISSUING, at_once=True))

    assert "juki://municipality/131016/terminal/01" in raised.value.below
    assert len(own_pki.trust().issuings) == 2


def test_issuing_authority_whose_peers_have_run_out_is_retired(
    own_pki: PKIFolder, step: Taking
) -> None:
    roll(step, Rolling.ISSUING)

    rollover.retire(step(Rolling.ISSUING, timedelta(days=1827)))

    assert len(own_pki.trust().issuings) == 1


def test_enrolled_peer_that_the_folder_lacks_keeps_its_authority(
    own_pki: PKIFolder, step: Taking, profiles: Profiles, now: datetime
) -> None:
    years = timedelta(days=1825)
    identity = PeerIdentity(Role.TERMINAL, "07", "112089")
    made = make.issue_peer(own_pki, identity, profiles, now + years)
    shutil.rmtree(own_pki.peer_path(identity))
    roll(step, Rolling.ISSUING, years)
    later = timedelta(days=1827)

    with pytest.raises(StillNeeded, match="terminal 112089-07"):
        rollover.retire(step(Rolling.ISSUING, later, at_once=True, peers=(made.certificate,)))
    assert rollover.retire(step(Rolling.ISSUING, later, at_once=True))


def test_both_roots_are_trusted_until_the_old_one_is_retired(
    own_pki: PKIFolder, step: Taking
) -> None:
    leaf = own_pki.peer_path(PeerIdentity(Role.TERMINAL, "01", "131016")) / "certificate.pem"

    rollover.renew(step(Rolling.ROOT))

    trust = own_pki.trust()
    assert len({one.subject for one in trust.roots}) == 2
    assert openssl_verifies(own_pki, leaf)


def test_old_certificates_stand_on_the_new_root_when_the_old_one_is_retired(
    own_pki: PKIFolder, step: Taking
) -> None:
    """The peer's folder shows the later chain; its old chain is not led to a root any more."""
    leaf = own_pki.peer_path(PeerIdentity(Role.TERMINAL, "01", "131016")) / "certificate.pem"
    old_chain = own_pki.path / "old-chain.pem"
    shutil.copyfile(leaf.parent / "chain.pem", old_chain)
    roll(step, Rolling.ROOT)

    rollover.retire(step(Rolling.ROOT, at_once=True))

    trust = own_pki.trust()
    assert len(trust.roots) == 1
    assert trust.issuing.issuer == trust.root.subject
    assert openssl_verifies(own_pki, leaf)
    assert not openssl_verifies(own_pki, leaf, old_chain)
    assert own_pki.terminal("131016", "01").identity.name == "01"
    assert [one.subject for one in trust.anchors] == [trust.root.subject, trust.issuing.subject]


def test_root_alone_above_a_valid_certificate_is_not_retired(
    own_pki: PKIFolder, step: Taking
) -> None:
    """Without the cross certificate everything would fall with the old root."""
    roll(step, Rolling.ROOT)
    (own_pki.path / "issuing" / "cross.pem").unlink()

    with pytest.raises(StillNeeded) as raised:
        rollover.retire(step(Rolling.ROOT, at_once=True))

    assert "juki://agency/passport-1" in raised.value.below
    assert str(own_pki.path / "issuing") in raised.value.below
    assert len(own_pki.trust().roots) == 2


def test_issuing_authority_made_between_the_steps_of_a_root_is_certified_too(
    own_pki: PKIFolder, step: Taking
) -> None:
    rollover.renew(step(Rolling.ROOT))
    roll(step, Rolling.ISSUING)

    rollover.activate(step(Rolling.ROOT, at_once=True))

    assert len(own_pki.trust().crosses) == 2
    assert rollover.retire(step(Rolling.ROOT, at_once=True))


def test_third_root_counts_on(own_pki: PKIFolder, step: Taking) -> None:
    roll(step, Rolling.ROOT)
    roll(step, Rolling.ROOT, timedelta(days=1))

    names = [one.subject.rfc4514_string() for one in own_pki.trust().roots]
    assert [name.partition(",")[0] for name in names] == [
        "CN=Juki-Net root authority 3",
        "CN=Juki-Net root authority 2",
        "CN=Juki-Net root authority",
    ]


def test_issuing_authority_that_would_outlive_its_root_refused(
    own_pki: PKIFolder, step: Taking
) -> None:
    with pytest.raises(IssuerExpires):
        rollover.renew(step(Rolling.ISSUING, timedelta(days=2000)))

    assert not generations.is_staged(own_pki.path / "issuing")


# The CVCA


def test_card_of_the_old_cvca_is_led_to_the_new_one_by_a_link(
    own_pki: PKIFolder, step: Taking, now: datetime
) -> None:
    old = own_pki.trust().cvca

    roll(step, Rolling.CVCA)

    trust, today = own_pki.trust(), now.astimezone(UTC).date()
    (link,) = trust.links
    at = own_pki.cv(Kind.AT_CENTER_AUTH).certificate
    assert (
        (link.car, link.chr)
        == (old.chr, trust.cvca.chr)
        == (
            "JPJUKICVCA00001",
            "JPJUKICVCA00002",
        )
    )
    assert trust.cvcas == (trust.cvca, old)
    assert trust.dv.car == trust.cvca.chr
    cvc.verify_chain((link, trust.dv, at), old, today)
    cvc.verify_chain((trust.dv, at), trust.cvca, today)


def test_peer_that_knows_the_first_cvca_alone_is_led_to_the_third(
    own_pki: PKIFolder, step: Taking, now: datetime
) -> None:
    first = own_pki.trust().cvca.encode()
    roll(step, Rolling.CVCA)
    roll(step, Rolling.CVCA, timedelta(seconds=1))
    today = now.astimezone(UTC).date()

    assert [link.chr for link in own_pki.trust().links] == ["JPJUKICVCA00002", "JPJUKICVCA00003"]
    descriptions.prove(descriptions.read(own_pki), today, trusted=first)

    rollover.renew(step(Rolling.CVCA, timedelta(seconds=2)))

    assert [link.chr for link in own_pki.trust().links][-1] == "JPJUKICVCA00004"
    descriptions.prove(descriptions.read(own_pki), today, trusted=first)


@pytest.mark.parametrize("what", Rolling)
def test_what_a_center_hands_out_proves_itself_after_each_step(
    own_pki: PKIFolder, step: Taking, now: datetime, what: Rolling
) -> None:
    today, trusted = now.astimezone(UTC).date(), own_pki.trust().cvca.encode()
    steps = [rollover.renew, rollover.activate]
    steps += [rollover.retire] if what is not Rolling.ISSUING else []

    for take in steps:
        take(step(what, at_once=True))
        descriptions.prove(descriptions.read(own_pki), today, trusted=trusted)


def test_published_cvca_issues_nothing_yet(own_pki: PKIFolder, step: Taking) -> None:
    dv = own_pki.trust().dv

    rollover.renew(step(Rolling.CVCA))

    assert own_pki.trust().dv == dv
    assert own_pki.trust().cvca.chr == "JPJUKICVCA00001"
    assert len(own_pki.trust().cvcas) == 2


def test_activation_of_a_cvca_cut_off_before_the_dv_is_mended_by_the_daily_renewal(
    own_pki: PKIFolder, step: Taking, profiles: Profiles, now: datetime
) -> None:
    rollover.renew(step(Rolling.CVCA))
    generations.promote(step(Rolling.CVCA).path, now)

    assert renewal.renew_access_if_due(own_pki, profiles, now)

    assert own_pki.trust().dv.car == "JPJUKICVCA00002"
    assert not renewal.renew_access_if_due(own_pki, profiles, now)


def test_cvca_is_retired_when_no_card_can_know_it_alone(own_pki: PKIFolder, step: Taking) -> None:
    roll(step, Rolling.CVCA)

    rollover.retire(step(Rolling.CVCA, timedelta(days=3653)))

    assert [one.chr for one in own_pki.trust().cvcas] == ["JPJUKICVCA00002"]


def test_dv_near_its_end_is_kept_where_the_cvcas_key_is_elsewhere(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    (own_pki.cv_path(Kind.CVCA) / "key.pem").unlink()
    dv = own_pki.trust().dv

    renewal.renew_access(own_pki, profiles, now + timedelta(days=85))

    assert own_pki.trust().dv == dv
    with pytest.raises(PKIError):
        renewal.renew_access(own_pki, profiles, now + timedelta(days=92))


def test_dv_is_renewed_two_weeks_ahead_where_the_cvcas_key_is_at_hand(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    renewal.renew_access(own_pki, profiles, now + timedelta(days=79))

    assert own_pki.trust().dv.chr == "JPJUKIDV00002"


def test_folder_of_before_has_no_crosses_and_no_links(own_pki: PKIFolder) -> None:
    for name in ("crosses.pem", "links.cvcert"):
        (own_pki.trust_path / name).unlink(missing_ok=True)

    trust = own_pki.trust()

    assert (trust.crosses, trust.links) == ((), ())


@pytest.mark.parametrize("name", ["root.pem", "issuing.pem", "cvca.cvcert"])
def test_empty_file_of_authorities_refused(own_pki: PKIFolder, name: str) -> None:
    (own_pki.trust_path / name).write_bytes(b"")

    with pytest.raises(Unreadable, match="there must be one"):
        own_pki.trust()


def test_certificate_beside_another_is_shown_in_the_order_of_use(
    own_pki: PKIFolder, step: Taking
) -> None:
    roll(step, Rolling.ISSUING)

    pem = (own_pki.trust_path / "issuing.pem").read_bytes()
    assert pem.startswith(certificate_pem(own_pki.issuing().certificate))
