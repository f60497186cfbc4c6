"""Chosen lines of JSON Lines are copied byte for byte, whatever blocks the file is read in and by either way."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from tamis.pool import jsonl, open_pool

WAYS = (jsonl._chosen_lines, jsonl._compiled_copy())


def lines_of(rng: random.Random, count: int) -> list[bytes]:
    """Lines of many lengths, some blank, some with a carriage return."""
    found = []
    for row in range(count):
        text = "é" * rng.choice([0, 1, 7, 31, 32, 33, 200])
        line = json.dumps({"id": row, "text": text}, ensure_ascii=rng.random() < 0.5).encode()
        found.append(rng.choice([line, line, line + b"\r", b" " + line, b"", b" \t\r"]))
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("block", [1, 16, 100, 1 << 20])
def test_lines_stay_as_they_are(tmp_path, monkeypatch, way, end, block):
    rng = random.Random(block)
    lines = lines_of(rng, 300)
    full = [line for line in lines if line.strip()]
    path = tmp_path / "pool.jsonl"
    path.write_bytes(b"\n".join(lines) + end)
    monkeypatch.setattr(jsonl, "COPY_BYTES", block)
    monkeypatch.setattr(jsonl, "_chosen_lines", way)
    monkeypatch.setattr(jsonl, "_compiled_copy", lambda: way)
    pool = open_pool(path)
    for rows in ([], [0], [len(full) - 1], sorted(rng.sample(range(len(full)), 50)), range(len(full))):
        pieces = list(pool.kept_counted(pool.shards[0], np.array(rows, np.int64)))
        assert sum(count for count, _ in pieces) == len(full)
        assert b"".join(piece for _, piece in pieces) == b"".join(full[row] + b"\n" for row in rows)


@pytest.mark.parametrize("way", WAYS)
def test_a_byte_order_mark_is_passed_over(way):
    block = memoryview(b'\xef\xbb\xbf{"a": 1}\n{"a": 2}')
    assert way(block, 5, np.array([5, 6, 9])) == (2, b'{"a": 1}\n{"a": 2}\n')
    assert way(block, 0, np.array([], np.int64)) == (2, b"")


def test_all_blocks_together_are_the_file(tmp_path: Path):
    path = tmp_path / "pool.jsonl"
    path.write_bytes(b"\n".join(lines_of(random.Random(3), 200)))
    pool = open_pool(path)
    for size in (1, 10, 1000, 1 << 20):
        blocks = [bytes(block) for block in pool.blocks(pool.shards[0], size)]
        assert b"".join(blocks) == path.read_bytes()
        assert all(block.endswith(b"\n") for block in blocks[:-1])
