"""Compiled n-grams of test items: their numbers, which of them documents hold, and the longest run in each document.

`tokens` are the 64-bit hashes of the tokens of all items, with a 0 behind each item, and a place is one in `tokens`.
`slots` is an open-addressing table of the first place of each n-gram; `bits` tell of most that they are not there.
Scratch arrays are those of `_ngram_kernels`, by the longest document.
"""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix
from tamis.ops._ngram_kernels import BYTES, FAST, IDS, LONGS, OFFSETS, TABLE, WORDS, hash_tokens, read_tokens
from tamis.ops._vector_instructions import ORDER

TOKENS = types.Array(types.uint64, 1, "C", readonly=True)
NUMBERS = types.Array(types.uint32, 1, "C", readonly=True)
FLAGS = types.boolean[::1]

NONE = 0xFFFFFFFF
_NONE = np.uint32(NONE)
_ORDER, _U1, _U6, _U24, _U63 = np.uint64(ORDER), np.uint64(1), np.uint64(6), np.uint64(24), np.uint64(63)


@njit(types.void(BYTES, OFFSETS, TABLE, WORDS, LONGS, LONGS, WORDS, WORDS), cache=True, **FAST)
def read_items(data, offsets, table, low, starts, ends, hashes, tokens):
    """Fill `tokens` with the hashes of all tokens, and a 0 behind each item."""
    filled = 0
    for d in range(len(offsets) - 1):
        found = read_tokens(data, offsets[d], offsets[d + 1], table, low.view(np.uint8), starts, ends)
        hash_tokens(low, starts, ends, found, hashes)
        for t in range(found):
            tokens[filled + t] = hashes[t]
        tokens[filled + found] = 0
        filled += found + 1


@njit(types.int64(TOKENS, types.int64, types.int64, WORDS), cache=True, **FAST)
def hash_grams(hashes, tokens, n, grams):
    """Write the hash of each run of n of the first `tokens` tokens; return how many: mix(h_1 P^(n-1) + … + h_n)."""
    count = max(tokens - n + 1, 0)
    if count == 0:
        return 0
    power, rolling = _U1, np.uint64(0)
    for k in range(n):
        rolling = rolling * _ORDER + hashes[k]
        power *= _ORDER
    grams[0] = rolling
    for i in range(1, count):
        rolling = rolling * _ORDER + hashes[i + n - 1] - hashes[i - 1] * power
        grams[i] = rolling
    for i in range(count):
        grams[i] = mix(grams[i])
    return count


@njit(types.int64(types.uint64, TOKENS, types.int64, types.int64, TOKENS, NUMBERS), cache=True, **FAST)
def find(gram, hashes, at, n, tokens, slots):
    """The first place of the n-gram `hashes[at:at + n]`, token by token the same, or -1 - the slot that is free."""
    last = np.uint64(len(slots) - 1)
    slot = gram & last
    while slots[slot] != _NONE:
        place = np.int64(slots[slot])
        k = 0
        while k < n and tokens[place + k] == hashes[at + k]:
            k += 1
        if k == n:
            return place
        slot = (slot + _U1) & last
    return -1 - np.int64(slot)


@njit(types.int64(TOKENS, OFFSETS, types.int64, WORDS, IDS, WORDS, IDS), cache=True, **FAST)
def number_grams(tokens, stops, n, grams, slots, bits, numbers):
    """Number the n-grams in the order of their first places, in `numbers` by place; return how many differ."""
    distinct = np.int64(0)
    for item in range(len(stops) - 1):
        begin = stops[item]
        own = tokens[begin : stops[item + 1] - 1]
        for i in range(hash_grams(own, len(own), n, grams)):
            place = find(grams[i], tokens, begin + i, n, tokens, slots)
            if place >= 0:
                numbers[begin + i] = numbers[place]
            else:
                slots[-1 - place] = begin + i
                bit = (grams[i] >> _U24) & np.uint64(64 * len(bits) - 1)
                bits[bit >> _U6] |= _U1 << (bit & _U63)
                numbers[begin + i] = distinct
                distinct += 1
    return distinct


