"""CV certificates judged by openpace, and openpace's judged by us."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from juki_card.chat import Right, Role
from juki_card.cvc import CVCertificate, verify_chain
from juki_card.errors import CertificateRefused
from juki_pki.access import CVIssuer, make_below, make_description
from juki_pki.folder import PKIFolder
from juki_pki.profile import ATS, Kind, Profiles
from tests.interop.openpace import Foreign, Workshop, cvc_print, key_file

RIGHTS = ("--read-dg1", "--pin-management", "--can-allowed")
PRINTED_RIGHTS = {
    Kind.CVCA: ["CAN allowed", "PIN Management", "Read DG 1 (Document Type)", "CVCA certificate"],
    Kind.DV: ["CAN allowed", "PIN Management", "Read DG 1 (Document Type)", "DV certificate"],
    Kind.AT_CENTER_AUTH: ["Read DG 1 (Document Type)", "Terminal certificate"],
    Kind.AT_CENTER_WINDOW: ["CAN allowed", "PIN Management", "Terminal certificate"],
    Kind.AT_CENTER_ID: ["Terminal certificate"],
}


@pytest.fixture(autouse=True)
def tools(need: Callable[[str], str]) -> None:
    """Fail where the judge is not there."""
    need("cvc-print")
    need("cvc-create")


@pytest.fixture
def trusted(tmp_path: Path, pki: PKIFolder) -> Path:
    """Return a folder with our CVCA and DV under the names that openpace looks for."""
    folder = tmp_path / "trusted"
    folder.mkdir()
    for name in ("cvca", "dv"):
        certificate = pki.cv(name).certificate
        (folder / certificate.chr).write_bytes(certificate.encode())
    return folder


@pytest.fixture(params=[ec.SECP256R1(), ec.BrainpoolP256R1()], ids=["P-256", "brainpoolP256r1"])
def workshop(tmp_path: Path, now: datetime, request: pytest.FixtureRequest) -> Workshop:
    """Return a place where cvc-create makes certificates, on both of our curves."""
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder, request.param, now.date() + timedelta(days=30))


@pytest.mark.parametrize("kind", [Kind.CVCA, Kind.DV, *ATS])
def test_our_certificate_read_and_verified_by_cvc_print(
    pki: PKIFolder, trusted: Path, kind: Kind
) -> None:
    ours = pki.cv(kind).certificate

    printed = cvc_print(pki.cv_path(kind) / "certificate.cvcert", trusted)

    assert printed.fields == {
        "Profile identifier": "0",
        "CAR": ours.car,
        "CHR": ours.chr,
        "Effective Date": ours.body.effective.isoformat(),
        "Expiration Date": ours.body.expiration.isoformat(),
    }
    assert printed.rights == PRINTED_RIGHTS[kind]
    assert printed.verified


def test_our_certificate_with_a_changed_signature_not_verified_by_cvc_print(
    pki: PKIFolder, trusted: Path, tmp_path: Path
) -> None:
    octets = bytearray(pki.cv("at-center-auth").certificate.encode())
    octets[-1] ^= 1
    (tmp_path / "changed").write_bytes(octets)

    printed = cvc_print(tmp_path / "changed", trusted)

    assert printed.fields["CHR"] == "JPJUKIAUTH00001"
    assert not printed.verified


@pytest.mark.parametrize("kind", ATS)
def test_our_description_read_by_cvc_print(pki: PKIFolder, trusted: Path, kind: Kind) -> None:
    path = pki.cv_path(kind)
    ours = pki.cv(kind).description
    assert ours is not None

    text = cvc_print(path / "certificate.cvcert", trusted, path / "description.der").text

    assert f"issuerName\t{ours.issuer_name}\n" in text
    assert f"issuerURL\t{ours.issuer_url}\n" in text
    assert f"subjectName\t{ours.subject_name}\n" in text
    assert f"subjectURL\t{ours.subject_url}\n" in text
    assert ours.terms_text in text
    assert _dumped(text) == b"".join(ours.comm_certificates)


def _dumped(text: str) -> bytes:
    """Return the octets of the hex dumps below `commCertificates`."""
    rows = [line for line in text.splitlines() if line.startswith("  00")]
    return bytes.fromhex("".join(row.partition(" - ")[2][:47].replace("-", " ") for row in rows))


def test_chain_by_cvc_create_accepted_by_us(workshop: Workshop, now: datetime) -> None:
    cvca, dv, terminal = _chain(workshop)

    holder = verify_chain([dv.certificate, terminal.certificate], cvca.certificate, now.date())

    assert holder.reference == "JPOPENAT00001"
    assert holder.chat.role is Role.TERMINAL
    assert holder.chat.rights == Right.READ_DG1
    assert terminal.certificate.body.effective == now.date()
    assert terminal.certificate.body.expiration == now.date() + timedelta(days=30)


def test_certificate_by_cvc_create_written_back_unchanged(workshop: Workshop) -> None:
    for foreign in _chain(workshop):
        assert foreign.certificate.encode() == foreign.path.read_bytes()


def test_description_by_cvc_create_bound_by_its_digest(workshop: Workshop) -> None:
    _, _, terminal = _chain(workshop)

    assert terminal.description is not None
    digest = hashlib.sha256(terminal.description.read_bytes()).digest()
    assert terminal.certificate.description_digest == digest


def test_right_that_the_foreign_dv_lacks_not_given(workshop: Workshop, now: datetime) -> None:
    cvca = workshop.cvca("JPOPENCV00001", *RIGHTS)
    dv = workshop.dv("JPOPENDV00001", cvca, "--pin-management")
    terminal = workshop.terminal("JPOPENAT00001", dv, *RIGHTS)

    holder = verify_chain([dv.certificate, terminal.certificate], cvca.certificate, now.date())

    assert holder.chat.rights == Right.PIN_MANAGEMENT


@pytest.mark.parametrize("days", [-1, 31])
def test_chain_by_cvc_create_refused_outside_of_its_days(
    workshop: Workshop, now: datetime, days: int
) -> None:
    cvca, dv, terminal = _chain(workshop)
    day = now.date() + timedelta(days=days)

    with pytest.raises(CertificateRefused):
        verify_chain([dv.certificate, terminal.certificate], cvca.certificate, day)


def test_chain_of_another_foreign_root_refused(
    workshop: Workshop, pki: PKIFolder, now: datetime
) -> None:
    _, dv, terminal = _chain(workshop)

    with pytest.raises(CertificateRefused):
        verify_chain([dv.certificate, terminal.certificate], pki.cv("cvca").certificate, now.date())


def test_foreign_certificate_with_any_part_of_its_signature_changed_refused(
    workshop: Workshop, now: datetime
) -> None:
    cvca, dv, terminal = _chain(workshop)
    octets = terminal.path.read_bytes()

    for place in range(len(octets) - 64, len(octets), 9):
        changed = bytearray(octets)
        changed[place] ^= 0x10
        with pytest.raises(CertificateRefused):
            verify_chain(
                [dv.certificate, CVCertificate.decode(bytes(changed))],
                cvca.certificate,
                now.date(),
            )


def test_certificate_by_cvc_create_below_our_dv_accepted_by_both(
    pki: PKIFolder, trusted: Path, tmp_path: Path, now: datetime
) -> None:
    dv = pki.cv("dv")
    issuer = Foreign(trusted / dv.certificate.chr, key_file(tmp_path / "dv.pkcs8", dv.key))
    workshop = Workshop(tmp_path, ec.SECP256R1(), now.date() + timedelta(days=2))

    made = workshop.terminal("JPOPENAT00001", issuer, "--read-dg1")

    chain = [dv.certificate, made.certificate]
    holder = verify_chain(chain, pki.cv("cvca").certificate, now.date())
    assert holder.chat.allows(Right.READ_DG1)
    assert cvc_print(made.path, trusted).verified


def test_our_certificate_below_a_foreign_dv_accepted_by_both(
    workshop: Workshop, tmp_path: Path, now: datetime
) -> None:
    cvca, dv, _ = _chain(workshop)
    dv_key = load_der_private_key(dv.key.read_bytes(), None)
    assert isinstance(dv_key, ec.EllipticCurvePrivateKey)
    profile = Profiles.load().cv[Kind.AT_CENTER_AUTH]
    own_key = ec.generate_private_key(dv_key.curve)

    made = make_below(
        profile,
        own_key.public_key(),
        CVIssuer(dv.certificate, dv_key),
        now.date(),
        description=make_description(profile, [bytes(32)]),
    )

    verify_chain([dv.certificate, made], cvca.certificate, now.date())
    trusted = tmp_path / "foreign"
    trusted.mkdir()
    for foreign in (cvca, dv):
        (trusted / foreign.certificate.chr).write_bytes(foreign.path.read_bytes())
    (tmp_path / "ours.cvcert").write_bytes(made.encode())
    assert cvc_print(tmp_path / "ours.cvcert", trusted).verified


def _chain(workshop: Workshop) -> tuple[Foreign, Foreign, Foreign]:
    cvca = workshop.cvca("JPOPENCV00001", *RIGHTS)
    dv = workshop.dv("JPOPENDV00001", cvca, "--read-dg1", "--pin-management")
    return cvca, dv, workshop.terminal("JPOPENAT00001", dv, "--read-dg1")
