"""The examples in docstrings."""

import doctest
import importlib
import pkgutil

import pytest

import tamis

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(tamis.__path__, "tamis.") if "__main__" not in found.name
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", ["tamis", *MODULES])
def test_examples(name):
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 30
