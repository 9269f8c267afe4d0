"""The configuration file: TOML, parsed once, unknown keys refused by name.

Paths in the file are relative to the file. Nothing here opens what the file names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from juki_center import config_values as value
from juki_center.errors import ConfigInvalid
from juki_center.rule_sets import RuleSet
from juki_center.store_url import based

LOW_STOCK: Final = 100
RESERVE_MIB: Final = 32
YEARS_DISCLOSED: Final = 7
"""Below how many codes a stock is low, where the configuration does not say."""


class Environment(StrEnum):
    """Where a center runs; reflection and sample residents exist in `dev` and `test` only."""

    DEV = "dev"
    TEST = "test"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """How long the parts of a card session may take, each with its own reason when it runs out."""

    plan: timedelta = timedelta(seconds=120)
    ready: timedelta = timedelta(seconds=180)
    usable: timedelta = timedelta(seconds=300)


ALERT_LIMITS: Final = (
    "mass_looks",
    "mass_confirmations",
    "out_of_hours",
    "repeated_failures",
    "many_looks_at_person",
    "protected_sought",
    "many_suspensions",
    "notice_set_aside",
)
"""What the watch over the log counts; each may be given another limit."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """When windows are open, by the clock of Japan, and the limits that differ from the usual."""

    opens: time = time(8, 0)
    closes: time = time(20, 0)
    limits: Mapping[str, int] = field(default_factory=dict)
    silent_for: timedelta = timedelta(minutes=150)
    hotlist_age: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Which share of the calls is traced, 0 to 1, and to which collector (OTLP over HTTP)."""

    ratio: float = 0.0
    endpoint: str = "http://127.0.0.1:4318/v1/traces"


@dataclass(frozen=True, slots=True)
class SignInTimes:
    """How long a clerk's sign-in lasts at the most, and how long without an act."""

    longest: timedelta = timedelta(minutes=240)
    idle: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class EnrolmentSettings:
    """How peers come by their certificates."""

    listen: str = ""
    """Where callers without a certificate may enrol; empty: nowhere."""
    issuing_dir: Path | None = None
    """The folder of the authority that signs peers' certificates; None: this center issues none."""
    grace: timedelta = timedelta(days=90)
    """How long after its end a certificate can be recovered."""
    overlap: timedelta = timedelta(minutes=10)
    """How long a certificate still counts after its successor was confirmed."""


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """A witness of the log: its municipality, and its public key as `name+id+key`."""

    municipality: str
    key: str


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Whose cosignatures of the log's heads are taken, and how many make a head cosigned."""

    witnesses: tuple[WitnessSettings, ...] = ()
    quorum: int = 1
    lag: timedelta = timedelta(hours=24)
    """How old the newest cosigned head may be before `doctor` and the metrics call it late."""


@dataclass(frozen=True, slots=True)
class OverloadSettings:
    """When a center refuses calls because too many wait, and how many it ever serves at once."""

    target: timedelta = timedelta(milliseconds=100)
    """How long the fastest call may wait before fewer run at once."""
    broad_target: timedelta = timedelta(milliseconds=25)
    """The same for broad searches and batches, which give way first."""
    most_calls: int = 1024
    most_sessions: int = 4096


