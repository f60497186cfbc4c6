"""Kernels that must be compiled first are announced, once and only then."""

import os
import subprocess
import sys

from tamis.kernels import announced, is_cached

SCRIPT = """
from tamis.kernels import announced
with announced(print):
    import json, tamis.ops._mix_kernels, tamis.ops._hash_kernels
import tamis.ops._column_kernels
"""


def test_said_once_and_never_of_what_is_on_disk(tmp_path):
    said = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert said == ["compiling kernels, once on this machine (up to 20 s)\n", ""]


def test_every_module_of_kernels_is_found_on_disk_once_compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not is_cached("tamis.ops._mix_kernels")
    subprocess.run([sys.executable, "-c", "import tamis.ops._mix_kernels"], check=True)
    assert is_cached("tamis.ops._mix_kernels") and not is_cached("tamis.ops._hash_kernels")


def test_the_watch_ends_with_its_context():
    before = list(sys.meta_path)
    with announced(print):
        assert len(sys.meta_path) == len(before) + 1
    assert sys.meta_path == before
