"""CoLoR-Filter: what a model of the target predicts better than a model of the pool does."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Match


@method(
    paper="CoLoR-Filter: Conditional Loss Reduction Filtering for Targeted Language Model Pre-training",
    no=29,
    year=2024,
    family="target",
    pole="near",
    choose="top",
    cost="a pass of two models over the pool: O(bytes · order) with n-grams, 4 N flops a token with N weights",
    memory="8 n t; the models",
    loses="when the target is so small that its model knows little but its own words, or the pool is all alike to it",
)
def color_filter(
    prior_loss: NDArray[np.float32],
    conditional_loss: NDArray[np.float32],
    *,
    relative: Literal["difference", "conditional", "prior"] = "difference",
) -> Match:
    """How much less a document costs a model of the target than a model of the pool, per token.

        s(x) = (-1/|x| Σ_t ln p_prior(x_t | x_<t)) - (-1/|x| Σ_t ln p_cond(x_t | x_<t))

    The prior is trained on a random part of the pool, the conditional on the target (published: the prior, tuned on
    it). Without models n-grams of bytes are trained on the spot. Rows with the largest differences are kept: the choice
    is point by point, so that copies and near copies of what is near are all kept; drop them first. With a loss of the
    model that learns as the prior, while it trains, the same difference is RHO's (`rho`).

    Args:
        prior_loss: `float32 [n, 1]`, mean nats per token (of n-grams per byte).
        conditional_loss: `float32 [n, t]`, the same of a model of each target.
        relative: `difference`; or one of its parts alone, as baselines: `conditional` keeps what the target's model
            predicts best, `prior` what the pool's does.

    Returns:
        `float64 [n, t]`; high is near the target. `O(n t)` time besides the models.

    Loses to random when the target is so small that its model knows little but its own words.

    Where the official code departs: it takes the mean over windows of one length, so that per token and per window
    are one; documents of any length are ranked per token here, and never by the sum.

    Examples:
        >>> color_filter(np.array([[2.0], [3.0]]), np.array([[1.5], [3.5]])).tolist()
        [[0.5], [-0.5]]

    Source: Brandfonbrener et al. 2024, CoLoR-Filter; github.com/davidbrandfonbrener/color-filter-olmo.
    """
    prior, conditional = prior_loss.astype(np.float64), conditional_loss.astype(np.float64)
    if relative == "difference":
        return prior - conditional
    return -conditional if relative == "conditional" else np.broadcast_to(-prior, conditional.shape)
