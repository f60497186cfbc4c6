"""Cases: samplers of a training loop, and schedules that are told losses."""

import numpy as np

from tamis.methods.infobatch import infobatch
from tamis.ops.joint_draws import reducible
from tamis.ops.temperature import Cooldown, mixture
from tamis.ops.weighted import checked_weights

from .running import call


def torch(kind, function, named):
    """A call of the package `tamis.torch`."""

    def happen():
        from tamis import torch as package

        function(package)

    return call(kind, happen, named, needs=("torch",))


def resumed(package, before, now):
    """A sampler that is to go on from the state of another."""
    now.load_state_dict(before.state_dict())


def selected(package):
    """The weight of a row that a selection does not keep."""
    import tamis
    from tamis.testing import make_pool

    package.FromSelection(tamis.select(make_pool(12), "random", budget=3)).weights([99])


def loses_its_place(package):
    """Another epoch than that in the middle of which a loaded state goes on."""
    sampler = package.RS2(20, 0.5)
    sampler.load_state_dict(package.RS2(20, 0.5).state_dict(done=3))
    sampler.set_epoch(4)


KEY = np.arange(5, dtype=np.uint64)

CASES = {
    "threshold examples of few": torch(
        "threshold-too-few", lambda t: t.ThresholdSamples([0, 1], 3), ["2 examples", "3 classes"]
    ),
    "threshold examples unvisited": torch(
        "threshold-unvisited",
        lambda t: t.ThresholdSamples([0, 1, 0, 1], 2).flags([1, 2, 3, 4], [1, 2, np.nan, 4]),
        ["run 1", "example 2", "nan"],
    ),
    "threshold examples of their own class": torch(
        "record-outside", lambda t: t.ThresholdSamples([0, 1, 2], 2), ["labels", "2", "from 0 to 1"]
    ),
    "sampler shapes": torch("sampler-shapes", lambda t: t.RS2(5, 0.5, labels=[1, 2]), ["labels", "(5,)"]),
    "sampler losses": call("sampler-not-finite", lambda: reducible([1, np.nan], [1, 1], 1), ["loss", "1", "nan"]),
    "sampler ids": torch("sampler-ids", lambda t: t.InfoBatch(5, epochs=3).update([7], [1.0]), ["7", "from 0 to 4"]),
    "sampler domains": torch("sampler-domains", lambda t: t.TemperatureSampler(), ["sizes"]),
    "sampler empty domain": call("sampler-domain-empty", lambda: mixture(np.array([3, 0]), 1.0), ["domain 1", "0"]),
    "sampler cooldown": call("sampler-cooldown", lambda: Cooldown(((9, 1.0),)), ["cooldown", "(9, 1.0)"]),
    "sampler weight": call("sampler-weight", lambda: checked_weights(np.array([1.0, -2.0])), ["weight 1", "-2"]),
    "sampler weights": call("sampler-weights-zero", lambda: checked_weights(np.zeros(3)), ["weights"]),
    "sampler draws": torch(
        "sampler-draws", lambda t: t.WeightedDraw([1.0, 0.0], 2, replacement=False), ["draws=2", "replacement=True"]
    ),
    "sampler untold": call(
        "sampler-untold",
        lambda: infobatch(KEY).draw(infobatch(KEY).start(5), 1, KEY),
        ["infobatch", "epoch 1", "update"],
    ),
    "sampler without its place": torch("sampler-resume", loses_its_place, ["epoch=4", "visit 3", "sampler.epoch"]),
    "sampler of another size": torch(
        "sampler-state", lambda t: resumed(t, t.RS2(20, 0.5), t.RS2(21, 0.5)), ["RS2", "n=20", "n=21"]
    ),
    "sampler of another world": torch(
        "sampler-state", lambda t: resumed(t, t.RS2(20, 0.5), t.RS2(20, 0.5, rank=0, world=2)), ["world=1", "world=2"]
    ),
    "sampler of another kind": torch(
        "sampler-state-of-other", lambda t: resumed(t, t.FullData(20), t.RS2(20, 0.5)), ["RS2", "state_dict"]
    ),
    "sampler rank": torch("sampler-rank", lambda t: t.RS2(20, 0.5, rank=2, world=2), ["rank=2", "world=2"]),
    "sampler batches": torch("sampler-batchless", lambda t: t.RS2(9, 0.5).batches(8, drop_last=True), ["size=8", "4"]),
    "sampler row": torch("row-not-selected", selected, ["ids[0]", "99"]),
    "schedule of a part": call("schedule-of-all", lambda: infobatch(KEY).start(4), ["infobatch", "4", "5", "100%"]),
}
