"""Fast hashes that are the same on every run: of numbers, and of the values of a column. Not for secrets."""

import sys

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.ngram_blocks import value_buffers

Hashes = NDArray[np.uint64]

_STEP, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_NULL = (0x6A09E667F3BCC908, 0xBB67AE8584CAA73B)
_COMPILED_FROM_BYTES = 1_000_000


def mix64(values: Hashes) -> Hashes:
    """Spread every bit of each `uint64[n]` over all bits: the finaliser of SplitMix64, a bijection.

    Examples:
        >>> hex(int(mix64(np.array([1], np.uint64))[0]))
        '0x5692161d100b05e5'

    Source: Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators.
    """
    z = np.asarray(values, np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_rows(column: pa.Array) -> Hashes:
    """Hash each value of a string, binary or integer column to 128 bits, `uint64[n, 2]`; null has a hash of its own.

    With w_j the j-th little-endian 8-byte word (the last one zero-padded) of L bytes, S and C odd constants,
    u_j = mix64(w_j + (j + 1) S), v_j = (u_j ^ (u_j >> 29)) C, both sums modulo 2^64:

        hash = (mix64(Σ u_j ^ L C), mix64(Σ v_j + L))

    An integer is one word. O(bytes) time; below 1 MB of text NumPy does it, so that nothing is compiled.

    Examples:
        >>> first, second, third = hash_rows(pa.array(["tea", "ham", "tea"])).tolist()
        >>> first == third, first == second
        (True, False)
    """
    if pa.types.is_integer(column.type):
        out = _hash_integers(column)
    elif any(is_kind(column.type) for is_kind in _WITH_BYTES):
        data, offsets = value_buffers(column)
        small = int(offsets[-1] - offsets[0]) < _COMPILED_FROM_BYTES and "numba" not in sys.modules
        out = _hash_values(data, offsets) if small else _hash_values_compiled(data, offsets)
    else:
        raise refusals.NOT_HASHABLE(f"a column of {column.type}")
    if column.null_count:
        out[np.asarray(column.is_null())] = _NULL
    return out


_WITH_BYTES = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


def _hash_integers(column: pa.Array) -> Hashes:
    words = column.fill_null(0).to_numpy(zero_copy_only=False)
    words = words.astype(np.uint64 if words.dtype == np.uint64 else np.int64).view(np.uint64)
    u = mix64(words + _STEP)
    return _finish(u, _second(u), np.full(len(words), 8, np.uint64))


def _hash_values(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Hashes:
    lengths = np.diff(offsets)
    words = (lengths + 7) // 8
    bounds = np.concatenate(([0], np.cumsum(words)))
    padded = np.zeros(bounds[-1] * 8, np.uint8)
    kept = data[offsets[0] : offsets[-1]]
    padded[np.repeat(bounds[:-1] * 8 - (offsets[:-1] - offsets[0]), lengths) + np.arange(len(kept))] = kept
    position = np.arange(bounds[-1]) - np.repeat(bounds[:-1], words)
    u = mix64(padded.view("<u8") + (position.astype(np.uint64) + np.uint64(1)) * _STEP)
    return _finish(_sums(u, bounds), _sums(_second(u), bounds), lengths.astype(np.uint64))


def _hash_values_compiled(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Hashes:
    from tamis.ops._hash_kernels import hash_values

    out = np.empty((len(offsets) - 1, 2), np.uint64)
    hash_values(data, offsets, _STEP, _SECOND, out)
    return out


def _second(u: Hashes) -> Hashes:
    return (u ^ (u >> np.uint64(29))) * _SECOND


def _sums(values: Hashes, bounds: NDArray[np.int64]) -> Hashes:
    running = np.concatenate((np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)))
    return running[bounds[1:]] - running[bounds[:-1]]


def _finish(a: Hashes, b: Hashes, lengths: Hashes) -> Hashes:
    return np.column_stack((mix64(a ^ (lengths * _SECOND)), mix64(b + lengths)))
