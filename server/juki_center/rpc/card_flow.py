"""The center's side of a card session, as flows: check the chip, then do what the purpose asks.

`authenticate` is the first batch of every session; `read_code` and `unlock_pin` are the second one
of those that have one. Sans I/O: the register is asked through a function, and randomness comes as
keys. The order of the checks is that of the card profile; nothing is read from a card and nothing
done to it before all have passed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_card import eac, pin_management
from juki_card.apdu import SW
from juki_card.card_access import CardAccess
from juki_card.errors import CardError, CertificateRefused, ParseError, UnexpectedStatus
from juki_card.transcript import Transcript
from juki_center.areas.cards.unlock_rows import UnlockMode
from juki_center.areas.residents.codes import ResidentCode
from juki_center.errors import Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
        Reason.CARD_NOT_ACTIVE,
        Reason.CARD_PIN_PENDING,
        Reason.CARD_NOT_CONTINUED,
        Reason.UNLOCK_NOT_FOUND,
        Reason.DISCONNECTED_CARD_BATCH,
    }
)
"""Refusals of a card session that the log shows."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What the flow checks the card against."""

    card_signers: tuple[bytes, ...]
    now: datetime
    require_usable: Callable[[bytes], object]
    """Given the card's serial, raises Refusal unless the register admits it to the session."""


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
) -> Flow[eac.ChipResult]:
    """Authenticate a card (APDU 13 to 16); raise Refusal and nothing else.

    The channel of the result ends in the chip that the register knows by its serial.
    """
    check_ready(plan, ready)
    with _refusals():
        eac.add_opening(transcript, plan, ready)
        chip = yield from _recorded(eac.authenticate_chip(plan, keys, ready), transcript)
        chip.card_security.covers(ready.card_access)
        chip.card_security.verify(checks.card_signers, checks.now)
        progress.serial = chip.serial
        checks.require_usable(chip.serial)
        return chip


def read_code(chip: eac.ChipResult, transcript: Transcript) -> Flow[ResidentCode]:
    """Read the resident record code (APDU 17 and 18); raise Refusal and nothing else."""
    with _refusals():
        digits = yield from _recorded(eac.read_dg1(chip.channel), transcript)
        return ResidentCode(digits)


def unlock_pin(chip: eac.ChipResult, mode: UnlockMode, transcript: Transcript) -> Flow[None]:
    """Reset the counter of the PIN, or take the PIN away: one command; raise Refusal only."""
    with _refusals():
        match mode:
            case UnlockMode.KEEP:
                order = pin_management.unblock_pin(chip.channel)
            case UnlockMode.FORGOTTEN:
                order = pin_management.pin_to_transport(chip.channel)
        yield from _recorded(order, transcript)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what a card does wrong into the refusal of the session; none says a word of the PIN."""
    try:
        yield
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
