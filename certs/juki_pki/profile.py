"""What each certificate shall say, read from TOML, one file per kind.

A profile is refused with the names of its file and field; nothing is guessed or ignored. How a
certificate is made from it is not here.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import TYPE_CHECKING, Final

from juki_pki.errors import Missing, ProfileError
from juki_pki.identity import PeerIdentity, Role
from juki_pki.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Kind(StrEnum):
    """Every kind of certificate; the value is the profile's file name."""

    ROOT = "root"
    ISSUING = "issuing"
    CENTER = "center"
    TERMINAL = "terminal"
    DESK = "desk"
    AGENCY = "agency"
    OPERATOR = "operator"
    COPY_SIGNER = "copy-signer"
    CARD_SIGNER = "card-signer"
    CVCA = "cvca"
    DV = "dv"
    AT_CENTER_AUTH = "at-center-auth"
    AT_CENTER_WINDOW = "at-center-window"
    AT_CENTER_ID = "at-center-id"


AUTHORITIES: Final = (Kind.ROOT, Kind.ISSUING)
PEERS: Final = tuple(Kind(role.value) for role in Role)
SIGNERS: Final = (Kind.COPY_SIGNER, Kind.CARD_SIGNER)
X509_KINDS: Final = (*AUTHORITIES, *PEERS, *SIGNERS)
ATS: Final = (Kind.AT_CENTER_AUTH, Kind.AT_CENTER_WINDOW, Kind.AT_CENTER_ID)
CV_KINDS: Final = (Kind.CVCA, Kind.DV, *ATS)

KEY_USAGES: Final = ("digital_signature", "content_commitment", "key_cert_sign", "crl_sign")
EXTENDED_KEY_USAGES: Final = ("client_auth", "server_auth")
RIGHTS: Final = ("read_dg1", "pin_management", "can_allowed")
_CA_USAGES: Final = {"key_cert_sign", "crl_sign"}
_EXAMPLES: Final = (("131016", "01"), ("112089", "x" * 32))
_AT_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A distinguished name; `common_name` may hold {municipality} and {name}.

    The card signer has a common name alone: its certificate lies on every card, where each octet
    counts.
    """

    country: str | None
    organization: str | None
    common_name: str


@dataclass(frozen=True, slots=True)
class Authority:
    """What only a certificate authority has."""

    path_length: int
    permitted_uri_hosts: tuple[str, ...]
    """Authorities of juki:// URIs below it, e.g. `municipality`; empty: not constrained."""


@dataclass(frozen=True, slots=True)
class X509Profile:
    """An X.509 certificate (RFC 5280). Lifetimes in days, the backdating in minutes."""

    kind: Kind
    subject: Subject
    lifetime_days: int
    backdate_minutes: int
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    uri: str | None
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    authority: Authority | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A CV certificate holder: country and mnemonic; the sequence number is counted at issue."""

    country: str
    mnemonic: str


@dataclass(frozen=True, slots=True)
class DescriptionText:
    """The texts of a CertificateDescription (TR-03110-4, C.3.1)."""

    issuer_name: str
    issuer_url: str
    subject_name: str
    subject_url: str
    terms_of_usage: str


@dataclass(frozen=True, slots=True)
class CVProfile:
    """A card-verifiable certificate (TR-03110-3, C). The lifetime is in days."""

    kind: Kind
    holder: Holder
    rights: frozenset[str]
    lifetime_days: int
    description: DescriptionText | None


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles of one network."""

    x509: Mapping[Kind, X509Profile]
    cv: Mapping[Kind, CVProfile]

    @classmethod
    def load(cls, folder: Path | None = None) -> Profiles:
        """Return the shipped profiles, with those of `folder` in their place where it has them.

        Raise ProfileError with the file and field of the first thing that is wrong.
        """
        texts = _shipped() | (_own(folder) if folder else {})
        tables = {kind: _parse(kind, text) for kind, text in texts.items()}
        profiles = cls(
            {kind: _x509_profile(kind, tables[kind]) for kind in X509_KINDS},
            {kind: _cv_profile(kind, tables[kind]) for kind in CV_KINDS},
        )
        _check_rights(profiles.cv)
        return profiles


def _shipped() -> dict[Kind, str]:
    folder = resources.files("juki_pki") / "profiles"
    return {kind: (folder / f"{kind}.toml").read_text(encoding="utf-8") for kind in Kind}


def _own(folder: Path) -> dict[Kind, str]:
    if not folder.is_dir():
        raise Missing(folder)
    texts: dict[Kind, str] = {}
    for path in sorted(folder.glob("*.toml")):
        if path.stem not in tuple(Kind):
            raise ProfileError(path.name, "file name", f"not one of {', '.join(Kind)}")
        try:
            texts[Kind(path.stem)] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ProfileError(path.name, "text", "not UTF-8") from error
    return texts


