"""A matrix product in float32 each entry of which depends on its two rows alone: one chain of fused sums along d.

Hence the result is the same on any number of threads, in any order of rows, and symmetric to the last bit, which a BLAS
does not promise. The shape of the block that is kept in registers follows from the processor, and changes no result.
"""

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic

_FLOAT, _LONG, _INT = ir.FloatType(), ir.IntType(64), ir.IntType(32)


def _shape():
    """Lanes of a vector, vectors and rows of the block of sums that the registers hold."""
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        features = {}
    if features.get("avx512f"):
        return 16, 3, 8
    return (8, 3, 4) if features.get("avx") else (4, 2, 8)


_LANES, _VECTORS, ROWS = _shape()
WIDE = _LANES * _VECTORS
_VECTOR = ir.VectorType(_FLOAT, _LANES)
_FUSED = ("contract",)


@intrinsic
def _sums(typing, left, left_at, right, right_at, depth, floor, out, out_at, stride):
    """Write `max(floor, Σ left · right)` for `ROWS` rows of `left` and a panel of `right`, to rows `stride` apart."""

    def build(context, builder, signature, args):
        def address(k):
            data = context.make_array(signature.args[k])(context, builder, args[k]).data
            return builder.gep(data, [args[k + 1]])

        def vector(pointer, lane):
            return builder.bitcast(builder.gep(pointer, [ir.Constant(_LONG, lane)]), _VECTOR.as_pointer())

        def splat(value):
            none = ir.Constant(_VECTOR, ir.Undefined)
            first = builder.insert_element(none, value, ir.Constant(_INT, 0))
            return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(_INT, _LANES), [0] * _LANES))

        depth, floor, stride = args[4], args[5], args[8]
        panel, target = address(2), address(6)
        rows = [builder.gep(address(0), [builder.mul(depth, ir.Constant(_LONG, r))]) for r in range(ROWS)]
        before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(_LONG)
        k.add_incoming(ir.Constant(_LONG, 0), before)
        sums = [[builder.phi(_VECTOR) for _ in range(_VECTORS)] for _ in rows]
        here = builder.gep(panel, [builder.mul(k, ir.Constant(_LONG, WIDE))])
        columns = [builder.load(vector(here, v * _LANES), align=4) for v in range(_VECTORS)]
        more = []
        for row, held in zip(rows, sums, strict=True):
            value = splat(builder.load(builder.gep(row, [k])))
            terms = [builder.fmul(value, column, flags=_FUSED) for column in columns]
            more.append([builder.fadd(*pair, flags=_FUSED) for pair in zip(held, terms, strict=True)])
        following = builder.add(k, ir.Constant(_LONG, 1))
        k.add_incoming(following, loop)
        for held, new in zip(sums, more, strict=True):
            for phi, value in zip(held, new, strict=True):
                phi.add_incoming(ir.Constant(_VECTOR, [0.0] * _LANES), before)
                phi.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        builder.position_at_end(after)
        least = splat(floor)
        for r, new in enumerate(more):
            row = builder.gep(target, [builder.mul(stride, ir.Constant(_LONG, r))])
            for v, value in enumerate(new):
                kept = builder.select(builder.fcmp_ordered("<", value, least), least, value)
                builder.store(kept, vector(row, v * _LANES), align=4)
        return context.get_dummy_value()

    long = types.int64
    return types.void(left, long, right, long, long, types.float32, out, long, long), build


@njit("void(float32[:, ::1], float32[::1])", cache=True, nogil=True)
def pack(rows, panels):
    """Lay rows out in panels of `WIDE`, column by column, with zeros for the rows that the last panel lacks."""
    n, d = rows.shape
    for i in range(0, n, WIDE):
        for k in range(d):
            for r in range(WIDE):
                panels[i * d + k * WIDE + r] = rows[i + r, k] if i + r < n else np.float32(0)


@njit("void(float32[:, ::1], float32[::1], int64, float32, float32[:, ::1])", cache=True, nogil=True)
def products(left, panels, n, floor, out):
    """`out[i, j] = max(floor, left[i] · right[j])` for the n rows of `right` that `pack` laid out; d is at least 1."""
    count, d = left.shape
    flat = left.reshape(count * d)
    target = out.reshape(count * n)
    whole = count // ROWS * ROWS
    last, corner = np.zeros(ROWS * d, np.float32), np.empty(ROWS * WIDE, np.float32)
    last[: (count - whole) * d] = flat[whole * d :]
    for j in range(0, n, WIDE):
        width = min(WIDE, n - j)
        for i in range(0, count, ROWS):
            source, at = (flat, i * d) if i < whole else (last, 0)
            if i < whole and width == WIDE:
                _sums(source, at, panels, j * d, d, floor, target, i * n + j, n)
                continue
            _sums(source, at, panels, j * d, d, floor, corner, 0, WIDE)
            for r in range(min(ROWS, count - i)):
                for c in range(width):
                    target[(i + r) * n + j + c] = corner[r * WIDE + c]