@njit(types.int64(IDS, types.int64, types.int64, NUMBERS, types.int64, types.int64), cache=True, **FAST)
def agree(found, at, stop, numbers, place, equal):
    """How many n-grams `found[at:stop]` and those from `place` on have in common, of which `equal` are known to."""
    while at + equal < stop and found[at + equal] == numbers[place + equal]:
        equal += 1
    return equal


@njit(types.UniTuple(types.int64, 2)(IDS, types.int64, types.int64, NUMBERS, OFFSETS, OFFSETS), cache=True, **FAST)
def longest_from(found, at, stop, numbers, order, begins):
    """How many n-grams from `at` on are in a row in an item too, and where in `order` one such place is.

    A binary search among the places of the first n-gram, which `order` has in the order of what follows them.
    """
    low, high = begins[found[at]], begins[found[at] + _U1]
    before, behind = np.int64(1), np.int64(1)
    best, where = np.int64(1), low
    while low < high:
        middle = (low + high) // 2
        place = order[middle]
        equal = agree(found, at, stop, numbers, place, min(before, behind))
        if equal > best:
            best, where = equal, middle
        if at + equal == stop:
            break
        follows = numbers[place + equal]
        if follows == _NONE or follows < found[at + equal]:
            low, before = middle + 1, equal
        else:
            high, behind = middle, equal
    return best, where


@njit(types.int64(IDS, types.int64, types.int64, NUMBERS, OFFSETS, OFFSETS, types.int64), cache=True, **FAST)
def lowest_place(found, at, stop, numbers, order, begins, where):
    """The lowest place of the n-grams `found[at:stop]`, which are in a row at `order[where]` too."""
    first = np.uint64(found[at])
    low, high = begins[first], where
    while low < high:
        middle = (low + high) // 2
        if at + agree(found, at, stop, numbers, order[middle], 1) < stop:
            low = middle + 1
        else:
            high = middle
    lowest = order[low]
    left, right = where, begins[first + _U1]
    while left < right:
        middle = (left + right) // 2
        if at + agree(found, at, stop, numbers, order[middle], 1) < stop:
            right = middle
        else:
            left = middle + 1
    for k in range(low, right):
        lowest = min(lowest, order[k])
    return lowest


@njit(types.UniTuple(types.int64, 2)(IDS, types.int64, NUMBERS, OFFSETS, OFFSETS), cache=True, **FAST)
def longest_run(found, count, numbers, order, begins):
    """How many n-grams the first of the longest runs has that an item holds too, and the lowest place of that run."""
    best, begin, where, at = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    while at < count:
        stop = at
        while stop < count and found[stop] != _NONE:
            stop += 1
        while stop - at > best:
            length, here = longest_from(found, at, stop, numbers, order, begins)
            if length > best:
                best, begin, where = length, at, here
            at += 1
        at = stop + 1
    if best == 0:
        return best, np.int64(-1)
    return best, lowest_place(found, begin, begin + best, numbers, order, begins, where)


