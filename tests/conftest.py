"""Fixtures: a folder to work in, the command line as a user meets it, and what is on disk."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from tamis import cli as command_line

# As commands have it: Numba refuses another number once a peer has started threads.
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

settings.register_profile("tamis", derandomize=True, deadline=None)
settings.load_profile("tamis")


class Told(NamedTuple):
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `tamis` with these words through its real entry point; returns `Told`."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["tamis", *map(str, words)])
        capsys.readouterr()
        try:
            command_line.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Told(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def write():
    """Write bytes or text, an Arrow table as Parquet, or rows as JSON Lines, by what is given."""

    from .refusals.running import save

    def put(path, content):
        save(Path(path), content)
        return Path(path)

    return put


@pytest.fixture(scope="session")
def on_disk():
    """Everything below a folder: relative path to (content, time of change); None for folders."""

    def look(folder):
        found = sorted(Path(folder).rglob("*"))
        return {
            str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
            for path in found
        }

    return look
