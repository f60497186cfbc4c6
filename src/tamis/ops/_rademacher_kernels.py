"""Products with a matrix of random signs that is nowhere stored, by fewer additions than a matrix product has.

Four columns have sixteen sums with signs. They are tabulated for 16 or 32 examples at a time, one a lane, so that each
row of signs costs one addition for four columns: Liberty and Zucker 2009, The Mailman Algorithm. The order of additions
is written here, is that of one lane, and does not depend on the processor.

The signs of row j in columns 64 g to 64 g + 63 are the bits of `mix(key + (g 2^32 + j) _STEP)`, where a set bit is -1.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tamis.ops._mix_kernels import mix

LANES, WORD = 16, 64
PASSES, DEEP = 16, 1024  # words of columns, and rows of signs, that are held at once
_STEP, _S32 = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
_LONG, _INT = ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
READ = types.Array(types.float32, 2, "C", readonly=True)


def _pointer(context, builder, signature, args, k):
    """The address in the array that is argument `k`, at the element that argument `k + 1` tells."""
    data = context.make_array(signature.args[k])(context, builder, args[k]).data
    return builder.gep(data, [args[k + 1]])


def _vector(builder, pointer, floats):
    """The address of a vector, so many floats behind another."""
    floats = ir.Constant(_LONG, floats) if isinstance(floats, int) else floats
    return builder.bitcast(builder.gep(pointer, [floats]), _VECTOR.as_pointer())


@intrinsic
def _turn(typing, source, at, stride, target, to, step):
    """Write 16 rows of 16 floats, `stride` apart, as columns, `step` apart."""

    def build(context, builder, signature, args):
        rows, columns = (_pointer(context, builder, signature, args, k) for k in (0, 3))
        row = [builder.mul(args[2], ir.Constant(_LONG, r)) for r in range(LANES)]
        held = [builder.load(_vector(builder, rows, place), align=4) for place in row]
        for half in (8, 4, 2, 1):
            low = [lane if not lane & half else LANES + lane - half for lane in range(LANES)]
            high = [lane + half if not lane & half else LANES + lane for lane in range(LANES)]
            for r in range(LANES):
                if not r & half:
                    pair = held[r], held[r + half]
                    for to, order in ((r, low), (r + half, high)):
                        mask = ir.Constant(ir.VectorType(_INT, LANES), order)
                        held[to] = builder.shuffle_vector(*pair, mask)
        for c, vector in enumerate(held):
            place = builder.mul(args[5], ir.Constant(_LONG, c))
            builder.store(vector, _vector(builder, columns, place), align=4)
        return context.get_dummy_value()

    long = types.int64
    return types.void(source, long, long, target, long, long), build


def _tabulate(vectors):
    """Write the 16 sums with signs of every four columns of a word, code after code."""

    @intrinsic
    def tabulate(typing, columns, at, tables, to):
        def build(context, builder, signature, args):
            source, target = (_pointer(context, builder, signature, args, k) for k in (0, 2))
            lanes = LANES * vectors
            for quad in range(WORD // 4):
                for v in range(vectors):
                    here = [
                        builder.load(_vector(builder, source, (4 * quad + c) * lanes + v * LANES), align=4)
                        for c in range(4)
                    ]
                    pairs = []
                    for one, two in (here[:2], here[2:]):
                        more, less = builder.fadd(one, two), builder.fsub(one, two)
                        pairs.append((more, builder.fneg(less), less, builder.fneg(more)))
                    for code in range(16):
                        found = builder.fadd(pairs[0][code & 3], pairs[1][code >> 2])
                        builder.store(found, _vector(builder, target, (16 * quad + code) * lanes + v * LANES), align=4)
            return context.get_dummy_value()

        return types.void(columns, types.int64, tables, types.int64), build

    return tabulate


def _look_up(vectors):
    """Add to the sums at a place what the tables have for a word of signs."""

    @intrinsic
    def look_up(typing, tables, at, sums, to, word):
        def build(context, builder, signature, args):
            table, target = (_pointer(context, builder, signature, args, k) for k in (0, 2))
            lanes = LANES * vectors
            shift = lanes.bit_length() - 1  # floats of an entry, as a power of two
            chains = [[None] * vectors, [None] * vectors]
            for quad in range(WORD // 4):
                left = 4 * quad - shift
                code = (
                    builder.lshr(args[4], ir.Constant(_LONG, left))
                    if left >= 0
                    else builder.shl(args[4], ir.Constant(_LONG, -left))
                )
                entry = builder.gep(table, [builder.and_(code, ir.Constant(_LONG, 15 << shift))])
                for v in range(vectors):
                    found = builder.load(_vector(builder, entry, 16 * quad * lanes + v * LANES), align=4)
                    chain = chains[quad & 1]
                    chain[v] = found if chain[v] is None else builder.fadd(chain[v], found)
            for v in range(vectors):
                place = _vector(builder, target, v * LANES)
                total = builder.fadd(chains[0][v], chains[1][v])
                builder.store(builder.fadd(builder.load(place, align=4), total), place, align=4)
            return context.get_dummy_value()

        return types.void(tables, types.int64, sums, types.int64, types.uint64), build

    return look_up


_tabulate_16, _tabulate_32, _look_up_16, _look_up_32 = _tabulate(1), _tabulate(2), _look_up(1), _look_up(2)


@njit("void(uint64, int64, int64, int64, uint64[::1])", cache=True, nogil=True)
def sign_words(key, group, first, count, words):
    """The words of signs of a group of columns in rows from `first` on."""
    base = key + ((np.uint64(group) << _S32) + np.uint64(first)) * _STEP
    for j in range(count):
        words[j] = mix(base + np.uint64(j) * _STEP)


@njit(types.void(READ, *[types.int64] * 4, types.float32[::1], types.float32[::1], types.int64), cache=True, nogil=True)
def _read_tile(piece, row, rows, column, begin, tile, columns, lanes):
    """Write 64 columns of up to `lanes` rows one column after the other; what the piece lacks is 0.

    `column` is that of the piece which is `begin` within the word; it may be negative.
    """
    width = piece.shape[1]
    flat = piece.reshape(piece.size)
    if rows == lanes and column >= 0 and column + WORD <= width:
        for v in range(0, lanes, LANES):
            for c in range(0, WORD, LANES):
                _turn(flat, (row + v) * width + column + c, width, columns, c * lanes + v, lanes)
        return
    tile[:] = 0
    for r in range(rows):
        for c in range(max(0, -column), min(WORD, width - column)):
            tile[r * WORD + c] = piece[row + r, column + c]
    for v in range(0, lanes, LANES):
        for c in range(0, WORD, LANES):
            _turn(tile, v * WORD + c, WORD, columns, c * lanes + v, lanes)


@njit(types.float32[::1](types.int64), cache=True, nogil=True)
def _lines(size):
    """Room for floats from the beginning of a cache line on, so that no vector lies in two."""
    room = np.empty(size + LANES, np.float32)
    behind = (room.ctypes.data // 4) % LANES
    return room[LANES - behind : LANES - behind + size]


@njit(types.void(READ, *[types.int64] * 5, types.uint64, types.float32, types.float32[:, ::1]), cache=True, nogil=True)
def add_rademacher(piece, start, row, stop, first, last, key, scale, out):
    """`out[i, j] += scale Σ_c sign(j, start + c) piece[i, c]`, for rows i and j in these ranges."""
    wide = 2 * LANES
    words = np.empty((PASSES, DEEP), np.uint64)
    sums, tables = _lines(DEEP * wide), _lines(4 * WORD * wide)
    tile, columns = np.empty(WORD * wide, np.float32), np.empty(WORD * wide, np.float32)
    turned = np.empty(LANES * LANES, np.float32)
    groups = (start + piece.shape[1] + WORD - 1) // WORD
    for top in range(first, last, DEEP):
        deep = min(DEEP, last - top)
        for begin in range(start // WORD // PASSES * PASSES, groups, PASSES):
            low, high = max(begin, start // WORD), min(begin + PASSES, groups)
            for g in range(low, high):
                sign_words(key, g, top, deep, words[g - begin])
            for i in range(row, stop, wide):
                rows = min(wide, stop - i)
                lanes = wide if rows > LANES else LANES
                sums[: deep * lanes] = 0
                for g in range(low, high):
                    _read_tile(piece, i, rows, g * WORD - start, 0, tile, columns, lanes)
                    if lanes == wide:
                        _tabulate_32(columns, 0, tables, 0)
                        for j in range(deep):
                            _look_up_32(tables, 0, sums, j * wide, words[g - begin, j])
                    else:
                        _tabulate_16(columns, 0, tables, 0)
                        for j in range(deep):
                            _look_up_16(tables, 0, sums, j * LANES, words[g - begin, j])
                for j in range(0, deep, LANES):
                    for v in range(0, lanes, LANES):
                        if j + LANES > deep:
                            for k in range(deep - j):
                                for r in range(max(0, min(LANES, rows - v))):
                                    out[i + v + r, top + j + k] += scale * sums[(j + k) * lanes + v + r]
                            continue
                        _turn(sums, j * lanes + v, lanes, turned, 0, LANES)
                        for r in range(max(0, min(LANES, rows - v))):
                            for k in range(LANES):
                                out[i + v + r, top + j + k] += scale * turned[r * LANES + k]
