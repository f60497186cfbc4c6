"""Sampled rows of Walsh-Hadamard transforms of blocks of columns, one row of examples after another, in the cache.

Within a block of B columns, row r of the matrix has the sign -1 at column c where `popcount(r & c)` is odd, times a
random sign of the column: bit c % 64 of `mix(key + (c // 64) _STEP)`. A span of columns whose size L is a power of two,
and whose beginning s is a multiple of it, needs a transform of L numbers only: its part of row r is row r % L, with the
sign of `popcount(r & s)`.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tamis.ops._mix_kernels import mix

LANES = 16
SPAN = LANES * LANES  # the shortest transform, which registers hold
_STEP = np.uint64(0x9E3779B97F4A7C15)
_U1, _S32 = np.uint64(1), np.uint64(32)
_LONG, _INT, _SIGNS = ir.IntType(64), ir.IntType(32), ir.IntType(LANES)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
READ = types.Array(types.float32, 2, "C", readonly=True)


def _vector(builder, pointer, floats):
    floats = ir.Constant(_LONG, floats) if isinstance(floats, int) else floats
    return builder.bitcast(builder.gep(pointer, [floats]), _VECTOR.as_pointer())


def _pointer(context, builder, signature, args, k):
    """The address in the array that is argument `k`, at the element that argument `k + 1` tells."""
    data = context.make_array(signature.args[k])(context, builder, args[k]).data
    return builder.gep(data, [args[k + 1]])


def _transform(builder, held):
    """The transform across vectors: element by element of each lane."""
    half = 1
    while half < len(held):
        for r in range(len(held)):
            if not r & half:
                one, two = held[r], held[r + half]
                held[r], held[r + half] = builder.fadd(one, two), builder.fsub(one, two)
        half *= 2
    return held


@intrinsic
def _transform_span(typing, source, at, signs, word, target, to):
    """Write the transform of `SPAN` signed numbers, whose signs are bits from a word on."""

    def build(context, builder, signature, args):
        given, taken = (_pointer(context, builder, signature, args, k) for k in (0, 4))
        bits = builder.bitcast(_pointer(context, builder, signature, args, 2), _SIGNS.as_pointer())
        held = []
        for r in range(LANES):
            mask = builder.load(builder.gep(bits, [ir.Constant(_LONG, r)]), align=2)
            mask = builder.bitcast(mask, ir.VectorType(ir.IntType(1), LANES))
            vector = builder.load(_vector(builder, given, r * LANES), align=4)
            vector = builder.select(mask, builder.fneg(vector), vector)
            for half in (1, 2, 4, 8):
                other = ir.Constant(ir.VectorType(_INT, LANES), [lane ^ half for lane in range(LANES)])
                turned = builder.shuffle_vector(vector, vector, other)
                lower = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [not lane & half for lane in range(LANES)])
                vector = builder.fadd(turned, builder.select(lower, vector, builder.fneg(vector)))
            held.append(vector)
        for r, vector in enumerate(_transform(builder, held)):
            builder.store(vector, _vector(builder, taken, r * LANES), align=4)
        return context.get_dummy_value()

    long = types.int64
    return types.void(source, long, signs, long, target, long), build


def _levels(radix):
    """Transform in place the `radix` vectors that are `stride` floats apart."""

    @intrinsic
    def levels(typing, values, at, stride):
        def build(context, builder, signature, args):
            pointer = _pointer(context, builder, signature, args, 0)
            places = [_vector(builder, pointer, builder.mul(args[2], ir.Constant(_LONG, r))) for r in range(radix)]
            held = _transform(builder, [builder.load(place, align=4) for place in places])
            for place, vector in zip(places, held, strict=True):
                builder.store(vector, place, align=4)
            return context.get_dummy_value()

        return types.void(values, types.int64, types.int64), build

    return levels


_levels_2, _levels_4, _levels_8 = _levels(2), _levels(4), _levels(8)


@njit(types.void(types.float32[::1], types.int64), cache=True, nogil=True)
def _transform_rest(values, size):
    """The levels above `SPAN` of the transform of `size` numbers."""
    stride = SPAN
    while stride < size:
        if stride * 8 == size or stride * 32 <= size:
            for first in range(0, size, 8 * stride):
                for k in range(first, first + stride, LANES):
                    _levels_8(values, k, stride)
            stride *= 8
        elif stride * 4 <= size:
            for first in range(0, size, 4 * stride):
                for k in range(first, first + stride, LANES):
                    _levels_4(values, k, stride)
            stride *= 4
        else:
            for k in range(0, stride, LANES):
                _levels_2(values, k, stride)
            stride *= 2


@njit(types.void(types.uint64, types.int64, types.uint64[::1]), cache=True, nogil=True)
def column_signs(key, first, words):
    """The signs of columns from 64 `first` on."""
    for g in range(len(words)):
        words[g] = mix(key + np.uint64(first + g) * _STEP)


@njit(types.void(types.uint64, types.int64, types.uint64[::1]), cache=True, nogil=True)
def sampled_rows(key, size, rows):
    """For each j, one of `size` rows: those of one turn of `size` are a random order of all, and so on."""
    mask, bits = np.uint64(size - 1), np.uint64(0)
    while (_U1 << bits) < np.uint64(size):
        bits += _U1
    half = (bits + _U1) >> _U1
    for first in range(0, len(rows), size):
        one = mix(key + np.uint64(first + 1) * _STEP)
        two = mix(one + _STEP)
        for j in range(first, min(first + size, len(rows))):
            z = np.uint64(j - first)
            z = (z * (one | _U1) + (two >> _S32)) & mask
            z ^= z >> half
            z = (z * (two | _U1) + (one >> _S32)) & mask
            z ^= z >> half
            z = (z * ((one ^ two) | _U1)) & mask
            rows[j] = z ^ (z >> half)


@njit(
    types.void(READ, *[types.int64] * 7, types.uint64[::1], types.uint64[::1], types.float32, types.float32[:, ::1]),
    cache=True,
    nogil=True,
)
def add_span(piece, begin, end, behind, offset, size, row, stop, signs, rows, scale, out):
    """`out[i, j] += scale` times row `rows[j]` of the block's transform of columns `begin` to `end` of the piece.

    The span has `size` columns from `offset` of the block on, and what is taken begins `behind` columns in it.
    """
    deep, mask = len(rows), np.uint64(size - 1)
    room = np.empty(size + LANES, np.float32)
    at = LANES - (room.ctypes.data // 4) % LANES
    values = room[at : at + size]
    places, weights = np.empty(deep, np.uint32), np.empty(deep, np.float32)
    for j in range(deep):
        odd = rows[j] & np.uint64(offset)
        odd ^= odd >> np.uint64(16)
        odd ^= odd >> np.uint64(8)
        odd ^= odd >> np.uint64(4)
        odd ^= odd >> np.uint64(2)
        odd ^= odd >> np.uint64(1)
        places[j] = rows[j] & mask
        weights[j] = -scale if odd & _U1 else scale
    whole = end - begin == size
    width = piece.shape[1]
    flat = piece.reshape(piece.size)
    for i in range(row, stop):
        if whole:
            for k in range(0, size, SPAN):
                _transform_span(flat, i * width + begin + k, signs, k // 64, values, k)
        else:
            values[:behind] = 0
            values[behind : behind + end - begin] = piece[i, begin:end]
            values[behind + end - begin :] = 0
            for k in range(0, size, SPAN):
                _transform_span(values, k, signs, k // 64, values, k)
        _transform_rest(values, size)
        for j in range(deep):
            out[i, j] += weights[j] * values[places[j]]
