"""Explains any file of the network's PKI in plain English, from its bytes alone.

What a file is shows in its first bytes, never in its name. Private keys are described by their
public half.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from juki_card import oid, tlv
from juki_card.errors import ParseError
from juki_pki.errors import Missing, Unreadable
from juki_pki.show.card import (
    explain_card_access,
    explain_card_security,
    explain_cv_certificate,
    explain_description,
)
from juki_pki.show.keys import (
    SECRET_KINDS,
    explain_key_der,
    explain_key_pem,
    explain_personalisation_key,
    explain_verifiers,
)
from juki_pki.show.x509 import explain_certificate_der, explain_certificate_pem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from juki_pki.explanation import Explanation

Reader: TypeAlias = "Callable[[bytes, str, datetime], Explanation]"
_MOST_OCTETS: Final = 1 << 20
_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n.*?-----END \1-----", re.DOTALL)
_PEM_BEGIN: Final = b"-----BEGIN "
_CV_CERTIFICATE: Final = b"\x7f\x21"


def explain_file(path: Path, now: datetime) -> tuple[Explanation, ...]:
    """Explain a file; raise Missing or Unreadable. A key that others can read gets a remark."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            octets = file.read(_MOST_OCTETS + 1)
    except OSError as error:
        raise Missing(path) from error
    if len(octets) > _MOST_OCTETS:
        raise Unreadable(str(path), f"longer than {_MOST_OCTETS} octets")
    return tuple(_with_mode(found, mode) for found in explain(octets, str(path), now))


def _with_mode(found: Explanation, mode: int) -> Explanation:
    if found.kind not in SECRET_KINDS:
        return found
    remarks = ("Others can reach this key: it must have mode 0600.",) if mode & 0o077 else ()
    facts = found.facts | {"file_mode": f"{mode:04o}"}
    return replace(found, facts=facts, remarks=found.remarks + remarks)


def explain(octets: bytes, source: str, now: datetime) -> tuple[Explanation, ...]:
    """Explain a file's bytes, judged at `now`; raise Unreadable, naming `source` and the cause."""
    if not octets.strip():
        raise Unreadable(source, "the file is empty")
    if _PEM_BEGIN in octets[:4096]:
        return tuple(_explain_pem(octets, source, now))
    return tuple(_explain_der(part, source, now) for part in _parts(octets))


def _parts(octets: bytes) -> tuple[bytes, ...]:
    """Take CV certificates apart that stand one after the other, as in trust/ in a roll-over."""
    if not octets.startswith(_CV_CERTIFICATE):
        return (octets,)
    try:
        items = tlv.parse_all(octets)
    except ParseError:
        return (octets,)
    return tuple(tlv.encode(item.tag, item.value) for item in items)


def _explain_pem(octets: bytes, source: str, now: datetime) -> list[Explanation]:
    blocks = [(found[1], found[0]) for found in _PEM_BLOCK.finditer(octets)]
    if len(blocks) != octets.count(_PEM_BEGIN):
        raise Unreadable(source, "a PEM block has no end that fits its beginning")
    return [_explain_pem_block(label, block, source, now) for label, block in blocks]


def _explain_pem_block(label: bytes, block: bytes, source: str, now: datetime) -> Explanation:
    match label:
        case b"CERTIFICATE":
            return explain_certificate_pem(block, source, now)
        case b"PRIVATE KEY":
            return explain_key_pem(block, source, now)
        case b"JUKI PERSONALISATION KEY":
            return explain_personalisation_key(block, source, now)
        case _:
            raise Unreadable(source, f"PEM block {label.decode()}: not a kind that we use")


def _explain_der(octets: bytes, source: str, now: datetime) -> Explanation:
    for opening, reader in _READERS:
        if opening.match(octets):
            return reader(octets, source, now)
    raise Unreadable(source, f"begins with {octets[:4].hex()}, which is no file that we know")


def _opening(head: bytes) -> re.Pattern[bytes]:
    length = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
    return re.compile(head.replace(b"LENGTH", length), re.DOTALL)


def _identifier(dotted: str) -> bytes:
    return rb"\x30LENGTH\x06." + re.escape(oid.encode(dotted))


_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_READERS: Final[tuple[tuple[re.Pattern[bytes], Reader], ...]] = (
    (re.compile(rb"[!-*,-~]+\+[0-9a-f]{8}\+"), explain_verifiers),
    (_opening(rb"\x7f\x21"), explain_cv_certificate),
    (_opening(rb"\x31LENGTH\x30"), explain_card_access),
    (_opening(_identifier(oid.EXTENSION_DESCRIPTION)), explain_description),
    (_opening(_identifier(_SIGNED_DATA)), explain_card_security),
    (_opening(rb"\x30LENGTH\x02\x01\x00"), explain_key_der),
    (_opening(rb"\x30LENGTH\x30"), explain_certificate_der),
)
