"""Damaged files end in a sentence: no crash, no hang, no row that is lost or made up without a word."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = int(os.environ.get("TAMIS_FUZZ_CASES", "500"))
SCRIPT = Path(__file__).with_name("damaged.py")


@pytest.mark.parametrize("kind", ["arrow", "parquet", "numpy", "json"])
def test_damaged_files(tmp_path, kind):
    """In a process of its own, since Arrow might end it."""
    command = [sys.executable, SCRIPT, kind, "0", str(CASES), tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60 + CASES / 5)
    assert told.returncode == 0, f"file {(tmp_path / 'at').read_text()}: {told.stderr}"
    counts = json.loads(told.stdout)
    assert counts["read"] + counts["refused"] == CASES
    assert min(counts["read"], counts["refused"]) > CASES / 100
