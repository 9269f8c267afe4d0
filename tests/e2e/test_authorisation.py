"""Every method of a serving center, called as every kind of caller: what the options say, exactly.

Nothing else is asserted of a call that is let in than that no gate has refused it.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import jukinet
from juki_center.areas.clerks.register import ChangeRight, change_right
from juki_center.areas.clerks.rows import Right, SignIn
from juki_center.areas.ports import Tx
from juki_center.cli import dev
from juki_center.rpc.options import AccessRule, ClerkRule, access_rules
from juki_center.rpc.server import infrastructure_rules
from juki_pki.credential import X509Credential
from juki_pki.folder import PKIFolder
from tests.support import agency_service
from tests.support.center_edge import pinned
from tests.support.clerks import OPERATOR_URI, open_dev_store
from tools.checks import authorisation

HERE: Final = "juki://municipality/131016/terminal/01"
GATES: Final = frozenset(
    {
        "UNAUTHENTICATED",
        "ROLE_NOT_ALLOWED",
        "METHOD_UNKNOWN",
        "CLERK_SIGN_IN_REQUIRED",
        "CLERK_STOPPED",
        "CLERK_RIGHT_MISSING",
        "APPROVAL_REQUIRED",
    }
)
ADMITTED: Final = "admitted"
NO_CONNECTION: Final = "no connection"
REFLECTION: Final = "grpc.reflection"
_STREAM_SECONDS: Final = 0.5
_CALL_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 60.0
"""How long a refusal may take on a busy machine: it ends the wait as soon as it comes."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A kind of caller: its role, its keys, and how it stands with the clerk at its window."""

    name: str
    role: str
    credential: Callable[[PKIFolder], X509Credential]
    clerk: str = ""
    """`all`: signed in with every right, `none`: with no right; empty: nobody is signed in."""


CALLERS: Final = (
    Caller("terminal with a clerk", "terminal", lambda pki: pki.terminal("131016", "01"), "all"),
    Caller("terminal without a clerk", "terminal", lambda pki: pki.terminal("131016", "01")),
    Caller("clerk without a right", "terminal", lambda pki: pki.terminal("131016", "01"), "none"),
    # A clerk of Chiyoda is signed in at Chiyoda's window, and at no other.
    Caller("another municipality", "terminal", lambda pki: pki.terminal("112089", "01")),
    Caller("desk", "desk", lambda pki: pki.desk("112089", "01")),
    Caller("agency", "agency", lambda pki: pki.agency("passport-1")),
    Caller("operator", "operator", lambda pki: pki.operator("operator-1")),
    Caller("center", "center", lambda pki: pki.center("center-1")),
)


@dataclass
class World:
    """A development center that serves, and the rules of all its methods."""

    folder: Path
    address: str
    rules: Mapping[str, AccessRule]
    pki: PKIFolder

    @asynccontextmanager
    async def line(self, credential: X509Credential | None) -> AsyncIterator[grpc.aio.Channel]:
        """Open a channel with a caller's keys, or with none."""
        key = credential.key_pem if credential else None
        chain = credential.chain_pem if credential else None
        credentials = grpc.ssl_channel_credentials(pinned(self.pki), key, chain)
        async with grpc.aio.secure_channel(self.address, credentials) as line:
            yield line

    async def stand(self, caller: Caller) -> None:
        """Put the windows into the state that a caller's name says."""

        def act(tx: Tx) -> None:
            tx.clerks.remove_sign_in("juki://municipality/112089/terminal/01")
            tx.clerks.remove_sign_in(HERE)
            with_rights, without = ("131016-0001", "131016-0002")
            for right in Right:
                now = datetime.now(UTC)
                change_right(tx, ChangeRight(OPERATOR_URI, without, right, None), now)
            clerk = without if caller.clerk == "none" else with_rights
            if caller.clerk or caller.name == "another municipality":
                tx.clerks.put_sign_in(_sign_in(clerk))

        with open_dev_store(self.folder) as store:
            await store.act(act)


def _sign_in(clerk_id: str) -> SignIn:
    now = datetime.now(UTC)
    return SignIn(HERE, b"s" * 16, clerk_id, now, now + timedelta(hours=1), now)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with dev.running(dev.DevOptions(tmp_path, port=0, http_port=0)) as center:
        yield World(tmp_path, center.address, _rules(), center.folder.pki)


def _rules() -> Mapping[str, AccessRule]:
    """Return the rules of all methods that a descriptor describes or the center adds."""
    for module in pkgutil.walk_packages(jukinet.__path__, "jukinet."):
        if module.name.endswith("_service_pb2"):
            importlib.import_module(module.name)
    pool = descriptor_pool.Default()
    ours = [pool.FindServiceByName(name) for name in _services()]
    return access_rules(ours) | infrastructure_rules(with_reflection=True)


def _services() -> list[str]:
    names = {line.split("|")[1].strip() for line in authorisation.table().splitlines()[2:]}
    return sorted(name for name in names if name.startswith("jukinet."))


def method_of(path: str) -> MethodDescriptor | None:
    """Return a method's descriptor; None where it streams both ways and has none here."""
    service, _, name = path.removeprefix("/").partition("/")
    if service.startswith(REFLECTION) or "nothing" in service:
        return None
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]


