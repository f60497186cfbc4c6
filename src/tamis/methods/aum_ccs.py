"""AUM with CCS: rows of every margin but the lowest, an equal number of each as far as there are."""

import numpy as np
from numpy.typing import NDArray

from tamis.methods.ccs import ccs
from tamis.ops.hardness import mean_margins
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    paper="Coverage-centric Coreset Selection for High Pruning Rates",
    no=140,
    year=2023,
    family="dynamics",
    cost="O(n T + n log n) for T visits",
    memory="88 n",
    bytes=lambda n, d, k, **parameters: 88 * n,
    streams=False,
    loses="when half of the rows or more are kept of a clean pool, or labels are wrong and the cutoff is 0",
)
def aum_ccs(margins: NDArray[np.float32], key: NDArray[np.uint64], *, cutoff: float = 0.0, bins: int = 50) -> Order:
    """Rows of every difficulty, by how much the label won over the time of training: `aum`, then `ccs`.

    Rows whose mean margin is among the lowest are dropped, since their labels are most in doubt. Strata of equal width
    of the others share the budget equally; within a stratum rows are drawn at random.

    Args:
        margins: `float32 [n, T]`, as for `aum`; the paper has margins of probabilities.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.
        cutoff: β, the share that is dropped, from 0 to less than 1. The card of `ccs` has what the paper used, 0.1 to
            0.3 where a tenth or a fifth is kept.
        bins: how many strata.

    Returns:
        An `Order` of all rows that are not dropped, with the stratum as reason. `O(n T + n log n)` time, `88 n` bytes.

    Raises what `ccs` does.

    Loses to random when half of the rows or more are kept of a clean pool, or labels are wrong and the cutoff is 0.

    The code of CCS takes the sum of margins; where all rows are visited as often, strata are the same.

    Examples:
        >>> margins = np.array([[-9, -7], [0, 0], [1, 1], [1, 2], [2, 2]], np.float32)
        >>> order = aum_ccs(margins, np.arange(5, dtype=np.uint64), cutoff=0.2, bins=2)
        >>> sorted(order.rows.tolist()), 1 in order.rows[:2]
        ([1, 2, 3, 4], True)

    Source: Zheng et al. 2023, Coverage-centric Coreset Selection for High Pruning Rates; Pleiss et al. 2020.
    """
    trust = mean_margins(margins)
    order: Order = ccs(trust, key, trust, cutoff=cutoff, bins=bins)
    return order
