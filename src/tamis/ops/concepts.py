"""Clusters of examples as concepts: how many to look for, how complex each is, and what is said of them."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.centroids import BLOCK_BYTES
from tamis.ops.kmeans import ROWS_PER_SEED, Clusters, kmeans

Floats = NDArray[np.float64]

FIT_ROWS, FIT_ROWS_PER_CLUSTER = 65_536, 256


def concepts(
    embedding: NDArray[np.float32], key: NDArray[np.uint64], clusters: int | None, usual: int, *, spherical: bool = True
) -> Clusters:
    """Clusters of all rows, fitted to at most 65,536 rows, or 256 a cluster where that is more.

    Args:
        embedding: `float32 [n, d]`.
        key: `uint64 [n]`.
        clusters: how many to look for; there are fewer where fewer rows differ.
        usual: how many where `clusters` is None; brought between 1 and n.
        spherical: by cosine; Euclidean without it.

    Raises `Refused` where `clusters` is not from 1 to n, and `BadRow` for a row of zeros if spherical.
    """
    n = len(embedding)
    if clusters is not None and not 1 <= clusters <= n:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"clusters={clusters}", accepted=f"1 to {n:,}, the number of rows")
    k = min(max(usual, 1), n) if clusters is None else clusters
    return kmeans(embedding, k, key, spherical=spherical, fit_rows=max(FIT_ROWS, FIT_ROWS_PER_CLUSTER * k))


def concept_bytes(n: float, d: float, clusters: float) -> float:
    """Memory that `concepts` takes: rows of the fit, and either those of the seeds again, or bounds; and for blocks.

    Each of two threads has one block at a time, but the system keeps about three of each for them.
    """
    fitted = min(n, max(FIT_ROWS, FIT_ROWS_PER_CLUSTER * clusters))
    seeded = min(fitted, max(ROWS_PER_SEED * clusters, 4096))
    return 4 * fitted * d + 16 * fitted + max(4 * seeded * d, 64 * fitted) + 6 * BLOCK_BYTES


def complexity(found: Clusters, neighbours: int) -> Floats:
    """How complex the concept of each spherical cluster is: its spread times how far other clusters are.

        d_intra_j = mean over its rows of 1 − cos(x, c_j)
        d_inter_j = mean over the l nearest other centroids of 1 − cos(c_j, c_l)
        d_j       = d_intra_j · d_inter_j

    Args:
        found: clusters, none of them empty.
        neighbours: l; all others where there are fewer. A cluster without others has a complexity of 0.

    Returns:
        `float64 [k]`, high is complex. `O(n + k² d)` time.

    Examples:
        >>> wide = Clusters(np.eye(2, dtype=np.float32), np.array([0, 0, 1]), np.array([0.25, 0.75, 0.0]))
        >>> complexity(wide, 20)
        array([0.5, 0. ])
    """
    k = len(found.centroids)
    others = min(neighbours, k - 1)
    intra = np.bincount(found.label, weights=found.distance, minlength=k) / np.bincount(found.label, minlength=k)
    inter, exact = np.zeros(k), found.centroids.astype(np.float64)
    step = max(1, (1 << 22) // k)
    for start in range(0, k, step) if others > 0 else ():
        cosines = exact[start : start + step] @ exact.T
        cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -np.inf
        nearest = np.partition(cosines, k - others, axis=1)[:, k - others :]
        inter[start : start + step] = 1 - np.sort(nearest, axis=1).mean(axis=1)
    return np.asarray(intra * np.maximum(inter, 0))


def softmax(values: Floats, temperature: float) -> Floats:
    """`exp(v_j / T) / Σ exp(v / T)` for T above 0, however small.

    Examples:
        >>> softmax(np.array([1.0, 2.0]), 1e-320)
        array([0., 1.])
    """
    with np.errstate(over="ignore"):
        odds = np.exp((values - values.max()) / temperature)
    return np.asarray(odds / odds.sum())


def cluster_names(label: NDArray[np.int64]) -> list[str]:
    """`cluster 3` for each row; rows of one cluster share the text.

    Examples:
        >>> cluster_names(np.array([2, 0]))
        ['cluster 2', 'cluster 0']
    """
    names = [f"cluster {code}" for code in range(int(label.max(initial=-1)) + 1)]
    return [names[code] for code in label.tolist()]