def expected(rule: AccessRule, caller: Caller, request: Message | None) -> str:
    """Return what the options say of a call with this request."""
    if caller.role == "center":
        # Its certificate is for serving: TLS takes it from no client.
        return NO_CONNECTION
    if caller.role not in rule.roles:
        return "ROLE_NOT_ALLOWED"
    if caller.role == "terminal":
        needs = rule.clerk is ClerkRule.SIGNED_IN or (
            rule.clerk is ClerkRule.SIGNED_IN_WITHOUT_CARD
            and not getattr(request, "card_session_id", b"")
        )
        if needs and not caller.clerk:
            return "CLERK_SIGN_IN_REQUIRED"
        if needs and rule.right and caller.clerk == "none":
            return "CLERK_RIGHT_MISSING"
    if rule.two_persons and not rule.two_persons_for:
        return "APPROVAL_REQUIRED"
    return ADMITTED


_UNSAID = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL)


async def outcome(line: grpc.aio.Channel, path: str, *, wanted: str = ADMITTED) -> str:
    """Call a method, and say which gate has refused it, if one has.

    A call that is let in may stay open, so that silence means `admitted`. Where a refusal is
    wanted, silence may also be a slow machine: it is believed after long patience alone.
    """
    said = await _said(line, path, _CALL_SECONDS, _STREAM_SECONDS)
    if said is None and wanted != ADMITTED:
        said = await _said(line, path, _PATIENCE_SECONDS, _PATIENCE_SECONDS)
    return said or ADMITTED


async def _said(
    line: grpc.aio.Channel, path: str, call_seconds: float, stream_seconds: float
) -> str | None:
    """Call a method once; None where nothing was said in time, or the client was cut off while it
    still wrote its request.
    """
    try:
        await _called(line, path, call_seconds, stream_seconds)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE and not error.trailing_metadata():
            return NO_CONNECTION
        reason, told = agency_service.reason_of(error)
        if reason in GATES:
            return reason
        return None if error.code() in _UNSAID and not told else ADMITTED
    return ADMITTED


async def _called(
    line: grpc.aio.Channel, path: str, call_seconds: float, stream_seconds: float
) -> None:
    found = method_of(path)
    is_in, is_out = (
        (True, True) if found is None else (found.client_streaming, found.server_streaming)
    )
    if is_in and is_out:
        async for _ in line.stream_stream(path)(iter([b""]), timeout=stream_seconds):
            return
    elif is_out:
        async for _ in line.unary_stream(path)(b"", timeout=stream_seconds):
            return
    elif is_in:
        await line.stream_unary(path)(iter([b""]), timeout=call_seconds)
    else:
        await line.unary_unary(path)(b"", timeout=call_seconds)


async def ready(line: grpc.aio.Channel) -> None:
    """Wait until a channel is connected, so that no call is slow for that reason."""
    await asyncio.wait_for(line.channel_ready(), _PATIENCE_SECONDS)


def empty(path: str) -> Message | None:
    """Return the empty request of a method."""
    found = method_of(path)
    return None if found is None else GetMessageClass(found.input_type)()


async def test_every_method_answers_every_kind_of_caller_as_its_option_says(world: World) -> None:
    wrong = []
    for caller in CALLERS:
        await world.stand(caller)
        async with world.line(caller.credential(world.pki)) as line:
            if caller.role != "center":
                await ready(line)
            for path, rule in sorted(world.rules.items()):
                wanted = expected(rule, caller, empty(path))
                said = await outcome(line, path, wanted=wanted)
                wrong += [(path, caller.name, said, wanted)] if said != wanted else []

    assert wrong == []


async def test_no_method_can_be_called_without_a_certificate(world: World) -> None:
    async with world.line(None) as line:
        said = {path: await outcome(line, path, wanted=NO_CONNECTION) for path in world.rules}

    assert {path: one for path, one in said.items() if one != NO_CONNECTION} == {}


async def test_the_served_methods_are_those_of_the_table(world: World) -> None:
    """What is served and stands in no option, or the other way round, is found here."""
    table = {
        f"/{cells[1].strip()}/{cells[2].strip()}"
        for line in authorisation.table().splitlines()[2:]
        if (cells := line.split("|"))[1].strip().startswith("jukinet.")
    }
    ours = {path for path in world.rules if path.startswith("/jukinet.")}
    caller = CALLERS[0]
    unserved = []
    await world.stand(caller)
    async with AsyncExitStack() as stack:
        for path in sorted(path for path in ours if world.rules[path].roles):
            role = sorted(world.rules[path].roles)[0]
            peer = next(one for one in CALLERS if one.role == role)
            line = await stack.enter_async_context(world.line(peer.credential(world.pki)))
            await ready(line)
            said = await outcome(line, path)
            unserved += [path] if said == "METHOD_UNKNOWN" else []

    assert ours == table
    assert unserved == []


async def test_an_unknown_method_is_refused_to_everybody(world: World) -> None:
    for caller in CALLERS[:-1]:
        async with world.line(caller.credential(world.pki)) as line:
            path = "/jukinet.nothing.v1.NothingService/DoIt"
            said = await outcome(line, path, wanted="METHOD_UNKNOWN")

            assert said == "METHOD_UNKNOWN", caller.name