def _parse(kind: Kind, text: str) -> Table:
    try:
        return Table(f"{kind}.toml", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{kind}.toml", "text", str(error)) from error


def _x509_profile(kind: Kind, table: Table) -> X509Profile:
    profile = X509Profile(
        kind=kind,
        subject=_subject(kind, table.table("subject")),
        lifetime_days=table.number("lifetime_days", 1, 7_305),
        backdate_minutes=table.number("backdate_minutes", 0, 60),
        key_usage=table.choices("key_usage", KEY_USAGES),
        extended_key_usage=(
            table.choices("extended_key_usage", EXTENDED_KEY_USAGES) if kind in PEERS else ()
        ),
        uri=_uri(kind, table) if kind in PEERS else None,
        dns_names=_dns_names(table) if kind is Kind.CENTER else (),
        ip_addresses=_ip_addresses(table) if kind is Kind.CENTER else (),
        authority=_authority(table.table("authority")) if kind in AUTHORITIES else None,
    )
    table.finish()
    _check_key_usage(table, profile)
    return profile


def _subject(kind: Kind, table: Table) -> Subject:
    name = re.compile(r".{1,64}")
    whole = kind is not Kind.CARD_SIGNER
    subject = Subject(
        country=_country(table) if whole else None,
        organization=table.text("organization", name, "1 to 64 characters") if whole else None,
        common_name=table.text("common_name", name, "1 to 64 characters"),
    )
    table.finish()
    longest = _fill(table, "common_name", subject.common_name, *_EXAMPLES[-1])
    if len(longest) > 64:
        raise table.refusal("common_name", "longer than 64 characters with the longest name")
    return subject


def _country(table: Table) -> str:
    return table.text("country", re.compile(r"[A-Z]{2}"), "two capital letters")


def _authority(table: Table) -> Authority:
    host = re.compile(r"[a-z]{1,32}")
    authority = Authority(
        path_length=table.number("path_length", 0, 4),
        permitted_uri_hosts=table.texts("permitted_uri_hosts", host, "small letters"),
    )
    table.finish()
    return authority


def _uri(kind: Kind, table: Table) -> str:
    pattern = table.text("uri", re.compile(r"juki://\S+"), "a juki:// URI")
    role = Role(kind.value)
    for municipality, name in _EXAMPLES:
        example = PeerIdentity(role, name, municipality if role.is_municipal else None)
        if _fill(table, "uri", pattern, municipality, name) != example.uri:
            raise table.refusal("uri", f"does not give {example.uri} for that {kind}")
    return pattern


def _fill(table: Table, field: str, pattern: str, municipality: str, name: str) -> str:
    try:
        return pattern.format(municipality=municipality, name=name)
    except (LookupError, ValueError, AttributeError) as error:
        raise table.refusal(field, "only {municipality} and {name} are filled in") from error


def _dns_names(table: Table) -> tuple[str, ...]:
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    return table.texts("dns_names", re.compile(rf"{label}(?:\.{label})*"), "a DNS name")


def _ip_addresses(table: Table) -> tuple[str, ...]:
    addresses = table.texts("ip_addresses", re.compile(r"[0-9a-f.:]+"), "an IP address")
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise table.refusal("ip_addresses", f"{address!r} is not an IP address") from error
    return addresses


def _check_key_usage(table: Table, profile: X509Profile) -> None:
    signs = "key_cert_sign" in profile.key_usage
    if profile.authority and not signs:
        raise table.refusal("key_usage", "an authority needs key_cert_sign")
    if not profile.authority and _CA_USAGES & set(profile.key_usage):
        raise table.refusal("key_usage", "key_cert_sign and crl_sign are an authority's alone")
    if not profile.authority and "digital_signature" not in profile.key_usage:
        raise table.refusal("key_usage", "an end certificate needs digital_signature")
    wanted = "server_auth" if profile.kind is Kind.CENTER else "client_auth"
    if profile.kind in PEERS and wanted not in profile.extended_key_usage:
        raise table.refusal("extended_key_usage", f"a {profile.kind} needs {wanted}")


def _cv_profile(kind: Kind, table: Table) -> CVProfile:
    profile = CVProfile(
        kind=kind,
        holder=_holder(table.table("holder")),
        rights=frozenset(table.choices("rights", RIGHTS, allow_empty=True)),
        lifetime_days=table.number("lifetime_days", 1, _AT_DAYS if kind in ATS else 3_660),
        description=_description(table.table("description")) if kind in ATS else None,
    )
    table.finish()
    return profile


def _holder(table: Table) -> Holder:
    holder = Holder(
        country=_country(table),
        mnemonic=table.text(
            "mnemonic", re.compile(r"[A-Z0-9]{1,9}"), "1 to 9 capital letters and digits"
        ),
    )
    table.finish()
    return holder


def _description(table: Table) -> DescriptionText:
    line = re.compile(r".{1,200}")
    # The norm's URLs are PrintableStrings, which know neither _ nor % nor #.
    url = re.compile(r"https?://[A-Za-z0-9'()+,./:=?-]{1,200}")
    text = DescriptionText(
        issuer_name=table.text("issuer_name", line, "one line of 1 to 200 characters"),
        issuer_url=table.text("issuer_url", url, "an http or https URL of PrintableString letters"),
        subject_name=table.text("subject_name", line, "one line of 1 to 200 characters"),
        subject_url=table.text(
            "subject_url", url, "an http or https URL of PrintableString letters"
        ),
        terms_of_usage=table.text(
            "terms_of_usage", re.compile(r".{1,4000}", re.DOTALL), "1 to 4000 characters"
        ),
    )
    table.finish()
    return text


def _check_rights(profiles: Mapping[Kind, CVProfile]) -> None:
    # The card takes CVCA AND DV AND AT, so a right that an issuer lacks would be lost in silence.
    for kind in (Kind.DV, *ATS):
        issuer = Kind.CVCA if kind is Kind.DV else Kind.DV
        lost = profiles[kind].rights - profiles[issuer].rights
        if lost:
            raise ProfileError(
                f"{kind}.toml", "rights", f"{issuer} lacks {', '.join(sorted(lost))}"
            )
