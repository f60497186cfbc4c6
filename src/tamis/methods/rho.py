"""RHO: what a model has still to learn of each example, less what cannot be learnt."""

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="dynamics",
    pole="good",
    cost="O(n)",
    memory="8 n",
    loses="when the reference is no better than the model, or losses are of one moment and the model has since moved",
)
def rho(loss: NDArray[np.float64], reference_loss: NDArray[np.float64]) -> Score:
    """How much of the loss of each example could be learnt: `L(x) − L_ref(x)`.

    The reference is a model trained on other data of the same kind, so that what is noise is hard for both and cancels,
    and what is easy already has little loss to lose. A reference trained on target data gives examples that
    the model lacks and the target wants.

    Args:
        loss: L, `float64 [n]`, of the model that learns, now.
        reference_loss: L_ref, the irreducible loss, `float64 [n]`, in the same unit.

    Returns:
        `float64 [n]` in the unit of the losses; high is good. `O(n)` time, `8 n` bytes.

    Loses to random when the reference is no better than the model, or when losses are of one moment and the model has
    since moved: the paper measures anew in every step, a tenth of a large batch at a time.

    Of texts give the mean loss of a token. Sums rank texts by how long they are.

    Examples:
        >>> rho(np.array([2.0, 2.0, 0.125]), np.array([0.5, 1.875, 0.125])).tolist()
        [1.5, 0.125, 0.0]

    Source: Mindermann et al. 2022, Prioritized Training on Points that are Learnable, Worth Learning, and Not Yet
    Learnt; github.com/OATML/RHO-Loss.
    """
    return loss - reference_loss
