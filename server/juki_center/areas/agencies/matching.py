"""Which person an agency means by attributes: decided on whole records, and never guessed.

A person fits where every attribute given fits; exactly, byte for byte as registered, or by the
search key only. Persons who fit exactly go before those who fit by a variant, and among either,
present residents go before deleted records. Whoever is then alone is the answer; several are told
by their number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from juki_center.areas.agencies.commands import ByAttributes, Outcome
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities, Municipality
from juki_center.areas.residents.name_keys import address_key, kana_key, name_key
from juki_center.areas.residents.records import Excerpt, ResidenceRecord, ResidenceState, Resident

# A question's part that was not given says nothing; None stands for a part that does not fit.
_EXACTLY: tuple[Item, ...] = ()
_Varied = tuple[Item, ...] | None
_MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Who was found; `resident` is None unless it is exactly one person."""

    outcome: Outcome
    resident: Resident | Excerpt | None = None
    varied: tuple[Item, ...] = field(default=(), repr=False)
    count: int = 0


def find(
    question: ByAttributes, candidates: Iterable[Resident], municipalities: Municipalities
) -> Finding:
    """Return who among the candidates is meant."""
    fitting = [
        (one, varied)
        for one in candidates
        if (varied := _varied(question, one, municipalities)) is not None
    ]
    nearest = _nearest(fitting)
    match nearest:
        case []:
            return Finding(Outcome.NO_MATCH)
        case [(resident, varied)]:
            return Finding(_outcome(resident, varied), resident, varied)
        case several:
            return Finding(Outcome.AMBIGUOUS, count=min(len(several), _MOST_COUNTED))


def registered_address(resident: Resident | Excerpt, municipality: Municipality) -> str:
    """Return a person's address as it is told: with prefecture, municipality and building."""
    record = resident.record
    address = municipality.full_name + _bare(record.address, municipality)
    return f"{address}\u3000{record.building}" if record.building else address


def _nearest(
    fitting: Sequence[tuple[Resident, tuple[Item, ...]]],
) -> list[tuple[Resident, tuple[Item, ...]]]:
    """Return the fitting persons before whom no others go."""
    exact = [one for one in fitting if not one[1]]
    among = exact or list(fitting)
    active = [one for one in among if one[0].state is ResidenceState.ACTIVE]
    return active or among


def _outcome(resident: Resident, varied: tuple[Item, ...]) -> Outcome:
    if resident.state is not ResidenceState.ACTIVE:
        return Outcome.DELETED
    return Outcome.MATCH_WITH_VARIANT if varied else Outcome.MATCH


def _varied(question: ByAttributes, resident: Resident, municipalities: Municipalities) -> _Varied:
    """Return which items of the question fit by their key only; None where one does not fit."""
    if not _is_there(question.municipality, resident.municipality, municipalities):
        return None
    here = municipalities[resident.municipality]
    parts = (
        _name(question, resident.record),
        _EXACTLY if resident.record.birth.is_same_day(question.birth) else None,
        _EXACTLY if question.sex in {None, resident.record.sex} else None,
        _address(question.address, resident.record, here),
    )
    varied: list[Item] = []
    for part in parts:
        if part is None:
            return None
        varied.extend(part)
    return tuple(varied)


def _is_there(
    asked: MunicipalityCode | None, residence: MunicipalityCode, municipalities: Municipalities
) -> bool:
    """Tell whether a residence is the municipality that is asked for, if one is; a ward stands for
    its city, and a code that nobody bears for no residence."""
    if asked is None:
        return True
    return asked in municipalities and municipalities.register_of(asked) == residence


def _name(question: ByAttributes, record: ResidenceRecord) -> _Varied:
    """Compare the names; an alias is a name, and a reading alone never fits exactly."""
    names = [text for text in (record.name, record.alias, record.kanji_name) if text]
    by_name = _same(question.name, names, name_key, Item.NAME)
    by_kana = _same(question.kana, [record.kana], kana_key, Item.NAME)
    if by_name is None or by_kana is None:
        return None
    return by_name or by_kana or (_EXACTLY if question.name else (Item.NAME,))


def _address(given: str, record: ResidenceRecord, here: Municipality) -> _Varied:
    """Compare addresses; prefecture and municipality in front do not count, on either side.

    A question may leave the building out, but not name another one.
    """
    lot = _bare(record.address, here)
    registered = [lot]
    if record.building:
        registered = [lot, *(lot + between + record.building for between in ("", " ", "\u3000"))]
    return _same(_bare(given, here), registered, lambda text: address_key(text, here), Item.ADDRESS)


def _same(given: str, registered: Sequence[str], key: Callable[[str], str], item: Item) -> _Varied:
    """Compare a text with those registered: byte for byte, then by their keys."""
    if not given or given in registered:
        return _EXACTLY
    wanted = key(given)
    return (item,) if wanted and wanted in map(key, registered) else None


def _bare(address: str, here: Municipality) -> str:
    """Return an address without its prefecture and municipality."""
    return address.removeprefix(here.prefecture).removeprefix(here.name)
