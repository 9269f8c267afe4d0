"""Updates from a municipality's own system, and the register that takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import CheckedRecord, checked
from juki_center.areas.residents.updates import (
    Applied,
    Update,
    UpdateReason,
    apply_update,
)
from tests.support.center import SAMPLES
from tests.support.register_desk import (
    YESTERDAY,
    RegisterDesk,
)

CALLER = "juki://municipality/112089/terminal/01"
NEW = ResidentCode("12345678903")
TARO = "yoshida-taro"
ACTIVE, DECEASED = ResidenceState.ACTIVE, ResidenceState.DECEASED
MOVED_OUT, DELETED = ResidenceState.MOVED_OUT, ResidenceState.DELETED


@dataclass(slots=True)
class Register(RegisterDesk):
    """A desk whose municipality sends updates too."""

    async def apply(self, update: Update) -> Applied:
        """Apply an update."""
        return await self.store.act(
            lambda tx: apply_update(tx, update, self.now, caller_uri=CALLER)
        )


def record(
    code: ResidentCode = NEW, *, kana: str = "ヨシダ　タロウ", building: str = ""
) -> CheckedRecord:
    """Return entries under a code."""
    entries = replace(SAMPLES[TARO].record, code=code, kana=kana, building=building)
    return checked(entries)


def update(
    version: int,
    reason: ChangeReason | None = None,
    state: ResidenceState = ACTIVE,
    **changes: object,
) -> Update:
    """Return an update of Tokorozawa."""
    change = UpdateReason(reason, YESTERDAY) if reason else None
    return replace(
        Update(MunicipalityCode("112089"), "0001", version, state, record(), change),
        **changes,  # type: ignore[arg-type]  # fields of Update
    )


def corrected(version: int) -> Update:
    """Return a correction whose entries tell its version."""
    entries = record(building=f"{version}号室")
    return update(version, ChangeReason.CORRECTION_EX_OFFICIO, record=entries)
