"""`buf curl` at a center: a client that knows of us no more than our protos, or not even those."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.rpc.error_details_pb2 import ErrorInfo

BUF = Path(sys.executable).with_name("buf")
PROTOS = Path(__file__).resolve().parents[2] / "protos"


@dataclass(frozen=True)
class Told:
    """An error as a stranger reads it."""

    code: str
    message: str
    info: ErrorInfo

    @property
    def metadata(self) -> dict[str, str]:
        """The facts beside the reason."""
        return dict(self.info.metadata)


@dataclass(frozen=True)
class Said:
    """What buf printed."""

    exit_code: int
    out: str
    err: str

    def told(self) -> Told:
        """Read the error that buf printed, which must have exactly one ErrorInfo."""
        error = json.loads(self.err)
        (value,) = (d["value"] for d in error["details"] if d["type"] == "google.rpc.ErrorInfo")
        octets = base64.b64decode(value + "=" * (-len(value) % 4))
        return Told(error["code"], error["message"], ErrorInfo.FromString(octets))


@dataclass(frozen=True)
class StockCurl:
    """`buf curl` with the certificates of a PKI folder's peers."""

    address: str
    pki: Path
    root: Path

    async def list_services(self, peer: str) -> Said:
        """Ask for the services by reflection; no peer, no client certificate."""
        return await self._run("--list-services", f"https://{self.address}", peer=peer)

    async def call(
        self, method: str, data: Mapping[str, object], *, peer: str, reflect: bool = False
    ) -> Said:
        """Call a method with JSON, by the protos or by what reflection says of it."""
        schema = () if reflect else ("--schema", str(PROTOS))
        # On standard input, because the largest request does not fit an argument.
        url = f"https://{self.address}/{method}"
        return await self._run(*schema, "--data", "@-", url, peer=peer, given=json.dumps(data))

    async def _run(self, *arguments: str, peer: str, given: str = "") -> Said:
        own = self.pki / peer
        names = ("--cert", str(own / "chain.pem"), "--key", str(own / "key.pem")) if peer else ()
        process = await asyncio.create_subprocess_exec(
            *(str(BUF), "curl", "--protocol", "grpc", "--cacert", str(self.root)),
            *names,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(given.encode())
        return Said(process.returncode or 0, out.decode(), err.decode())
