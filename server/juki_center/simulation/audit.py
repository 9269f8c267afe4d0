"""The audit after the year: everything that must hold, recomputed from what the store holds.

None of the rules is asked of the acts' own code: what they decide wrongly would be found right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from juki_center.simulation.audit_cards import card_follows, one_card
from juki_center.simulation.audit_moves import deadline, move_and_records, open_move
from juki_center.simulation.audit_registers import (
    lawful_states,
    notice_for_each,
    notice_gapless,
    one_code,
    one_household,
    one_place,
    opens,
    whole_history,
)
from juki_center.simulation.findings import Check, Finding, Rule
from juki_center.simulation.ledger import Ledger
from juki_center.simulation.town import Surprise

CHECKS: Final[tuple[Check, ...]] = (
    one_place,
    opens,
    one_code,
    one_household,
    whole_history,
    lawful_states,
    notice_gapless,
    notice_for_each,
    one_card,
    card_follows,
    move_and_records,
    open_move,
    deadline,
)


def audit(ledger: Ledger) -> list[Finding]:
    """Return what does not hold in a store; empty for a clean one."""
    return [finding for check in CHECKS for finding in check(ledger)]


def headcount(ledger: Ledger, residents: int) -> list[Finding]:
    """Compare how many residents the registers have with how many the plan counts."""
    found = sum(versions[-1].state == "ACTIVE" for versions in ledger.versions.values())
    if found == residents:
        return []
    return [Finding(Rule.HEADCOUNT, "all registers", f"{found} residents, not {residents}")]


def unforeseen(surprises: Sequence[Surprise]) -> list[Finding]:
    """Return a finding for each errand that ended otherwise than the plan foresaw."""
    return [Finding(Rule.AS_FORESEEN, str(one.errand.office), str(one)) for one in surprises]
