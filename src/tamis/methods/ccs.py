"""CCS: rows of every difficulty, an equal number of each as far as there are."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.shares import round_robin_order
from tamis.ops.strata import equal_widths, strata_names, without_lowest
from tamis.registry import method
from tamis.vocabulary import Order

MOST_BINS = 1_000_000


@method(
    paper="Coverage-centric Coreset Selection for High Pruning Rates",
    no=140,
    year=2023,
    family="clusters",
    cost="O(n log n)",
    memory="80 n",
    bytes=lambda n, d, k, **parameters: 80 * n,
    streams=False,
    loses="when half of the rows or more are kept of a clean pool; at about 10 % of small easy pools it ties",
)
def ccs(
    score: NDArray[np.float64],
    key: NDArray[np.uint64],
    mis_score: NDArray[np.float64] | None = None,
    *,
    cutoff: float = 0.0,
    bins: int = 50,
) -> Order:
    """Rows of every difficulty: scores are cut into strata of equal width, which share the budget equally.

    1. The ⌊β n⌋ rows with the lowest `mis_score`, whose labels are most in doubt, are dropped and never come.
    2. The others are divided into k strata of equal width between their lowest and highest score.
    3. Every stratum gives the same number of rows; what small ones cannot give is shared by the larger.
    4. Within a stratum rows are drawn at random.

    Strata take turns, so that every prefix of the order is what steps 3 and 4 give for that smaller budget.

    Args:
        score: `float64 [n]`, a difficulty such as EL2N or AUM; either end may be the hard one.
        key: `uint64 [n]`, `hash(seed, id)`; who is drawn, and who of equally doubtful rows is dropped.
        mis_score: `float64 [n]`, low casts doubt on the label; the paper has the area under the margin (AUM).
        cutoff: β, the share that is dropped, from 0 to less than 1. The paper searches it for each score, rate and data
            set. The following were used with AUM; those in brackets are recalled, not read in the code:

            | share of rows not kept | 30 % | 50 % | 70 % | 80 % | 90 % |
            |---|---|---|---|---|---|
            | CIFAR-10 | (0) | (0) | (.10) | (.10) | .30 |
            | CIFAR-100 | (.10) | (.20) | (.20) | (.40) | (.50) |
            | ImageNet-1k | (0) | (.10) | (.20) | .20 | .30 |

            Finding it automatically would need a model trained on the rows of each of 0, .1, … .5 and judged on rows
            kept apart; `tamis bench` compares them.
        bins: k, how many strata.

    Returns:
        An `Order` of all rows that are not dropped, with the stratum as reason. `O(n log n)` time, `80 n` bytes.

    Raises `Refused` for a cutoff outside [0, 1) or above 0 without `mis_score`, and for fewer than one stratum.

    Loses to random when half of the rows or more are kept of a clean pool, and with a cutoff of 0 on wrong labels. It
    ignores classes: give `--quota` or `--floor` to balance them.

    The official code (a) ends the last stratum at 1.0001 times the highest score, which leaves the top row out where
    that is negative: here the last stratum is closed; (b) divides by zero where all scores are equal: here they are one
    stratum; (c) reuses the size of the last class for all classes in its class-balanced variant, which is not offered;
    (d) returns fewer rows than asked where β leaves fewer: here the engine says so.

    Examples:
        >>> score = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 9.0])
        >>> order = ccs(score, np.arange(6, dtype=np.uint64), bins=2)
        >>> 5 in order.rows[:2], order.reasons[0]
        (True, 'stratum 1 of 2, 0 to 4.5')

    Source: Zheng et al. 2023, Coverage-centric Coreset Selection for High Pruning Rates.
    """
    if not 0 <= cutoff < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"cutoff={cutoff}", accepted="0 or more, and less than 1")
    if not 1 <= bins <= MOST_BINS:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"bins={bins}", accepted=f"1 to {MOST_BINS:,}")
    rows = np.arange(len(score))
    if cutoff > 0:
        if mis_score is None:
            raise refusals.OPTIONAL_NEED_MISSING(f"cutoff={cutoff}", need="mis_score", fix="--use mis_score=COLUMN")
        rows = without_lowest(mis_score, key, cutoff)
    stratum = equal_widths(score[rows], bins)
    order = round_robin_order(stratum, key[rows])
    names = strata_names(score[rows], bins)
    return Order(rows[order], reasons=[names[code] for code in stratum[order].tolist()])
