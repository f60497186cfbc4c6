"""A recorder of training dynamics for a training loop of PyTorch, of one process or several."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.distributed as dist

from tamis import refusals
from tamis.ops.dynamics import SIGNALS, Dynamics, Floats, Longs, Scores
from tamis.torch.history import History
from tamis.torch.ranks import array, gathered, processes

Given: TypeAlias = Any
"""A tensor of any device and number type, or what NumPy makes an array of."""


class Recorder:
    """Scores of every training example from what a training loop computes anyway.

    Two lines in a script: make it, and after each forward pass `update` it. What it sees is what training sees, with
    dropout and augmentation; for scores of a model at rest, pass through the data in evaluation mode and record that.
    Which scores there are and what they mean is said at `Dynamics.scores`.

    Several updates a step (gradient accumulation), epochs of a part of the data, and any order are all the same to it.
    Where `torch.distributed` is set up, every rank must call `update` equally often, with batches of any size, also 0,
    and every rank then knows the statistics of all: ids and numbers travel as the 64 bits that they are.

    Args:
        n: examples of the data set; their ids are 0 … n − 1, which the data set has to return beside each example.
        classes: k, at least 2; None for a model without classes, of which only losses are recorded.
        history: a folder for the full history as well, see `History`; rank 0 writes it.
        group: the processes that train together, by default all.

    Memory is `70 n` bytes, and `12 n` without classes. An update takes `O(b k)` time, and waits for the logits where
    these are made by an accelerator.

    Examples:
        >>> recorder = Recorder(4, classes=3)
        >>> logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 3.0]], dtype=torch.bfloat16)
        >>> recorder.update(torch.tensor([3, 0]), logits, torch.tensor([0, 1]))
        >>> recorder.scores()["aum"]
        array([-2., nan, nan,  1.])
    """

    def __init__(
        self, n: int, classes: int | None = None, *, history: Path | str | None = None, group: Any = None
    ) -> None:
        self.dynamics = Dynamics(n, classes)
        self.history = None if history is None else History(history, n, classes is not None)
        self.group = group

    def update(self, ids: Given, logits: Given = None, labels: Given = None, *, losses: Given = None) -> None:
        """Record one visit of each of some examples; nothing is recorded where any of it is refused, on any rank.

        Args:
            ids: integers `[b]`, each once in the update, over all ranks.
            logits: `[b, k]`, before the softmax; those of half precision are computed with in float64 as well.
            labels: integers `[b]`, from 0 to k − 1.
            losses: `[b]`, instead of logits and labels for a model without classes; beside them what to record as loss
                where that is not the cross-entropy.

        Raises `Refused` for ids out of range or twice, labels outside the classes, what is not finite, other shapes,
        and on the other ranks where one of them refuses.
        """
        columns = 1 if self.dynamics.classes is None else len(SIGNALS)
        found, signals = gathered(lambda: self._measure(ids, logits, labels, losses), columns, self.group)
        self.dynamics.record(found, signals)
        if self.history is not None:
            self.history.write(found, signals, keep=self._first())

    def scores(self, *, never_learned: Literal["visits", "inf", "drop"] = "visits") -> Scores:
        """The scores of the visits so far, each `float64 [n]`, the same on every rank; see `Dynamics.scores`."""
        return self.dynamics.scores(never_learned=never_learned)

    def set_epoch(self, epoch: int) -> None:
        """Have the history count epochs as told, and no longer by the visits of each example; scores do not change.

        Of two visits in one epoch the history then has the second.
        """
        if epoch < 0:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"epoch={epoch}", accepted="0 or more")
        if self.history is not None:
            self.history.epoch = int(epoch)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All that is known, the same on every rank; tensors that do not change when more is recorded."""
        found = self.dynamics.arrays()
        if self.history is not None:
            self.history.flush()
            epoch = self.history.epoch
            found |= {"history": self.history.next.copy(), "epoch": np.array(-1 if epoch is None else epoch)}
        return {name: torch.from_numpy(values) for name, values in found.items()}

    def load_state_dict(self, state: Mapping[str, Given]) -> None:
        """Go on exactly from what `state_dict` returned.

        Raises `Refused` for the state of another number of examples or classes, and where a history is to be gone on
        with that is not there.
        """
        arrays = {name: array(values) for name, values in state.items()}
        had, epoch = arrays.pop("history", None), arrays.pop("epoch", None)
        fresh = Dynamics(self.dynamics.n, self.dynamics.classes)
        fresh.load(arrays)
        if self.history is not None:
            if had is None or epoch is None:
                raise refusals.RECORD_NO_STATE("state", found="no 'history'", wanted="one")
            self.history.go_on(had, None if epoch < 0 else int(epoch), keep=self._first())
        self.dynamics = fresh

    def __repr__(self) -> str:
        visited = np.count_nonzero(self.dynamics.state["visits"])
        return f"Recorder({self.dynamics.n}, classes={self.dynamics.classes}): {visited:,} examples visited"

    def _measure(self, ids: Given, logits: Given, labels: Given, losses: Given) -> tuple[Longs, Floats]:
        if self.history is not None and self._first():
            self.history.check()
        logits, labels, losses = (None if one is None else array(one) for one in (logits, labels, losses))
        return self.dynamics.measure(array(ids), logits, labels, losses=losses)

    def _first(self) -> bool:
        return processes(self.group) == 1 or dist.get_rank(self.group) == 0
