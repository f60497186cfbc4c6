"""Cases: recorders of training dynamics."""

import contextlib
from unittest import mock

import numpy as np

from tamis.ops.dynamics import Dynamics

from .running import call

LOG = Dynamics(12, 3)
ROWS = np.zeros((2, 3))


def update(kind, named, *given, log=LOG, **more):
    """An update of a log of 12 examples and 3 classes that cannot be."""
    return call(kind, lambda: log.update(*given, **more), named)


def recorder(kind, function, named, **more):
    """A call of a `Recorder`."""

    def happen():
        from tamis.torch import Recorder

        function(Recorder)

    return call(kind, happen, named, needs=("torch",), **more)


@contextlib.contextmanager
def had():
    """A history in the folder `had`."""
    from tamis.torch import Recorder

    Recorder(12, 3, history="had").update([0, 1], ROWS, [0, 1])
    yield


def go_on_elsewhere(Recorder):
    """Go on with a history that is not in the folder."""
    state = LOG.arrays() | {"history": np.ones(12, np.int32), "epoch": np.array(-1)}
    Recorder(12, 3, history="other").load_state_dict(state)


def of_another_rank(Recorder):
    """An update of a rank whose partner, played by this function, refuses its own part."""
    one = Recorder(12, 3)
    with (
        mock.patch("tamis.torch.ranks.processes", lambda group=None: 2),
        mock.patch("tamis.torch.ranks.from_all", lambda values, group: np.stack([values, values * 0 - 1])),
    ):
        one.update([0, 1], ROWS, [0, 1])


CASES = {
    "ids that are no integers": update("record-array", ["ids", "float64", "integers"], [0.0, 1.0], ROWS, [0, 1]),
    "logits of other classes": update("record-array", ["logits", "(2, 4)", "(2, 3)"], [0, 1], np.zeros((2, 4)), [0, 1]),
    "labels of others": update("record-array", ["labels", "(3,)", "(2,)"], [0, 1], ROWS, [0, 1, 2]),
    "losses of a batch in one": update("record-array", ["losses", "()", "(1,)"], [0], log=Dynamics(12), losses=0.7),
    "an id beyond the examples": update("record-outside", ["ids", "12", "0 to 11"], [0, 12], ROWS, [0, 1]),
    "an id below 0": update("record-outside", ["ids", "-1", "0 to 11"], [0, -1], ROWS, [0, 1]),
    "a label outside the classes": update("record-outside", ["labels", "-100", "0 to 2"], [0, 1], ROWS, [0, -100]),
    "an id twice in an update": update("record-twice", ["ids", "7", "twice"], [7, 7], ROWS, [0, 1]),
    "a logit that is not a number": update(
        "record-not-finite", ["logits", "5", "nan"], [4, 5], [[0, 0, 0], [0, np.nan, 0]], [0, 1]
    ),
    "an infinite loss": update(
        "record-not-finite", ["losses", "5", "inf"], [4, 5], log=Dynamics(12), losses=[0, np.inf]
    ),
    "losses for a recorder of classes": update(
        "record-other-input", ["3 classes", "logits and labels"], [0, 1], losses=[0.1, 0.2]
    ),
    "logits for a recorder of losses": update(
        "record-other-input", ["without classes", "losses"], [0, 1], ROWS, [0, 1], log=Dynamics(12)
    ),
    "a score that was not recorded": call(
        "record-never", lambda: Dynamics(12).scores()["aum"], ["'aum'", "loss, visits"]
    ),
    "a recorder of one class": call(
        "parameter-out-of-range", lambda: Dynamics(12, classes=1), ["classes=1", "2 classes"]
    ),
    "a recorder of no examples": call("parameter-out-of-range", lambda: Dynamics(0), ["n=0"]),
    "the state of another data set": call(
        "record-state", lambda: LOG.load(Dynamics(13, 3).arrays()), ["13 examples", "12 examples"]
    ),
    "the state of other classes": call(
        "record-state", lambda: LOG.load(Dynamics(12).arrays()), ["no classes", "3 classes"]
    ),
    "the state of a model": call("record-no-state", lambda: LOG.load({"weight": ROWS}), ["weight", "visits"]),
    "a state that is cut short": call(
        "record-no-state", lambda: LOG.load(LOG.arrays() | {"sums": ROWS}), ["'sums'", "(2, 3)", "(12, 5)"]
    ),
    "an update that another rank refuses": recorder("record-elsewhere", of_another_rank, ["rank 1"]),
    "an epoch before the first": recorder(
        "parameter-out-of-range", lambda Recorder: Recorder(12, 3).set_epoch(-1), ["epoch=-1"]
    ),
    "a history in the way": recorder(
        "history-there", lambda Recorder: Recorder(12, 3, history="had").update([0], ROWS[:1], [0]), ["had"], during=had
    ),
    "a history elsewhere": recorder("history-lost", go_on_elsewhere, ["other", "epoch 0"]),
}
