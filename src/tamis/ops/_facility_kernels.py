"""Compiled lazy greedy of facility location: gains of rows, and the best row from a heap of stale gains.

`similar` has a row for each candidate and a column for each point; in its sparse form candidate j has the `values` of
`points[starts[j]:starts[j + 1]]`. `covered` is how similar each point is to the nearest row taken, `mass` what it
counts, of length 0 where each counts 1. Gains are sums in float64 of one and the same order, so that they only shrink.
"""

from functools import reduce

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_LANES, _WAYS, _LINE, _AHEAD = 8, 4, 16, 1024  # numbers at once, sums side by side, and how far ahead to ask the memory
_STEP = _LANES * _WAYS
_FLOAT, _DOUBLE, _LONG, _INT = ir.FloatType(), ir.DoubleType(), ir.IntType(64), ir.IntType(32)
_SUM, _BYTE = ir.VectorType(_DOUBLE, _LANES), ir.IntType(8).as_pointer()
_PREFETCH = ir.FunctionType(ir.VoidType(), [_BYTE, _INT, _INT, _INT])
_AS_DATA = [ir.Constant(_INT, value) for value in (0, 3, 1)]  # to be read, soon, as data

_DENSE = "float32[:, ::1], float32[::1], float64[::1]"
_SPARSE = "int64[::1], int32[::1], float32[::1], float32[::1], float64[::1]"
_HEAP = "boolean[::1], float64[::1], float64[::1], float64[::1], int64[::1], int64[::1], int64[::1]"


def _sums(weighed):
    """Instructions that sum `max(0, similar - covered)`, times the mass if `weighed`, over the first `stop` points.

    `similar` starts at a place of a matrix, counted along its rows. On the way they ask the memory for what comes next:
    the same row further on, then the start of the row at the place `following`.
    """

    @intrinsic
    def total(typing, similar, place, following, covered, mass, stop):
        def build(context, builder, signature, args):
            def data(k):
                return context.make_array(signature.args[k])(context, builder, args[k]).data

            def load(pointer, at, kind):
                where = builder.bitcast(builder.gep(pointer, [at]), ir.VectorType(kind, _LANES).as_pointer())
                return builder.load(where, align=4 if kind is _FLOAT else 8)

            def ask(at):
                places = [builder.add(start, at) for start in (args[1], builder.sub(args[2], args[5]))]
                here = builder.select(builder.icmp_signed("<", at, args[5]), *places)
                builder.call(prefetch, [builder.bitcast(builder.gep(data(0), [here]), _BYTE), *_AS_DATA])

            prefetch = builder.module.declare_intrinsic("llvm.prefetch", (_BYTE,), _PREFETCH)
            row = builder.gep(data(0), [args[1]])
            zero = ir.Constant(_SUM, [0.0] * _LANES)
            before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.branch(loop)
            builder.position_at_end(loop)
            at = builder.phi(_LONG)
            sums, more = [builder.phi(_SUM) for _ in range(_WAYS)], []
            for way, held in enumerate(sums):
                here = builder.add(at, ir.Constant(_LONG, way * _LANES))
                if way * _LANES % _LINE == 0:
                    ask(builder.add(here, ir.Constant(_LONG, _AHEAD)))
                pair = [builder.fpext(load(pointer, here, _FLOAT), _SUM) for pointer in (row, data(3))]
                term = builder.fsub(*pair)
                term = builder.select(builder.fcmp_ordered(">", term, zero), term, zero)
                term = builder.fmul(term, load(data(4), here, _DOUBLE)) if weighed else term
                more.append(builder.fadd(held, term))
            following = builder.add(at, ir.Constant(_LONG, _STEP))
            for phi, value in zip([at, *sums], [following, *more], strict=True):
                phi.add_incoming(ir.Constant(_LONG, 0) if phi is at else zero, before)
                phi.add_incoming(value, loop)
            builder.cbranch(builder.icmp_signed("<", following, args[5]), loop, after)
            builder.position_at_end(after)
            while len(more) > 1:
                more = [builder.fadd(*pair) for pair in zip(more[::2], more[1::2], strict=True)]
            parts = [builder.extract_element(more[0], ir.Constant(_INT, lane)) for lane in range(_LANES)]
            return reduce(builder.fadd, parts)

        long = types.int64
        return types.float64(similar, long, long, covered, mass, long), build

    return total


_sum, _weighed_sum = _sums(False), _sums(True)


@njit("float64(float32[:, ::1], int64, int64, float32[::1], float64[::1])", cache=True, nogil=True)
def _gain(similar, row, following, covered, mass):
    """The gain of a row, which asks the memory for the row that is likely to follow."""
    n = len(covered)
    whole = n // _STEP * _STEP
    total = 0.0
    if whole and len(mass):
        total = _weighed_sum(similar, row * n, following * n, covered, mass, whole)
    elif whole:
        total = _sum(similar, row * n, following * n, covered, mass, whole)
    for i in range(whole, n):
        more = np.float64(similar[row, i]) - np.float64(covered[i])
        if more > 0:
            total += more * mass[i] if len(mass) else more
    return total


