"""Fixtures of the paper tests: one signer, the trust in it, the installed fonts."""

from __future__ import annotations

import pytest

from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.trust import CopySigners
from tests.support.copy_content import CopySigner, make_signer


@pytest.fixture(scope="session")
def signer() -> CopySigner:
    """Return the copy signer of the tests."""
    return make_signer()


@pytest.fixture(scope="session")
def trust(signer: CopySigner) -> CopySigners:
    """Return the trust in that signer alone."""
    return CopySigners.from_pem(signer.pem)


@pytest.fixture(scope="session")
def fonts() -> Fonts:
    """Return the installed fonts."""
    return Fonts.find()
