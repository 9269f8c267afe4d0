"""Leaves with their proofs, as a file that anybody can check against the key of the log.

One JSON object in UTF-8, octets in base64 (RFC 4648, 4):

    {"juki-audit-proof": 1, "checkpoint": "…",
     "leaves": [{"leaf": 7, "commitment": "…", "salt": "…", "content": "…", "proof": ["…"]}]}

Salt and content are left out where they have been deleted: the leaf is proven all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from juki_audit.errors import LogMalformed
from juki_audit.leaf import Leaf, commitment
from juki_audit.notes import decode_base64, encode_base64
from juki_audit.rows import Row
from juki_audit.tree import Head, verify_inclusion

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ProvenRow:
    """A row and the hashes that lead from it to the root."""

    row: Row
    proof: tuple[bytes, ...]

    def verify(self, head: Head) -> Leaf | None:
        """Check it against a trusted head; return what it says, None where that was deleted.

        Raises ProofInvalid, and LogMalformed for a content that is none or not that of the leaf.
        """
        row = self.row
        verify_inclusion(head, row.commitment, row.index, self.proof)
        if row.salt is None or row.content is None:
            return None
        if commitment(row.salt, row.content) != row.commitment:
            raise LogMalformed("CONTENT_NOT_COMMITTED")
        return Leaf.decode(row.content)


@dataclass(frozen=True, slots=True)
class ProofFile:
    """Leaves, their proofs, and the signed head that they lead to."""

    checkpoint: bytes
    leaves: tuple[ProvenRow, ...]

    def encode(self) -> bytes:
        """Return the file's octets."""
        document = {
            "juki-audit-proof": VERSION,
            "checkpoint": self.checkpoint.decode(),
            "leaves": [_document(one) for one in self.leaves],
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def decode(cls, octets: bytes) -> ProofFile:
        """Read a file; raises LogMalformed for what is none."""
        try:
            document = json.loads(octets)
        except (ValueError, RecursionError):
            raise LogMalformed("PROOF_JSON") from None
        if not isinstance(document, dict) or document.get("juki-audit-proof") != VERSION:
            raise LogMalformed("PROOF_VERSION")
        leaves = document.get("leaves")
        if not isinstance(leaves, list):
            raise LogMalformed("PROOF_LEAVES")
        return cls(_text(document, "checkpoint").encode(), tuple(_proven(one) for one in leaves))


def _document(one: ProvenRow) -> dict[str, object]:
    leaf: dict[str, object] = {
        "leaf": one.row.index,
        "commitment": encode_base64(one.row.commitment),
        "proof": [encode_base64(step) for step in one.proof],
    }
    if one.row.salt is not None and one.row.content is not None:
        leaf |= {"salt": encode_base64(one.row.salt), "content": encode_base64(one.row.content)}
    return leaf


def _proven(leaf: object) -> ProvenRow:
    if not isinstance(leaf, dict):
        raise LogMalformed("PROOF_LEAVES")
    index, proof = leaf.get("leaf"), leaf.get("proof")
    if not isinstance(index, int) or not isinstance(proof, list):
        raise LogMalformed("PROOF_LEAVES")
    steps = tuple(decode_base64(str(one), "PROOF_BASE64") for one in proof)
    row = Row(index, _octets(leaf, "commitment"), _kept(leaf, "salt"), _kept(leaf, "content"))
    return ProvenRow(row, steps)


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise LogMalformed(f"PROOF_{key.upper()}")
    return value


def _octets(document: Mapping[str, object], key: str) -> bytes:
    return decode_base64(_text(document, key), "PROOF_BASE64")


def _kept(document: Mapping[str, object], key: str) -> bytes | None:
    return _octets(document, key) if key in document else None
