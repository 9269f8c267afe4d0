"""What a running center takes over without a restart: keys, trust and some of its configuration.

It looks every half minute whether files of the PKI folder are others than before, and at once when
it is told to by SIGHUP, which also has the configuration read again. What cannot be used is
refused, is logged with its reason, and the center goes on as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.config import CenterConfig, Environment, live_changes
from juki_center.errors import CenterError
from juki_center.rpc.access_log import Reload
from juki_center.rpc.beside import going_on
from juki_pki.errors import PKIError
from juki_pki.expiry import Expiry, expiries
from juki_pki.folder import PKIFolder
from juki_pki.profile import Kind, Profiles
from juki_pki.renewal import renew_access_if_due

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from juki_center.rpc.access_log import AccessLog

_LOOK_SECONDS: Final = 30.0
_RENEW_AFTER: Final = timedelta(hours=1)
_PEERS_KNOWN: Final = timedelta(minutes=10)
_REFUSED: Final = (PKIError, CenterError, OSError)

Seen = frozenset[tuple[str, int, int]]


@dataclass(slots=True)
class Hangup:
    """How a program tells its center to look at once, and where its configuration comes from."""

    told: asyncio.Event = field(default_factory=asyncio.Event)
    read: Callable[[], CenterConfig] | None = None


class Reloading:
    """Hands what is new to those who work by it."""

    def __init__(
        self, config: CenterConfig, log: AccessLog, clock: Callable[[], datetime], hangup: Hangup
    ) -> None:
        self._config = config
        self._folder = PKIFolder(config.pki_dir)
        self._log = log
        self._clock = clock
        self._hangup = hangup
        self._seen = _seen(self._folder)
        self._ends = _ends(self._folder)
        self._by_keys: list[Callable[[CenterConfig, PKIFolder], object]] = []
        self._by_config: list[Callable[[CenterConfig], object]] = []
        self._renewed_at = clock()
        self._by_peers: Callable[[], Mapping[str, datetime]] = dict
        self._groups: tuple[datetime, Mapping[str, datetime]] | None = None

    def on_keys(self, use: Callable[[CenterConfig, PKIFolder], object]) -> None:
        """Call `use` when files of the PKI folder are others; what it raises refuses them."""
        self._by_keys.append(use)

    def on_config(self, use: Callable[[CenterConfig], object]) -> None:
        """Call `use` when something of the configuration has changed that may."""
        self._by_config.append(use)

    def with_peers(self, earliest: Callable[[], Mapping[str, datetime]]) -> None:
        """Tell also the earliest end in each group of enrolled peers."""
        self._by_peers = earliest

    def ends(self) -> Iterable[tuple[str, str, float]]:
        """Return what ends when: its kind, its name, and the seconds until then."""
        now = self._clock()
        own = [(one.kind.value, one.name, _left(one.ends, now)) for one in self._ends]
        # All peers are looked at for it, so that it is not done at each reading.
        if self._groups is None or now - self._groups[0] >= _PEERS_KNOWN:
            self._groups = (now, self._by_peers())
        groups = self._groups[1].items()
        return own + [("peers", name, _left(ends, now)) for name, ends in groups]

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look again and again until the block ends."""
        async with going_on(self._watch()):
            yield

    async def _watch(self) -> None:
        while True:
            told = await self._told()
            if told:
                self._hangup.told.clear()
                self._record(self.reread_config())
            self._record(await asyncio.to_thread(self.reread_keys, told=told))

    async def _told(self) -> bool:
        try:
            await asyncio.wait_for(self._hangup.told.wait(), _LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    def _record(self, found: Iterable[Reload]) -> None:
        for one in found:
            self._log.record(one)

    def reread_config(self) -> list[Reload]:
        """Take over what may change; return its names, and those of what waits for a restart."""
        if self._hangup.read is None:
            return []
        try:
            config, taken, waiting = live_changes(self._config, self._hangup.read())
            for use in self._by_config:
                use(config)
        except _REFUSED as error:
            return [self._refused("config", error)]
        self._config = config
        found = [self._taken("config", taken)]
        if waiting:
            found.append(Reload(self._clock(), "config", "waits for a restart", tuple(waiting)))
        return found

    def reread_keys(self, *, told: bool = False) -> list[Reload]:
        """Hand out keys and certificates where a file is another than before, or if told to."""
        found = self._renew_access()
        seen = _seen(self._folder)
        if seen == self._seen and not told:
            return found
        try:
            for use in self._by_keys:
                use(self._config, self._folder)
            self._ends = tuple(expiries(self._folder))
        except _REFUSED as error:
            # The next look tries again: a roll-over may be under way.
            return [*found, self._refused("keys", error)]
        changed = {
            Path(name).relative_to(self._folder.path).parts[0] for name, *_ in seen ^ self._seen
        }
        self._seen = seen
        return [*found, self._taken("keys", sorted(changed))]

    def _renew_access(self) -> list[Reload]:
        """Issue the card access certificates again, where this machine is to do it and can.

        In production whoever holds the DV's key does that, by profiles of their own.
        """
        now, config = self._clock(), self._config
        has_key = (self._folder.cv_path(Kind.DV) / "key.pem").exists()
        is_ours = config.environment is not Environment.PRODUCTION and has_key
        if not is_ours or now - self._renewed_at < _RENEW_AFTER:
            return []
        self._renewed_at = now
        try:
            renew_access_if_due(self._folder, Profiles.load(), now)
        except (PKIError, OSError) as error:
            return [self._refused("card access", error)]
        return []

    def _taken(self, what: str, details: Sequence[str]) -> Reload:
        outcome = "taken over" if details else "unchanged"
        return Reload(self._clock(), what, outcome, tuple(details))

    def _refused(self, what: str, error: Exception) -> Reload:
        """Name a refusal: what is told of our own errors names files and keys, and no person."""
        return Reload(self._clock(), what, "refused", (f"{type(error).__name__}: {error}",))


def _ends(folder: PKIFolder) -> tuple[Expiry, ...]:
    """Read what a center can also begin without; `doctor` names what is wrong."""
    try:
        return tuple(expiries(folder))
    except PKIError:
        return ()


def _left(ends: datetime, now: datetime) -> float:
    return (ends - now).total_seconds()


def _seen(folder: PKIFolder) -> Seen:
    """Return the identities of all files of the folder; a hidden one is still being written."""
    found = set()
    for path in folder.path.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            state = path.stat()
            if path.is_file() and not any(part.startswith(".") for part in path.parts[-2:]):
                found.add((str(path), state.st_ino, state.st_mtime_ns))
    return frozenset(found)
