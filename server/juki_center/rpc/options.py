"""Access rules and error reasons, read from the options in the protos' descriptors.

There is no second table: what the descriptor does not allow is refused, and a reason without its
option cannot be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import grpc

from jukinet.error.v1 import error_reason_pb2
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor import ServiceDescriptor

MESSAGE_LIMIT_BYTES: Final = 65_536
"""The size of the largest request and answer of a method whose option says nothing else."""
_PREFIX: Final = "ERROR_REASON_"
_CLERK_PREFIX: Final = "CLERK_RULE_"
_RIGHT_PREFIX: Final = "RIGHT_"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class ClerkRule(StrEnum):
    """Whether a terminal's call needs a signed-in clerk; the proto's names without prefix."""

    UNSPECIFIED = "UNSPECIFIED"
    SIGNED_IN = "SIGNED_IN"
    SIGNED_IN_WITHOUT_CARD = "SIGNED_IN_WITHOUT_CARD"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may call a method, and what else the caller must show."""

    method: str
    """Path on the wire, `/jukinet.card.v1.CardSessionService/Authenticate`."""
    roles: frozenset[str]
    """Roles as they stand in a peer's URI, such as `terminal`."""
    message_limit: int = MESSAGE_LIMIT_BYTES
    """The size of the largest request and answer, in bytes."""
    clerk: ClerkRule = ClerkRule.UNSPECIFIED
    right: str = ""
    """The right that the signed-in clerk needs, such as `MOVES`; empty for none in particular."""
    two_persons: bool = False
    two_persons_for: tuple[str, ...] = ()
    """The fields any of which makes an act need a second person; empty where every act does."""
    without_certificate: bool = False
    """Whether the enrolment listener serves it to callers without a certificate."""


@dataclass(frozen=True, slots=True)
class ReasonOption:
    """What the descriptor says of an error reason."""

    code: grpc.StatusCode
    retry: str
    """`never`, `same_request`, `new_request`, or `after` where RetryInfo goes with it."""
    part: str
    """`reader`, `card`, `pin`, `network` or `center`."""
    text: str
    """One English sentence; for people, no contract."""
    remedy: str


def access_rules(services: Iterable[ServiceDescriptor]) -> dict[str, AccessRule]:
    """Return the rules of all methods that have one, by path on the wire."""
    rules: dict[str, AccessRule] = {}
    for service in services:
        for method in service.methods:
            options = method.GetOptions()
            if not options.HasExtension(options_pb2.access):
                continue
            access = options.Extensions[options_pb2.access]
            path = f"/{service.full_name}/{method.name}"
            rules[path] = _rule(path, access)
    return rules


def _rule(path: str, access: options_pb2.Access) -> AccessRule:
    right = options_pb2.Right.Name(access.right).removeprefix(_RIGHT_PREFIX)
    return AccessRule(
        method=path,
        roles=frozenset(map(role_name, access.roles)),
        message_limit=access.message_limit_bytes or MESSAGE_LIMIT_BYTES,
        clerk=ClerkRule(options_pb2.ClerkRule.Name(access.clerk).removeprefix(_CLERK_PREFIX)),
        right="" if access.right == options_pb2.RIGHT_UNSPECIFIED else right,
        two_persons=access.two_persons,
        two_persons_for=tuple(access.two_persons_for),
        without_certificate=access.without_certificate,
    )


def role_name(role: options_pb2.Role.ValueType) -> str:
    """Return a role as a peer's URI writes it.

    >>> role_name(options_pb2.ROLE_TERMINAL)
    'terminal'
    """
    return options_pb2.Role.Name(role).removeprefix("ROLE_").lower()


def reason_options() -> Mapping[str, ReasonOption]:
    """Return the option of every reason, by its name without prefix."""
    table: dict[str, ReasonOption] = {}
    for value in error_reason_pb2.ErrorReason.DESCRIPTOR.values:
        options = value.GetOptions()
        if not options.HasExtension(options_pb2.reason):
            continue
        reason = options.Extensions[options_pb2.reason]
        table[value.name.removeprefix(_PREFIX)] = ReasonOption(
            code=_CODES[reason.code],
            retry=options_pb2.Retry.Name(reason.retry).removeprefix("RETRY_").lower(),
            part=options_pb2.Part.Name(reason.part).removeprefix("PART_").lower(),
            text=reason.text_en,
            remedy=reason.remedy_en,
        )
    return table
