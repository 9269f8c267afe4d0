"""Cosigned heads as `juki-center audit` reads them: from a store, a copy, and earlier heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_audit.cosigned import CosignedHead, cosigned_heads, reached
from juki_audit.findings import Finding, Rule
from juki_center.areas.audit.cosignatures import cosigned_head
from juki_center.cli.witnessing import witness_policy
from juki_center.storage.cosignatures_table import CosignaturesTable
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from juki_audit.examination import Trust
    from juki_center.cli.audit_files import CosignedLog, Earlier
    from juki_center.config import CenterConfig
    from juki_center.storage.log_records import StoredLog


def newest(log: StoredLog, config: CenterConfig) -> bytes:
    """Return the newest head that enough witnesses have cosigned; empty where there is none.

    Raises ConfigInvalid and PKIError.
    """
    policy = witness_policy(config, PKIFolder(config.pki_dir))
    found = cosigned_head(CosignaturesTable(log.sql), policy) if log.cosigned() else None
    return found.note if found else b""


def heads(
    log: CosignedLog, earlier: list[Earlier], trust: Trust
) -> tuple[tuple[CosignedHead, ...], list[Finding]]:
    """Return the heads that known witnesses have cosigned, and what is wrong with the notes.

    The log's own head and the earlier ones may carry their lines too.
    """
    notes = [*log.cosigned(), *(note for one in earlier for note in one.notes)]
    own = log.checkpoint()
    found, findings = cosigned_heads(notes, trust)
    if own:
        # What is wrong with the newest head, the examination says.
        of_newest, _ = cosigned_heads([own], trust)
        found = (*of_newest, *found)
    if trust.needed and reached(found, trust.needed) is None:
        most = max((len(one.witnesses) for one in found), default=0)
        findings.append(Finding(Rule.WITNESSES_MISSING, facts=f"{most} of {trust.needed}"))
    return found, findings
