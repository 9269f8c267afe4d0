"""Centers that die at a chosen write of enrolment: `python -m tests.support.mortal_enrolment`.

Each line of standard input is an `Order`; standard output tells for each whether the center was
killed. A center is a fork that opens the store of a folder, answers one call, and writes the answer
beside it. What a write is, `mortal_moves` says; the one after the last comes when all is committed
and nobody has the answer yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from juki_center.areas import calls
from juki_center.areas.calls import Call
from juki_center.areas.fleet.issuing import FleetPolicy
from juki_center.errors import Refusal
from juki_center.rpc import enrollment
from juki_center.rpc.center_descriptions import DescriptionsSource
from juki_center.rpc.issuing import Issuing
from juki_center.rpc.peers import Caller, enter
from juki_pki.credential import load_certificates
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from tests.support.card_window import MUNICIPALITIES
from tests.support.mortal_moves import Countdown, counted_store

_STRANGERS = "stranger"


@dataclass(frozen=True)
class Order:
    """One call: its request in hexadecimals, when, and before which write to die, 0 for never.

    `caller` is the caller's certificate in PEM, empty for who has none.
    """

    folder: str
    pki: str
    method: str
    request: str
    caller: str
    at: str
    fatal: int = 0


def run(order: Order) -> dict[str, object]:
    """Answer a call in this process; return the answer, or why it was refused."""
    countdown, now = Countdown(order.fatal), datetime.fromisoformat(order.at)
    store = counted_store(Path(order.folder), countdown)
    pki = PKIFolder(Path(order.pki))
    servicer: Any = enrollment.Enrollment(
        enrollment.Parts(
            store=store,
            policy=FleetPolicy(MUNICIPALITIES),
            issuing=Issuing(pki.path / "issuing", Profiles.load()),
            descriptions=DescriptionsSource(pki),
            issuers=lambda: load_certificates(pki.trust_path / "issuing.pem"),
            clock=lambda: now,
        )
    )
    _enter(order)
    request = getattr(pb, f"{order.method}Request").FromString(bytes.fromhex(order.request))
    try:
        answer = asyncio.run(getattr(servicer, order.method)(request, None))
    except Refusal as refusal:
        return {"reason": refusal.reason.value, "answer": "", "writes": 0}
    countdown.write()
    told = answer.SerializeToString(deterministic=True).hex()
    return {"reason": "", "answer": told, "writes": countdown.writes}


def _enter(order: Order) -> None:
    if not order.caller:
        calls.enter(Call(_STRANGERS, _STRANGERS, None, b"", order.method))
        return
    caller = Caller.from_pem(order.caller.encode("ascii"))
    enter(caller)
    call = Call(caller.identity.uri, caller.identity.role.value, None, b"", order.method)
    # That two persons have agreed is what the gate of approvals sees to, and its own tests.
    call.cited = (("approval", "a test's"),)
    calls.enter(call)


def serve() -> None:
    """Fork a center for each order; tell whether it was killed."""
    Profiles.load()
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            out = Path(order.folder) / "answer.json"
            out.write_text(json.dumps(run(order)), encoding="utf-8")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"killed": os.WIFSIGNALED(status)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