@njit(types.int64(OFFSETS, types.int64), cache=True, **FAST)
def item_at(stops, place):
    """The item that has this place."""
    low, high = np.int64(0), np.int64(len(stops) - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if stops[middle] <= place:
            low = middle
        else:
            high = middle
    return low


@njit(
    types.Tuple((types.float64, types.int64))(IDS, types.int64, types.int64, NUMBERS, OFFSETS, OFFSETS, OFFSETS),
    cache=True,
    **FAST,
)
def largest_share(found, count, n, numbers, order, begins, stops):
    """The largest share of an item's tokens that a run of the document is, and the first such item.

    Every place of every n-gram is followed as far as document and item agree, but where the run began before.
    """
    best, which, at = 0.0, np.int64(-1), np.int64(0)
    while at < count:
        stop = at
        while stop < count and found[stop] != _NONE:
            stop += 1
        for i in range(at, stop):
            for k in range(begins[found[i]], begins[found[i] + _U1]):
                place = order[k]
                if i > at and place > 0 and numbers[place - 1] == found[i - 1]:
                    continue
                item = item_at(stops, place)
                length = stops[item + 1] - stops[item] - 1
                if (stop - i + n - 1) < best * length:
                    continue
                share = (agree(found, i, stop, numbers, place, 1) + n - 1) / length
                if share > best or (share == best and item < which):
                    best, which = share, item
        at = stop + 1
    return best, which


@njit(
    types.UniTuple(types.int64, 2)(
        BYTES, OFFSETS, TABLE, types.int64, TOKENS, NUMBERS, NUMBERS, TOKENS, OFFSETS, OFFSETS, OFFSETS,
        WORDS, LONGS, LONGS, WORDS, WORDS, IDS, IDS, LONGS, LONGS, types.float32[::1], LONGS,
    ),
    cache=True,
    **FAST,
)  # fmt: skip
def scan_documents(
    data, offsets, table, n, tokens, numbers, slots, bits, order, begins, stops,
    low, starts, ends, hashes, grams, found, hits, longest, places, shares, share_items,
):  # fmt: skip
    """Write the number of every n-gram of an item to `hits`, and each document's longest run and the place of it.

    Also the largest share of an item that is a run of the document, and that item.

    Returns how many hits there are, and how many tokens.
    """
    filled, read = np.int64(0), np.int64(0)
    last = np.uint64(64 * len(bits) - 1)
    for d in range(len(offsets) - 1):
        own = read_tokens(data, offsets[d], offsets[d + 1], table, low.view(np.uint8), starts, ends)
        read += own
        longest[d], places[d], shares[d], share_items[d] = 0, -1, 0, -1
        if own < n:
            continue
        hash_tokens(low, starts, ends, own, hashes)
        count = hash_grams(hashes, own, n, grams)
        before = filled
        for i in range(count):
            found[i] = _NONE
            bit = (grams[i] >> _U24) & last
            if (bits[bit >> _U6] >> (bit & _U63)) & _U1:
                place = find(grams[i], hashes, i, n, tokens, slots)
                if place >= 0:
                    found[i] = numbers[place]
                    hits[filled] = numbers[place]
                    filled += 1
        if filled > before:
            run, places[d] = longest_run(found, count, numbers, order, begins)
            longest[d] = run + n - 1
            share, share_items[d] = largest_share(found, count, n, numbers, order, begins, stops)
            shares[d] = np.float32(share)
    return filled, read


@njit(types.void(IDS, types.int64, IDS), cache=True, **FAST)
def add_hits(hits, filled, counts):
    """Add one to the count of every hit, up to the largest number there is room for."""
    for i in range(filled):
        counts[hits[i]] += counts[hits[i]] < _NONE


@njit(
    types.void(OFFSETS, types.int64, NUMBERS, NUMBERS, types.int64, types.int64, FLAGS, types.float64[:, ::1]),
    cache=True,
    **FAST,
)
def score_items(stops, n, numbers, counts, mincount, skip_budget, covered, out):
    """Fill the four columns of `contamination_scores.ItemScores` for each item of n tokens or more."""
    for item in range(len(stops) - 1):
        begin, length = stops[item], stops[item + 1] - stops[item] - 1
        if length < n:
            continue
        matched, inside, reach = 0, 0, 0
        for t in range(length):
            if t <= length - n and counts[numbers[begin + t]] >= mincount:
                matched += 1
                reach = t + n
            covered[t] = t < reach
            inside += covered[t]
        bridged, longest, first, gap, skipped = 0, 0, 0, 0, 0
        for t in range(length):
            if not covered[t]:
                gap += 1
                skipped += 1
                continue
            if gap <= skip_budget and gap < t:
                bridged += gap
            gap = 0
            while skipped > skip_budget or not covered[first]:
                skipped -= not covered[first]
                first += 1
            longest = max(longest, t - first + 1)
        out[item, 0] = matched / (length - n + 1)
        out[item, 1] = inside / length
        out[item, 2] = (inside + bridged) / length
        out[item, 3] = longest / length
