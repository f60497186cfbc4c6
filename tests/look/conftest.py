"""Words of a command line."""

import shlex

import pytest


@pytest.fixture(scope="session")
def words():
    """A command line in words, as a shell makes them."""
    return shlex.split
