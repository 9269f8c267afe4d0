"""Receipts of a sample of the answers, verified as a client does: proof, signature, own act.

Every answer carries its receipt and every octet of it is received; proofs are computed for a sample
only, because a generator that verified all of them would measure itself.
"""

from __future__ import annotations

import random  # noqa: TID251  # the same sample for the same seed
from typing import TYPE_CHECKING

from juki_audit.errors import LogRefused
from juki_audit.receipts import OwnAct, open_receipt, require_act
from juki_client.receipts import opened
from juki_load.wire.header_blocks import Ending

if TYPE_CHECKING:
    from juki_audit.receipts import TrustedLog
    from jukinet.audit.v1 import receipt_pb2 as pb

RECEIPT_MISSING = Ending(2, "RECEIPT_MISSING")
RECEIPT_INVALID = Ending(2, "RECEIPT_INVALID")
ANSWER_WRONG = Ending(2, "ANSWER_WRONG")


class Verification:
    """Verifies a share of the receipts."""

    def __init__(self, log: TrustedLog | None, percent: float, seed: int) -> None:
        """Without a log, receipts cannot be verified and none is."""
        self.verified = 0
        self._log = log
        self._share = percent / 100 if log is not None else 0.0
        self._draws = random.Random(seed)  # noqa: S311  # nothing here is to be secret

    def is_drawn(self) -> bool:
        """Say whether the next answer belongs to the sample."""
        return self._share > 0 and self._draws.random() < self._share

    def fault(self, receipt: pb.Receipt | None, act: OwnAct) -> Ending | None:
        """Return what is wrong with a receipt; None where it shows the act."""
        if self._log is None:
            return None
        if receipt is None:
            return RECEIPT_MISSING
        try:
            require_act(open_receipt(opened(receipt), self._log), act)
        except LogRefused:
            return RECEIPT_INVALID
        self.verified += 1
        return None
