"""A municipality that is cut off and connected again, as operators do it."""

from __future__ import annotations

import uuid
from datetime import datetime

from juki_center.areas.fleet.disconnections import (
    Disconnect,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW

OPERATOR = "juki://operator/operator-1"


def cutting(municipality: MunicipalityCode) -> Disconnect:
    """Return what an operator says to cut a municipality off."""
    subject = Subject(Scope.MUNICIPALITY, str(municipality))
    return Disconnect(OPERATOR, uuid.uuid4(), subject, Level.HIGH, "a drill")


def connecting(municipality: MunicipalityCode) -> Reconnect:
    """Return what two operators say to connect it again."""
    return Reconnect(OPERATOR, uuid.uuid4(), Subject(Scope.MUNICIPALITY, str(municipality)))


async def cut(store: SQLiteStore, municipality: MunicipalityCode, now: datetime = NOW) -> None:
    """Cut a municipality off."""
    await store.act(lambda tx: disconnect(tx, cutting(municipality), now))


async def connect(store: SQLiteStore, municipality: MunicipalityCode, now: datetime = NOW) -> None:
    """Connect it again; what has waited is not delivered yet."""
    await store.act(lambda tx: reconnect(tx, connecting(municipality), now))