@dataclass(frozen=True, slots=True)
class CenterConfig:
    """Everything that `juki-center serve` is told."""

    environment: Environment
    rule_set: RuleSet
    listen_grpc: str
    listen_http: str
    pki_dir: Path
    node: str
    kek: Path
    store_url: str
    reserve_mib: int
    session: SessionTimes
    photo_id_enabled: bool
    low_stock: int
    householder_card_only: bool
    sign_in: SignInTimes = SignInTimes()
    alerts: AlertSettings = field(default_factory=AlertSettings)
    trace: TraceSettings = TraceSettings()
    enrolment: EnrolmentSettings = EnrolmentSettings()
    disclosure_years: int = YEARS_DISCLOSED
    listen_local: Path | None = None
    log: LogSettings = LogSettings()
    overload: OverloadSettings = OverloadSettings()

    @classmethod
    def load(cls, path: Path) -> CenterConfig:
        """Read a configuration file.

        Raises ConfigInvalid for a key that is unknown, missing or of the wrong kind, and OSError
        where the file cannot be read.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise ConfigInvalid(path.name, "not UTF-8") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigInvalid(path.name, f"not TOML: {error}") from error
        return cls.parse(table, base=path.resolve().parent)

    @classmethod
    def parse(cls, table: Mapping[str, object], *, base: Path) -> CenterConfig:
        """Parse the file's table; relative paths are taken from `base`. Raises ConfigInvalid."""
        flat = value.flatten(table)
        for key in flat:
            if key not in _KEYS:
                raise ConfigInvalid(key, "unknown key")
        return cls(
            environment=value.choice(flat, "environment", Environment),
            rule_set=value.choice(flat, "rule_set", RuleSet, default=RuleSet.R2003_08),
            listen_grpc=value.address(flat, "listen.grpc", default="127.0.0.1:7443"),
            listen_http=value.address(flat, "listen.http", default="127.0.0.1:7444"),
            pki_dir=base / value.text(flat, "pki.dir"),
            node=value.text(flat, "node", default="center-1"),
            kek=base / value.text(flat, "keys.kek"),
            store_url=based(value.text(flat, "store.url"), base),
            reserve_mib=value.number(flat, "store.reserve_mib", RESERVE_MIB, least=0, most=65_536),
            session=SessionTimes(
                plan=value.seconds(flat, "session.plan_seconds", SessionTimes().plan),
                ready=value.seconds(flat, "session.ready_seconds", SessionTimes().ready),
                usable=value.seconds(flat, "session.usable_seconds", SessionTimes().usable),
            ),
            photo_id_enabled=value.flag(flat, "photo_id.enabled"),
            low_stock=value.number(flat, "codes.low_stock", LOW_STOCK, least=1, most=1_000_000),
            householder_card_only=value.flag(flat, "moves.householder_card_only"),
            sign_in=SignInTimes(
                longest=value.minutes(flat, "clerks.sign_in_minutes", SignInTimes().longest),
                idle=value.minutes(flat, "clerks.idle_minutes", SignInTimes().idle),
            ),
            alerts=_alerts(flat),
            trace=_trace(flat),
            enrolment=_enrolment(flat, base),
            disclosure_years=value.number(
                flat, "disclosure.years", YEARS_DISCLOSED, least=5, most=7
            ),
            listen_local=_local(flat, base),
            log=_log(flat),
            overload=_overload(flat),
        )


_LIVE: Final = frozenset(
    ("session", "photo_id_enabled", "low_stock", "householder_card_only", "log")
)
"""What may change while a center serves; everything else waits for its next start."""


def live_changes(old: CenterConfig, new: CenterConfig) -> tuple[CenterConfig, list[str], list[str]]:
    """Return the old configuration with what may change at once taken from the new one.

    Then the names of what was taken over, and of what differs and waits for the next start.
    """
    differing = [
        one.name for one in fields(old) if getattr(old, one.name) != getattr(new, one.name)
    ]
    taken = [name for name in differing if name in _LIVE]
    waiting = [name for name in differing if name not in _LIVE]
    return replace(old, **{name: getattr(new, name) for name in taken}), taken, waiting


_KEYS = frozenset(
    {
        "environment",
        "rule_set",
        "listen.grpc",
        "listen.http",
        "listen.local",
        "pki.dir",
        "node",
        "keys.kek",
        "store.url",
        "store.reserve_mib",
        "session.plan_seconds",
        "session.ready_seconds",
        "session.usable_seconds",
        "photo_id.enabled",
        "codes.low_stock",
        "moves.householder_card_only",
        "clerks.sign_in_minutes",
        "clerks.idle_minutes",
        "trace.ratio",
        "trace.endpoint",
        "alerts.opens",
        "alerts.closes",
        *(f"alerts.{name}" for name in ALERT_LIMITS),
        "alerts.silent_minutes",
        "alerts.hotlist_minutes",
        "listen.enrolment",
        "certificates.issuing_dir",
        "certificates.grace_days",
        "certificates.overlap_seconds",
        "disclosure.years",
        "log.witnesses",
        "log.quorum",
        "log.lag_hours",
        "overload.target_ms",
        "overload.broad_target_ms",
        "overload.most_calls",
        "overload.most_sessions",
    }
)


def _local(flat: Mapping[str, object], base: Path) -> Path | None:
    """Return where the local socket lies; None where there is none."""
    return base / value.text(flat, "listen.local") if "listen.local" in flat else None


