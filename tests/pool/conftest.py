"""Fixtures of pools by URL: a store and web servers on loopback, started for the tests that ask for them."""

import pytest


@pytest.fixture(scope="session")
def server():
    """A store that speaks S3."""
    from .servers import Store

    store = Store()
    yield store
    store.stop()


@pytest.fixture
def store(server, monkeypatch):
    """The store, to which the environment leads."""
    from .servers import forget, lead_to

    lead_to(monkeypatch, server)
    yield server
    forget()


@pytest.fixture
def serve(folder, monkeypatch):
    """Makes web servers for the current folder."""
    from .servers import NO_PROXY, Web, forget

    for name in NO_PROXY:
        monkeypatch.delenv(name, raising=False)
    forget()
    made = []

    def start(**options):
        made.append(Web(folder, **options))
        return made[-1]

    yield start
    for web in made:
        web.stop()
    forget()
