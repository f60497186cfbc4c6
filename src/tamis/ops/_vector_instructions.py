"""Vector instructions for the n-gram kernels: the classes of 64 bytes of ASCII, and the buckets of 8 n-grams.

Each reads and writes whole vectors: callers leave room behind what they need.

Numba does not notice when a kernel in another module was compiled from an older version of these instructions.
"""

from functools import reduce

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH, LANES, BITS = 64, 8, 8
ORDER = 0xD6E8FEB86659FD93
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
_I1, _I8, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))
_BYTES, _LONGS, _HALVES = ir.VectorType(_I8, WIDTH), ir.VectorType(_I64, LANES), ir.VectorType(_I32, LANES)


def _same(vector, value):
    """A vector of equal constants."""
    return ir.Constant(vector, [value] * vector.count)


def _splat(builder, vector, value):
    """A vector of equal values."""
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def _place(context, builder, signature, args, k, shape):
    """The address of a `shape` in the array that is argument `k`, at the element that argument `k + 1` tells."""
    data = context.make_array(signature.args[k])(context, builder, args[k]).data
    return builder.bitcast(builder.gep(data, [args[k + 1]]), shape.as_pointer())


@intrinsic
def classify(typing, data, at, low, out, controls):
    """Write `WIDTH` bytes to `low` in lower case; return how many precede any beyond ASCII, masks of words and spaces.

    Of the characters 0x1C to 0x1F the first `controls` are spaces. Bytes beyond ASCII and their bits mean nothing.
    """

    def build(context, builder, signature, args):
        byte = builder.load(_place(context, builder, signature, args, 0, _BYTES), align=1)

        def within(vector, first, size):
            return builder.icmp_unsigned("<", builder.sub(vector, _same(_BYTES, first)), size)

        upper = within(byte, ord("A"), _same(_BYTES, 26))
        lower = builder.select(upper, builder.or_(byte, _same(_BYTES, 32)), byte)
        builder.store(lower, _place(context, builder, signature, args, 2, _BYTES), align=1)
        high = builder.icmp_signed("<", byte, _same(_BYTES, 0))
        words = (
            within(lower, ord("a"), _same(_BYTES, 26)),
            within(byte, ord("0"), _same(_BYTES, 10)),
            builder.icmp_unsigned("==", byte, _same(_BYTES, ord("_"))),
        )
        spaces = (
            builder.icmp_unsigned("==", byte, _same(_BYTES, ord(" "))),
            within(byte, ord("\t"), _same(_BYTES, 5)),
            within(byte, 0x1C, _splat(builder, _BYTES, args[4])),
        )
        masks = [builder.bitcast(reduce(builder.or_, kind), _I64) for kind in ((high,), words, spaces)]
        masks[0] = builder.cttz(masks[0], ir.Constant(_I1, 0))
        return context.make_tuple(builder, signature.return_type, masks)

    return types.UniTuple(types.uint64, 3)(data, types.uint64, low, types.uint64, types.uint8), build


@intrinsic
def write_bits(typing, places, at, base, mask):
    """Write `base` + place for the lowest `BITS` bits of the mask, with rubbish for lack of bits; return the others."""

    def build(context, builder, signature, args):
        target = _place(context, builder, signature, args, 0, _I64)
        left = args[3]
        for k in range(BITS):
            place = builder.add(args[2], builder.cttz(left, ir.Constant(_I1, 0)))
            builder.store(place, builder.gep(target, [ir.Constant(_I64, k)]))
            left = builder.and_(left, builder.sub(left, ir.Constant(_I64, 1)))
        return left

    return types.uint64(places, types.uint64, types.uint64, types.uint64), build


@intrinsic
def count_bits(typing, mask):
    """Number of bits set."""

    def build(context, builder, signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), build


@intrinsic
def load_word(typing, low, at):
    """The 8 bytes from `at`, which need not be aligned, the first one lowest."""

    def build(context, builder, signature, args):
        return builder.load(_place(context, builder, signature, args, 0, _I64), align=1)

    return types.uint64(low, types.uint64), build


def _mix(builder, lanes):
    """What `mix` does, in each lane."""
    for shift, factor in _STEPS:
        lanes = builder.xor(lanes, builder.lshr(lanes, _same(_LONGS, shift)))
        lanes = builder.mul(lanes, _same(_LONGS, factor))
    return lanes


def _buckets(builder, lanes, size):
    """The high half of each lane, times `size` of 32 bits, shifted right by 32."""
    size = _splat(builder, _LONGS, builder.zext(builder.trunc(size, _I32), _I64))
    high = _same(_LONGS, 32)
    return builder.trunc(builder.lshr(builder.mul(builder.lshr(lanes, high), size), high), _HALVES)


@intrinsic
def mix_lanes(typing, hashes, at, ids, to, size):
    """Mix `LANES` hashes in place and write their buckets."""

    def build(context, builder, signature, args):
        place = _place(context, builder, signature, args, 0, _LONGS)
        mixed = _mix(builder, builder.load(place, align=8))
        builder.store(mixed, place, align=8)
        target = _place(context, builder, signature, args, 2, _HALVES)
        builder.store(_buckets(builder, mixed, args[4]), target, align=4)
        return context.get_dummy_value()

    return types.void(hashes, types.uint64, ids, types.uint64, types.uint64), build


@intrinsic
def join_lanes(typing, shorter, before, hashes, at, grams, out, ids, to, size):
    """Join `LANES` n-grams of `shorter` with a token each; write the n-grams, and their buckets from last to first."""

    def build(context, builder, signature, args):
        prior = builder.load(_place(context, builder, signature, args, 0, _LONGS), align=8)
        token = builder.load(_place(context, builder, signature, args, 2, _LONGS), align=8)
        gram = _mix(builder, builder.add(builder.mul(prior, _same(_LONGS, ORDER)), token))
        builder.store(gram, _place(context, builder, signature, args, 4, _LONGS), align=8)
        found = _buckets(builder, gram, args[8])
        backwards = ir.Constant(_HALVES, list(range(LANES))[::-1])
        found = builder.shuffle_vector(found, ir.Constant(_HALVES, ir.Undefined), backwards)
        builder.store(found, _place(context, builder, signature, args, 6, _HALVES), align=4)
        return context.get_dummy_value()

    u = types.uint64
    return types.void(shorter, u, hashes, u, grams, u, ids, u, u), build
