"""Compiled copy of chosen lines: one pass finds the newlines, a vector of bytes at a time."""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tamis.pool._bytes_kernels import BYTES, FAST, WIDTH, _constant, _load, copy

OUT, ROWS = types.uint8[::1], types.Array(types.int64, 1, "C", readonly=True)
SPACE, TAB, RETURN, NEWLINE = b" \t\r\n"


@intrinsic
def newline_run(typing, data, at):
    """How many of the next `WIDTH` bytes precede a newline; 64 if none of them is one."""

    def build(context, builder, signature, args):
        found = builder.icmp_unsigned("==", _load(context, builder, signature, args), _constant(NEWLINE))
        bits = builder.zext(builder.bitcast(found, ir.IntType(WIDTH)), ir.IntType(64))
        return builder.cttz(bits, ir.Constant(ir.IntType(1), 0))

    return types.int64(data, types.int64), build


@njit(types.UniTuple(types.int64, 2)(BYTES, types.int64, types.int64, ROWS, OUT), cache=True, **FAST)
def copy_lines(data, at, seen, rows, out):
    """Copy those lines from `at` on to `out` whose numbers, counted from `seen`, are in `rows`; blank ones have none.

    Returns how many lines there are, and how many bytes were written: at most one more than the data has.
    """
    size = data.size
    row, taken, filled = seen, 0, 0
    while at < size:
        end = at
        run = 64
        while end + WIDTH <= size:
            run = newline_run(data, end)
            if run < WIDTH:
                end += run
                break
            end += WIDTH
        if run >= WIDTH:
            while end < size and data[end] != NEWLINE:
                end += 1
        first = at
        while first < end and (data[first] == SPACE or data[first] == TAB or data[first] == RETURN):
            first += 1
        if first < end:
            if taken < rows.size and rows[taken] == row:
                copy(out, filled, data, at, end - at)
                filled += end - at
                out[filled] = NEWLINE
                filled += 1
                taken += 1
            row += 1
        at = end + 1
    return row - seen, filled