def _enrolment(flat: Mapping[str, object], base: Path) -> EnrolmentSettings:
    usual = EnrolmentSettings()
    listen = "listen.enrolment"
    days = value.number(flat, "certificates.grace_days", usual.grace.days, least=0, most=366)
    return EnrolmentSettings(
        listen=value.address(flat, listen, "") if listen in flat else "",
        issuing_dir=_issuing_dir(flat, base),
        grace=timedelta(days=days),
        overlap=value.seconds(flat, "certificates.overlap_seconds", usual.overlap),
    )


def _issuing_dir(flat: Mapping[str, object], base: Path) -> Path | None:
    """Return where the issuing authority lies; only in `dev` and `test` beside the other keys."""
    if "certificates.issuing_dir" in flat:
        return base / value.text(flat, "certificates.issuing_dir")
    is_production = flat.get("environment") == Environment.PRODUCTION.value
    return None if is_production else base / value.text(flat, "pki.dir") / "issuing"


def _log(flat: Mapping[str, object]) -> LogSettings:
    listed = flat.get("log.witnesses", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ConfigInvalid("log.witnesses", "must be a list of tables")
    witnesses = tuple(_witness(one) for one in listed)
    names = {one.key.partition("+")[0] for one in witnesses}
    return LogSettings(
        witnesses=witnesses,
        quorum=value.number(flat, "log.quorum", 1, least=1, most=max(1, len(names))),
        lag=timedelta(hours=value.number(flat, "log.lag_hours", 24, least=1, most=24 * 31)),
    )


def _overload(flat: Mapping[str, object]) -> OverloadSettings:
    usual = OverloadSettings()
    target, broad = (
        value.number(
            flat, f"overload.{name}_ms", spent // timedelta(milliseconds=1), least=1, most=5000
        )
        for name, spent in (("target", usual.target), ("broad_target", usual.broad_target))
    )
    if broad > target:
        raise ConfigInvalid("overload.broad_target_ms", "must not be above overload.target_ms")
    return OverloadSettings(
        timedelta(milliseconds=target),
        timedelta(milliseconds=broad),
        value.number(flat, "overload.most_calls", usual.most_calls, least=8, most=65_536),
        value.number(flat, "overload.most_sessions", usual.most_sessions, least=1, most=1_000_000),
    )


def _witness(table: Mapping[str, object]) -> WitnessSettings:
    """Parse one witness; what its key is worth is for those to say who use it."""
    for key in table:
        if key not in {"municipality", "key"}:
            raise ConfigInvalid(f"log.witnesses.{key}", "unknown key")
    found = {f"log.witnesses.{key}": table[key] for key in table}
    municipality = value.text(found, "log.witnesses.municipality")
    return WitnessSettings(municipality, value.text(found, "log.witnesses.key"))


def _alerts(flat: Mapping[str, object]) -> AlertSettings:
    usual = AlertSettings()
    limits = {
        name: value.number(flat, f"alerts.{name}", 1, least=1, most=1_000_000)
        for name in ALERT_LIMITS
        if f"alerts.{name}" in flat
    }
    opens = value.clock_time(flat, "alerts.opens", usual.opens)
    closes = value.clock_time(flat, "alerts.closes", usual.closes)
    if opens >= closes:
        raise ConfigInvalid("alerts.closes", "must be later than alerts.opens")
    silent, hotlist = (
        timedelta(
            minutes=value.number(flat, f"alerts.{name}_minutes", spent, least=1, most=7 * 24 * 60)
        )
        for name, spent in (("silent", 150), ("hotlist", 60))
    )
    return AlertSettings(opens, closes, limits, silent, hotlist)


def _trace(flat: Mapping[str, object]) -> TraceSettings:
    usual = TraceSettings()
    ratio = flat.get("trace.ratio", usual.ratio)
    if not isinstance(ratio, int | float) or isinstance(ratio, bool) or not 0 <= ratio <= 1:
        raise ConfigInvalid("trace.ratio", "must be a number from 0 to 1")
    endpoint = value.text(flat, "trace.endpoint", usual.endpoint)
    if not endpoint.startswith(("http://", "https://")):
        raise ConfigInvalid("trace.endpoint", "must be a URL of a collector")
    return TraceSettings(float(ratio), endpoint)
