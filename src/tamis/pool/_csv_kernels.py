"""Compiled search for the records of CSV: 64 bytes at a time while quotes stand where they should, else one by one."""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tamis.pool._bytes_kernels import BYTES, FAST, VECTOR, WIDTH, _load

SPANS = types.int64[:, ::1]
NEWLINE, RETURN, QUOTE = b'\n\r"'
POSITIVE = (1 << 63) - 1


@intrinsic
def bits_of(typing, data, at, byte):
    """Which of the 64 bytes from `at` on are `byte`, the first in the lowest bit."""

    def build(context, builder, signature, args):
        word = ir.IntType(64)
        one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), args[2], ir.Constant(ir.IntType(32), 0))
        every = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))
        halves = []
        for back in (0, -WIDTH):
            found = builder.icmp_unsigned("==", _load(context, builder, signature, args, back), every)
            halves.append(builder.zext(builder.bitcast(found, ir.IntType(WIDTH)), word))
        return builder.or_(halves[0], builder.shl(halves[1], ir.Constant(word, WIDTH)))

    return types.int64(data, types.int64, types.uint8), build


@intrinsic
def lowest(typing, bits):
    """The number of the lowest bit that is set."""

    def build(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), build


@njit(**FAST)
def _after_odd_many(bits):
    """Which bits have an odd number of bits set up to and with them."""
    for shift in (1, 2, 4, 8, 16, 32):
        bits ^= bits << shift
    return bits


@njit(**FAST)
def _add(data, start, end, spans, count):
    """Note a record unless it is blank; how many there are then."""
    if data[start] == NEWLINE or data[start] == RETURN:
        return count
    spans[0, count] = start
    spans[1, count] = end
    return count + 1


@njit(**FAST)
def _find_slowly(data, delimiter, last, spans, count, start, until):
    """Find records from `start` on until one ends at `until` or later, or none is complete.

    Returns how many there are, where the next one starts, whether none is complete, and the quote that is then open.
    """
    size = data.size
    at = start
    while start < until and at < size:
        byte = data[at]
        if byte == QUOTE and (at == start or data[at - 1] == delimiter):
            opening = at
            at += 1
            while at < size and (data[at] != QUOTE or (at + 1 < size and data[at + 1] == QUOTE)):
                at += 2 if data[at] == QUOTE else 1
            if at == size:
                return count, start, True, opening if last else -1
        if byte != NEWLINE and byte != RETURN:
            at += 1
            continue
        end = at + 1
        if byte == RETURN:
            if end == size and not last:
                return count, start, True, -1
            if end < size and data[end] == NEWLINE:
                end += 1
        count = _add(data, start, end, spans, count)
        start = at = end
    if start >= until:
        return count, start, False, -1
    if last and start < size:
        count = _add(data, start, size, spans, count)
        start = size
    return count, start, True, -1


@njit(types.UniTuple(types.int64, 3)(BYTES, types.uint8, types.boolean, SPANS), cache=True, **FAST)
def find_spans(data, delimiter, last, spans):
    """Fill `spans` with the starts and ends of the records of `data`; see `tamis.pool.csv_records.find_records`.

    Returns how many they are, where the first incomplete record starts, and the place of the quote that is open at the
    end of the last bytes of a file, or -1.
    """
    size = data.size
    count, start = 0, 0
    while True:
        at, inside = start, 0
        while at + 64 < size:
            quotes, newlines, returns = bits_of(data, at, QUOTE), bits_of(data, at, NEWLINE), bits_of(data, at, RETURN)
            within = inside
            if quotes:
                within ^= _after_odd_many(quotes)
                fronts = (quotes | newlines | returns | bits_of(data, at, delimiter)) << 1
                if at == start or inside:
                    fronts |= 1
                else:
                    byte = data[at - 1]
                    fronts |= byte == delimiter or byte == QUOTE or byte == NEWLINE or byte == RETURN
                if quotes & within & ~fronts:  # a quote in a field that has none at its front
                    break
                inside = within >> 63
            if returns:
                followed = (newlines >> 1) & POSITIVE
                if data[at + 64] == NEWLINE:
                    followed |= ~POSITIVE
                newlines |= returns & ~followed
            ends = newlines & ~within
            while ends:
                end = at + lowest(ends) + 1
                count = _add(data, start, end, spans, count)
                start = end
                ends &= ends - 1
            at += 64
        count, start, done, opened = _find_slowly(data, delimiter, last, spans, count, start, at + 64)
        if done:
            return count, start, opened
