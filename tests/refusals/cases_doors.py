"""Cases: the doors to the trainers of Hugging Face and Lightning."""

import numpy as np

from .running import call


def door(kind, function, named, needs=("torch",)):
    """A call of a module of `tamis.torch`, which the function imports."""
    return call(kind, function, named, needs=needs)


def sampler_of_one():
    """A sampler of one process where two train."""
    from tamis.torch import RS2, doors

    doors.check_sampler(RS2(20, 0.5), 2)


def sampler_of_others():
    """A sampler of other data than those that are trained on."""
    from tamis.torch import RS2, doors

    doors.check_sampler(RS2(20, 0.5), 1, rows=30)


def no_trainer():
    """A mixin that is not mixed with a trainer."""
    from tamis.torch import TrainerMixin

    TrainerMixin()


def no_state():
    """A checkpoint that knows of a recorder alone."""
    from tamis.torch import RS2, doors

    doors.load_state("checkpoint-5", {"recorder": {}}, RS2(20, 0.5), None)


def other_batches():
    """A checkpoint that was saved with smaller batches."""
    from tamis.torch import doors

    doors.check_same("checkpoint-5", {"batch_size": 8}, {"batch_size": 16})


def other_loss():
    """A model that is trained with another loss than the cross-entropy."""
    from tamis.torch import example_losses

    example_losses.divisor(0.5, 8.0, (4.0, 8.0))


def silent_step():
    """A step that does not say which examples it had."""
    from tamis.torch import LightningCallback, Recorder

    callback = LightningCallback(recorder=Recorder(12, classes=3))
    callback.on_train_batch_end(None, None, {"loss": np.float32(1)}, None, 0)


CASES = {
    "sampler of one process": door("sampler-processes", sampler_of_one, ["RS2", "world=1", "2 processes", "even=True"]),
    "sampler of other data": door("sampler-rows", sampler_of_others, ["RS2", "20", "30"]),
    "mixin without trainer": door(
        "trainer-setting", no_trainer, ["TrainerMixin", "class T(TrainerMixin, Trainer)"], ("torch", "transformers")
    ),
    "checkpoint without state": door("checkpoint-stateless", no_state, ["checkpoint-5", "a sampler"]),
    "checkpoint of other batches": door("checkpoint-of-other", other_batches, ["batch_size=8", "batch_size=16"]),
    "loss of others": door("loss-of-others", other_loss, ["0.5", "example_losses"]),
    "step without ids": door("step-without", silent_step, ["training_step", "loss", "ids"], ("torch", "lightning")),
}
