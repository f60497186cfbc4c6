"""Examples of a class made up for the purpose, by which a training loop finds which labels are probably wrong."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.ops.permutation import permutation
from tamis.ops.threshold_samples import RUNS, below_threshold, check_labels, threshold_rows
from tamis.torch.ranks import array


class ThresholdSamples:
    """Which labels are probably wrong, by the margins of examples whose label is wrong for certain.

    In each of two trainings ⌊n / K⌋ examples get a fake class K, so that the model has K + 1 outputs. Their mean
    margins show what a wrong label comes to, and an ordinary example with a lower one than the 99th percentile of
    them is flagged. No example has the fake class in both, so that each is judged at least once.

    Which examples have it depends on (seed, number of the example) alone, so every process agrees.

    Args:
        labels: integers `[n]`, from 0 to K − 1, as they are, right or wrong.
        classes: K, at least 2; n is at least K.
        seed: of the choice.

    Memory is `8 n` bytes. It takes two trainings, up to the first drop of the learning rate.

    Raises `Refused` for labels that are none of the K classes, as K itself is, one class, and fewer examples than
    classes.

    It flags too much on small and easy data, where most right labels are learnt as late as the fake class is: a lower
    percentile flags less.

    Examples:
        >>> from tamis.torch import Recorder
        >>> samples = ThresholdSamples(torch.arange(100) % 2, classes=2)
        >>> recorder = Recorder(100, classes=samples.classes)
        >>> labels = samples.labels(run=0)
        >>> samples.classes, labels.bincount().tolist()[2]
        (3, 50)

    Source: Pleiss et al. 2020, Identifying Mislabeled Data using the Area Under the Margin Ranking.
    """

    def __init__(self, labels: Any, classes: int, seed: int = 0) -> None:
        self._labels = check_labels(array(labels), int(classes))
        self.classes, self.seed = int(classes) + 1, int(seed)

    def labels(self, run: int) -> torch.Tensor:
        """What to train on in run 0 or 1, `int64 [n]`: the labels, and K for threshold examples."""
        return torch.from_numpy(np.where(self.chosen(run), self.classes - 1, self._labels))

    def chosen(self, run: int) -> NDArray[np.bool_]:
        """Which are threshold examples in run 0 or 1, `bool [n]`."""
        order = permutation(len(self._labels), self.seed)
        return threshold_rows(order, self.classes - 1, run)

    def flags(self, first: Any, second: Any, percentile: float = 99.0) -> NDArray[np.bool_]:
        """Which labels are probably wrong, `bool [n]`; see `tamis.ops.threshold_samples.below_threshold`.

        Args:
            first: the AUM of each example in run 0, `[n]`, as `Recorder.scores()["aum"]` has it.
            second: that in run 1.
            percentile: of the threshold examples' AUM, from 0 to 100; a lower one flags less.

        Raises `Refused` for examples that were not visited in a run, whose AUM is NaN.
        """
        margins = [array(one).astype(np.float64) for one in (first, second)]
        return below_threshold(margins, [self.chosen(run) for run in range(RUNS)], percentile)

    def __repr__(self) -> str:
        return f"<ThresholdSamples of {len(self._labels):,} examples, fake class {self.classes - 1}>"
