"""Put the invented residents that ship with the center into a store."""

from __future__ import annotations

from datetime import datetime

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.ports import Tx
from juki_center.areas.residents.samples import Sample, enter_samples, parse_samples
from juki_center.data import sample_households

_CALLER = "juki://center/samples"


def read_samples() -> tuple[Sample, ...]:
    """Return the invented residents, whether a store has them or not."""
    return parse_samples(sample_households())


def load_samples(tx: Tx, now: datetime) -> tuple[Sample, ...]:
    """Act: host the samples' municipalities and enter the residents that are not there yet."""
    samples = read_samples()
    for municipality in sorted({sample.municipality for sample in samples}):
        tx.registers.host(municipality)
    enter_samples(tx.residents, samples)
    tx.audit.append(AuditEvent(Event.SAMPLES_LOADED, now, _CALLER))
    return samples
