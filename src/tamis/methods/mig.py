"""MIG: instructions that add most information to a graph of their tags."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.label_graph import InformationGain, by_name, propagation
from tamis.registry import method
from tamis.vocabulary import SetFunction, Tags


@method(
    paper="MIG: Automatic Data Selection for Instruction Tuning by Maximizing Information Gain in Semantic Space",
    no=154,
    year=2025,
    family="annotation",
    cost="O(n t + L² e), then the few gains that its bounds leave open; t tags a row, L tags in all",
    memory="8 n t + 56 n; t = 5, tags a row; tags and scores included; 64 more for each pair of near tags",
    bytes=lambda n, d, k, **_: 56 * n + 8 * 5 * n,
    streams=False,
    loses="when quality is noise, or tags do not say what the task needs; rows of many tags win unless norm is on",
)
def mig(
    tags: Tags,
    score: NDArray[np.float64],
    tag_embedding: NDArray[np.float32] | None = None,
    *,
    threshold: float = 0.9,
    prop_weight: float = 1.0,
    phi: Literal["pow", "exp"] = "pow",
    norm: bool = False,
    unlabelled: Literal["last", "drop"] = "last",
) -> SetFunction:
    """Rows of high quality whose tags, and tags near them, the rows before have said least about.

    With q_i the score and v_i = q_i Σ_{a ∈ tags(i)} onehot(a), P the propagation matrix, and x the sum of the rows
    taken, the next row has the largest

        u_i · φ'(x),    u_i = v_iᵀ P,    φ(x) = (x + 1e-6)^0.8 or 1 - e^-x,

    where `P[a, b]` is the cosine of the vectors of tags a and b if that is at least the threshold, 1 for a = b, divided
    by the sum of its column. So P does not conserve what a row emits: a tag with many near ones receives less from
    each. The gain is the released code's, linear in u: at x = 0 the slope is 12.7, so tags that nobody has yet come
    first. It shrinks as rows are taken, hence the lazy greedy used here finds the rows of the naive one.

    Args:
        tags: of each row.
        score: `float64 [n]`, quality, at least 0; in the paper the mean over turns of DEITA's quality × complexity.
        tag_embedding: `float32 [tags, e]`; without it no tag is near another.
        threshold: cosine from which tags are near.
        prop_weight: what is off the diagonal of P is multiplied with it, before columns are divided.
        phi: φ.
        norm: divide v by the number of the row's tags. Off, as in the published command, a row of many tags has more.
        unlabelled: rows without tags gain nothing: they come last, in row order, or are not chosen at all.

    Returns:
        The set function. `O(tags of the row)` for a gain; 56 bytes a row, 8 a tag of a row, 64 a pair of near tags. A
        high gain is high quality on tags of which little is known; it is no difference of any F. The reason names the
        row's tag that was least known.

    Raises `BadRow` for a score below 0; refuses a pool without tags, and a threshold that leaves more than 20 million
    pairs of near tags.

    Loses to random when quality is noise, or when tags do not say what the task needs.

    Examples:
        >>> names, codes = ["maths", "poems"], np.array([0, 0, 0, 1], np.int32)
        >>> found = mig(Tags(np.arange(5), codes, names), np.array([0.9, 0.8, 0.7, 0.1]))
        >>> [(found.best(np.ones(4, bool))[0], found.take(0)), found.gains(np.array([1, 2, 3])).round(2).tolist()]
        [(0, 'tag maths'), [0.65, 0.57, 1.27]]

    Source: Chen et al. 2025; `mig/sampler.py`, `mig/label.py` and `mig/cli.py` of its code.
    """
    if not tags.names:
        raise refusals.TAGS_NONE("--use tags")
    codes, order = by_name(tags.starts, tags.codes, tags.names)
    names = [tags.names[code] for code in order]
    vectors = None if tag_embedding is None else tag_embedding[order]
    graph = propagation(names, vectors, threshold=threshold, weight=prop_weight)
    counts = np.diff(tags.starts)
    amount = score / np.maximum(counts, 1) if norm else score
    found = InformationGain(tags.starts, codes, amount, graph, phi=phi, names=names)
    found.admitted = counts > 0 if unlabelled == "drop" else None
    return found
