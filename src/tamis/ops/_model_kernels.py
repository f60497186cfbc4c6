"""Compiled n-gram model: a trie in one open-addressing table, its counts, its weights, and the bits of documents.

A node is an n-gram. Its row in `nodes`, `uint32[slots + 1, 4 or 8]`, holds

    0 PARENT   the row of the n-gram without its last token; EMPTY where the row is free
    1 TOKEN    its last token
    2 SUFFIX   the row of the n-gram without its first token
    3 COUNT    its adjusted count
    4 5        as one float64: -log2 p of it
    6 7        as one float64: -log2 γ of it as a context

and the root, the empty n-gram, has the last row, which no search reaches. Parent and token are compared in full, so
nothing depends on hashes being distinct. Every search waits for memory: hence several documents, each in a lane, are
read in turn, and what a lane will look at next is fetched while the others work.
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

PARENT, TOKEN, SUFFIX, COUNT = 0, 1, 2, 3
BITS, BACKOFF = 2, 3
EMPTY = np.uint32(0xFFFFFFFF)
DOCUMENT, POSITION, STOP, STATE, DEPTH = 0, 1, 2, 3, 4
NEXT, USED = 0, 1
AHEAD = 32

_S32 = np.uint64(32)
_NODES, _VALUES, _DEPTHS, _DOUBLES = types.uint32[:, ::1], types.float64[:, ::1], types.uint8[::1], types.float64[::1]
_LONGS, _LANES = types.int64[::1], types.int64[:, ::1]
_OFFSETS = types.Array(types.int64, 1, "C", readonly=True)
_TOKENS = [types.Array(kind, 1, "C", readonly=True) for kind in (types.uint8, types.int32)]


@intrinsic
def prefetch(typing, array, place):
    """Ask for the memory of an element, counted over all rows, before it is needed."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        call = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        address = builder.bitcast(builder.gep(data, [args[1]]), byte)
        builder.call(call, [address, *(ir.Constant(word, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.none(array, types.uint64), build


@njit(types.uint64(_NODES, types.uint32, types.uint32), cache=True, **FAST)
def home(nodes, parent, token):
    """The row where the search for a child begins."""
    return ((mix((np.uint64(parent) << _S32) | np.uint64(token)) >> _S32) * np.uint64(len(nodes) - 1)) >> _S32


@njit(types.uint32(_NODES, types.uint32, types.uint32), cache=True, **FAST)
def find(nodes, parent, token):
    """The row of a child, or the free row where it belongs."""
    slots = np.uint64(len(nodes) - 1)
    slot = home(nodes, parent, token)
    while nodes[slot, PARENT] != EMPTY and (nodes[slot, PARENT] != parent or nodes[slot, TOKEN] != token):
        slot += np.uint64(1)
        if slot == slots:
            slot = np.uint64(0)
    return np.uint32(slot)


@njit(types.void(_NODES, _DEPTHS, types.uint32, types.uint32, types.uint32, types.int64), cache=True, **FAST)
def add(nodes, depths, slot, parent, token, depth):
    """Fill a free row with a node that was not counted yet."""
    nodes[slot, PARENT] = parent
    nodes[slot, TOKEN] = token
    nodes[slot, COUNT] = 0
    depths[slot] = depth


@njit(types.int64(_NODES, _DEPTHS, types.uint32, types.uint32, types.int64), cache=True, **FAST)
def add_suffixes(nodes, depths, slot, token, depth):
    """Link a new node to its suffix, of which it is one more left extension, and add those that are new as well.

    Returns how many nodes were added.
    """
    root = np.uint32(len(nodes) - 1)
    added = 0
    while depth > 1:
        depth -= 1
        shorter = nodes[nodes[slot, PARENT], SUFFIX]
        suffix = find(nodes, shorter, token)
        nodes[slot, SUFFIX] = suffix
        known = nodes[suffix, PARENT] != EMPTY
        if not known:
            add(nodes, depths, suffix, shorter, token, depth)
            added += 1
        nodes[suffix, COUNT] += 1
        if known:
            return added
        slot = suffix
    nodes[slot, SUFFIX] = root
    return added


@njit(types.boolean(_LANES, types.int64, _OFFSETS, types.int64, _LONGS, types.uint32, types.int64), cache=True, **FAST)
def is_busy(lanes, lane, starts, ends, at, first, depth):
    """Whether a lane has a token to read; it takes the next document when it is through with one."""
    if lanes[lane, POSITION] < lanes[lane, STOP]:
        return True
    while at[NEXT] < len(starts) - 1:
        document = at[NEXT]
        at[NEXT] += 1
        if starts[document] < starts[document + 1] + ends:
            lanes[lane, DOCUMENT], lanes[lane, POSITION] = document, starts[document]
            lanes[lane, STOP], lanes[lane, STATE], lanes[lane, DEPTH] = starts[document + 1] + ends, first, depth
            return True
    return False


@njit([types.uint32(tokens, types.int64, types.int64, types.int64) for tokens in _TOKENS], cache=True, **FAST)
def read(tokens, i, end, vocabulary):
    """The i-th token, or the end of the document."""
    return np.uint32(tokens[i]) if i < end else np.uint32(vocabulary)


@njit(
    [types.boolean(tokens, _OFFSETS, types.int64, types.int64, types.int64, _NODES, _DEPTHS, _LANES, _LONGS)
     for tokens in _TOKENS],
    cache=True, **FAST,
)  # fmt: skip
def count(tokens, starts, order, vocabulary, limit, nodes, depths, lanes, at):
    """Count from where `lanes` and `at` are until all is counted, or more than `limit` nodes may be needed: then False.

    The n-gram that ends at a token is the longest one up to `order`, begin included; it alone is counted here, and a
    shorter one counts its left extensions as they are added.
    """
    root, width = np.uint32(len(nodes) - 1), np.uint64(nodes.shape[1])
    first, first_depth = root, 0
    if order > 1:
        first, first_depth = find(nodes, root, np.uint32(vocabulary + 1)), 1
    busy = True
    while busy:
        busy = False
        for lane in range(len(lanes)):
            if at[USED] + order > limit:
                return False
            if not is_busy(lanes, lane, starts, 1, at, first, first_depth):
                continue
            busy = True
            i, end = lanes[lane, POSITION], lanes[lane, STOP] - 1
            state, depth = np.uint32(lanes[lane, STATE]), lanes[lane, DEPTH]
            token = read(tokens, i, end, vocabulary)
            slot = find(nodes, state, token)
            if nodes[slot, PARENT] == EMPTY:
                add(nodes, depths, slot, state, token, depth + 1)
                at[USED] += 1 + add_suffixes(nodes, depths, slot, token, depth + 1)
            nodes[slot, COUNT] += 1
            if depth + 1 < order:
                state = slot
                lanes[lane, DEPTH] = depth + 1
            else:
                state = nodes[slot, SUFFIX]
            lanes[lane, POSITION], lanes[lane, STATE] = i + 1, state
            if i < end:
                token = read(tokens, i + 1, end, vocabulary)
                prefetch(nodes, home(nodes, state, token) * width)
                prefetch(nodes, home(nodes, nodes[state, SUFFIX], token) * width)
    return True


@njit(types.void(_DEPTHS, _LONGS, types.uint32[::1]), cache=True, **FAST)
def sort_rows(depths, stops, rows):
    """Fill `rows` with those that are taken, by the length of their n-gram: those of length d end at `stops[d]`."""
    for slot in range(len(depths)):
        stops[depths[slot]] += 1
    stops[0] = 0
    for depth in range(1, len(stops)):
        stops[depth] += stops[depth - 1]
    for slot in range(len(depths) - 1, -1, -1):
        if depths[slot] > 0:
            stops[depths[slot]] -= 1
            rows[stops[depths[slot]]] = slot
    for depth in range(1, len(stops) - 1):
        stops[depth] = stops[depth + 1]
    stops[-1] = len(rows)


@njit(types.void(_NODES, _DEPTHS, types.uint32[::1], _NODES, _DEPTHS, types.uint32[::1]), cache=True, **FAST)
def move(nodes, depths, rows, into, into_depths, places):
    """Copy all nodes to another table, in the order of `rows`; `places` receives the new row of each old one."""
    root, width, n = len(into) - 1, np.uint64(into.shape[1]), len(rows)
    places[len(nodes) - 1] = root
    into[root, SUFFIX] = root
    for k in range(n):
        soon, sooner = rows[min(k + 2 * AHEAD, n - 1)], rows[min(k + AHEAD, n - 1)]
        prefetch(places, np.uint64(nodes[soon, PARENT]))
        prefetch(places, np.uint64(nodes[soon, SUFFIX]))
        prefetch(into, home(into, places[nodes[sooner, PARENT]], nodes[sooner, TOKEN]) * width)
        slot = rows[k]
        parent = places[nodes[slot, PARENT]]
        place = find(into, parent, nodes[slot, TOKEN])
        into[place, PARENT] = parent
        into[place, TOKEN] = nodes[slot, TOKEN]
        into[place, SUFFIX] = places[nodes[slot, SUFFIX]]
        into[place, COUNT] = nodes[slot, COUNT]
        into_depths[place] = depths[slot]
        places[slot] = place


@njit(types.void(_NODES, types.uint32[::1], types.int64[::1], types.int64[:, ::1]), cache=True, **FAST)
def tally(nodes, rows, stops, found):
    """Of each order the number of n-grams, `found[order - 1, 0]`, and of those counted 1 to 4 times."""
    for depth in range(1, len(stops)):
        for k in range(stops[depth - 1], stops[depth]):
            counted = nodes[rows[k], COUNT]
            found[depth - 1, 0] += counted > 0
            if 0 < counted < 5:
                found[depth - 1, counted] += 1


@njit(types.void(_NODES, _VALUES, types.uint32[::1], _LONGS, types.float64[:, ::1], _DOUBLES), cache=True, **FAST)
def weigh(nodes, values, rows, stops, discounts, totals):
    """Fill the `values` of every node, the same memory as `nodes` as float64.

    Before, `totals` and the values are zeros, but that of the root is the probability of every token in no context.
    """
    root, n = len(nodes) - 1, len(rows)
    width = np.uint64(values.shape[1])
    for depth in range(1, len(stops)):
        for k in range(stops[depth - 1], stops[depth]):
            soon = np.uint64(nodes[rows[min(k + AHEAD, n - 1)], PARENT])
            prefetch(values, soon * width)
            prefetch(totals, soon)
            parent, counted = nodes[rows[k], PARENT], nodes[rows[k], COUNT]
            totals[parent] += counted
            values[parent, BACKOFF] += discounts[depth - 1, min(counted, 3)]
    for slot in range(root + 1):
        values[slot, BACKOFF] = values[slot, BACKOFF] / totals[slot] if totals[slot] > 0.0 else 1.0
    for depth in range(1, len(stops)):
        for k in range(stops[depth - 1], stops[depth]):
            soon = rows[min(k + AHEAD, n - 1)]
            prefetch(values, np.uint64(nodes[soon, PARENT]) * width)
            prefetch(values, np.uint64(nodes[soon, SUFFIX]) * width)
            prefetch(totals, np.uint64(nodes[soon, PARENT]))
            slot = rows[k]
            parent, counted = nodes[slot, PARENT], nodes[slot, COUNT]
            share = (counted - discounts[depth - 1, min(counted, 3)]) / max(totals[parent], 1.0)
            values[slot, BITS] = share + values[parent, BACKOFF] * values[nodes[slot, SUFFIX], BITS]
    for slot in range(root + 1):
        if slot == root or values[slot, BITS] > 0.0:
            values[slot, BITS] = -math.log2(values[slot, BITS])
            values[slot, BACKOFF] = -math.log2(values[slot, BACKOFF])


@njit(
    [types.void(tokens, _OFFSETS, types.int64, types.int64, types.int64, _NODES, _VALUES, _LANES, _LONGS, _DOUBLES)
     for tokens in _TOKENS],
    cache=True, **FAST,
)  # fmt: skip
def sum_bits(tokens, starts, ends, order, vocabulary, nodes, values, lanes, at, sums):
    """Sum the bits of each document's tokens, and of its end if `ends` is 1 and not 0.

    A token costs the bits of the longest known n-gram that ends at it, and the backoff of every context longer than
    that n-gram allows.
    """
    root, width = np.uint32(len(nodes) - 1), np.uint64(nodes.shape[1])
    first, first_depth = root, 0
    if order > 1:
        first, first_depth = find(nodes, root, np.uint32(vocabulary + 1)), 1
    busy = True
    while busy:
        busy = False
        for lane in range(len(lanes)):
            if not is_busy(lanes, lane, starts, ends, at, first, first_depth):
                continue
            busy = True
            document, i = lanes[lane, DOCUMENT], lanes[lane, POSITION]
            end = lanes[lane, STOP] - ends
            state, depth = np.uint32(lanes[lane, STATE]), lanes[lane, DEPTH]
            slot = find(nodes, state, read(tokens, i, end, vocabulary))
            if nodes[slot, PARENT] != EMPTY:
                sums[document] += values[slot, BITS]
                i += 1
                if depth + 1 < order:
                    state = slot
                    depth += 1
                else:
                    state = nodes[slot, SUFFIX]
            else:
                sums[document] += values[state, BACKOFF]
                if state == root:
                    sums[document] += values[root, BITS]
                    i += 1
                else:
                    state = nodes[state, SUFFIX]
                    depth -= 1
            lanes[lane, POSITION], lanes[lane, STATE], lanes[lane, DEPTH] = i, state, depth
            if i < lanes[lane, STOP]:
                prefetch(nodes, home(nodes, state, read(tokens, i, end, vocabulary)) * width)
