"""Compiled search for the records of CSV: one pass over the bytes, a vector of them at a time."""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tamis.pool._bytes_kernels import BYTES, FAST, WIDTH, _constant, _load

SPANS = types.int64[:, ::1]
NEWLINE, RETURN, QUOTE = b'\n\r"'


def _run(wanted):
    """An intrinsic: how many of the next `WIDTH` bytes precede one of `wanted`; 64 if none of them is one."""

    @intrinsic
    def run(typing, data, at):
        def build(context, builder, signature, args):
            loaded = _load(context, builder, signature, args)
            found = builder.icmp_unsigned("==", loaded, _constant(wanted[0]))
            for byte in wanted[1:]:
                found = builder.or_(found, builder.icmp_unsigned("==", loaded, _constant(byte)))
            bits = builder.zext(builder.bitcast(found, ir.IntType(WIDTH)), ir.IntType(64))
            return builder.cttz(bits, ir.Constant(ir.IntType(1), 0))

        return types.int64(data, types.int64), build

    return run


quote_run = _run(b'"')
mark_run = _run(b'"\r\n')


@njit(**FAST)
def _next_quote(data, at):
    """The place of the first quote from `at` on, or the end of the data."""
    size = data.size
    while at + WIDTH <= size:
        run = quote_run(data, at)
        if run < WIDTH:
            return at + run
        at += WIDTH
    while at < size and data[at] != QUOTE:
        at += 1
    return at


@njit(**FAST)
def _next_mark(data, at):
    """The place of the first quote, carriage return or newline from `at` on, or the end of the data."""
    size = data.size
    while at + WIDTH <= size:
        run = mark_run(data, at)
        if run < WIDTH:
            return at + run
        at += WIDTH
    while at < size and data[at] != QUOTE and data[at] != RETURN and data[at] != NEWLINE:
        at += 1
    return at


@njit(types.UniTuple(types.int64, 3)(BYTES, types.int64, types.boolean, SPANS), cache=True, **FAST)
def find_spans(data, delimiter, last, spans):
    """Fill `spans` with the starts and ends of the records of `data`; see `tamis.pool.csv_records.find_records`.

    Returns how many they are, where the first incomplete record starts, and the place of the quote that is open at the
    end of the last bytes of a file, or -1.
    """
    size = data.size
    count, start, at = 0, 0, 0
    while True:
        at = _next_mark(data, at)
        if at == size:
            break
        byte = data[at]
        if byte == QUOTE:
            if at > start and data[at - 1] != delimiter:
                at += 1
                continue
            opening = at
            at = _next_quote(data, at + 1)
            while at + 1 < size and data[at + 1] == QUOTE:
                at = _next_quote(data, at + 2)
            if at >= size:
                return count, start, opening if last else -1
            at += 1
            continue
        end = at + 1
        if byte == RETURN:
            if end == size and not last:
                break
            if end < size and data[end] == NEWLINE:
                end += 1
        if at > start:
            spans[0, count] = start
            spans[1, count] = end
            count += 1
        start = at = end
    if last and start < size:
        if at > start:
            spans[0, count] = start
            spans[1, count] = size
            count += 1
        start = size
    return count, start, -1
