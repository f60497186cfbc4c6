"""AUM: by how much the label of an example won, over the time of training."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hardness import mean_margins
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="dynamics",
    pole="clean",
    cost="O(n T) for T visits",
    memory="8 n",
    loses="when labels are right: it then keeps the easiest examples, which teach least",
)
def aum(margins: NDArray[np.float32]) -> Score:
    """How much more a model believed the label of each example than any other class, in the mean of its visits.

    The area under the margin, `mean_t (z_y − max_{c ≠ y} z_c)` of logits z. Wrong labels are low: what the model learns
    from the other examples pulls against them. So the ones kept are those whose labels are least in doubt; for the
    hardest choose with `--choose bottom`, for every difficulty take `aum-ccs`.

    Args:
        margins: `float32 [n, T]`, one column a visit, best before the learning rate first falls; NaN where there was
            none, as in the files of a recorder. Margins of probabilities may be given as well; their mean, of which the
            code of CCS takes the sum, ranks otherwise.

    Returns:
        `float64 [n]`; high is clean. `O(n T)` time, `8 n` bytes.

    Raises `BadRow` for a row without a visit.

    Loses to random when labels are right: it then keeps the easiest examples, which teach least.

    The paper finds a threshold by examples of a class made up for the purpose, which must be trained along:
    `tamis.torch.ThresholdSamples` does that in a training loop.

    Examples:
        >>> aum(np.array([[1.25, 1.0], [-2.0, 1.0]], np.float32)).tolist()
        [1.125, -0.5]

    Source: Pleiss et al. 2020, Identifying Mislabeled Data using the Area Under the Margin Ranking;
    github.com/asappresearch/aum.
    """
    return mean_margins(margins)
