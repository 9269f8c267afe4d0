"""`juki-center doctor`: is this center fit for the day? Every check runs and says what it found.

Nothing is changed, but that opening a store brings it to the newest schema; no network is used but
the center's own status port.
"""

from __future__ import annotations

import http.client
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.audit.cosignatures import lagging
from juki_center.areas.fleet.ends import SOON, ends_of_peers
from juki_center.areas.fleet.terminals import TerminalState, terminals
from juki_center.areas.residents.assignment import stocks_of
from juki_center.cli import shipped
from juki_center.cli.clock import system_clock
from juki_center.cli.opening import is_readable, open_with_key
from juki_center.cli.policies import fleet_limits
from juki_center.cli.queue import told
from juki_center.cli.report import EXPECTED, Failure, fail, failure, report, reporting
from juki_center.cli.witnessing import witness_policy
from juki_center.config import CenterConfig, Environment
from juki_center.rpc.card_material import load_material
from juki_center.rpc.making_material import load_making_material
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.store_url import file_of, is_server, shown
from juki_pki.errors import PKIError
from juki_pki.expiry import Expiry, expiries
from juki_pki.folder import PKIFolder
from juki_pki.profile import ATS
from juki_pki.profile import Kind as PKIKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.cli.report import JSON

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG = Path("/etc/juki/center.toml")

_CLOCK_SLACK: Final = timedelta(minutes=1)
_PROBE_SECONDS: Final = 2.0
_HTTP_OK: Final = 200
_NAMED: Final = 5


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    level: Level
    detail: str

    def as_json(self) -> dict[str, JSON]:
        """Return the finding for --json."""
        return {"check": self.check, "level": self.level.value, "detail": self.detail}

    def as_line(self) -> str:
        """Return the finding as a line."""
        return f"{self.level.value:8}{self.check}: {self.detail}"


Check: TypeAlias = Callable[["CenterConfig", datetime], "Iterator[Finding]"]


def examine(config: CenterConfig, now: datetime) -> list[Finding]:
    """Run all checks."""
    return [
        finding for name, check in _CHECKS.items() for finding in _run(name, check, config, now)
    ]


def conclude(found: list[Finding], *, as_json: bool) -> None:
    """Print the findings; where one is a fault, leave with the exit code for "no"."""
    faults = {one.check: one.detail for one in found if one.level is Level.FAULT}
    checks: list[JSON] = [one.as_json() for one in found]
    lines = [one.as_line() for one in found]
    if not (faults and as_json):
        report("doctor", {"checks": checks}, lines, as_json=as_json)
    if faults:
        message = f"{len(faults)} of {len(found)} findings are faults"
        remedy = "Mend what the findings name."
        fail("doctor", Failure("UNFIT", message, remedy, metadata=faults), as_json=as_json)


def _run(name: str, check: Check, config: CenterConfig, now: datetime) -> list[Finding]:
    try:
        return list(check(config, now))
    except EXPECTED as error:
        found = failure(error)
        return [Finding(name, Level.FAULT, f"{found.reason}: {found.message}")]


