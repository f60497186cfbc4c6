"""EL2N with CCS: rows of every length of the error, an equal number of each as far as there are."""

import numpy as np
from numpy.typing import NDArray

from tamis.methods.ccs import ccs
from tamis.ops.hardness import doubted, error_norms
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    paper="Coverage-centric Coreset Selection for High Pruning Rates",
    no=140,
    year=2023,
    family="dynamics",
    cost="O(n k + n log n) for k classes",
    memory="100 n + 3 MiB",
    bytes=lambda n, d, k, **parameters: 100 * n + 3 * 2**20,
    streams=False,
    loses="when half of the rows or more are kept of a clean pool, or labels are wrong and the cutoff is 0",
)
def el2n_ccs(
    probs: NDArray[np.float32],
    label: NDArray[np.int64],
    key: NDArray[np.uint64],
    margins: NDArray[np.float32] | None = None,
    *,
    cutoff: float = 0.0,
    bins: int = 50,
) -> Order:
    """Rows of every difficulty, by how far a model is from the label early in training: `el2n`, then `ccs`.

    Strata of equal width of `‖p − e_y‖` share the budget equally; within a stratum rows are drawn at random.

    Args:
        probs: p, `float32 [n, k]`, as for `el2n`.
        label: y, `int64 [n]`.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.
        margins: `float32 [n, T]`, as for `aum`, which a cutoff needs.
        cutoff: β, the share of rows with the lowest mean margin that is dropped first, from 0 to less than 1. The
            card of `ccs` has what the paper used, 0.1 to 0.3 where a tenth or a fifth is kept.
        bins: how many strata.

    Returns:
        An `Order` of all rows that are not dropped, with the stratum as reason. `O(n k + n log n)` time, `100 n` bytes.

    Raises what `el2n` and `ccs` do, and `Refused` for a cutoff without margins.

    Loses to random when half of the rows or more are kept of a clean pool, or labels are wrong and the cutoff is 0.

    The code of CCS adds EL2N up over ten epochs of one run, on augmented inputs; here p is of one moment.

    Examples:
        >>> probs = np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.4, 0.6]], np.float32)
        >>> order = el2n_ccs(probs, np.array([0, 1, 0, 0]), np.arange(4, dtype=np.uint64), bins=2)
        >>> 3 in order.rows[:2], order.reasons[-1]
        (True, 'stratum 1 of 2, 0.1414 to 0.495')

    Source: Zheng et al. 2023, Coverage-centric Coreset Selection for High Pruning Rates; Paul, Ganguli and Dziugaite
    2021.
    """
    doubt = doubted(margins, cutoff)
    order: Order = ccs(error_norms(probs, label), key, doubt, cutoff=cutoff, bins=bins)
    return order
