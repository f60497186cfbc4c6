"""Hashes against plain integers, and the two ways of computing them against each other."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import hashing
from tamis.ops.ngram_blocks import value_buffers

MASK = (1 << 64) - 1
quick = settings(max_examples=60, deadline=None, derandomize=True)


def mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def slow_hash(data: bytes) -> list[int]:
    step, second = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
    u = [mix((word + (j + 1) * step) & MASK) for j, word in enumerate(words)]
    v = [(x ^ (x >> 29)) * second for x in u]
    return [mix((sum(u) & MASK) ^ (len(data) * second & MASK)), mix((sum(v) + len(data)) & MASK)]


@quick
@given(st.lists(st.integers(0, MASK)))
def test_mix64_equals_integers(values):
    assert hashing.mix64(np.array(values, np.uint64)).tolist() == [mix(v) for v in values]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@quick
@given(column=st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=10), begin=st.integers(0, 4))
def test_both_ways_equal_the_slow_way(kind, column, begin):
    values = pa.array(column, kind)[begin:]
    expected = [slow_hash(value or b"") for value in column[begin:]]
    buffers = value_buffers(values)
    assert hashing._hash_values(*buffers).tolist() == expected
    assert hashing._hash_values_compiled(*buffers).tolist() == expected
    shown = [list(hashing._NULL) if v is None else e for v, e in zip(column[begin:], expected, strict=True)]
    assert hashing.hash_rows(values).tolist() == shown


def test_strings_hash_as_their_bytes_on_either_side_of_the_limit(monkeypatch):
    column = ["", "é", "twelve bytes", None, "漢字" * 9]
    small = hashing.hash_rows(pa.array(column))
    monkeypatch.setattr(hashing, "_COMPILED_FROM_BYTES", 0)
    monkeypatch.setattr(hashing, "_hash_values", None)
    assert small.tolist() == hashing.hash_rows(pa.array(column, pa.large_string())).tolist()
    assert small[1].tolist() == slow_hash("é".encode())


@quick
@given(st.lists(st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)), max_size=9), st.integers(0, 3))
def test_integers_hash_as_eight_bytes_whatever_their_width(column, begin):
    values = pa.array(column, pa.int32())[begin:]
    expected = [list(hashing._NULL) if v is None else slow_hash((v & MASK).to_bytes(8, "little")) for v in column]
    assert hashing.hash_rows(values).tolist() == expected[begin:]
    assert hashing.hash_rows(values.cast(pa.int64())).tolist() == expected[begin:]


def test_close_values_and_large_integers_differ():
    values = [*(bytes(n) for n in range(40)), *(bytes([k, 0, 0]) for k in range(1, 200)), b"ab" * 8, b"ba" * 8]
    hashes = hashing.hash_rows(pa.array(values, pa.binary()))
    assert len(np.unique(hashes[:, 0])) == len(np.unique(hashes[:, 1])) == len(values)
    top = hashing.hash_rows(pa.array([2**64 - 1, 2**63, 2**53, 2**53 + 1], pa.uint64()))
    assert len(np.unique(top[:, 0])) == 4
    assert hashing.hash_rows(pa.array([None, 2**53 + 1], pa.int64()))[1].tolist() == top[3].tolist()


def test_bits_are_balanced():
    hashes = hashing.hash_rows(pa.array([f"row {k}" for k in range(20_000)]))
    ones = np.unpackbits(hashes.view(np.uint8), axis=1).mean(axis=0)
    assert np.abs(ones - 0.5).max() < 0.02


def test_empty_columns_and_other_types():
    assert hashing.hash_rows(pa.array([], pa.string())).shape == (0, 2)
    assert hashing.hash_rows(pa.array([None, None], pa.string())).tolist() == [list(hashing._NULL)] * 2
    with pytest.raises(Refused, match="double"):
        hashing.hash_rows(pa.array([1.5]))
