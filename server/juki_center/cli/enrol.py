"""`juki-center enrol`: tokens by which peers come by certificates, their certificates, recoveries.

All but the approval of a recovery works on the store, beside a center that serves.
"""

from __future__ import annotations

import getpass
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.fleet.certificates import CertificateState
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.fleet.tokens import (
    MOST_HOURS,
    MakeToken,
    TokenState,
    make_token,
    revoke_token,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.fleet_assembly import fleet_policy
from juki_center.cli.opening import opened_store
from juki_center.cli.operator_channel import operator_line
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import RuleBroken
from juki_client.enrolment import center_mark
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.typed_codes import Use, write_code
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from datetime import datetime

    from juki_center.areas.fleet.certificates import PeerCertificate
    from juki_center.areas.fleet.recoveries import Recovery
    from juki_center.areas.fleet.tokens import EnrolmentToken
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Let terminals, desks and agencies have certificates, and see which they have.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_METHOD: Final = "/jukinet.fleet.v1.EnrollmentService/ApproveRecovery"


@app.command("token")
def token_command(
    name: Annotated[str, typer.Option("--name", metavar="ID", help="Its id, such as 01.")],
    municipality: Annotated[
        str, typer.Option(metavar="CODE", help="Where it stands, six digits; not for an agency.")
    ] = "",
    role: Annotated[str, typer.Option(help="terminal, desk or agency.")] = "terminal",
    hours: Annotated[int, typer.Option(min=1, max=MOST_HOURS, help="How long it counts.")] = 72,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Make a token for one peer and print it, this once, with the mark of the center."""
    with reporting("enrol token", as_json=as_json):
        peer = _peer(role, name, municipality)
        run(_token(CenterConfig.load(config), peer, hours, as_json=as_json))


@app.command("tokens")
def tokens_command(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """List the tokens and what became of them; none is shown itself."""
    with reporting("enrol tokens", as_json=as_json):
        run(_tokens(CenterConfig.load(config), as_json=as_json))


@app.command("revoke")
def revoke_command(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `tokens` lists it.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Take a token back that nobody has used."""
    with reporting("enrol revoke", as_json=as_json):
        run(_revoke(CenterConfig.load(config), token_id, as_json=as_json))


@app.command("certificates")
def certificates_command(
    uri: Annotated[str, typer.Option(help="Of one peer only.")] = "",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List the peers' certificates: which counts, which waits, which was replaced, until when."""
    with reporting("enrol certificates", as_json=as_json):
        run(_certificates(CenterConfig.load(config), uri, as_json=as_json))


@app.command("recoveries")
def recoveries_command(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """List who asks to come back with an expired certificate."""
    with reporting("enrol recoveries", as_json=as_json):
        run(_recoveries(CenterConfig.load(config), as_json=as_json))


@app.command("approve")
def approve_command(
    recovery_id: Annotated[str, typer.Argument(metavar="RECOVERY", help="As the peer shows it.")],
    operator: Annotated[str, typer.Option("--as", metavar="OPERATOR", help="Who does it.")],
    approval: Annotated[
        str, typer.Option(metavar="ID", help="The other operator's approval; without it: propose.")
    ] = "",
    center: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it listens, if not as configured.")
    ] = "",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Let an expired peer come back: propose it, and do it once another operator has approved."""
    with (
        reporting("enrol approve", as_json=as_json),
        operator_line(CenterConfig.load(config), operator, center) as line,
    ):
        request = pb.ApproveRecoveryRequest(
            request_id=str(uuid.uuid4()), recovery_id=recovery_id, approval_id=approval
        )
        if not approval:
            proposed = line.propose(_METHOD, request).approval_id
            text = f"proposed; another operator: juki-center approve {proposed} --as OPERATOR"
            report("enrol approve", {"approvalId": proposed}, [text], as_json=as_json)
            return
        stub = pb_grpc.EnrollmentServiceStub(line.channel)
        uri = line.call(stub.ApproveRecovery, request).uri
        report("enrol approve", {"uri": uri}, [f"{uri} may come back"], as_json=as_json)


def _peer(role: str, name: str, municipality: str) -> Peer:
    if role not in {Role.TERMINAL, Role.DESK, Role.AGENCY}:
        raise RuleBroken("ENROLLED_ROLE", "--role")
    code = MunicipalityCode(municipality) if municipality else None
    if Role(role).is_municipal is (code is None):
        raise RuleBroken("MUNICIPALITY_OF_ROLE", "--municipality")
    identity = PeerIdentity(Role(role), name, municipality or None)
    return Peer(identity.uri, identity.role.value, code)


def _operator() -> str:
    """Return whom the log names: whoever works on the center's machine."""
    try:
        return f"juki://operator/local:{getpass.getuser()}"
    except (KeyError, OSError):
        return "juki://operator/local"


async def _token(config: CenterConfig, peer: Peer, hours: int, *, as_json: bool) -> None:
    now, policy = system_clock(), fleet_policy(config)
    leaf = PKIFolder(config.pki_dir).center(config.node).certificate.public_bytes(Encoding.DER)
    command = MakeToken(_operator(), peer, hours)
    async with opened_store(config) as store:
        made = await store.act(lambda tx: make_token(tx, command, now, policy.municipalities))
    token = write_code(made.octets, Use.TOKEN)
    mark = write_code(center_mark(leaf), Use.CENTER_MARK)
    until = made.row.expires_at
    facts: dict[str, JSON] = {
        "id": made.row.token_id,
        "uri": peer.uri,
        "token": token,
        "centerMark": mark,
        "until": until.isoformat(),
    }
    lines = [
        f"token:       {token}",
        f"center mark: {mark}",
    ]
    if not as_json:
        # The two lines are what the peer reads; what is said of them goes elsewhere.
        text = f"{peer.uri} may enrol until {until:%Y-%m-%d %H:%M}Z (id {made.row.token_id})"
        typer.echo(text, err=True)
    report("enrol token", facts, lines, as_json=as_json)


async def _tokens(config: CenterConfig, *, as_json: bool) -> None:
    now = system_clock()
    async with opened_store(config) as store:
        found = store.read(lambda tx: tx.enrolment_tokens.everything())
    rows: list[JSON] = [
        {
            "id": one.token_id,
            "uri": one.peer.uri,
            "state": _state(one, now),
            "madeAt": one.made_at.isoformat(),
            "madeBy": one.made_by,
            "until": one.expires_at.isoformat(),
            "certificateSha256": one.fingerprint.hex() if one.fingerprint else None,
        }
        for one in found
    ]
    lines = [
        f"{one.token_id}  {_state(one, now):<8} until {one.expires_at:%Y-%m-%d %H:%M}Z"
        f"  {one.peer.uri}"
        for one in found
    ]
    report("enrol tokens", {"tokens": rows}, lines or ["no tokens"], as_json=as_json)


def _state(token: EnrolmentToken, now: datetime) -> str:
    is_over = token.state is TokenState.OPEN and now > token.expires_at
    return "EXPIRED" if is_over else token.state.value


async def _revoke(config: CenterConfig, token_id: str, *, as_json: bool) -> None:
    now = system_clock()
    async with opened_store(config) as store:
        row = await store.act(lambda tx: revoke_token(tx, token_id, _operator(), now))
    facts: dict[str, JSON] = {"id": row.token_id, "uri": row.peer.uri}
    report("enrol revoke", facts, [f"taken back: {token_id}"], as_json=as_json)


async def _certificates(config: CenterConfig, uri: str, *, as_json: bool) -> None:
    now = system_clock()
    async with opened_store(config) as store:
        found = store.read(
            lambda tx: (
                tx.peer_certificates.of_peer(uri) if uri else tx.peer_certificates.everything()
            )
        )
    rows: list[JSON] = [_certificate(one, now) for one in found]
    lines = [
        f"{one.state_at(now):<8} until {one.not_after:%Y-%m-%d}  {one.uri}"
        f"  {one.fingerprint.hex()[:16]}"
        for one in found
    ]
    waiting = sum(one.state_at(now) is CertificateState.PENDING for one in found)
    facts: dict[str, JSON] = {"certificates": rows, "pending": waiting}
    report("enrol certificates", facts, lines or ["no certificates"], as_json=as_json)


def _certificate(one: PeerCertificate, now: datetime) -> JSON:
    return {
        "sha256": one.fingerprint.hex(),
        "uri": one.uri,
        "serial": one.serial,
        "state": one.state_at(now).value,
        "source": one.source.value,
        "until": one.not_after.isoformat(),
        "refusedFrom": one.refused_from.isoformat() if one.refused_from else None,
        "replaces": one.replaces.hex() if one.replaces else None,
    }


async def _recoveries(config: CenterConfig, *, as_json: bool) -> None:
    async with opened_store(config) as store:
        found = store.read(lambda tx: tx.recoveries.open_ones())
    rows: list[JSON] = [_recovery(one) for one in found]
    lines = [
        f"{one.recovery_id}  {one.state:<8}  {one.peer.uri}  expired {one.expired_at:%Y-%m-%d}"
        for one in found
    ]
    report("enrol recoveries", {"recoveries": rows}, lines or ["nobody waits"], as_json=as_json)


def _recovery(one: Recovery) -> JSON:
    return {
        "id": one.recovery_id,
        "uri": one.peer.uri,
        "state": one.state.value,
        "expiredAt": one.expired_at.isoformat(),
        "askedAt": one.asked_at.isoformat(),
    }
