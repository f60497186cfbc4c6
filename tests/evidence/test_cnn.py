"""The small convolutional network."""

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import Refused
from tamis.evidence.task import Data, Test
from tamis.evidence.tasks import make_task

from .torch_fits import chosen, shapes

pytest.importorskip("torch")

from tamis.evidence.tasks import cnn, torch_steps
from tamis.evidence.tasks.cnn import Shape, parse_shape


def test_cnn_tells_bars_from_crosses():
    pool, test = shapes(300, 0), Test({"test": shapes(200, 1)})
    task = make_task("classify", "cnn", {"filters": "4", "hidden": "16"})
    found = task.evaluate(task.fit(chosen(pool), seed=0, steps=150), test)
    assert found.metrics["accuracy"] > 0.97 and found.metrics["log_loss"] < 0.15
    assert set(found.effects["class"]) == {"bar", "cross"} and set(found.effects["group"]) == {"even", "odd"}


def test_the_learning_rate_follows_the_place_in_training(monkeypatch):
    """Which is not the number of steps where epochs become shorter."""
    train, paced = chosen(shapes(200, 0)), []

    def steps(count):
        for train.place in (0, 2.5, 3):
            yield train.rows[:4], np.ones(4, np.float32)

    monkeypatch.setattr(train, "steps", steps)
    monkeypatch.setattr(torch_steps, "pace", lambda step, steps: paced.append((step, steps)) or 0.1)
    cnn.Cnn(filters=2, hidden=4).fit(train, seed=0, steps=4)
    assert paced == [(0, 4)] * 2 + [(2.5, 4)] * 2 + [(3, 4)] * 2  # of matrices and of vectors


def test_weights_decide_what_the_cnn_learns():
    """Every image is there twice, the second time with the wrong label and a small weight."""
    pool = shapes(200, 0)
    pool.features, pool.labels = np.tile(pool.features, (2, 1)), np.concatenate([pool.labels, 1 - pool.labels])
    pool.table = pa.table({"row": range(400)})
    task, test = make_task("classify", "cnn", {"filters": 4, "hidden": 16}), Test({"test": shapes(100, 1)})
    for right, wrong, expected in ((1, 0.05, 0.95), (0.05, 1, 0.05)):
        weights = np.repeat([right, wrong], 200).astype(np.float32)
        model = task.fit(chosen(pool, weights=weights), seed=0, steps=150)
        assert task.evaluate(model, test).metrics["accuracy"] == pytest.approx(expected, abs=0.05)


def test_a_class_that_was_not_learnt_is_never_named():
    pool, test = shapes(40, 0), Test({"test": shapes(40, 1)})
    task = make_task("classify", "cnn", {"filters": 2, "hidden": 4})
    model = task.fit(chosen(pool, np.flatnonzero(pool.labels == 1)), seed=0, steps=3)
    named, of_truth = task.predict(model, test.main)
    assert set(named) == {1} and of_truth.tolist() == test.main.labels.tolist()


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        (None, 64, Shape(1, 8, 8)),
        (None, 3072, Shape(3, 32, 32)),
        (None, 1, Shape(1, 1, 1)),
        (None, 3, Shape(3, 1, 1)),
        ("4x16", 64, Shape(1, 4, 16)),
        ("3x4x5", 60, Shape(3, 4, 5)),
        ("3x8x3", 72, Shape(3, 8, 3)),
        ("8x6x3", 144, Shape(3, 8, 6, last=True)),
    ],
)
def test_shapes_of_images(text, numbers, expected):
    task = make_task("classify", "cnn", {"shape": text} if text else {})
    assert task.shape_of(numbers) == expected


def test_images_have_their_pixels_in_place():
    whole = np.arange(2 * 24, dtype=np.float32).reshape(2, 24)
    whole.flags.writeable = False
    first, last = Shape(3, 4, 2).images(whole), Shape(3, 4, 2, last=True).images(whole)
    assert first.shape == last.shape == (2, 3, 4, 2)
    assert first[1, 2, 3, 1] == whole[1, 2 * 8 + 3 * 2 + 1] and last[1, 2, 3, 1] == whole[1, (3 * 2 + 1) * 3 + 2]


@pytest.mark.parametrize("side", [1, 2, 3, 5, 7])
def test_small_images_can_be_learnt(side):
    data = Data(pa.table({"row": range(6)}), np.random.default_rng(0).normal(size=(6, side * side)).astype(np.float32))
    data.labels, data.classes = np.arange(6) % 3, ["a", "b", "c"]
    task = make_task("classify", "cnn")
    assert task.evaluate(task.fit(chosen(data), seed=0, steps=60), Test({"test": data})).metrics["accuracy"] > 0.6


@pytest.mark.parametrize("text", ["", "28", "28x", "0x3", "3x4x5x6", "28 x 28", "x28x28", "-1x3"])
def test_shapes_that_are_none_are_refused(text):
    with pytest.raises(Refused, match="28x28"):
        parse_shape(text)


@pytest.mark.parametrize(
    ("given", "numbers", "said"),
    [
        ({}, 60, "60 numbers are no square"),
        ({}, 0, "0 numbers are no square"),
        ({"shape": "7x9"}, 60, "has 63 numbers, and the examples have 60"),
    ],
)
def test_features_that_are_no_image_are_refused(given, numbers, said):
    pool = Data(pa.table({"row": [0]}), np.zeros((1, numbers), np.float32), np.zeros(1, np.int64), ["a"])
    task = make_task("classify", "cnn", given)
    for call in (lambda: task.prepare(pool, Test({})), lambda: task.fit(chosen(pool), seed=0, steps=1)):
        with pytest.raises(Refused, match=said):
            call()
