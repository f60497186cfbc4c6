"""An n-gram model with interpolated modified Kneser–Ney smoothing, over documents of integer tokens.

Every document is w_1 … w_T, then its end; what precedes it is one begin, so that the context of w_i is the n - 1
tokens before it, or fewer and the begin. The V tokens and the end can be predicted, the begin cannot. With a(x) the
adjusted count of an n-gram x (how often it occurs, if x has n tokens or starts with the begin; else how many different
tokens, or the begin, precede it), h a context and h' the same without its first token,

    p(w | h) = (a(hw) - D(a(hw))) / Σ_v a(hv) + γ(h) p(w | h'),   γ(h) = Σ_v D(a(hv)) / Σ_v a(hv)
    D(0) = 0,  D(c) = k - (k + 1) Y t_{k+1} / t_k  with  k = min(c, 3),  Y = t_1 / (t_1 + 2 t_2)

where t_k counts the n-grams of that order with adjusted count k. p(w | h) = p(w | h') where h was never seen, and below
the empty context lies the uniform 1 / (V + 1): nothing has probability zero. Where t_1, t_2 or t_3 is zero, or a
discount is not in (0, k], that order takes the discounts 0.5, 1 and 1.5. Counted are whole documents, whatever weight
they may have. All this is what KenLM's `lmplz` does with `--discount_fallback`, in double precision; only the t_k can
differ by one, since KenLM takes the last n-gram of each order with its plain count.

Source: Chen and Goodman 1998, An Empirical Study of Smoothing Techniques for Language Modeling, section 3; Heafield,
Pouzyrevsky, Clark and Koehn 2013, Scalable Modified Kneser-Ney Language Model Estimation.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Nodes = NDArray[np.uint32]
Tokens = NDArray[np.uint8] | NDArray[np.int32]

BYTES = 256
MOST_ORDERS = 32
FULL = 0.7
FALLBACK = (0.0, 0.5, 1.0, 1.5)

FIRST_SLOTS = 1 << 12
LANES = 16


class Model(NamedTuple):
    """A fitted model: a trie of n-grams, whose rows `_model_kernels` describes, in a table filled to `FULL`.

    Args:
        order: n.
        vocabulary: V; tokens are 0 … V - 1.
        grams: `int64[order]`, different n-grams of each order, without those that end in a begin.
        discounts: `float64[order, 4]`, D(0) … D(3) of each order.
        nodes: `uint32[slots + 1, 8]`, of which the last four columns are two `float64`.
    """

    order: int
    vocabulary: int
    grams: Longs
    discounts: Floats
    nodes: Nodes


def fit(tokens: Tokens, starts: Longs, order: int, vocabulary: int = BYTES) -> Model:
    """Fit a model to documents, the i-th of which is `tokens[starts[i]:starts[i + 1]]`.

    `tokens` are `uint8` or `int32`, fewer than 2^32, and `starts` `int64[n + 1]`, so that `ops.text_buffers` of a
    column of text are both arguments for bytes. Every document counts once. The order of documents changes nothing but
    the last digits. O(tokens + order * n-grams) time; 46 bytes for each different n-gram when done, on the way up to
    120 and 2 for each token.

    Examples:
        >>> model = fit(np.frombuffer(b"abracadabra", np.uint8), np.array([0, 11]), order=2)
        >>> model.grams.tolist()
        [6, 9]
    """
    _check(tokens[starts[0] : starts[-1]], order, vocabulary)
    nodes, rows, stops = _counted(tokens, starts, order, vocabulary)
    found = np.zeros((order, 5), np.int64)
    _kernels().tally(nodes, rows, stops, found)
    discounts = np.array([_discounts(counts) for counts in found])
    values = nodes.view(np.float64)
    values[-1, _kernels().BITS] = 1 / (vocabulary + 1)
    _kernels().weigh(nodes, values, rows, stops, discounts, np.zeros(len(nodes)))
    return Model(order, vocabulary, found[:, 0], discounts, nodes)


def bits(model: Model, tokens: Tokens, starts: Longs, *, end: bool = True) -> Floats:
    """Bits of each document, `-Σ_i log2 p(w_i | context)`, `float64[n]`; with those of its end unless told otherwise.

    With the ends the bits are those of a code in which whole documents could be written one after the other. O(tokens)
    time, no memory besides the result.

    Examples:
        >>> text = np.frombuffer(b"abracadabra", np.uint8)
        >>> model = fit(text, np.array([0, 11]), order=3)
        >>> bits(model, text, np.array([0, 4, 8, 11])).round(2).tolist()
        [3.69, 10.84, 8.0]
    """
    _check(tokens[starts[0] : starts[-1]], model.order, model.vocabulary)
    sums = np.zeros(len(starts) - 1)
    values = model.nodes.view(np.float64)
    _kernels().sum_bits(tokens, starts, int(end), *model[:2], model.nodes, values, *_lanes(len(sums)), sums)
    return sums


def check_order(order: int) -> None:
    """Refuse an order that no model can have."""
    if not 1 <= order <= MOST_ORDERS:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"order={order}", accepted=f"1 to {MOST_ORDERS}")


def _check(tokens: Tokens, order: int, vocabulary: int) -> None:
    check_order(order)
    least, most = (int(tokens.min()), int(tokens.max())) if len(tokens) else (0, 0)
    if least < 0 or not most < vocabulary < 1 << 31:
        accepted = f"more than the largest token, {most}, of tokens from 0 on"
        raise refusals.PARAMETER_OUT_OF_RANGE(f"vocabulary={vocabulary}", accepted=accepted)


def _counted(tokens: Tokens, starts: Longs, order: int, vocabulary: int) -> tuple[Nodes, Nodes, Longs]:
    """The trie with adjusted counts, its rows that are taken, shorter n-grams first, and where each length ends."""
    kernels = _kernels()
    root = max(FIRST_SLOTS, int(starts[-1] - starts[0]) // 8)
    nodes, depths = _table(root, 4)
    nodes[root, kernels.SUFFIX] = root
    lanes, at = _lanes(len(starts) - 1)
    if order > 1:
        begin = kernels.find(nodes, root, vocabulary + 1)
        kernels.add(nodes, depths, begin, root, vocabulary + 1, 1)
        nodes[begin, kernels.SUFFIX] = root
        at[kernels.USED] = 1
    while True:
        limit = int(FULL * (len(nodes) - 1))
        done = kernels.count(tokens, starts, order, vocabulary, limit, nodes, depths, lanes, at)
        used = at[kernels.USED]
        stops, rows = np.zeros(order + 1, np.int64), np.empty(used, np.uint32)
        kernels.sort_rows(depths, stops, rows)
        slots = int((used + 1) / FULL) + 1 if done else 2 * (len(nodes) - 1)
        into, into_depths = _table(slots, 8 if done else 4)
        places = np.zeros(len(nodes), np.uint32)
        kernels.move(nodes, depths, rows, into, into_depths, places)
        if done:
            return into, places[rows], stops
        nodes, depths = into, into_depths
        lanes[:, kernels.STATE] = places[lanes[:, kernels.STATE]]


def _table(slots: int, columns: int) -> tuple[Nodes, NDArray[np.uint8]]:
    nodes = np.zeros((slots + 1, columns), np.uint32)
    nodes[:, 0] = _kernels().EMPTY
    return nodes, np.zeros(slots + 1, np.uint8)


def _lanes(documents: int) -> tuple[Longs, Longs]:
    return np.zeros((min(LANES, documents), 5), np.int64), np.zeros(2, np.int64)


def _discounts(counts: Longs) -> tuple[float, ...]:
    """D(0) … D(3) of an order, given how many of its n-grams have adjusted count 1 … 4 as `counts[1:]`."""
    t = counts.astype(float)
    if t[1:4].all():
        y = t[1] / (t[1] + 2 * t[2])
        found = [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
        if all(0 < discount <= k for k, discount in enumerate(found, 1)):
            return (0.0, *found)
    return FALLBACK


def _kernels() -> Any:
    from tamis.ops import _model_kernels

    return _model_kernels
