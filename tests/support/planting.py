"""Ways in which a program that forgot to seal a text could have laid it down, by form.

Text stands around it where that moves it, so that a search must find it at any alignment.
"""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO


def in_archive(octets: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("residents.csv", octets * 20)
    return file.getvalue()


PLANTED: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "shift_jis": lambda text: text.encode("shift_jis"),
    "euc_jp": lambda text: text.encode("euc_jp"),
    "utf-8 in hex": lambda text: b'"' + text.encode().hex().encode() + b'"',
    "shift_jis in hex": lambda text: b"0" + text.encode("shift_jis").hex().upper().encode(),
    "utf-8 in base64": lambda text: base64.b64encode(f"n{text}。".encode()),
    "utf-16-be in base64": lambda text: base64.urlsafe_b64encode(b"ab" + text.encode("utf-16-be")),
    "euc_jp in base64": lambda text: base64.encodebytes((text * 9).encode("euc_jp")),
    "utf-8 in zlib": lambda text: zlib.compress(text.encode()),
    "utf-16-le in zlib": lambda text: gzip.compress(text.encode("utf-16-le")),
    "shift_jis in zlib": lambda text: in_archive(text.encode("shift_jis")),
    "utf-8 in base64 in zlib": lambda text: zlib.compress(base64.b64encode(text.encode())),
    "utf-8 in zlib in base64": lambda text: base64.b64encode(zlib.compress(text.encode() * 3)),
    "utf-8 in escapes": lambda text: json.dumps({"name": text}).encode(),
}
