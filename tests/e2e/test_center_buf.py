"""A stock tool, buf, speaks with a whole center: by reflection, by the protos, and in error."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from google.rpc import error_details_pb2

from juki_center.cli import dev
from juki_pki import make
from juki_pki.profile import Profiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_pki.folder import PKIFolder

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
]
BUF = Path(sys.executable).with_name("buf")
PROTOS = Path(__file__).resolve().parents[2] / "protos"
COPIES = "jukinet.copies.v1.CertificateCopyService"
SESSIONS = "jukinet.card.v1.CardSessionService"
REQUEST_ID = "6f3a2c9e-0d7b-4f57-9a3e-1c2d3e4f5a6b"
TERMINAL = "terminal/131016-01"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def center(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dev.DevCenter]:
    """A development center on ports of its own choosing."""
    options = dev.DevOptions(tmp_path_factory.mktemp("dev"), port=0, http_port=0)
    async with dev.running(options) as running:
        yield running


@dataclass(frozen=True)
class Said:
    """What buf printed."""

    code: int
    out: str
    err: str

    def error_info(self) -> error_details_pb2.ErrorInfo:
        """Return the ErrorInfo of the error that buf printed."""
        details = json.loads(self.err)["details"]
        (value,) = (d["value"] for d in details if d["type"] == "google.rpc.ErrorInfo")
        octets = base64.b64decode(value + "=" * (-len(value) % 4))
        return error_details_pb2.ErrorInfo.FromString(octets)


async def buf(
    center: dev.DevCenter,
    *arguments: str,
    peer: str = TERMINAL,
    pki: Path | None = None,
    given: str = "",
) -> Said:
    """Run `buf curl` with a peer's certificate; no peer, no certificate."""
    folder = center.folder.pki.path
    identity = (pki or folder) / peer
    names = ("--cert", str(identity / "chain.pem"), "--key", str(identity / "key.pem"))
    process = await asyncio.create_subprocess_exec(
        str(BUF), "curl", "--protocol", "grpc", "--cacert", str(folder / "trust/root.pem"),
        *(names if peer else ()), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(given.encode())
    return Said(process.returncode or 0, out.decode(), err.decode())


async def call(
    center: dev.DevCenter, method: str, data: object, *, peer: str = TERMINAL, schema: bool = True
) -> Said:
    """Call a method with JSON on standard input, which a large request needs."""
    protos = ("--schema", str(PROTOS)) if schema else ()
    url = f"https://{center.address}/{method}"
    return await buf(center, *protos, "--data", "@-", url, peer=peer, given=json.dumps(data))


async def test_services_are_listed_by_reflection(center: dev.DevCenter) -> None:
    said = await buf(center, "--list-services", f"https://{center.address}")

    assert {COPIES, SESSIONS} <= set(said.out.split())


async def test_error_is_well_formed_by_reflection_alone(center: dev.DevCenter) -> None:
    said = await call(center, f"{COPIES}/GetIssue", {"requestId": REQUEST_ID}, schema=False)

    info = said.error_info()
    assert (info.domain, info.reason) == ("center.jukinet", "ISSUE_NOT_FOUND")


async def test_empty_list_is_an_answer(center: dev.DevCenter) -> None:
    said = await call(center, f"{COPIES}/ListIssues", {})

    assert (said.code, json.loads(said.out)) == (0, {})


BY_CARD = {
    "requestId": REQUEST_ID,
    "cardSessionId": base64.b64encode(bytes(16)).decode(),
    "scope": "SCOPE_SELF",
    "feeYen": 300,
}
HELLO = {"purpose": "PURPOSE_CERTIFICATE_COPY", "versions": [1]}


@pytest.mark.parametrize(
    ("method", "data", "peer", "reason"),
    [
        (f"{COPIES}/GetIssue", {"requestId": "x"}, TERMINAL, "FIELD_INVALID"),
        (f"{COPIES}/GetIssue", {"requestId": "x" * 70_000}, TERMINAL, "MESSAGE_TOO_LARGE"),
        (f"{COPIES}/IssueCopy", BY_CARD, TERMINAL, "SESSION_NOT_FOUND"),
        (f"{COPIES}/IssueCopy", BY_CARD, "agency/passport-1", "ROLE_NOT_ALLOWED"),
        (f"{SESSIONS}/Authenticate", {"hello": {"versions": [1]}}, TERMINAL, "PURPOSE_UNKNOWN"),
        (f"{SESSIONS}/Authenticate", {"answers": {}}, TERMINAL, "STEP_OUT_OF_ORDER"),
        (
            f"{SESSIONS}/Authenticate",
            {"hello": {**HELLO, "versions": [9]}},
            TERMINAL,
            "VERSION_UNSUPPORTED",
        ),
    ],
)
async def test_bad_input_gets_its_reason(
    center: dev.DevCenter, method: str, data: object, peer: str, reason: str
) -> None:
    said = await call(center, method, data, peer=peer)

    assert said.code != 0
    assert said.error_info().reason == reason


async def test_no_client_certificate_does_not_connect(center: dev.DevCenter) -> None:
    said = await buf(center, "--list-services", f"https://{center.address}", peer="")

    assert said.code != 0
    assert said.out == ""


async def test_certificate_of_another_network_does_not_connect(
    center: dev.DevCenter, tmp_path: Path
) -> None:
    now = dev.assembly.system_clock()
    stranger: PKIFolder = make.init(tmp_path / "pki", Profiles.load(), now)

    said = await buf(center, "--list-services", f"https://{center.address}", pki=stranger.path)

    assert said.code != 0
    assert said.out == ""
