"""Forgetting with CCS: rows forgotten any number of times, an equal number of each as far as there are."""

import numpy as np
from numpy.typing import NDArray

from tamis.methods.ccs import ccs
from tamis.methods.forgetting import forgetting
from tamis.ops.hardness import doubted
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    paper="Coverage-centric Coreset Selection for High Pruning Rates",
    no=140,
    year=2023,
    family="dynamics",
    cost="O(n T + n log n) for T visits",
    memory="100 n + 3 MiB",
    bytes=lambda n, d, k, **parameters: 100 * n + 3 * 2**20,
    streams=False,
    loses="when half of the rows or more are kept of a clean pool, or training is so short that nothing is forgotten",
)
def forgetting_ccs(
    correct: NDArray[np.float32],
    key: NDArray[np.uint64],
    margins: NDArray[np.float32] | None = None,
    *,
    cutoff: float = 0.0,
    bins: int = 50,
) -> Order:
    """Rows of every difficulty, by how often they went from right to wrong while a model trained: `forgetting`, `ccs`.

    Strata of equal width of the counts share the budget equally; within a stratum rows are drawn at random. Rows that
    were never right count as forgotten at every visit.

    Args:
        correct: `float32 [n, T]`, 1 or 0, as for `forgetting`.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.
        margins: `float32 [n, T]`, as for `aum`, which a cutoff needs.
        cutoff: β, the share of rows with the lowest mean margin that is dropped first, from 0 to less than 1. The
            card of `ccs` has what the paper used, 0.1 to 0.3 where a tenth or a fifth is kept.
        bins: how many strata.

    Returns:
        An `Order` of all rows that are not dropped, with the stratum as reason. `O(n T + n log n)` time, `100 n`
        bytes.

    Raises what `forgetting` and `ccs` do, and `Refused` for a cutoff without margins.

    Loses to random when half of the rows or more are kept of a clean pool, or training is so short that nothing is
    forgotten: then there are one or two strata.

    The code of CCS gives rows that were never right 0, and mixes them with those that were never forgotten.

    Examples:
        >>> correct = np.array([[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]], np.float32)
        >>> order = forgetting_ccs(correct, np.arange(4, dtype=np.uint64), bins=4)
        >>> sorted(order.rows[:3].tolist())
        [0, 1, 2]

    Source: Zheng et al. 2023, Coverage-centric Coreset Selection for High Pruning Rates; Toneva et al. 2019.
    """
    doubt = doubted(margins, cutoff)
    order: Order = ccs(forgetting(correct).scores, key, doubt, cutoff=cutoff, bins=bins)
    return order
