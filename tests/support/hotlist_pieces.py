"""Signed pieces of hotlists, by the encoder of the tests, and the vectors made of them.

Run `python -m tests.support.hotlist_pieces` after a change of docs/wire.md, and read the diff.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from tests.support.copy_content import CopySigner, encode, make_signer, seal

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "hotlist.json"
CONTENT_TYPE = "application/juki-hotlist+cbor"
KEY = bytes(range(16))
MADE_AT = 1_795_395_723
SERIALS = tuple(hashlib.sha256(f"point {number}".encode()).digest() for number in range(4))
NODE = hashlib.sha256(b"certificate of a node").digest()
NODE_URI = "juki://center/center-2"


def entry(serial: bytes, key: bytes = KEY) -> bytes:
    """Return a card's entry."""
    return hmac.digest(key, serial, hashlib.sha256)[:16]


def content(**changes: Any) -> list[Any]:
    """Return the content of a whole list with two cards, with changes by name."""
    cards = sorted([[entry(SERIALS[0]), 1], [entry(SERIALS[1]), 2]])
    fields = {
        "label": "juki-hotlist",
        "version": 1,
        "is_whole": True,
        "since": 0,
        "cursor": 7,
        "made_at": MADE_AT,
        "max_age": 600,
        "part": 1,
        "parts": 1,
        "key": KEY,
        "cards": cards,
        "certificates": [NODE],
        "uris": [NODE_URI],
    }
    return list((fields | changes).values())


def changes(since: int, cursor: int, *cards: tuple[bytes, int], **others: Any) -> list[Any]:
    """Return the content of changes."""
    listed = sorted([entry(serial), state] for serial, state in cards)
    bare: dict[str, Any] = {"certificates": [], "uris": []}
    return content(is_whole=False, since=since, cursor=cursor, cards=listed, **(bare | others))


def signed(value: object, signer: CopySigner | None = None, kind: str = CONTENT_TYPE) -> bytes:
    """Return a piece as it travels."""
    by = signer or make_signer()
    return seal(encode(value), by, protected=encode({1: -7, 3: kind, 4: by.key_id}))


def vectors() -> dict[str, Any]:
    """Return the whole file."""
    signer = make_signer()
    pieces = {
        "a whole list": content(),
        "a card leaves it and another one comes": changes(
            7, 9, (SERIALS[0], 0), (SERIALS[2], 1), made_at=MADE_AT + 60
        ),
        "nothing has changed": changes(9, 9, made_at=MADE_AT + 90),
    }
    return {
        "about": "Signed pieces of a hotlist, in their order; docs/wire.md.",
        "source": "this project, tests/support/hotlist_pieces.py",
        "licence": "Apache-2.0",
        "signer": {"certificate_pem": signer.pem.decode("ascii"), "kid": signer.key_id.hex()},
        "key": KEY.hex(),
        "serials": [serial.hex() for serial in SERIALS],
        "entries": [entry(serial).hex() for serial in SERIALS],
        "pieces": [
            {"name": name, "payload": encode(value).hex(), "cose": signed(value).hex()}
            for name, value in pieces.items()
        ],
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=2) + "\n", encoding="utf-8")
