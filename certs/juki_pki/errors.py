"""What can go wrong with keys, certificates and the folder that holds them.

PKIError                  each carries `reason`, the name that `--json` shows
├── ProfileError          a profile is refused; names the file and the field
├── IdentityError         a certificate or a name is no identity of this network
├── AlreadyExists         a key or folder is there and is never overwritten
├── Missing               a file that should be there is not
├── KeyExposed            a private key can be read by others than its owner
├── Unreadable            a file is not what its place or its first bytes promise
│   └── KeyUnsuited       a key is on another curve than P-256, or on none
├── TokenUnusable         a PKCS#11 token does not do what it should
├── Inconsistent          two files that belong together do not fit
├── IssuerExpires         a certificate would outlive the one that signs it
├── AlreadyStaged         a successor is published already and not in use yet
├── NotStaged             there is no successor to be used
├── NothingToRetire       there is no predecessor
├── TooEarly              others have not had the time that a step of a roll-over gives them
├── StillNeeded           what is valid yet would lose its ground
├── RequestRefused        a certificate request is none, or its maker has not shown the key
├── CodeMistyped          a code that a person typed does not fit its check
└── DescriptionsRefused   what a center says of itself does not prove each other
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

_NAMED: Final = 5


class PKIError(Exception):
    """Base of everything that this package raises on purpose."""

    reason: ClassVar[str] = "PKI_ERROR"
    remedy: ClassVar[str] = "Read the message; nothing was changed."


class ProfileError(PKIError):
    """A profile is refused."""

    reason = "PROFILE_INVALID"
    remedy = "Correct the named field of the named profile."

    def __init__(self, file: str, field: str, problem: str) -> None:
        super().__init__(f"{file}: {field}: {problem}")
        self.file = file
        self.field = field
        self.problem = problem


class IdentityError(PKIError):
    """A certificate or a name is no identity of this network."""

    reason = "IDENTITY_INVALID"
    remedy = "Use a certificate of this network's own making, or correct the name."


class AlreadyExists(PKIError):
    """Something is there already and is never overwritten."""

    reason = "ALREADY_EXISTS"
    remedy = "Choose another name or folder, or move the old one away yourself."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists; keys are never overwritten")
        self.path = path


class Missing(PKIError):
    """A file that should be there is not."""

    reason = "NOT_FOUND"
    remedy = "Make it with `juki-pki init` or `juki-pki issue`."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not exist")
        self.path = path


class KeyExposed(PKIError):
    """A private key can be read by others than its owner."""

    reason = "KEY_EXPOSED"
    remedy = "Find out who could read the key; if nobody did, `chmod 600` it, else replace it."

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(f"{path} has mode {mode:04o}; a private key must have 0600")
        self.path = path
        self.mode = mode


class Unreadable(PKIError):
    """A file is not what its place or its first bytes promise."""

    reason = "UNREADABLE"
    remedy = "Restore the file from a backup, or make it anew."

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem


class TokenUnusable(PKIError):
    """A PKCS#11 token does not do what it should; `problem` is a kind of error, never a value."""

    reason = "TOKEN_UNUSABLE"
    remedy = "Look whether the token is there, its PIN is right, and it has the key of that label."

    def __init__(self, label: str, problem: str) -> None:
        super().__init__(f"token {label}: {problem}")
        self.label = label
        self.problem = problem


class KeyUnsuited(Unreadable):
    """A key is on another curve than P-256, or on none: neither gRPC nor a card takes it."""

    reason = "KEY_UNSUITED"
    remedy = "Make key and certificate anew, with `juki-pki`, which makes no others."


class Inconsistent(PKIError):
    """Two files that belong together do not fit."""

    reason = "INCONSISTENT"
    remedy = "Issue the certificate again (`juki-pki issue at DIR` for card access certificates)."

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class IssuerExpires(PKIError):
    """A certificate would outlive the one that signs it."""

    reason = "ISSUER_EXPIRES"
    remedy = "Shorten the lifetime in the profile, or renew the issuer first."

    def __init__(self, kind: str, ends: date, issuer_ends: date) -> None:
        super().__init__(f"{kind} would end on {ends}, its issuer already on {issuer_ends}")
        self.kind = kind
        self.ends = ends
        self.issuer_ends = issuer_ends


class AlreadyStaged(PKIError):
    """A successor is published already and not in use yet."""

    reason = "ALREADY_STAGED"
    remedy = "Let it be used with `juki-pki activate`; `juki-pki status` says when."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has a successor that waits to be used")
        self.path = path


class NotStaged(PKIError):
    """There is no successor to be used."""

    reason = "NOT_STAGED"
    remedy = "Make and publish one with `juki-pki renew`."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has no successor")
        self.path = path


class NothingToRetire(PKIError):
    """There is no predecessor that could be retired."""

    reason = "NOTHING_TO_RETIRE"
    remedy = "Nothing is to be done; `juki-pki status` says what is in use."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has no predecessor")
        self.path = path


class TooEarly(PKIError):
    """Others have not had the time that this step of a roll-over gives them."""

    reason = "TOO_EARLY"
    remedy = "Wait; or give --at-once and answer for those who have not heard of it."

    def __init__(self, what: str, until: datetime) -> None:
        super().__init__(f"{what}: not before {until:%Y-%m-%d %H:%M}Z")
        self.what = what
        self.until = until


class StillNeeded(PKIError):
    """What is valid yet would lose its ground."""

    reason = "STILL_NEEDED"
    remedy = "Renew what is named, or wait for its end; then retire again."

    def __init__(self, what: str, below: Sequence[str]) -> None:
        shown = ", ".join(below[:_NAMED]) + (" ..." if len(below) > _NAMED else "")
        super().__init__(f"{what}: {len(below)} valid certificates stand on it alone: {shown}")
        self.what = what
        self.below = tuple(below)


class RequestRefused(PKIError):
    """A certificate request cannot be used; `rule` says why."""

    reason = "CERTIFICATE_REQUEST_INVALID"
    remedy = "Make a PKCS#10 request of a new P-256 key, signed with ECDSA and SHA-256."

    def __init__(self, rule: str) -> None:
        super().__init__(f"certificate request: {rule}")
        self.rule = rule


class CodeMistyped(PKIError):
    """A code that a person typed does not fit its check; the code is never repeated."""

    reason = "CODE_MISTYPED"
    remedy = "Compare it with the paper, group by group, and type it again."

    def __init__(self, use: str) -> None:
        super().__init__(f"the {use} does not fit its check")
        self.use = use


class DescriptionsRefused(PKIError):
    """What a center says that its peers must trust does not hold together; `rule` says why."""

    reason = "CENTER_NOT_TRUSTED"
    remedy = "Nothing was stored. Ask the center's operator before you go on."

    def __init__(self, rule: str) -> None:
        super().__init__(f"the center's descriptions: {rule}")
        self.rule = rule
