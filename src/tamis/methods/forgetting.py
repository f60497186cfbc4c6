"""Forgetting events: how often an example that was right became wrong again."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hardness import forgotten
from tamis.registry import method
from tamis.vocabulary import Admitted, AdmittedScore


@method(
    family="dynamics",
    pole="hard",
    cost="O(n T) for T visits",
    memory="16 n + 3 MiB",
    loses="when less than about a third is kept, labels are wrong, or training is so short that nothing is forgotten",
)
def forgetting(
    correct: NDArray[np.float32], *, never: Literal["presentations", "inf", "drop"] = "presentations"
) -> AdmittedScore:
    """How often each example went from right to wrong while a model trained: `#{t : a_t = 1, a_{t+1} = 0}`.

    `a_t` says whether the example was right when its batch came for the t-th time. Examples that are never forgotten
    can often be left out; those that were never right are not among them, and count by themselves.

    Args:
        correct: a, `float32 [n, T]`, 1 or 0, at least two visits, in the order of time; NaN where there was no visit,
            as in the files of a recorder.
        never: the score of examples that were never right: "presentations" is their visits, T where there were all, as
            in the official code; "inf" is the
            largest float64, as near to infinity as a score may be; "drop" never chooses them, since many are wrong.

    Returns:
        `float64 [n]`, from 0 to T, and `bool [n]`, which rows may be chosen; high is hard. `O(n T)` time.

    Raises `BadRow` for a visit that is neither 0 nor 1, `BadRow` or `Refused` for fewer than two visits.

    Loses to random when less than about a third is kept, when labels are wrong, or when training is short: a language
    model that is fine-tuned for a few epochs forgets almost nothing, so that nearly all scores are equal.

    The code of CCS gives examples that were never right 0, as if they were the easiest. Counts of several runs add up;
    for them give a column of sums to `top:COLUMN`.

    Examples:
        >>> correct = np.array([[0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], np.float32)
        >>> forgetting(correct).scores.tolist()
        [1.0, 2.0, 4.0, 0.0]
        >>> forgetting(correct, never="drop").admitted.tolist()
        [True, True, False, True]

    Source: Toneva et al. 2019, An Empirical Study of Example Forgetting during Deep Neural Network Learning;
    github.com/mtoneva/example_forgetting.
    """
    count, unlearned = forgotten(correct)
    count += np.where(unlearned > 0, np.finfo(np.float64).max if never == "inf" else unlearned, 0)
    return Admitted(count, unlearned == 0 if never == "drop" else np.ones(len(count), np.bool_))
