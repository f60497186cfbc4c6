"""What the report draws: groups, lengths, scores and text statistics of pool and selection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 40
BLOCK = 1 << 20
GROUPS = 40
POINTS = 200
CAP = 1 << 20


def groups(column: str, names: Sequence[str], codes: NDArray[np.int32], kept: NDArray[np.int64]) -> dict[str, Any]:
    """Rows of each group in the pool and among the kept, most kept first; the rest of many groups in one line."""
    pool = np.zeros(len(names), np.int64)
    for start in range(0, len(codes), BLOCK):
        pool += np.bincount(codes[start : start + BLOCK], minlength=len(names))
    chosen = np.bincount(codes[kept], minlength=len(names))
    order = np.lexsort((np.arange(len(names)), -pool, -chosen))
    rows = [{"group": names[i], "pool": int(pool[i]), "kept": int(chosen[i])} for i in order[:GROUPS]]
    rest = order[GROUPS:]
    others = (
        {"groups": len(rest), "pool": int(pool[rest].sum()), "kept": int(chosen[rest].sum())} if len(rest) else None
    )
    return {"column": column, "rows": rows, "others": others}


def lengths(
    length: NDArray[np.int64], kept: NDArray[np.int64], target: NDArray[np.int64] | None
) -> dict[str, Any] | None:
    """Histograms of characters on a log scale, and medians, of pool, selection and target."""
    if not len(length):
        return None
    top = max(int(length.max()), int(target.max()) if target is not None else 0, 2)
    edges = np.unique(np.round(np.geomspace(1, top + 1, BINS + 1)).astype(np.int64)).astype(float)
    edges[0] = 0.0
    sets = {"pool": length, "kept": length[np.sort(kept)], "target": target}
    found = {name: None if values is None else histogram(values, edges) for name, values in sets.items()}
    medians = {name: median(values) for name, values in sets.items() if values is not None}
    return {"unit": "characters", "edges": edges.tolist(), **found, "median": medians}


def gains(values: NDArray[np.float64]) -> dict[str, Any] | None:
    """What each row added when it was taken, at most `POINTS` of them, and what the first tenth and half add together.

    Points are denser at the beginning, where gains fall fastest. Gains that are not finite are no points and make all
    sums unknown.

    Examples:
        >>> found = gains(np.array([4.0, 2.0, 1.0, 1.0]))
        >>> found["taken"], found["gains"], found["first"]
        ([1, 2, 3, 4], [4.0, 2.0, 1.0, 1.0], [{'rows': 1, 'gain': 4.0}, {'rows': 2, 'gain': 6.0}])
    """
    k = len(values)
    if not k:
        return None
    taken = np.unique(np.round(np.geomspace(1, k, POINTS)).astype(np.int64)) if k > POINTS else np.arange(1, k + 1)
    taken = taken[np.isfinite(values[taken - 1])]
    parts = sorted({-(-k // 10), -(-k // 2)} - {k}) if np.isfinite(values).all() else []
    return {
        "taken": taken.tolist(),
        "gains": values[taken - 1].tolist(),
        "first": [{"rows": rows, "gain": float(np.sum(values[:rows]))} for rows in parts],
        "below_zero": int(np.count_nonzero(values < 0)),
    }


def weights(values: NDArray[np.float32]) -> dict[str, float] | None:
    """The smallest, median and largest weight; None where all are 1."""
    if not len(values) or (values == 1).all():
        return None
    middle = float(np.median(values.astype(np.float64)))
    return {"smallest": float(values.min()), "median": middle, "largest": float(values.max())}


def median(values: NDArray[np.int64]) -> float:
    """The median of whole numbers from 0, by counting: a memory-mapped column is not copied.

    Examples:
        >>> median(np.array([7, 1, 2, 9]))
        4.5
    """
    counts = np.zeros(int(values.max()) + 1 if int(values.max()) < CAP else CAP, np.int64)
    for start in range(0, len(values), BLOCK):
        counts += np.bincount(np.minimum(values[start : start + BLOCK], len(counts) - 1), minlength=len(counts))
    middle = np.searchsorted(np.cumsum(counts), [(len(values) - 1) // 2, len(values) // 2], side="right")
    return float(middle.mean()) if middle.max() < len(counts) - 1 else float(np.median(values))


def histogram(values: NDArray[Any], edges: NDArray[np.float64], mask: NDArray[np.bool_] | None = None) -> list[int]:
    """Counts of values between edges, the last edge included, block by block."""
    counts = np.zeros(len(edges) - 1, np.int64)
    for start in range(0, len(values), BLOCK):
        block = np.asarray(values[start : start + BLOCK], np.float64)
        block = block if mask is None else block[mask[start : start + BLOCK]]
        counts += np.histogram(block, edges)[0]
    return [int(count) for count in counts]


def scores(
    target: str | None,
    column: NDArray[np.float64],
    eligible: NDArray[np.bool_],
    kept: NDArray[np.int64],
    sharp: str | None,
) -> dict[str, Any]:
    """Histogram of one column of scores over eligible rows and kept ones.

    `sharp` says on which side of the cut all kept rows lie (`above` or `below`); None when the choice was a draw or
    was bound by limits, so that no single value divides kept from dropped.
    """
    low = min(float(np.min(column[block], where=eligible[block], initial=np.inf)) for block in _blocks(len(column)))
    high = max(float(np.max(column[block], where=eligible[block], initial=-np.inf)) for block in _blocks(len(column)))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    chosen = column[np.sort(kept)]
    cut = None if sharp is None or not len(chosen) else float(chosen.min() if sharp == "above" else chosen.max())
    return {
        "target": target,
        "edges": edges.tolist(),
        "eligible": histogram(column, edges, eligible),
        "kept": histogram(chosen, edges),
        "cut": cut,
    }


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def text(names: Sequence[str], pool: Any, targets: Sequence[Any], kept: Any) -> dict[str, Any]:
    """KL reduction against each target, `KL(target || pool) - KL(target || kept)` in nats, and n-gram diversity.

    The counts come in 100,000 buckets and are compared in 10,000, as the measure was published; a bucket is the high
    bits of a hash, so that ten neighbours make one of the coarser ones.
    """
    from tamis.ops import ngrams

    pool, kept, targets = _coarse(pool), _coarse(kept), [_coarse(target) for target in targets]
    rows = []
    for name, target in zip(names, targets, strict=True):
        before = ngrams.kl_divergence(target.counts, pool.counts)
        after = ngrams.kl_divergence(target.counts, kept.counts)
        rows.append({"target": name, "kl_pool": before, "kl_kept": after, "kl_reduction": before - after})
    both = targets[0]
    for target in targets[1:]:
        both = ngrams.merge(both, target)
    return {
        "targets": rows,
        "kl_reduction": float(np.mean([row["kl_reduction"] for row in rows])),
        "diversity": {
            "pool": ngrams.diversity(pool.counts),
            "kept": ngrams.diversity(kept.counts),
            "target": ngrams.diversity(both.counts),
        },
    }


def _coarse(found: Any) -> Any:
    return found._replace(counts=found.counts.reshape(10_000, -1).sum(axis=1))
