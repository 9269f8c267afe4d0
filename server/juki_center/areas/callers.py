"""Who calls, as the edge has read it from the client certificate."""

from __future__ import annotations

from dataclasses import dataclass

from juki_center.areas.residents.codes import MunicipalityCode


@dataclass(frozen=True, slots=True)
class Terminal:
    """A window terminal: its URI and the municipality that stands in it."""

    uri: str
    municipality: MunicipalityCode


@dataclass(frozen=True, slots=True)
class Agency:
    """A body that may confirm identities: its URI, and the name it is registered under."""

    uri: str
    agency: str


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk that takes reports of lost cards by telephone: its URI and its municipality."""

    uri: str
    municipality: MunicipalityCode


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who runs the center."""

    uri: str


Caller = Terminal | Operator
