"""A log that was lengthened holds, and proves its leaves like any other."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from juki_audit.leaf import commitment
from juki_audit.tree import inclusion_proof
from juki_center.areas.residents.records import PersonID
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig, Environment
from juki_center.errors import ConfigInvalid
from juki_center.storage.samples import load_samples
from tools.scale.loading import NotEmpty
from tools.scale.log_seeding import lengthen

MANY = 3_000


def test_lengthened_log_proves_a_leaf_to_its_signed_head(config: CenterConfig) -> None:
    lengthen(config, MANY)

    with closing(open_with_key(config)) as store:
        head = store.read(lambda tx: tx.audit.size())
        (leaf,) = store.read(lambda tx: tx.audit.leaves(1_234, 1))
        proof = store.read(lambda tx: inclusion_proof(tx.audit.node, 1_234, MANY))
        (named,) = store.read(lambda tx: tx.audit.contents(1_234, 1))
    assert head == MANY
    assert leaf.salt is not None
    assert leaf.content is not None
    assert commitment(leaf.salt, leaf.content) == leaf.commitment
    assert len(proof) == (MANY - 1).bit_length()
    assert named[1].event == "COPY_ISSUED"


def test_log_that_was_cut_off_goes_on(either: CenterConfig) -> None:
    lengthen(either, 700)

    done = lengthen(either, 1_000)

    with closing(open_with_key(either)) as store:
        assert store.read(lambda tx: tx.audit.size()) == 1_000
    assert (done.added, done.total) == (300, 1_000)


def test_leaves_of_a_person_are_found(config: CenterConfig) -> None:
    lengthen(config, 10)

    person = PersonID((3 * 613_651 % 1_000_000).to_bytes(16, "big"))
    with closing(open_with_key(config)) as store:
        found = store.read(lambda tx: tx.audit.of_subject(person))
    assert [one.index for one in found] == [3]


def test_log_with_other_leaves_is_refused(config: CenterConfig) -> None:
    with closing(open_with_key(config)) as store:
        asyncio.run(store.act(lambda tx: load_samples(tx, datetime.now(UTC))))

    with pytest.raises(NotEmpty):
        lengthen(config, 10)


def test_production_log_is_refused(config: CenterConfig) -> None:
    with pytest.raises(ConfigInvalid):
        lengthen(replace(config, environment=Environment.PRODUCTION), 10)
