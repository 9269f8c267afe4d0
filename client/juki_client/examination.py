"""Checks of a `doctor` command: every check runs, and the first that fails is the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from juki_client.outcome import JSON, Problem
from juki_client.report import say
from juki_pki.errors import IdentityError
from juki_pki.identity import identity_from_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from juki_client.identity import ClientIdentity
    from juki_pki.identity import Role

_SOON: Final = timedelta(days=14)


def examine(checks: Mapping[str, Callable[[], str]]) -> dict[str, JSON]:
    """Run all checks, telling each; raise the first problem, with the names of all that failed."""
    found: dict[str, JSON] = {}
    problems: dict[str, Problem] = {}
    for name, check in checks.items():
        try:
            found[name] = check()
        except Problem as problem:
            problems[name] = problem
            found[name] = problem.reason
        say(f"{'ng' if name in problems else 'ok'}  {name}: {found[name]}")
    if problems:
        first = next(iter(problems.values()))
        raise Problem(first.reason, {**first.metadata, "failed": ", ".join(problems)})
    return found


def check_identity(identity: ClientIdentity, role: Role) -> str:
    """Say whose certificate it is, and until when.

    Raises Problem CONFIGURATION_INVALID where it is nobody's, another role's, or out of its dates.
    """
    try:
        peer = identity_from_certificate(identity.leaf)
    except IdentityError as error:
        facts = {"key": "identity.certificate", "rule": "a juki:// URI"}
        raise Problem("CONFIGURATION_INVALID", facts) from error
    if peer.role is not role:
        facts = {"key": "identity", "rule": f"a certificate of role {role.value}"}
        raise Problem("CONFIGURATION_INVALID", facts)
    now = datetime.now(UTC)
    ends = identity.leaf.not_valid_after_utc
    if not identity.is_valid_at(now):
        facts = {"key": "identity.certificate", "rule": f"expired on {ends:%Y-%m-%d}"}
        raise Problem("CONFIGURATION_INVALID", facts)
    warning = " (renew soon)" if ends - now < _SOON else ""
    return f"{peer.uri} until {ends:%Y-%m-%d}{warning}"
