"""A small convolutional network for images, trained with torch on one thread of the processor."""

import math
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from tamis import refusals
from tamis.evidence.task import Data, Test, Train
from tamis.evidence.tasks.classify import Classify, mean_one, most_likely, weighted
from tamis.evidence.tasks.torch_steps import Normal, Parameters, Tensor, descend, need_torch, one_thread, zeros

STEPS = 600
_BLOCK = 1024
_MOST_CHANNELS = 4


class Shape(NamedTuple):
    """How the features of an example are an image; `last` says that the channels of a pixel lie together."""

    channels: int
    height: int
    width: int
    last: bool = False

    def images(self, features: NDArray[np.float32]) -> Tensor:
        """`float32 [b, channels, height, width]` of features `[b, d]`."""
        import torch

        rows = torch.from_numpy(np.array(features, np.float32))
        if self.last:
            return rows.reshape(-1, self.height, self.width, self.channels).permute(0, 3, 1, 2)
        return rows.reshape(-1, self.channels, self.height, self.width)


class Trained(NamedTuple):
    """A network, the codes of the classes that it tells apart, `int64 [c]`, ascending, and what its images are."""

    parameters: Parameters
    present: NDArray[np.int64]
    shape: Shape


class Cnn(Classify):
    """Twice 3 × 3 filters, ReLU and the largest of 2 × 2; then one hidden layer and the classes.

    Every step minimises `−Σ_i w_i ln p(y_i | x_i) / |batch|` with weights of mean 1 by AdamW. A fit takes the same 600
    steps whatever was chosen.

    Args:
        shape: of an image, such as 28x28 or 3x32x32, and 32x32x3 where the colours of a pixel lie together. Without it
            images are square, and of three colours where their numbers are three times a square.
        filters: of the first layer; the second has twice as many.
        hidden: units of the hidden layer.
        rate: the largest step size of AdamW.
    """

    default_steps = STEPS

    def __init__(
        self,
        *,
        shape: str | None = None,
        filters: PositiveInt = 16,
        hidden: PositiveInt = 64,
        rate: PositiveFloat = 4e-3,
    ) -> None:
        need_torch("--model cnn")
        self.shape = None if shape is None else parse_shape(shape)
        self.filters, self.hidden, self.rate = filters, hidden, rate

    def describe(self) -> str:
        """What is trained."""
        layers = f"two layers of {self.filters} and {2 * self.filters} filters, {self.hidden} hidden units"
        return f"a small convolutional network ({layers})"

    def prepare(self, pool: Data, test: Test) -> None:
        """Refuse features that are no image of the shape that was asked for."""
        if pool.features is not None:
            self.shape_of(pool.features.shape[1])

    def shape_of(self, numbers: int) -> Shape:
        """The shape of images with so many numbers; refuses numbers that make none."""
        if self.shape is not None:
            wanted = self.shape.channels * self.shape.height * self.shape.width
            if wanted != numbers:
                raise refusals.IMAGE_SHAPE_MISFIT("--set shape", wanted=wanted, found=numbers)
            return self.shape
        for channels in (1, 3):
            side = math.isqrt(numbers // channels)
            if side and channels * side * side == numbers:
                return Shape(channels, side, side)
        raise refusals.IMAGE_SHAPE_UNKNOWN("--model cnn", found=numbers)

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Trained:
        """A network after `steps` batches; `seed` decides where it starts."""
        from torch import from_numpy
        from torch.nn.functional import cross_entropy

        features, labels, total = train.pool.features, train.pool.labels, steps or STEPS
        assert features is not None and labels is not None
        used, shape = weighted(train), self.shape_of(features.shape[1])
        present, scale = np.unique(train.labels[used]), mean_one(train.weights[used])
        parameters = start(shape, self.filters, self.hidden, len(present), seed)

        def loss(batch: tuple[NDArray[np.int64], NDArray[np.float32]]) -> Tensor:
            rows, weights = batch
            codes = np.minimum(np.searchsorted(present, labels[rows]), len(present) - 1)
            logits = forward(parameters, shape.images(features[rows]))
            losses = cross_entropy(logits, from_numpy(codes), reduction="none")
            train.tell(rows, loss=losses.detach().numpy())
            return (losses * from_numpy(weights * scale)).mean()

        with one_thread():
            descend(parameters, train.steps(total), loss, total, self.rate, train)
        return Trained(parameters, present, shape)

    def predict(self, model: Trained, data: Data) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The most likely class and the probability of the true one."""
        import torch

        assert data.features is not None and data.labels is not None
        found = []
        with one_thread(), torch.no_grad():
            for place in range(0, len(data), _BLOCK):
                images = model.shape.images(data.features[place : place + _BLOCK])
                found.append(torch.softmax(forward(model.parameters, images), 1).numpy())
        return most_likely(np.concatenate(found), model.present, data.labels)


def parse_shape(text: str) -> Shape:
    """The shape that a text says.

    Examples:
        >>> parse_shape("28x28")
        Shape(channels=1, height=28, width=28, last=False)
        >>> parse_shape("32x32x3")
        Shape(channels=3, height=32, width=32, last=True)
    """
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){1,2}", text):
        raise refusals.IMAGE_SHAPE_UNREADABLE(f"shape={text!r}")
    sides = [int(part) for part in text.split("x")]
    first, second, third = sides if len(sides) == 3 else [1, *sides]
    if third <= _MOST_CHANNELS < first:
        return Shape(third, first, second, last=True)
    return Shape(first, second, third)


def start(shape: Shape, filters: int, hidden: int, classes: int, seed: int) -> Parameters:
    """He's normal weights, of variance 2 / inputs (1 / inputs before the classes), and no biases."""
    normal, second = Normal(seed), 2 * filters
    left = second * -(-shape.height // 4) * -(-shape.width // 4)
    return {
        "filters": normal(filters, shape.channels, 3, 3, deviation=math.sqrt(2 / (9 * shape.channels))),
        "bias": zeros(filters),
        "filters2": normal(second, filters, 3, 3, deviation=math.sqrt(2 / (9 * filters))),
        "bias2": zeros(second),
        "hidden": normal(hidden, left, deviation=math.sqrt(2 / left)),
        "bias3": zeros(hidden),
        "out": normal(classes, hidden, deviation=math.sqrt(1 / hidden)),
        "bias4": zeros(classes),
    }


def forward(p: Parameters, images: Tensor) -> Tensor:
    """The logits `[b, c]` of images `[b, channels, height, width]`."""
    from torch.nn.functional import conv2d, linear, max_pool2d, relu

    found = max_pool2d(relu(conv2d(images, p["filters"], p["bias"], padding=1)), 2, ceil_mode=True)
    found = max_pool2d(relu(conv2d(found, p["filters2"], p["bias2"], padding=1)), 2, ceil_mode=True)
    return linear(relu(linear(found.flatten(1), p["hidden"], p["bias3"])), p["out"], p["bias4"])
