"""The receipts of a batch's results: each line must be one that a leaf of this batch vouches for.

The center writes one leaf for each slice of lines; its receipt comes with the first message of the
slice's results.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from juki_client.receipts import Receipts
    from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

EVENT: Final = "BATCH_CONFIRMED"
_LINES: Final = re.compile("([1-9][0-9]{0,5})-([1-9][0-9]{0,5})")


class BatchReceipts:
    """The receipts of one stream of a batch."""

    def __init__(self, receipts: Receipts, batch_id: str) -> None:
        """Raise Problem where the log is not trusted, or does not prove itself in time."""
        receipts.prove_in_time()
        self._receipts = receipts
        self._batch_id = batch_id
        self._asking = receipts.act(EVENT)
        self._covered = 0

    def stamped(self, message: pb.ConfirmBatchRequest) -> pb.ConfirmBatchRequest:
        """Return a message with the size of the tree that was known at the stream's beginning."""
        return self._asking.stamped(message)

    def require(self, message: pb.ConfirmBatchResponse, first: int, last: int) -> None:
        """Require that the log shows the lines of a message.

        Raises Problem RECEIPT_MISSING, and RECEIPT_INVALID and the like where it shows others.
        """
        if message.HasField("receipt"):
            told = self._asking.require(message, resource=self._batch_id)
            self._asking = self._asking.after(told)
            lines = _LINES.fullmatch(told.leaf.details.get("lines", ""))
            if lines is None or int(lines[1]) != first:
                checkpoint = message.receipt.checkpoint
                raise self._receipts.book.doubt("LINES_OTHER", checkpoint)
            self._covered = int(lines[2])
        if last > self._covered:
            raise Problem("RECEIPT_MISSING", {"event": EVENT})
