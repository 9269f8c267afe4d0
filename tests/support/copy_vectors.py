"""Makes tests/vectors/copy-content.json with the encoder of the tests, never with the terminal's.

Run `python -m tests.support.copy_vectors` after a change of docs/wire.md, and read the diff.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import base45

from tests.support.copy_content import (
    CopySigner,
    document,
    encode,
    make_signer,
    payload_of,
    person,
    seal,
)

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "copy-content.json"
HOUSEHOLDER = "\U00020bb7田　太郎"
HOUSEHOLD = [
    person(head=HOUSEHOLDER, rel="世帯主", code="24727059608"),
    person(
        name="\U00020bb7田　花子",
        kana="ヨシダ　ハナコ",
        sex="女",
        birth="昭和47年11月30日",
        head=HOUSEHOLDER,
        rel="妻",
        code="07215594348",
    ),
    person(
        name="\ufa19谷　葛\U000e0100",
        kana="カミヤ　カツラ",
        birth="2003年8月25日",
        sex="",
        prev=None,
        addrs=None,
        notif=None,
        head=HOUSEHOLDER,
        rel="同居人",
        code="47971104380",
    ),
]
FOREIGN_RESIDENT = person(
    name="WANG　XIAOMING",
    kana="ワン　シャオミン",
    alias="田中　小明",
    birth="1975年10月1日",
    addrs=None,
    notif=None,
    prev=None,
)
COPIES: dict[str, dict[str, Any]] = {
    "one person, full QR code": {},
    "household with all items, short QR code": {
        "no": "131016-20261123-000043-9M2X",
        "by": "photo",
        "scope": "household",
        "items": ["relationship", "code"],
        "per": HOUSEHOLD,
    },
    "foreign resident with a registered alias": {
        "no": "131016-20261123-000044-4T8W",
        "per": [FOREIGN_RESIDENT],
    },
}


def vectors() -> dict[str, Any]:
    """Return the whole file."""
    signer = make_signer()
    return {
        "about": "Signed content of copies and the text of their QR codes; docs/wire.md.",
        "source": "this project, tests/support/copy_vectors.py",
        "licence": "Apache-2.0",
        "signer": {
            "private_scalar": "1d0c",
            "certificate_pem": signer.pem.decode("ascii"),
            "kid": signer.key_id.hex(),
        },
        "copies": [_copy(name, document(**changes), signer) for name, changes in COPIES.items()],
    }


def _copy(name: str, doc: dict[str, Any], signer: CopySigner) -> dict[str, Any]:
    signed = seal(payload_of(doc), signer)
    digest = hashlib.sha256(encode(doc)).digest()
    short = {"no": doc["no"], "sha": digest, "kid": signer.key_id, "sig": signed[-64:]}
    full = "JUKI1F:" + base45.b45encode(signed).decode("ascii")
    return {
        "name": name,
        "persons": len(doc["per"]),
        "payload": payload_of(doc).hex(),
        "sha": digest.hex(),
        "signed_content": signed.hex(),
        "qr_text": full
        if len(full) <= 1200
        else "JUKI1:" + base45.b45encode(encode(short)).decode("ascii"),
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=2) + "\n", encoding="utf-8")
