"""Which names the subjects of a disconnection can have, scope by scope."""

from __future__ import annotations

from juki_center.areas.cards.batches import card_batch
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import RuleBroken


def is_terminal(name: str) -> bool:
    """Tell whether a name is a terminal's URI."""
    start, _, rest = name.partition("/terminal/")
    return start.startswith("juki://municipality/") and _is_word(rest)


def is_agency(name: str) -> bool:
    """Tell whether a name is an agency's URI."""
    return name.startswith("juki://agency/") and _is_word(name.removeprefix("juki://agency/"))


def is_municipality(name: str) -> bool:
    """Tell whether a name is a municipality's code, check digit and all."""
    try:
        MunicipalityCode(name)
    except RuleBroken:
        return False
    return True


def is_service(name: str) -> bool:
    """Tell whether a name is a service's full name on the wire."""
    return name.startswith("jukinet.") and name.replace(".", "").isalnum() and name.isascii()


def is_card_batch(name: str) -> bool:
    """Tell whether a name is a batch of cards."""
    try:
        card_batch(name)
    except RuleBroken:
        return False
    return True


def is_empty(name: str) -> bool:
    """Tell whether there is no name: the whole center has none."""
    return not name


def _is_word(text: str) -> bool:
    return text.isascii() and text.replace("-", "").replace(".", "").isalnum()
