"""Threshold examples of AUM: who they are, what is flagged, and the check of the specification on digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused

torch = pytest.importorskip("torch")

from tamis import torch as tt  # noqa: E402


@given(st.integers(2, 9), st.integers(0, 60), st.integers(0, 99))
def test_every_example_is_judged_at_least_once(classes, more, seed):
    n = classes + more
    labels = np.random.default_rng(seed).integers(0, classes, n)
    samples = tt.ThresholdSamples(torch.from_numpy(labels), classes, seed)
    chosen = [samples.chosen(run) for run in (0, 1)]
    assert [rows.sum() for rows in chosen] == [n // classes] * 2 and not (chosen[0] & chosen[1]).any()
    for run in (0, 1):
        assert samples.labels(run).tolist() == np.where(chosen[run], classes, labels).tolist()
    assert samples.classes == classes + 1


def test_chosen_by_seed_and_number_alone():
    labels = np.arange(70_000) % 7  # beyond what is sorted, too
    one, again, other = (tt.ThresholdSamples(given, 7, seed).chosen(0) for given, seed in
                         ((labels, 1), (labels[::-1].copy(), 1), (labels, 2)))  # fmt: skip
    assert (one == again).all() and (one & other).sum() == pytest.approx(70_000 / 49, rel=0.1)
    assert np.bincount(labels[one]).min() > 1200  # of all classes


@given(st.integers(4, 40), st.integers(0, 999), st.floats(0, 100))
def test_flags_as_found_slowly(n, seed, percentile):
    samples, rng = tt.ThresholdSamples(np.arange(n) % 3, 3, seed), np.random.default_rng(seed)
    aum, flags = rng.normal(size=(2, n)), set()
    for run in (0, 1):
        own = sorted(aum[run][samples.chosen(run)].tolist())
        place = (len(own) - 1) * percentile / 100
        low = own[int(place)]
        bar = low + (own[min(int(place) + 1, len(own) - 1)] - low) * (place - int(place))
        flags |= {i for i in range(n) if not samples.chosen(run)[i] and aum[run][i] < bar - 1e-12}
    found = samples.flags(torch.from_numpy(aum[0]), aum[1], percentile)
    assert set(np.flatnonzero(found).tolist()) == flags


def test_as_low_as_threshold_examples_is_not_lower():
    assert not tt.ThresholdSamples([0, 1, 0, 1], 2).flags(np.zeros(4), np.zeros(4)).any()


def test_wrong_labels_of_digits_are_found():
    """[spec] a tenth of labels wrong, an MLP of 64: recall of at least .95, precision of at least .6."""
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    found = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(y))[:1297]
        wrong = rng.random(1297) < 0.1
        labels = np.where(wrong, (y[rows] + rng.integers(1, 10, 1297)) % 10, y[rows])
        samples = tt.ThresholdSamples(labels, classes=10, seed=seed)
        inputs = torch.tensor(x[rows] / 16, dtype=torch.float32)
        flags = samples.flags(*(trained(inputs, samples.labels(run), samples.classes, seed) for run in (0, 1)))
        found.append([(flags & wrong).sum() / wrong.sum(), (flags & wrong).sum() / flags.sum()])
    recall, precision = np.mean(found, axis=0)
    assert recall >= 0.95 and precision >= 0.6, found


def trained(inputs, labels, classes, seed):
    """The AUM of each example over 15 epochs."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, classes))
    train = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    recorder = tt.Recorder(len(labels), classes)
    for _ in range(15):
        for ids in torch.randperm(len(labels)).split(64):
            logits = model(inputs[ids])
            train.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels[ids]).backward()
            train.step()
            recorder.update(ids, logits, labels[ids])
    return recorder.scores()["aum"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tt.ThresholdSamples([0, 0, 0], 1), "classes=1"),
        (lambda: tt.ThresholdSamples([0, 1, 2], 2), "labels: 2 is none of the 2 classes; give numbers from 0 to 1"),
        (lambda: tt.ThresholdSamples([0, -1, 1], 2), "labels: -1 is none"),
        (lambda: tt.ThresholdSamples([0.0, 1.0], 2), "labels: it is float64"),
        (lambda: tt.ThresholdSamples([0, 1, 2], 4), "3 examples of 4 classes are too few"),
        (lambda: tt.ThresholdSamples([0, 1], 2).labels(2), "run=2"),
        (lambda: tt.ThresholdSamples([0, 1], 2).flags([1, 2], [1, 2], 101), "percentile=101"),
        (lambda: tt.ThresholdSamples([0, 1], 2).flags([1, 2], [1, 2, 3]), "run 1: its shape is"),
        (lambda: tt.ThresholdSamples([0, 1], 2).flags([1, np.nan], [1, 2]), "run 0: that of example 1 is nan"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call()
