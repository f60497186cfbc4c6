"""Compiled SHA-256 buckets of n-grams, with a bounded memo.

The memo has a power of two of slots; slot s holds an n-gram's 64-bit hash whose low bits are s, and its bucket.
"""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix
from tamis.ops._ngram_kernels import BYTES, IDS, LONGS, OFFSETS, TABLE, WORDS, hash_tokens, join, read_tokens

_S32 = np.uint32(32)
_U0, _U1, _U2, _U4, _U7, _U15, _U16, _U64 = (np.uint64(k) for k in (0, 1, 2, 4, 7, 15, 16, 64))
CHARS, STATE = types.uint8[::1], types.uint32[::1]

_PRIMES = [p for p in range(2, 312) if all(p % q for q in range(2, int(p**0.5) + 1))]


def _root_bits(prime, degree):
    """First 32 bits of the fraction of the square or cube root of a prime, exactly."""
    scaled = prime << (32 * degree)
    root = round(scaled ** (1 / degree))
    while root**degree > scaled:
        root -= 1
    while (root + 1) ** degree <= scaled:
        root += 1
    return root & 0xFFFFFFFF


_START = np.array([_root_bits(p, 2) for p in _PRIMES[:8]], np.uint32)
_ROUND = np.array([_root_bits(p, 3) for p in _PRIMES], np.uint32)


@njit(types.uint32(types.uint32, types.uint32), cache=True, nogil=True, inline="always")
def rotate(x, r):
    """Rotate 32 bits to the right."""
    return np.uint32((x >> r) | (x << (_S32 - r)))


@njit(types.void(CHARS, types.int64, STATE, STATE), cache=True, nogil=True)
def compress(message, begin, state, w):
    """Fold 64 bytes of the padded message into the state."""
    at, t = np.uint64(begin), _U0
    while t < _U16:
        word = np.uint32(0)
        for k in range(4):
            word = np.uint32((word << np.uint32(8)) | np.uint32(message[at + np.uint64(k)]))
        w[t] = word
        at += _U4
        t += _U1
    while t < _U64:
        x, y = w[t - _U15], w[t - _U2]
        s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >> np.uint32(3))
        s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >> np.uint32(10))
        w[t] = np.uint32(w[t - _U16] + s0 + w[t - _U7] + s1)
        t += _U1
    a, b, c, d, e, f, g, h = state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
    t = _U0
    while t < _U64:
        s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        t1 = np.uint32(h + s1 + (g ^ (e & (f ^ g))) + _ROUND[t] + w[t])
        s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        t2 = np.uint32(s0 + ((a & b) | (c & (a | b))))
        h, g, f, e = g, f, e, np.uint32(d + t1)
        d, c, b, a = c, b, a, np.uint32(t1 + t2)
        t += _U1
    state[0] = np.uint32(state[0] + a)
    state[1] = np.uint32(state[1] + b)
    state[2] = np.uint32(state[2] + c)
    state[3] = np.uint32(state[3] + d)
    state[4] = np.uint32(state[4] + e)
    state[5] = np.uint32(state[5] + f)
    state[6] = np.uint32(state[6] + g)
    state[7] = np.uint32(state[7] + h)


@njit(types.uint64(CHARS, types.int64, types.uint64, STATE, STATE), cache=True, nogil=True)
def digest_modulo(message, size, modulus, state, w):
    """SHA-256 of `message[:size]` as one big-endian number, modulo `modulus`; the padding is written behind it."""
    padded = (size + 72) & ~63
    for i in range(size, padded):
        message[i] = 0
    message[size] = 0x80
    for i in range(8):
        message[padded - 1 - i] = ((size * 8) >> (8 * i)) & 0xFF
    for i in range(8):
        state[i] = _START[i]
    for begin in range(0, padded, 64):
        compress(message, begin, state, w)
    rest = np.uint64(0)
    for i in range(8):
        rest = ((rest << np.uint64(32)) | np.uint64(state[i])) % modulus
    return rest


@njit(types.int64(CHARS, types.int64, types.int64, LONGS, LONGS, CHARS), cache=True, nogil=True)
def copy_ngram(low, first, last, starts, ends, message):
    """Write the tokens `first` to `last`, one space between, and return the number of bytes."""
    size = 0
    for t in range(first, last + 1):
        if t > first:
            message[size] = 0x20
            size += 1
        for i in range(starts[t], ends[t]):
            message[size] = low[i]
            size += 1
    return size


@njit(
    types.int64(
        BYTES, OFFSETS, TABLE, types.int64, types.int64, WORDS, LONGS, LONGS, WORDS, WORDS, IDS, LONGS, LONGS,
        CHARS, WORDS, IDS,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def sha_bucket_ids(
    data, offsets, table, ngrams, buckets, low, starts, ends, hashes, grams, ids, stops, lengths,
    message, memo_keys, memo_ids,
):  # fmt: skip
    """As `bucket_ids`, with SHA-256 modulo `buckets`; `message` holds the longest n-gram and 72 bytes."""
    state, w = np.empty(8, np.uint32), np.empty(64, np.uint32)
    low_bytes = low.view(np.uint8)
    modulus, mask = np.uint64(buckets), np.uint64(len(memo_keys) - 1)
    filled = 0
    for d in range(len(offsets) - 1):
        tokens = read_tokens(data, offsets[d], offsets[d + 1], table, low_bytes, starts, ends)
        hash_tokens(low, starts, ends, tokens, hashes)
        for order in range(1, min(ngrams, tokens) + 1):
            for i in range(tokens - 1, order - 2, -1):
                gram = mix(hashes[i]) if order == 1 else join(grams[i - 1], hashes[i])
                grams[i] = gram
                slot = gram & mask
                if memo_keys[slot] != gram:
                    size = copy_ngram(low_bytes, i - order + 1, i, starts, ends, message)
                    memo_ids[slot] = digest_modulo(message, size, modulus, state, w)
                    memo_keys[slot] = gram
                ids[filled] = memo_ids[slot]
                filled += 1
        stops[d] = filled
        lengths[d] = tokens
    return filled
