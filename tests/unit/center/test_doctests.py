"""The examples in the docstrings of the center's areas are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from juki_center import areas

MODULES = [module.name for module in pkgutil.walk_packages(areas.__path__, "juki_center.areas.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
