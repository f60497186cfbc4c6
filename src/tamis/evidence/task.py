"""What a task is: it fits a model to chosen examples and says how good the model is on held-out ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BATCH = 64


@dataclass(frozen=True)
class Metric:
    """A number that a task measures: its name, whether more of it is better, and what it says in a few words."""

    name: str
    higher_is_better: bool
    words: str


@dataclass
class Data:
    """A set of examples as tasks see it; what the study has no column for is None.

    Args:
        table: the columns of the examples, as the pool has them.
        features: `float32 [n, d]`, standardised by the pool's mean and deviation.
        labels: `int64 [n]`, codes of `classes`.
        classes: the names of the classes.
        groups: `int64 [n]`, codes of `group_names`.
        group_names: the names of the groups.
        texts: `large_string [n]`.
    """

    table: pa.Table
    features: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None
    classes: list[str] = field(default_factory=list)
    groups: NDArray[np.int64] | None = None
    group_names: list[str] = field(default_factory=list)
    texts: pa.Array | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)


@dataclass
class Train:
    """What a model learns from in one cell: `rows` of `pool` in the order of the selection, with `weights`.

    Args:
        pool: all examples that might have been chosen.
        rows: `int64 [k]`, the chosen ones, best first.
        weights: `float32 [k]`.
        seed: of the cell; it decides the order of batches.
        batch: examples of a batch.
        epochs: passes over what is kept, where the study counts these; None where it counts steps.
        taken, visited: steps that were served, and examples in them.
        place: how far training is, of as many steps as were asked for.
    """

    pool: Data
    rows: NDArray[np.int64]
    weights: NDArray[np.float32]
    seed: int = 0
    batch: int = BATCH
    epochs: int | None = field(default=None, init=False)
    taken: int = field(default=0, init=False)
    visited: int = field(default=0, init=False)
    place: float = field(default=0, init=False)

    @property
    def batches_an_epoch(self) -> int:
        """Batches of a pass over what is kept."""
        return -(-len(self.rows) // self.batch)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """`float32 [k, d]` of the chosen rows."""
        assert self.pool.features is not None
        return np.asarray(self.pool.features[self.rows])

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """`int64 [k]` of the chosen rows."""
        assert self.pool.labels is not None
        return np.asarray(self.pool.labels[self.rows])

    @cached_property
    def texts(self) -> pa.Array:
        """Texts of the chosen rows."""
        assert self.pool.texts is not None
        return self.pool.texts.take(pa.array(self.rows))

    @cached_property
    def table(self) -> pa.Table:
        """All columns of the chosen rows."""
        return self.pool.table.take(pa.array(self.rows))

    def visits(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows of `pool` and their weights in the order of an epoch: every chosen row once; (seed, epoch) decides."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.rows))
        return self.rows[order], self.weights[order]

    @property
    def seen(self) -> NDArray[np.int64]:
        """The chosen rows that training has a use for, best first: all of them."""
        return self.rows

    def batches(self, epoch: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Rows of `pool` and their weights, batch by batch, in the order of `visits`.

        All batches have `batch` rows but the last one. `train.pool.features[rows]` are the features of a batch.
        """
        rows, weights = self.visits(epoch)
        for start in range(0, len(rows), self.batch):
            yield rows[start : start + self.batch], weights[start : start + self.batch]

    def tell(self, rows: NDArray[np.int64], **signals: NDArray[np.float32]) -> None:
        """What the model made of a batch, such as `loss float32 [b]`: a choice that changes while training listens."""

    def steps(self, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """`count` batches, from as many epochs as that takes; `place` is the number of those before."""
        epoch = done = 0
        while done < count:
            for rows, weights in self.batches(epoch):
                yield self.served(rows, done), weights
                done += 1
                if done == count:
                    return
            epoch += 1

    def served(self, rows: NDArray[np.int64], place: float) -> NDArray[np.int64]:
        """These rows, which are counted."""
        self.taken, self.visited, self.place = self.taken + 1, self.visited + len(rows), place
        return rows


@dataclass
class Test:
    """What a model is judged on: named sets of held-out examples, of which the first is the main one."""

    __test__ = False  # not a test case of pytest

    parts: dict[str, Data]

    @property
    def main(self) -> Data:
        """The first set."""
        return next(iter(self.parts.values()))

    @property
    def features(self) -> NDArray[np.float32]:
        """`float32 [t, d]` of the first set."""
        assert self.main.features is not None
        return self.main.features

    @property
    def labels(self) -> NDArray[np.int64]:
        """`int64 [t]` of the first set."""
        assert self.main.labels is not None
        return self.main.labels

    @property
    def table(self) -> pa.Table:
        """All columns of the first set."""
        return self.main.table


class Found(NamedTuple):
    """What an evaluation found: `{metric: value}`, and of parts of the test set `{kind: {name: value}}`.

    `effects` are values of the first metric within parts, such as `{"class": {"cat": 0.9}, "group": {"de": 0.7}}`.
    """

    metrics: dict[str, float]
    effects: Mapping[str, Mapping[str, float]] = {}


class Task:
    """A way to turn chosen examples into a model and the model into numbers. `fit` and `evaluate` are timed apart.

    Class attributes: `name`; `metrics`, of which the `headline` ones get verdicts; `needs`, names of fields of `Data`
    that must be there (`features`, `labels`, `texts`, and `target` where held-out texts of a target are judged);
    `default_steps`, the optimiser steps of a fit, None where a fit has no steps to buy; `has_epochs`, whether a step
    learns from a batch of `Train`, so that steps can be counted by passes; `trains_in_evaluate` where the two cannot be
    told apart, so that all of it counts as training.
    """

    name: ClassVar[str]
    metrics: tuple[Metric, ...]
    headline: tuple[str, ...]
    needs: frozenset[str] = frozenset()
    default_steps: int | None = None
    has_epochs: bool = True
    trains_in_evaluate: bool = False

    def describe(self) -> str:
        """What is trained, as a clause of a sentence: `a linear probe (multinomial logistic regression)`."""
        raise NotImplementedError

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Any:
        """A model of the chosen examples; `steps` are optimiser steps where the task has some."""
        raise NotImplementedError

    def evaluate(self, model: Any, test: Test) -> Found:
        """How good the model is on held-out examples."""
        raise NotImplementedError
