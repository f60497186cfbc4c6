"""Compiled near copies of vectors: keys of bands of signs, and the rows of a band that are alike."""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix
from tamis.ops._ngram_kernels import FAST, LONGS

PRODUCTS = types.Array(types.float32, 2, "C", readonly=True)
VECTORS = types.Array(types.float32, 2, "C", readonly=True)
LENGTHS = types.Array(types.float64, 1, "C", readonly=True)
KEYS = types.uint64[:, ::1]
COLUMN = types.Array(types.uint64, 1, "C", readonly=True)
_U1 = np.uint64(1)


@njit(types.void(PRODUCTS, types.int64, KEYS), cache=True, **FAST)
def write_sign_keys(products, bits, keys):
    """The key of each band of each row: a hash of the signs of its `bits` products, never 0; rows of zeros have 0."""
    for i in range(len(products)):
        nothing = True
        for j in range(products.shape[1]):
            nothing = nothing and products[i, j] == 0
        for band in range(keys.shape[1]):
            word = np.uint64(0)
            for j in range(band * bits, (band + 1) * bits):
                word = (word << _U1) | np.uint64(products[i, j] > 0)
            keys[i, band] = np.uint64(0) if nothing else max(mix(word + _U1), _U1)


@njit(types.float64(VECTORS, types.int64, VECTORS, types.int64), cache=True, fastmath=False, **FAST)
def product(some, row, others, other):
    """The product of two rows, in float64."""
    a, b = some[row], others[other]
    total = 0.0
    for j in range(len(a)):
        total += np.float64(a[j]) * np.float64(b[j])
    return total


@njit(
    types.void(
        COLUMN, types.uint64, types.int64, COLUMN, VECTORS, LENGTHS, VECTORS, LENGTHS, types.float64, LONGS, LONGS
    ),
    cache=True,
    **FAST,
)
def match_vectors(
    packed, row_bits, before, column, vectors_before, lengths_before, vectors, lengths, cosine, leaders, parent
):
    """As `_minhash_kernels.match_band`, of rows whose vectors have this cosine or more."""
    at, size = 0, len(packed)
    while at < size:
        high = packed[at] & ~row_bits
        led = 0
        while at < size and packed[at] & ~row_bits == high:
            row = np.int64(packed[at] & row_bits)
            at += 1
            if row < before:
                leaders[led] = row
                led += 1
                continue
            found = -1
            for k in range(led):
                leader = leaders[k]
                if column[leader] != column[row]:
                    continue
                if before > 0:
                    near = product(vectors_before, leader, vectors, row - before)
                    near /= lengths_before[leader] * lengths[row - before]
                else:
                    near = product(vectors, leader, vectors, row) / (lengths[leader] * lengths[row])
                if near >= cosine:
                    found = leader
                    break
            if found >= 0:
                parent[row - before] = min(parent[row - before], found)
            elif before == 0:
                leaders[led] = row
                led += 1
