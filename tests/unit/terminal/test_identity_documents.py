"""Documents in a request: the hash of the number, with salts that a repetition has again."""

from __future__ import annotations

import hashlib

import pytest

from juki_client.outcome import Problem
from juki_terminal.identity_documents import SeenDocument, identity_documents
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument

REQUEST = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
OTHER = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
LICENCE = SeenDocument(IdentityDocument.KIND_DRIVING_LICENCE, "3012-3456 7890", chip_verified=True)
PENSION_BOOK = SeenDocument(IdentityDocument.KIND_PENSION_BOOK, "ab１２３４")


def test_documents_carry_kind_and_salted_hash_and_not_the_number() -> None:
    licence, book = identity_documents([LICENCE, PENSION_BOOK], REQUEST)

    assert licence.kind == IdentityDocument.KIND_DRIVING_LICENCE
    assert (licence.chip_verified, book.chip_verified) == (True, False)
    assert licence.number_hash == hashlib.sha256(licence.number_salt + b"301234567890").digest()
    assert book.number_hash == hashlib.sha256(book.number_salt + b"AB1234").digest()
    assert len(licence.number_salt) == 16
    assert b"3012" not in licence.SerializeToString()


def test_repeated_request_has_the_same_documents_in_every_byte() -> None:
    assert identity_documents([LICENCE], REQUEST) == identity_documents([LICENCE], REQUEST)


def test_one_document_in_two_requests_or_twice_in_one_shows_no_likeness() -> None:
    first, second = identity_documents([LICENCE, LICENCE], REQUEST)
    (other,) = identity_documents([LICENCE], OTHER)

    assert len({one.number_salt for one in (first, second, other)}) == 3
    assert len({one.number_hash for one in (first, second, other)}) == 3


@pytest.mark.parametrize("number", ["", " - ", "、"])
def test_number_of_nothing_is_refused_by_its_place(number: str) -> None:
    blank = SeenDocument(IdentityDocument.KIND_PASSPORT, number)

    with pytest.raises(Problem) as refused:
        identity_documents([LICENCE, blank], REQUEST)

    assert refused.value.reason == "USAGE_INVALID"
    assert refused.value.metadata["field"] == "documents[1].number"


def test_number_is_not_shown() -> None:
    assert "3012" not in repr(LICENCE)