def _key_encryption_key(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    KeyEncryptionKey.load(config.kek)
    yield Finding("kek", Level.OK, f"{config.kek} is readable by its owner alone")


def _certificates(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    """Say when everything ends; how early that is a warning or a fault stands in docs/pki.md."""
    pki = PKIFolder(config.pki_dir)
    # Reading a credential also says whether its key fits, is on P-256 and nobody else's.
    pki.center(config.node)
    pki.copy_signer()
    for one in expiries(pki):
        is_own = (one.kind, one.name) == (PKIKind.CENTER, config.node)
        name = "center certificate" if is_own else f"{one.kind} {one.name}"
        yield Finding(name, Level(one.level(now)), _validity(one, now))


def _validity(one: Expiry, now: datetime) -> str:
    if now < one.begins:
        return f"not valid before {one.begins:%Y-%m-%d %H:%M}Z"
    if now > one.ends:
        return f"expired on {one.ends:%Y-%m-%d}"
    return f"valid to {one.ends:%Y-%m-%d}" + ("" if one.in_use else ", not in use")


def _card_access(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    pki, today = PKIFolder(config.pki_dir), now.astimezone(UTC).date()
    for purpose, access in load_material(pki, today).access.items():
        level = Level.WARNING if access.last_day == today else Level.OK
        yield Finding(f"card access {purpose}", level, f"cards take it to {access.last_day}")
    leaf = pki.center(config.node).certificate.public_bytes(Encoding.DER)
    for kind in ATS:
        description = pki.cv(kind).description
        if description is None or not description.lists(leaf):
            detail = "the description does not list the center's certificate; renew it"
            yield Finding(str(kind), Level.FAULT, detail)


def _card_making(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    """Without its material a center does everything else, so that it is a warning."""
    try:
        load_making_material(PKIFolder(config.pki_dir))
    except PKIError as error:
        yield Finding("card making", Level.WARNING, f"no card can be made: {error}")
    else:
        yield Finding("card making", Level.OK, "personalisation key and card signer are there")


def _log_signer(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    """A log whose heads nobody signs can be written anew by whoever has the store."""
    pki = PKIFolder(config.pki_dir)
    if pki.log_signer_path.exists():
        yield Finding("log signer", Level.OK, f"signs the heads of {pki.log_signer().origin}")
        return
    is_production = config.environment is Environment.PRODUCTION
    level = Level.FAULT if is_production else Level.WARNING
    detail = f"{pki.log_signer_path} does not exist; `juki-pki issue log-signer` makes it"
    yield Finding("log signer", level, detail)


def _authority_keys(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    """An authority's key has no business beside a center that serves the public."""
    if config.environment is not Environment.PRODUCTION:
        return
    for name in ("root", "issuing", "cv/cvca"):
        if (config.pki_dir / name / "key.pem").exists():
            detail = "its private key lies on the center's machine; keep it off line"
            yield Finding(f"{name} key", Level.WARNING, detail)


def _store(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    if not _has_store(config):
        detail = f"{shown(config.store_url)} does not exist; `serve` makes it"
        yield Finding("store", Level.FAULT, detail)
        return
    if not is_server(config.store_url):
        mode = stat.S_IMODE(file_of(config.store_url).stat().st_mode)
        if mode & 0o077:
            yield Finding("store file", Level.FAULT, f"mode {mode:04o}, must be 0600")
    store = open_with_key(config)
    try:
        good, is_writable = is_readable(store), store.is_log_writable
    finally:
        store.close()
    level = Level.OK if good else Level.FAULT
    yield Finding("store", level, "opens with its key" if good else "cannot be read")
    level = Level.OK if is_writable else Level.FAULT
    detail = "its newest leaves hold, and it can be written"
    if not is_writable:
        detail = (
            f"cannot be written: no room for the reserve of {config.reserve_mib} MiB, or no key"
        )
    yield Finding("audit log", level, detail)


def _has_store(config: CenterConfig) -> bool:
    """Whether there is a store to look into; a server is asked when it is opened."""
    return is_server(config.store_url) or file_of(config.store_url).exists()


def _peers(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    """A peer renews by itself; one that has not is cut off at its end, and nobody else is."""
    if not _has_store(config):
        return
    with closing(open_with_key(config)) as store:
        found = store.read(lambda tx: ends_of_peers(tx, now))
    if found.late:
        shown = ", ".join(found.late[:_NAMED]) + (" ..." if len(found.late) > _NAMED else "")
        detail = f"{len(found.late)} of {found.peers} certificates end within {SOON.days} days"
        yield Finding("peers", Level.WARNING, f"{detail}, or have ended: {shown}")
    else:
        yield Finding("peers", Level.OK, f"{found.peers} certificates last {SOON.days} days")


def _hotlists(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    """A terminal by an old hotlist takes cards that were stopped since, where it is off line."""
    if not _has_store(config):
        return
    limits = fleet_limits(config)
    with closing(open_with_key(config)) as store:
        every = store.read(lambda tx: terminals(tx, shipped.municipalities()))
    # One that is silent is told of by its state, and one that was revoked works no more.
    reporting_now = [
        one
        for one in every
        if one.state(now, limits) is TerminalState.REPORTING and not one.is_revoked
    ]
    old = [one.uri for one in reporting_now if one.has_old_hotlist(limits)]
    if old:
        shown = ", ".join(old[:_NAMED]) + (" ..." if len(old) > _NAMED else "")
        detail = f"{len(old)} of {len(reporting_now)} terminals have an old hotlist, or none"
        yield Finding("hotlists", Level.WARNING, f"{detail}: {shown}")
    else:
        detail = f"{len(reporting_now)} terminals report one younger than {limits.hotlist_age}"
        yield Finding("hotlists", Level.OK, detail)


def _clock(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    """A clock that was set back shows itself by a store that was written in its future."""
    if not is_server(config.store_url) and _has_store(config):
        written = datetime.fromtimestamp(file_of(config.store_url).stat().st_mtime, UTC)
        if written - now > _CLOCK_SLACK:
            detail = f"the store was written at {written:%Y-%m-%d %H:%M}Z, which is in the future"
            yield Finding("clock", Level.FAULT, detail)
            return
    yield Finding("clock", Level.OK, f"{now:%Y-%m-%d %H:%M:%S}Z")


def _running(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    connection = http.client.HTTPConnection(config.listen_http, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        good, body = answer.status == _HTTP_OK, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        yield Finding("serving", Level.WARNING, f"nothing answers on {config.listen_http}")
        return
    finally:
        connection.close()
    level = Level.OK if good else Level.FAULT
    yield Finding("serving", level, "ready" if good else f"not ready: {body}")


def _codes(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    """A municipality without codes can enter no newborn."""
    if not _has_store(config):
        return
    with closing(open_with_key(config)) as store:
        stocks = store.read(lambda tx: stocks_of(tx, config.low_stock))
    low = [f"{one.municipality} has {one.left}" for one in stocks if one.is_low]
    if low:
        shown = ", ".join(low[:_NAMED]) + (" ..." if len(low) > _NAMED else "")
        detail = f"{len(low)} of {len(stocks)} stocks are low ({shown}); `juki-center codes stock`"
        yield Finding("codes", Level.WARNING, detail)
    else:
        yield Finding("codes", Level.OK, f"{len(stocks)} municipalities have enough")


def _rotations(config: CenterConfig, _now: datetime) -> Iterator[Finding]:
    """A rotation that was cut off leaves the old key in use until it is taken up again."""
    if not _has_store(config):
        return
    with closing(open_with_key(config)) as store:
        running = store.read(lambda tx: tx.rotations.running())
    for one in running:
        detail = f"the rotation of {one.target} is not finished; `juki-center keys rotate` goes on"
        yield Finding("rotation", Level.WARNING, detail)
    if not running:
        yield Finding("rotation", Level.OK, "no rotation of a key is under way")


def _queues(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    """What was set aside reaches nobody until an operator decides; what is missing was lost."""
    if not _has_store(config):
        return
    with closing(open_with_key(config)) as store:
        found = store.read(lambda tx: tx.notices.every())
    for one in found:
        level = Level.WARNING if one.set_aside else Level.OK
        yield Finding("queue", level if one.is_whole else Level.FAULT, told(one, now))
    if not found:
        yield Finding("queue", Level.OK, "no notice waits")


def _witnesses(config: CenterConfig, now: datetime) -> Iterator[Finding]:
    """A log that nobody follows can be shown to each in another way."""
    if not config.log.witnesses:
        yield Finding("witnesses", Level.OK, "the configuration names none")
        return
    policy = witness_policy(config, PKIFolder(config.pki_dir))
    if not _has_store(config):
        return
    with closing(open_with_key(config)) as store:
        late = store.read(lambda tx: lagging(tx.cosignatures, policy, now, config.log.lag))
    level = Level.WARNING if late else Level.OK
    yield Finding("witnesses", level, "; ".join(late) or "enough of them follow the log")


_CHECKS: Final[dict[str, Check]] = {
    "kek": _key_encryption_key,
    "certificates": _certificates,
    "card access": _card_access,
    "card making": _card_making,
    "log signer": _log_signer,
    "authority keys": _authority_keys,
    "store": _store,
    "peers": _peers,
    "hotlists": _hotlists,
    "codes": _codes,
    "rotation": _rotations,
    "queue": _queues,
    "witnesses": _witnesses,
    "clock": _clock,
    "serving": _running,
}


def doctor(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Check configuration, keys, certificates, store and clock; exit with 3 for a fault."""
    with reporting("doctor", as_json=as_json):
        found = examine(CenterConfig.load(config), system_clock())
    conclude(found, as_json=as_json)
