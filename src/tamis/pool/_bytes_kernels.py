"""Compiled work on bytes, a vector of them at a time: the UTF-8 check, and instructions for other kernels.

Numba does not notice when a kernel in another module was compiled from an older version of these instructions.
"""

from functools import reduce
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BYTES = types.Array(types.uint8, 1, "C", readonly=True)
WIDTH = 32
# Without `_nrt=False` references to arrays are counted, in atomic steps that cost more than to scan a short string.
FAST: dict[str, Any] = {"nogil": True, "_nrt": False}
VECTOR = ir.VectorType(ir.IntType(8), WIDTH)


def _place(context, builder, array_type, array, at):
    """The address of byte `at` of `array`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [at])


def _constant(byte):
    """A vector of `WIDTH` equal bytes."""
    return ir.Constant(VECTOR, [byte] * WIDTH)


def _load(context, builder, signature, args, back=0):
    """The vector of `WIDTH` bytes that starts `back` before byte `at`, which need not be aligned."""
    at = builder.sub(args[1], ir.Constant(ir.IntType(64), back))
    place = _place(context, builder, signature.args[0], args[0], at)
    return builder.load(builder.bitcast(place, VECTOR.as_pointer()), align=1)


@intrinsic
def plain_run(typing, data, at):
    """How many of the next `WIDTH` bytes precede a quote, backslash or control character; 64 if none of them is one."""

    def build(context, builder, signature, args):
        loaded = _load(context, builder, signature, args)
        quote = builder.icmp_unsigned("==", loaded, _constant(ord('"')))
        slash = builder.icmp_unsigned("==", loaded, _constant(ord("\\")))
        control = builder.icmp_unsigned("<", loaded, _constant(32))
        bits = builder.bitcast(builder.or_(builder.or_(quote, slash), control), ir.IntType(WIDTH))
        return builder.cttz(builder.zext(bits, ir.IntType(64)), ir.Constant(ir.IntType(1), 0))

    return types.int64(data, types.int64), build


@intrinsic
def _high(typing, data, at):
    """Whether any of `WIDTH` bytes or of the three before them is not ASCII."""

    def build(context, builder, signature, args):
        either = builder.or_(_load(context, builder, signature, args), _load(context, builder, signature, args, 3))
        bits = builder.bitcast(builder.icmp_signed("<", either, _constant(0)), ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(data, types.int64), build


@intrinsic
def _not_utf8(typing, data, at):
    """Whether any of `WIDTH` bytes may not stand where it stands, given the three bytes before each."""

    def build(context, builder, signature, args):
        byte, first, second, third = (_load(context, builder, signature, args, back) for back in range(4))

        def least(vector, bound):
            return builder.icmp_unsigned(">=", vector, _constant(bound))

        def after(lead, wrong):
            return builder.and_(builder.icmp_unsigned("==", first, _constant(lead)), wrong)

        due = builder.or_(builder.or_(least(first, 0xC0), least(second, 0xE0)), least(third, 0xF0))
        faults = [
            builder.xor(due, builder.icmp_signed("<", byte, _constant(0xC0))),
            least(byte, 0xF5),
            builder.icmp_unsigned("==", builder.and_(byte, _constant(0xFE)), _constant(0xC0)),
            after(0xE0, builder.not_(least(byte, 0xA0))),
            after(0xED, least(byte, 0xA0)),
            after(0xF0, builder.not_(least(byte, 0x90))),
            after(0xF4, least(byte, 0x90)),
        ]
        bits = builder.bitcast(reduce(builder.or_, faults), ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(data, types.int64), build


@intrinsic
def copy(typing, out, to, data, at, count):
    """Copy `count` bytes of `data` from `at` to place `to` of `out`."""

    def build(context, builder, signature, args):
        target = _place(context, builder, signature.args[0], args[0], args[1])
        source = _place(context, builder, signature.args[2], args[2], args[3])
        cgutils.raw_memcpy(builder, target, source, args[4], 1)
        return context.get_dummy_value()

    return types.void(out, types.int64, data, types.int64, types.int64), build


@njit(types.boolean(BYTES), cache=True, **FAST)
def is_utf8(data):
    """Whether all bytes behind the first `WIDTH` may follow those before them; there must be `WIDTH` or more."""
    last = data.size - WIDTH
    for at in range(WIDTH, last, WIDTH):
        if _high(data, at) and _not_utf8(data, at):
            return False
    return not _not_utf8(data, last)
