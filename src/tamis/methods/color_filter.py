"""CoLoR-Filter: what a model of the target predicts better than a model of the pool does."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
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
    memory="16 n; for one target, 8 n for each more; the models",
    bytes=lambda n, d, k, **_: 16 * n,
    streams=False,
    loses="when the target is so small that its model knows little but its own words, or the pool is all alike to it",
)
def color_filter(
    prior_loss: NDArray[np.float32],
    conditional_loss: NDArray[np.float32],
    length: NDArray[np.int64] | None = None,
    *,
    relative: Literal["difference", "conditional", "prior"] = "difference",
    shrink: float = 300.0,
) -> Match:
    """How much less a document costs a model of the target than a model of the pool, per token.

        D(x) = (-1/|x| Σ_t ln p_prior(x_t | x_<t)) - (-1/|x| Σ_t ln p_cond(x_t | x_<t))
        s(x) = (c(x) D(x) + k μ) / (c(x) + k),   μ = Σ_x c(x) D(x) / Σ_x c(x)

    |x| are the tokens of a document and c(x) its characters; where these are not known, s = D.

    The prior is trained on a random part of the pool, the conditional on the target (published: the prior, tuned on
    it). Without models n-grams of bytes are trained on the spot. Rows with the largest differences are kept: the choice
    is point by point, so that copies and near copies of what is near are all kept; drop them first. With a loss of the
    model that learns as the prior, while it trains, the same difference is RHO's (`rho`).

    A mean over few tokens is uncertain, and the largest of many uncertain means are those of the shortest documents:
    ranked by D, titles and shouts come before what the target is made of. A document is therefore counted with k more
    characters that are like the whole pool. `shrink=0` is the published score, of windows of one length, whose order no
    k changes.

    Args:
        prior_loss: `float32 [n, 1]`, mean nats per token (of n-grams per byte).
        conditional_loss: `float32 [n, t]`, the same of a model of each target.
        length: `int64 [n]`, characters of each document, also of the part that a model does not read; not there if
            losses are columns of a pool without text.
        relative: `difference`; or one of its parts alone, as baselines: `conditional` keeps what the target's model
            predicts best, `prior` what the pool's does. Parts are not shrunk.
        shrink: k, in characters.

    Returns:
        `float64 [n, t]`; high is near the target. `O(n t)` time besides the models.

    Raises:
        Refused: for a k below 0.

    Loses to random when the target is so small that its model knows little but its own words.

    Where the official code departs: it takes the mean over windows of one length, so that per token and per window
    are one; documents of any length are ranked per token here, shrunk, and never by the sum.

    Examples:
        >>> color_filter(np.array([[2.0], [3.0]]), np.array([[1.5], [3.5]])).tolist()
        [[0.5], [-0.5]]
        >>> prior, conditional = np.array([[2.0], [2.0], [2.0]]), np.array([[1.5], [1.5], [2.5]])
        >>> color_filter(prior, conditional, np.array([100, 900, 1000])).round(3).tolist()
        [[0.125], [0.375], [-0.385]]

    Source: Brandfonbrener et al. 2024, CoLoR-Filter; github.com/davidbrandfonbrener/color-filter-olmo.
    """
    if not 0 <= shrink < np.inf:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"shrink={shrink}", accepted="0 or more characters")
    if relative != "difference":
        part = -(conditional_loss if relative == "conditional" else prior_loss).astype(np.float64)
        return np.broadcast_to(part, conditional_loss.shape)
    found: NDArray[np.float64] = np.subtract(prior_loss, conditional_loss, dtype=np.float64)
    if length is not None and shrink and length.sum():
        known = length.astype(np.float64)
        middle = np.einsum("n,nt->t", known, found) / known.sum()  # in the order of the rows, on any number of cores
        found *= known[:, None]
        found += shrink * middle
        known += shrink
        found /= known[:, None]
    return found
