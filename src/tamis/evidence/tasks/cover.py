"""The task `cover`: how well the chosen examples stand for held-out ones. Nothing is trained."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.evidence.task import Data, Found, Metric, Task, Test, Train
from tamis.ops.neighbours import nearest, nearest_others

SAMPLE = 2000  # kept examples whose nearest kept neighbour is looked for
KL = Metric("kl_to_target", False, "divergence of the n-grams of held-out target texts from those kept, in nats")
DISTANCE = Metric("mean_distance", False, "mean distance of a test example to the nearest kept one")
RADIUS = Metric("coverage_radius", False, "largest distance of a test example to the nearest kept one")
REDUNDANCY = Metric(
    "redundancy", False, "how often a kept example is nearer to another one than a test example is; random has 0.5"
)
BALANCE = Metric("group_balance", True, "evenness of the shares of groups, or else of classes; 1 where all are equal")


class Kept(NamedTuple):
    """The pool and the `rows int64 [k]` of it that were chosen."""

    pool: Data
    rows: NDArray[np.int64]


class Cover(Task):
    """What the choice itself is like; weights are not looked at.

    * `kl_to_target`, the main metric where there are texts of a target: `Σ_b p_b ln(p_b / q_b)` in nats over hashed
      1- and 2-grams, p of the held-out target texts, q of the chosen texts.
    * `mean_distance`, the main metric otherwise, and `coverage_radius`: mean and maximum over the test examples of
      the Euclidean distance to the nearest chosen one, in units of the pool's standard deviations.
    * `redundancy`: the probability that a chosen example is nearer to another chosen one than a test example is to its
      nearest chosen one, ties counting half. A random choice has 0.5, copies have 1, and examples that keep their
      distance from each other have 0. Of more than 2,000 chosen examples, 2,000 spread over their order are asked.
    * `group_balance`: the entropy of the shares of groups (of classes where there are no groups) among the chosen,
      divided by that of equal shares of all groups that the pool has.

    `prepare` says which of them the data allow. `O((t + 2000) k d)` time for t test and k chosen examples.
    """

    name = "cover"
    metrics = (KL, DISTANCE, RADIUS, REDUNDANCY, BALANCE)
    headline = ("mean_distance",)

    def describe(self) -> str:
        """What is judged."""
        return "the chosen examples themselves, without training"

    def prepare(self, pool: Data, test: Test) -> None:
        """Set `metrics` and `headline` to those that the columns of the pool and the test set allow.

        Raises:
            Refused: where there is neither.
        """
        near = (DISTANCE, RADIUS, REDUNDANCY) if _has_features(pool, test) else ()
        kl = (KL,) if pool.texts is not None and _target(test) is not None else ()
        balance = (BALANCE,) if _parts(pool)[1] > 1 else ()
        self.metrics = (*kl, *near, *balance)
        if not self.metrics:
            raise refusals.COVER_OF_NOTHING("--task cover")
        self.headline = (self.metrics[0].name,)

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Kept:
        """The rows that were chosen."""
        return Kept(train.pool, train.rows)

    def evaluate(self, model: Kept, test: Test) -> Found:
        """The metrics; where `mean_distance` is the main one, also its values within classes and groups of the test."""
        metrics: dict[str, float] = {}
        effects: dict[str, dict[str, float]] = {}
        target = _target(test)
        if target is not None and model.pool.texts is not None:
            metrics["kl_to_target"] = divergence(model, target)
        if _has_features(model.pool, test):
            distances, found = distances_and_redundancy(model, test.features)
            effects = {} if metrics else _means_of_parts(distances, test.main)
            metrics |= found
        codes, parts = _parts(model.pool)
        if parts > 1:
            metrics["group_balance"] = evenness(codes[model.rows], parts)
        return Found(metrics, effects)


def divergence(kept: Kept, target: Data) -> float:
    """`KL(target ‖ kept)` in nats of the n-grams, as `tamis.ops.ngrams.kl_divergence` has it."""
    from tamis.ops import ngrams

    assert kept.pool.texts is not None
    chosen = ngrams.count(kept.pool.texts.take(np.sort(kept.rows)))
    return ngrams.kl_divergence(ngrams.count(target.texts).counts, chosen.counts)


def distances_and_redundancy(kept: Kept, test: NDArray[np.float32]) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Of each test example the distance to the nearest chosen one, `float64 [t]`, and the metrics of distance."""
    assert kept.pool.features is not None
    chosen = np.asarray(kept.pool.features[kept.rows])
    distances = nearest(test, chosen, 1).distances[:, 0]
    asked = np.unique(np.linspace(0, len(chosen) - 1, min(SAMPLE, len(chosen))).round().astype(np.int64))
    found = {
        "mean_distance": float(distances.mean()),
        "coverage_radius": float(distances.max()),
        "redundancy": smaller_share(nearest_others(chosen, asked), distances),
    }
    return distances, found


def smaller_share(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The probability that one of `a` is smaller than one of `b`, ties counting half.

    Examples:
        >>> smaller_share(np.array([1.0, 2.0]), np.array([2.0, 2.0, 0.0]))
        0.5
    """
    ordered = np.sort(b)
    above = len(b) - np.searchsorted(ordered, a, side="right")
    not_below = len(b) - np.searchsorted(ordered, a, side="left")
    return float((above + not_below).mean() / 2 / len(b))


def evenness(codes: NDArray[np.int64], parts: int) -> float:
    """Entropy of the shares of `codes`, divided by `ln parts`.

    Examples:
        >>> evenness(np.array([0, 0, 3, 3]), 2), evenness(np.array([1, 1]), 2)
        (1.0, 0.0)
    """
    shares = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(shares * np.log(shares)).sum() / np.log(parts)) + 0.0


def _parts(pool: Data) -> tuple[NDArray[np.int64], int]:
    """The codes of the groups, or else of the classes, and how many of them the pool has."""
    found = pool.groups if pool.groups is not None else pool.labels
    codes = np.empty(0, np.int64) if found is None else found
    return codes, len(np.unique(codes))


def _target(test: Test) -> Data | None:
    """The held-out texts of the target."""
    target = test.parts.get("target")
    return None if target is None or target.texts is None else target


def _has_features(pool: Data, test: Test) -> bool:
    return pool.features is not None and test.main.features is not None


def _means_of_parts(values: NDArray[np.float64], data: Data) -> dict[str, dict[str, float]]:
    """The mean within each class and each group that the test set has."""
    kinds = {"class": (data.labels, data.classes), "group": (data.groups, data.group_names)}
    return {
        kind: {names[code]: float(values[codes == code].mean()) for code in np.unique(codes)}
        for kind, (codes, names) in kinds.items()
        if codes is not None
    }
