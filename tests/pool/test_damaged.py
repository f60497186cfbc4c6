"""Damaged files end in a sentence: no crash, no hang, no row that is lost or made up without a word."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.errors import Broken
from tamis.pool import open_pool

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


def test_codes_of_a_damaged_parquet_file_always_have_a_value(tmp_path):
    """Arrow gives codes without looking whether the dictionary is as long; every byte of the pages is changed once."""
    table = pa.table({"kind": pa.array(["x", "y", "x", None, "z"]).dictionary_encode(), "n": range(5)})
    pq.write_table(table, tmp_path / "a.parquet", compression="none", use_dictionary=["kind"])
    whole = (tmp_path / "a.parquet").read_bytes()
    caught = 0
    for at in range(4, pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(1).data_page_offset):
        for value in (0, 1, whole[at] ^ 2):
            (tmp_path / "a.parquet").write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            pool = open_pool(tmp_path / "a.parquet")
            looks = [lambda pool=pool: pool.read(pool.shards[0], {"kind": None})]
            looks += [lambda pool=pool: pool.kept(pool.shards[0], np.array([0, 1, 4]))]
            for look in looks:
                try:
                    for batch in look():
                        batch.validate(full=True)
                except Broken as error:
                    caught += "Dictionary indices invalid" in str(error)
    assert caught
