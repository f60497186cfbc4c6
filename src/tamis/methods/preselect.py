"""PreSelect: documents whose losses order models as their results on a benchmark do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Predictive Data Selection: The Data That Predicts Is the Data That Teaches",
    no=199,
    year=2025,
    family="target",
    pole="near",
    choose="top",
    cost="O(n m²) besides the losses of m models: 2 N flops a token with N weights",
    memory="8 n",
    loses="when models differ in one thing only, such as size: then all text orders them alike, or none does",
)
def preselect(losses: NDArray[np.float32], *, results: Any = None) -> Score:
    """Predictive strength: the share of pairs of models that a document orders as a benchmark does.

    With C_a the loss of model a on a document per character, and b_a its result,

        S = (1 / Z) Σ_{a < a'} 1[(b_a - b_a') (C_a - C_a') < 0],   Z = m (m - 1) / 2

    A tie in loss or in result is no agreement. S depends on nothing but orders: any rising function of the results, and
    any scale of a document's losses, leave it as it is; without ties it is (1 + τ) / 2, τ being Kendall's of -C and b.

    Args:
        losses: `float32 [n, m]`, per character of each of m models.
        results: m numbers, what each model reaches on what is wanted, high is good: `--set results=0.31,0.35,0.42`. As
            orders are all that counts, models may be named from the worst to the best instead.

    Returns:
        `float64 [n]` in 0 … 1; high is near. There are few different values: ties go by row. `O(n m²)` time.

    Raises:
        Refused: for fewer than three models, another number of results, or results that are all the same.

    Loses to random when models differ in one thing only, such as size. The published use is to score a sample, take
    what all pairs agree on (S = 1) against the least, and carry it over to the pool with a classifier
    (`quality-classifier`).

    Examples:
        >>> losses = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [3.0, 1.0, 2.0]], np.float32)
        >>> preselect(losses).round(2).tolist(), preselect(losses, results="0.6,0.4,0.2").round(2).tolist()
        ([1.0, 0.0, 0.67], [0.0, 1.0, 0.33])

    Where the official code departs: it compares losses of documents, not per character, which is the same where all
    models read a document to its end.

    Source: Shum et al. 2025, Predictive Data Selection; github.com/hkust-nlp/PreSelect.
    """
    models = losses.shape[1]
    found = np.arange(float(models)) if results is None else _numbers(results)
    if len(found) != models:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"results={results!r}", accepted=f"{models} numbers, one for each model")
    if models < 3 or len(np.unique(found)) < 2:
        raise refusals.PARAMETER_OUT_OF_RANGE(
            f"results={results!r}", accepted="results of three models or more, that are not all the same"
        )
    agree = np.zeros(len(losses))
    for a in range(models):
        for other in range(a):
            agree += (found[a] - found[other]) * (losses[:, a].astype(np.float64) - losses[:, other]) < 0
    return np.asarray(agree / (models * (models - 1) / 2))


def _numbers(results: Any) -> NDArray[np.float64]:
    items = results.split(",") if isinstance(results, str) else list(results)
    try:
        found = np.array([float(item) for item in items])
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if not np.isfinite(found).all():
        raise refusals.PARAMETER_OUT_OF_RANGE(f"results={results!r}", accepted="finite numbers with commas between")
    return found
