"""By what an applicant for a card is identified, as each rule set wants it.

At the counter a photo document of a public office identifies on the same day. Everybody else is
sent an inquiry letter to the registered address and brings its reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from juki_center.areas.cards.application_rows import Place
from juki_center.areas.evidence import (
    PHOTO_KINDS,
    PUBLIC_KINDS,
    IdentityDocument,
    refuse_without_document,
)
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet


class Way(StrEnum):
    """How an applicant is identified."""

    SAME_DAY = "SAME_DAY"
    INQUIRY = "INQUIRY"


@dataclass(frozen=True, slots=True)
class Identification:
    """What one rule set demands."""

    reply_needs_document: bool = False
    reply_needs_oral_questions: bool = False
    same_day_needs_chip_or_second: bool = False
    registered_mail: bool = False
    notice_after_same_day: bool = False
    asks_for_lapsed_card: bool = False


_FIRST: Final = Identification()
_AFTER_IMPERSONATION: Final = Identification(
    reply_needs_document=True, reply_needs_oral_questions=True
)
_AFTER_FORGERY: Final = Identification(
    reply_needs_document=True,
    reply_needs_oral_questions=True,
    same_day_needs_chip_or_second=True,
    registered_mail=True,
    notice_after_same_day=True,
    asks_for_lapsed_card=True,
)
IDENTIFICATIONS: Final = {
    RuleSet.R2003_08: _FIRST,
    RuleSet.R2004_03_08: _AFTER_IMPERSONATION,
    RuleSet.R2010_11_26: _AFTER_FORGERY,
    RuleSet.R2012_07_09: _AFTER_FORGERY,
    RuleSet.R2023_02_06: _AFTER_FORGERY,
}
"""The table of the rule sets: later ones go on as 2010-11-26 did, nothing newer is known."""


def decide_way(rules: Identification, place: Place, documents: tuple[IdentityDocument, ...]) -> Way:
    """Return on which way an applicant who shows these documents is identified."""
    photos = [one for one in documents if one.kind in PHOTO_KINDS]
    if place is not Place.COUNTER or not photos:
        return Way.INQUIRY
    if not rules.same_day_needs_chip_or_second:
        return Way.SAME_DAY
    # A document whose chip was not read may be an old one without a chip, or a forged one.
    kinds = {one.kind for one in documents if one.kind in PUBLIC_KINDS}
    is_enough = any(one.chip_verified for one in photos) or len(kinds) > 1
    return Way.SAME_DAY if is_enough else Way.INQUIRY


def refuse_reply_without_evidence(
    rules: Identification, documents: tuple[IdentityDocument, ...], *, questions_answered: bool
) -> None:
    """Raise Refusal where a reply was brought without what the rule set wants beside it.

    Reasons: IDENTITY_DOCUMENT_REQUIRED; ID_KIND_NOT_ACCEPTED where none of the documents counts;
    ORAL_QUESTIONS_REQUIRED.
    """
    if rules.reply_needs_document:
        refuse_without_document(documents)
    if rules.reply_needs_oral_questions and not questions_answered:
        raise Refusal(Reason.ORAL_QUESTIONS_REQUIRED)
