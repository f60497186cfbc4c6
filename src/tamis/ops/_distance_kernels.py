"""Compiled distances between rows, and searches that bring a row's distance up to date only where it can matter.

`near[i]` is how far row i was from the nearest of the first `stamp[i]` of the rows taken, which is `centre[i]`-th of
them. Distances to the nearest only shrink, so that `near` bounds what it will be: a row whose bound is below the best
row found so far need not be looked at. A sum of squares is made in 16 lanes in the order of the numbers; then lanes are
added by halves, and to the half of 8, 4, 2 and 1 lanes as many of the numbers beyond a multiple of 16. Nothing else
decides its value, and `squares` in `tamis.ops.nearest_taken` has the same.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tamis.ops._mix_kernels import mix

# Without `_nrt=False` references to arrays are counted.
FAST: dict[str, Any] = {"nogil": True, "_nrt": False}

POINTS, FACTORS = 0, 1
ROWS, LANES = 256, 16

_I32, _I64, _F32, _F64 = ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.DoubleType()
_MATRIX = types.Array(types.float32, 2, "C", readonly=True)
_NUMBERS = types.Array(types.float64, 1, "C", readonly=True)
_OPEN = types.Array(types.boolean, 1, "C", readonly=True)
_KEYS = types.Array(types.uint64, 1, "C", readonly=True)
_INTS, _LONGS, _DOUBLES = types.int32[::1], types.int64[::1], types.float64[::1]
_SPACE = (types.int64, _MATRIX, _MATRIX, _NUMBERS)
_STATE = (_LONGS, types.int64, _DOUBLES, _INTS, _INTS, types.float32[:, ::1], types.int64, _LONGS)
_S12 = np.uint64(12)


def _summed(term, kind):
    """An intrinsic: the sum of `term` over the numbers of row i of x and row j of y, both `length` long."""
    vector, none = ir.VectorType(kind, LANES), ir.Constant(_I64, 0)

    def build(context, builder, signature, args):
        length, zero = args[4], ir.Constant(vector, [0.0] * LANES)

        def row(k):
            data = context.make_array(signature.args[k])(context, builder, args[k]).data
            return builder.gep(data, [builder.mul(args[k + 1], length)])

        def terms(at, wide):
            """The term of `wide` pairs of numbers."""
            loaded, found = ir.VectorType(_F32, wide), []
            for start in (left, right):
                numbers = builder.load(builder.bitcast(builder.gep(start, [at]), loaded.as_pointer()), align=4)
                found.append(numbers if kind == _F32 else builder.fpext(numbers, ir.VectorType(kind, wide)))
            return term(builder, *found)

        left, right = row(0), row(2)
        full = builder.and_(length, ir.Constant(_I64, -LANES))
        before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed(">", full, none), loop, after)
        builder.position_at_end(loop)
        at, sums = builder.phi(_I64), builder.phi(vector)
        more = builder.fadd(sums, terms(at, LANES))
        next_at = builder.add(at, ir.Constant(_I64, LANES))
        for phi, start, step in ((at, none, next_at), (sums, zero, more)):
            phi.add_incoming(start, before)
            phi.add_incoming(step, loop)
        builder.cbranch(builder.icmp_signed("<", next_at, full), loop, after)
        builder.position_at_end(after)
        total = builder.phi(vector)
        total.add_incoming(zero, before)
        total.add_incoming(more, loop)
        at, wide = full, LANES
        while wide > 1:
            nothing, wide = ir.Constant(ir.VectorType(kind, wide), ir.Undefined), wide // 2
            lanes = [ir.Constant(ir.VectorType(_I32, wide), [*range(k, k + wide)]) for k in (0, wide)]
            total = builder.fadd(*(builder.shuffle_vector(total, nothing, half) for half in lanes))
            step = builder.and_(length, ir.Constant(_I64, wide))
            before, more, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.cbranch(builder.icmp_signed("!=", step, none), more, after)
            builder.position_at_end(more)
            added = builder.fadd(total, terms(at, wide))
            builder.branch(after)
            builder.position_at_end(after)
            joined = builder.phi(total.type)
            joined.add_incoming(total, before)
            joined.add_incoming(added, more)
            at, total = builder.add(at, step), joined
        return builder.extract_element(total, ir.Constant(_I32, 0))

    result = types.float32 if kind == _F32 else types.float64

    @intrinsic
    def summed(typing, x, i, y, j, length):
        return result(x, types.int64, y, types.int64, types.int64), build

    return summed


def _square(builder, left, right):
    apart = builder.fsub(left, right)
    return builder.fmul(apart, apart)


_squares = _summed(_square, _F32)
_products = _summed(lambda builder, left, right: builder.fmul(left, right), _F64)


@njit(types.float32(_MATRIX, types.int64, _MATRIX, types.int64), cache=True, **FAST)
def squared(x, i, y, j):
    """The squared distance of row i of x and row j of y, in float32."""
    return _squares(x, i, y, j, x.shape[1])


@njit(types.float64(_MATRIX, types.int64, types.int64), cache=True, **FAST)
def product(x, i, j):
    """The inner product of rows i and j, in float64."""
    return _products(x, i, x, j, x.shape[1])


@njit(types.float64(*_SPACE, types.int64, types.int64), cache=True, **FAST)
def between(kind, left, right, norms, i, j):
    """How far row i is from row j: squared for points and factors, as it stands in a matrix."""
    if kind == POINTS:
        return squared(left, i, left, j)
    if kind == FACTORS:
        return max(norms[i] + norms[j] - 2.0 * product(right, i, j) * product(left, i, j), 0.0)
    return left[j, i]


@njit(types.void(_MATRIX, _MATRIX, types.float32[::1]), cache=True, **FAST)
def squared_to(x, one, out):
    """The squared distance of each row to the row of `one`."""
    for i in range(x.shape[0]):
        out[i] = squared(x, i, one, 0)


@njit(types.void(_MATRIX, _MATRIX, _DOUBLES), cache=True, **FAST)
def factored_norms(left, right, out):
    """The squared length of each outer product of a row of `left` and one of `right`."""
    for i in range(left.shape[0]):
        out[i] = product(left, i, i) * product(right, i, i)


@njit(types.void(_MATRIX, _LONGS, types.int64, types.float32, types.float32[:, ::1]), cache=True, **FAST)
def compare(x, taken, t, share, apart):
    """Into column t the squared distance from each row taken earlier, times `share`: nearer rows it cannot help."""
    apart[t, t] = 0
    for c in range(t):
        found = squared(x, taken[c], x, taken[t])
        apart[c, t] = found * share if found > 1e-30 else 0


@njit(types.float64(*_SPACE, *_STATE, types.int64, types.float64, types.float64), cache=True, **FAST)
def refresh(kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, i, weight, limit):
    """Bring row i up to date, or until its distance times `weight` is below `limit`; the distance.

    A row taken as s-th cannot be nearer than the present one where `apart` says that both are too far from each other.
    """
    value, s, c = near[i], np.int64(stamp[i]), np.int64(centre[i])
    seen, worked_out = s, 0
    while True:
        while s < known and apart[c, s] >= value:
            s += 1
        if s >= count:
            break
        worked_out += 1
        found = between(kind, left, right, norms, i, taken[s])
        s += 1
        if found < value:
            value, c = found, s - 1
            if value * weight < limit:
                break
    tally[0] += worked_out
    tally[1] += s - seen - worked_out
    near[i], stamp[i], centre[i] = value, s, c
    return value


@njit(types.void(*_SPACE, *_STATE, _LONGS), cache=True, **FAST)
def refresh_rows(kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, rows):
    """Bring these rows up to date."""
    for i in rows:
        refresh(
            kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, i, 1.0, -np.inf
        )  # fmt: skip


@njit(types.int64(*_SPACE, *_STATE, _OPEN, _NUMBERS, _DOUBLES), cache=True, **FAST)
def farthest(
    kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, open, weights, bounds
):  # fmt: skip
    """The open row with the largest distance, times its weight if there are weights; ties by row, -1 if none is left.

    `bounds` of each 256 rows are at least what their open rows are worth. The block with the largest comes first, so
    that hardly any other has a row that could be better.
    """
    n, blocks = near.shape[0], bounds.shape[0]
    first = np.argmax(bounds)
    best, place, weight = -1.0, -1, 1.0
    for turn in range(-1, blocks):
        block = first if turn < 0 else turn
        start = block * ROWS
        if turn == first or bounds[block] < best or (bounds[block] == best and start > place):
            continue
        bound = -1.0
        for i in range(start, min(n, start + ROWS)):
            if not open[i]:
                continue
            if weights.shape[0]:
                weight = weights[i]
            worth = near[i] * weight
            if worth > best or (worth == best and i < place):
                worth = weight * refresh(
                    kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, i, weight, best
                )  # fmt: skip
                if worth > best or (worth == best and i < place):
                    best, place = worth, i
            bound = max(bound, worth)
        bounds[block] = bound
    return place


@njit(types.int64(*_SPACE, *_STATE, _OPEN, _NUMBERS, _KEYS, types.uint64), cache=True, **FAST)
def race(
    kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, open, weights, key, step
):  # fmt: skip
    """An open row with odds of its distance, times its weight if there are weights; -1 if all odds are 0.

    Row i finishes after `-ln(u_i) / odds_i`, and the first wins. `-ln(u) >= 1 - u` spares most logarithms.
    """
    best, place, weight = 0.0, -1, 1.0
    for i in range(near.shape[0]):
        if not open[i]:
            continue
        if weights.shape[0]:
            weight = weights[i]
        u = (types.float64(mix(key[i] + step) >> _S12) + 0.5) * 2.0**-52
        if near[i] * weight <= best * (1.0 - u):
            continue
        time = -math.log(u)
        if near[i] * weight <= best * time:
            continue
        speed = weight / time * refresh(
            kind, left, right, norms, taken, count, near, stamp, centre, apart, known, tally, i, weight, best * time
        )  # fmt: skip
        if speed > best:
            best, place = speed, i
    return place