@njit("float64(int32[::1], float32[::1], float32[::1], float64[::1])", cache=True, nogil=True)
def _sparse_gain(points, values, covered, mass):
    """The same over the points of a candidate."""
    total = 0.0
    for at in range(len(points)):
        more = np.float64(values[at]) - np.float64(covered[points[at]])
        if more > 0:
            total += more * mass[points[at]] if len(mass) else more
    return total


@njit(f"void({_DENSE}, int64[::1], float64[::1])", cache=True, nogil=True)
def gains(similar, covered, mass, rows, out):
    """The gain of each of `rows`."""
    for at in range(len(rows)):
        out[at] = _gain(similar, rows[at], rows[min(at + 1, len(rows) - 1)], covered, mass)


@njit(f"void({_SPARSE}, int64[::1], float64[::1])", cache=True, nogil=True)
def sparse_gains(starts, points, values, covered, mass, rows, out):
    """The gain of each of `rows`."""
    for at in range(len(rows)):
        part = slice(starts[rows[at]], starts[rows[at] + 1])
        out[at] = _sparse_gain(points[part], values[part], covered, mass)


@njit("void(int64[::1], int64[::1], float32[::1], int64[::1], int32[::1], float32[::1])", cache=True, nogil=True)
def by_candidate(starts, columns, similar, next, points, values):
    """Lay out by candidate what is listed by point; `next` is where the first point of each candidate goes."""
    for point in range(len(starts) - 1):
        for at in range(starts[point], starts[point + 1]):
            to = next[columns[at]]
            points[to], values[to] = point, similar[at]
            next[columns[at]] = to + 1


@njit("void(float64[::1], int64[::1], int64, int64)", cache=True, nogil=True)
def _sink(worth, heap, at, size):
    """Move the row at `at` down a heap with the largest worth on top, and of equal ones the smallest row."""
    row = heap[at]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size:
            left, right = heap[child], heap[child + 1]
            if worth[right] > worth[left] or (worth[right] == worth[left] and right < left):
                child += 1
        other = heap[child]
        if worth[other] < worth[row] or (worth[other] == worth[row] and other > row):
            break
        heap[at] = other
        at = child
    heap[at] = row


@njit("void(float64[::1], int64[::1], int64)", cache=True, nogil=True)
def heapify(worth, heap, size):
    """Order the rows in `heap[:size]` as a heap."""
    for at in range(size // 2 - 1, -1, -1):
        _sink(worth, heap, at, size)


@njit(f"int64({_HEAP})", cache=True, nogil=True)
def _stale(open, price, worth, gain, stamp, heap, state):
    """Drop closed rows off the top of the heap; the row that is then on top, or -1 if its gain is up to date."""
    while not open[heap[0]]:
        state[0] -= 1
        heap[0] = heap[state[0]]
        _sink(worth, heap, 0, state[0])
    return -1 if stamp[heap[0]] == state[1] else heap[0]


@njit(f"void(float64, {_HEAP})", cache=True, nogil=True)
def _renew(found, open, price, worth, gain, stamp, heap, state):
    """Write the gain that was found for the row on top, and move it to its place."""
    row = heap[0]
    gain[row], stamp[row] = found, state[1]
    worth[row] = found / price[row] if len(price) else found
    state[2] += 1
    _sink(worth, heap, 0, state[0])


@njit(f"int64({_DENSE}, {_HEAP})", cache=True, nogil=True)
def best(similar, covered, mass, open, price, worth, gain, stamp, heap, state):
    """The open row of the largest worth, which is its gain or that per price; `state` is heap size, step and count."""
    row = _stale(open, price, worth, gain, stamp, heap, state)
    while row >= 0:
        following = heap[0] if state[0] < 2 else heap[1] if state[0] < 3 or worth[heap[1]] > worth[heap[2]] else heap[2]
        found = _gain(similar, row, following, covered, mass)
        _renew(found, open, price, worth, gain, stamp, heap, state)
        row = _stale(open, price, worth, gain, stamp, heap, state)
    return heap[0]


@njit(f"int64({_SPARSE}, {_HEAP})", cache=True, nogil=True)
def sparse_best(starts, points, values, covered, mass, open, price, worth, gain, stamp, heap, state):
    """The same for sparse similarities."""
    row = _stale(open, price, worth, gain, stamp, heap, state)
    while row >= 0:
        part = slice(starts[row], starts[row + 1])
        found = _sparse_gain(points[part], values[part], covered, mass)
        _renew(found, open, price, worth, gain, stamp, heap, state)
        row = _stale(open, price, worth, gain, stamp, heap, state)
    return heap[0]
