"""Profiles: the shipped ones load; each wrong field is refused by its name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from juki_pki.errors import Missing, ProfileError
from juki_pki.profile import CV_KINDS, X509_KINDS, Kind, Profiles


def shipped(kind: str) -> str:
    """Return a shipped profile's text."""
    return (resources.files("juki_pki") / "profiles" / f"{kind}.toml").read_text("utf-8")


def changed(kind: str, old: str, new: str) -> str:
    """Return a shipped profile with one place changed, which must be there."""
    text = shipped(kind)
    assert text.count(old) == 1, f"{old!r} is not once in {kind}.toml"
    return text.replace(old, new)


def test_shipped_profiles_cover_every_kind(profiles: Profiles) -> None:
    assert set(profiles.x509) == set(X509_KINDS)
    assert set(profiles.cv) == set(CV_KINDS)
    assert set(X509_KINDS) | set(CV_KINDS) == set(Kind)


def test_own_profile_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    own = changed("center", '"localhost"', '"a.example", "b.example"')
    (tmp_path / "center.toml").write_text(own)

    profiles = Profiles.load(tmp_path)

    assert profiles.x509[Kind.CENTER].dns_names == ("a.example", "b.example")
    assert profiles.x509[Kind.ROOT] == Profiles.load().x509[Kind.ROOT]


@pytest.mark.parametrize(
    ("kind", "old", "new", "field"),
    [
        ("terminal", "lifetime_days = 365", "", "lifetime_days"),
        ("terminal", "lifetime_days = 365", "lifetime_days = 0", "lifetime_days"),
        ("terminal", "lifetime_days = 365", "lifetime_days = 99999", "lifetime_days"),
        ("terminal", "lifetime_days = 365", 'lifetime_days = "365"', "lifetime_days"),
        ("terminal", "lifetime_days = 365", "lifetime_days = true", "lifetime_days"),
        ("terminal", "lifetime_days = 365", "lifetime_days = 365\nlife = 1", "life"),
        ("terminal", "lifetime_days = 365", "lifetime_days = ", "text"),
        ("terminal", "backdate_minutes = 5", "backdate_minutes = 61", "backdate_minutes"),
        ("terminal", '["digital_signature"]', "[]", "key_usage"),
        ("terminal", '["digital_signature"]', '"digital_signature"', "key_usage"),
        ("terminal", '["digital_signature"]', '["content_commitment"]', "key_usage"),
        ("terminal", '["digital_signature"]', '["digital_signature", "crl_sign"]', "key_usage"),
        ("terminal", '["digital_signature"]', '["digitalSignature"]', "key_usage"),
        ("terminal", '"client_auth"', '"server_auth"', "extended_key_usage"),
        ("terminal", '"client_auth"', '"client_auth", "client_auth"', "extended_key_usage"),
        ("terminal", "juki://", "https://", "uri"),
        ("terminal", "/{name}", "/01", "uri"),
        ("terminal", "/{name}", "/02", "uri"),
        ("terminal", "/{name}", "/{id}", "uri"),
        ("terminal", "/{name}", "/{name", "uri"),
        ("terminal", "/terminal/{name}", "/desk/{name}", "uri"),
        ("terminal", "{municipality}-", "{mayor}-", "subject.common_name"),
        ("terminal", "terminal {municipality}-", "x" * 60, "subject.common_name"),
        ("terminal", '"JP"', '"jp"', "subject.country"),
        ("terminal", '"Juki-Net"', '""', "subject.organization"),
        ("terminal", "[subject]", "[subjects]", "subject"),
        ("terminal", "[subject]", "[subject]\nlocality = 'x'", "subject.locality"),
        ("terminal", "[subject]", "[authority]\npath_length = 0\n[subject]", "authority"),
        ("terminal", "uri =", 'dns_names = ["a"]\nuri =', "dns_names"),
        ("center", '["localhost"]', '["a b"]', "dns_names"),
        ("center", '["localhost"]', "[1]", "dns_names"),
        ("center", '["127.0.0.1"]', '["127.0.0.256"]', "ip_addresses"),
        ("center", '"server_auth"', '"client_auth"', "extended_key_usage"),
        ("root", "path_length = 1", "path_length = -1", "authority.path_length"),
        ("root", '"key_cert_sign", ', "", "key_usage"),
        ("issuing", '"agency"', '"a/b"', "authority.permitted_uri_hosts"),
        ("copy-signer", "lifetime_days", "uri = 'juki://center/01'\nlifetime_days", "uri"),
        ("card-signer", "[subject]", '[subject]\ncountry = "JP"', "subject.country"),
        ("cvca", '"read_dg1"', '"read_dg2"', "rights"),
        ("cvca", '"JUKICVCA"', '"JUKICVCA10"', "holder.mnemonic"),
        ("cvca", '"JUKICVCA"', '"juki"', "holder.mnemonic"),
        ("cvca", '"JP"', '"J"', "holder.country"),
        ("cvca", "lifetime_days = 1096", "lifetime_days = 99999", "lifetime_days"),
        ("cvca", "[holder]", "[description]\n[holder]", "description"),
        ("dv", '"read_dg1", ', "", "rights"),
        ("at-center-auth", "lifetime_days = 2", "lifetime_days = 4", "lifetime_days"),
        ("at-center-auth", "[description]", "[descriptions]", "description"),
        ("at-center-auth", "issuer_name", "issuer", "description.issuer_name"),
        ("at-center-auth", '"https://center.jukinet.example/"', '"x"', "description.issuer_url"),
    ],
)
def test_profile_with_one_wrong_field_refused_by_that_name(
    tmp_path: Path, kind: str, old: str, new: str, field: str
) -> None:
    (tmp_path / f"{kind}.toml").write_text(changed(kind, old, new))

    with pytest.raises(ProfileError) as refused:
        Profiles.load(tmp_path)

    assert refused.value.field == field
    assert field in str(refused.value)


def test_profile_of_unknown_kind_refused(tmp_path: Path) -> None:
    (tmp_path / "terminals.toml").write_text(shipped("terminal"))

    with pytest.raises(ProfileError, match=r"terminals\.toml: file name"):
        Profiles.load(tmp_path)


def test_profile_not_in_utf8_refused(tmp_path: Path) -> None:
    (tmp_path / "terminal.toml").write_bytes(shipped("terminal").encode("utf-16"))

    with pytest.raises(ProfileError, match=r"terminal\.toml: text: not UTF-8"):
        Profiles.load(tmp_path)


def test_folder_of_profiles_not_there_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        Profiles.load(tmp_path / "nowhere")
