"""The center's side of a card session, as one flow: sign, check the chip, read the code.

Sans I/O: the register is asked through a function, and randomness comes as keys. The order of the
checks is that of the card profile; nothing personal is read from a card before all have passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_card import eac
from juki_card.apdu import SW
from juki_card.card_access import CardAccess
from juki_card.errors import CardError, CertificateRefused, ParseError, UnexpectedStatus
from juki_card.transcript import Transcript
from juki_center.areas.residents.codes import ResidentCode
from juki_center.errors import Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_card.flow import Flow, T

AUDITED: Final = frozenset(
    {
        Reason.TERMINAL_ATTESTATION_INVALID,
        Reason.CARD_NOT_AUTHENTIC,
        Reason.CARD_REFUSED,
        Reason.CARD_UNKNOWN,
        Reason.CARD_NOT_FOR_PURPOSE,
        Reason.CARD_SUSPENDED,
        Reason.CARD_REVOKED,
        Reason.CARD_EXPIRED,
    }
)
"""Refusals of a card session that the log shows."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What the flow checks the card against."""

    card_signers: tuple[bytes, ...]
    now: datetime
    require_usable: Callable[[bytes], object]
    """Given the card's serial, raises Refusal unless the register lets it be used."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A card that is genuine, known and active, and whose holder entered the PIN."""

    serial: bytes
    resident_code: ResidentCode
    transcript_hash: bytes


@dataclass(slots=True)
class Progress:
    """How far a session came: the serial, once Chip Authentication has shown it."""

    serial: bytes | None = field(default=None, repr=False)


def authenticate(  # plan, keys, report: the three that TR-03110 names, and ours
    plan: eac.Plan,
    keys: eac.CenterKeys,
    ready: eac.Ready,
    *,
    transcript: Transcript,
    checks: Checks,
    progress: Progress,
) -> Flow[Authenticated]:
    """Authenticate a card (APDU 13 to 18); raise Refusal and nothing else."""
    check_ready(plan, ready)
    try:
        eac.add_opening(transcript, plan, ready)
        chip = yield from _recorded(eac.authenticate_chip(plan, keys, ready), transcript)
        chip.card_security.covers(ready.card_access)
        chip.card_security.verify(checks.card_signers, checks.now)
        progress.serial = chip.serial
        checks.require_usable(chip.serial)
        digits = yield from _recorded(eac.read_dg1(chip.channel), transcript)
        return Authenticated(chip.serial, ResidentCode(digits), transcript.digest())
    except UnexpectedStatus as error:
        raise card_refused(error.status_word, error.command) from None
    except (CardError, RuleBroken):
        # What exactly did not fit would help whoever tries to forge a card.
        raise Refusal(Reason.CARD_NOT_AUTHENTIC) from None


def check_ready(plan: eac.Plan, ready: eac.Ready) -> None:
    """Check the terminal's report against the plan; each part has its own reason."""
    try:
        domain = CardAccess.decode(ready.card_access).chip_authentication_domain
    except ParseError:
        raise Refusal(Reason.CARD_ACCESS_MALFORMED) from None
    if domain is not plan.domain:
        raise Refusal(Reason.CARD_ACCESS_MALFORMED)
    try:
        steps = plan.opening_steps(plan.chain((ready.trust_point,)))
    except CertificateRefused:
        raise Refusal(Reason.TRUST_POINT_UNKNOWN) from None
    if len(steps) != len(ready.status_words):
        raise Refusal(Reason.ANSWERS_MALFORMED, field="status_words")
    for step, status_word in zip(steps, ready.status_words, strict=True):
        if status_word != SW.OK:
            raise card_refused(status_word, step.name)


def card_refused(status_word: int, command: str) -> Refusal:
    """Return the refusal for a command that the card refused.

    Where it finds a certificate wrong, or does not take the system's signature, mutual
    authentication has failed, whoever of the two is not genuine.
    """
    if status_word == SW.AUTHENTICATION_FAILED or command == eac.EXTERNAL_AUTHENTICATE:
        return Refusal(Reason.CARD_NOT_AUTHENTIC)
    return Refusal(Reason.CARD_REFUSED, statusWord=f"{status_word:04X}", command=command)


def _recorded(flow: Flow[T], transcript: Transcript) -> Flow[T]:
    """Run `flow`, and add to the transcript each command that ran, with its answer."""
    try:
        wanted = next(flow)
        while True:
            answers = yield wanted
            for step, answer in zip(wanted.steps, answers, strict=False):
                transcript.add(step.apdu.encode(), answer.encode())
            wanted = flow.send(answers)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()
