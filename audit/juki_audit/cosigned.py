"""How far witnesses have followed a log: from the cosigned heads that come with a copy or a store.

Each note carries the lines of the log and of a witness; those of one head count together. That the
log grows from these heads is for the examination to say: a head that it does not grow from is no
less evidence for being cosigned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from juki_audit.errors import HeadNotTrusted, LogMalformed
from juki_audit.examination import Trust
from juki_audit.findings import Finding, Rule
from juki_audit.tree import Head


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """A head that the log signed, and the known witnesses who cosigned it."""

    head: Head
    witnesses: tuple[str, ...]


def cosigned_heads(
    notes: Iterable[bytes], trust: Trust
) -> tuple[tuple[CosignedHead, ...], list[Finding]]:
    """Return the heads that known witnesses have cosigned, the largest first.

    A note that the log did not sign is a finding. Notes of unknown witnesses are passed over.
    """
    found: dict[Head, list[str]] = {}
    findings = []
    for note in notes:
        try:
            head = trust.checkpoint(note).head
            names = trust.cosigners(note)
        except (HeadNotTrusted, LogMalformed) as refused:
            findings.append(Finding(Rule.COSIGNED_REFUSED, facts=refused.rule))
            continue
        if names:
            found.setdefault(head, []).extend(names)
    heads = (CosignedHead(head, tuple(dict.fromkeys(names))) for head, names in found.items())
    return tuple(sorted(heads, key=lambda one: -one.head.size)), findings


def reached(heads: Iterable[CosignedHead], needed: int) -> CosignedHead | None:
    """Return the largest head that so many witnesses, and at least one, have cosigned."""
    enough = (one for one in heads if len(one.witnesses) >= max(1, needed))
    return max(enough, key=lambda one: one.head.size, default=None)
