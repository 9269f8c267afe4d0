"""Telling the center that some card has a locked PIN: when and at which terminal, nothing else.

A blocked PIN stops PACE before the card says who it is, so nobody knows which card it was. The
report is for counting; whether it arrives changes nothing for the resident at the counter.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from juki_client.outcome import Problem
from jukinet.cards.v1 import card_service_pb2 as cards_pb

if TYPE_CHECKING:
    from juki_terminal.channel import Center


def report_lock(center: Center) -> bool:
    """Report a lock once; return whether the center has taken it. Raises nothing."""
    request = cards_pb.ReportLockRequest(request_id=str(uuid.uuid4()))
    try:
        center.call(center.cards.ReportLock, request)
    except Problem:
        return False
    return True
