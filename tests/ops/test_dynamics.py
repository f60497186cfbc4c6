"""Running statistics against the slow computation on the full history, however visits are cut, shuffled and shared."""

import io
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.dynamics import Dynamics, signals_of

N, K = 5, 3


def slow(logits, label):
    """What one visit says, in plain Python."""
    odds = [math.exp(z - max(logits)) for z in logits]
    p = [one / sum(odds) for one in odds]
    others = [c for c in range(len(p)) if c != label]
    return {
        "loss": -math.log(p[label]),
        "aum": logits[label] - max(logits[c] for c in others),
        "aum_prob": p[label] - max(p[c] for c in others),
        "entropy": -sum(one * math.log(one) for one in p if one),
        "el2n": math.sqrt(sum((one - (c == label)) ** 2 for c, one in enumerate(p))),
        "prob": p[label],
        "correct": float(logits.index(max(logits)) == label),
    }


def slow_scores(visits):
    """Scores by name from the history of each example, a list of `(logits, label)` each."""
    found = {}
    for history in visits:
        seen = [slow(*visit) for visit in history]
        nan = float("nan")
        score = {name: np.mean([one[name] for one in seen]) if seen else nan for name in slow([0.0, 0.0], 0)}
        right, prob = [one["correct"] for one in seen], [one["prob"] for one in seen]
        score |= {"margin": score["aum"], "correctness": score.pop("correct"), "confidence": score.pop("prob")}
        score |= {"variability": np.std(prob) if seen else nan, "visits": len(seen)}
        lost = sum(a > b for a, b in itertools.pairwise(right)) if any(right) else len(right)
        score |= {"learned": max(right, default=nan), "forgetting": lost if len(seen) > 1 else nan}
        for name, value in score.items():
            found.setdefault(name, []).append(value)
    return found


def agree(scores, expected):
    assert set(scores) == set(expected)
    for name, values in expected.items():
        assert scores[name].shape == (len(values),) and scores[name].dtype == np.float64
        np.testing.assert_allclose(scores[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


logit = st.one_of(st.integers(-3, 3).map(float), st.floats(-40, 40, width=32))
visit = st.tuples(st.lists(logit, min_size=K, max_size=K), st.integers(0, K - 1))
step = st.dictionaries(st.integers(0, N - 1), visit)


def record(steps):
    """Steps one after the other, and the history of each example."""
    log, history = Dynamics(N, K), [[] for _ in range(N)]
    for taken in steps:
        z = np.array([logits for logits, _ in taken.values()]).reshape(-1, K)
        log.update(list(taken), z, [label for _, label in taken.values()])
        for row, seen in taken.items():
            history[row].append(seen)
    return log, history


@given(st.lists(step, max_size=8))
def test_equals_the_full_history(steps):
    log, history = record(steps)
    agree(log.scores(), slow_scores(history))


@given(st.lists(step, max_size=8), st.integers(0, 8))
def test_two_logs_of_one_run_merge(steps, cut):
    """Spec 1.2 (iii), for shards of steps: sums are rounded elsewhere, and counts are the same."""
    log, _ = record(steps)
    before, _ = record(steps[:cut])
    before.merge(record(steps[cut:])[0])
    agree(before.scores(), log.scores())
    again, _ = record(steps + steps)
    log.merge(log)
    agree(log.scores(), again.scores())


@given(st.lists(step, max_size=6), st.sets(st.integers(0, N - 1)))
def test_two_logs_of_other_examples_merge_to_the_bit(steps, mine):
    log, _ = record(steps)
    parts = [record([{row: s[row] for row in s if (row in mine) == own} for s in steps])[0] for own in (True, False)]
    parts[0].merge(parts[1])
    assert same(parts[0], log)


@given(st.lists(step, max_size=6), st.integers(0, 6), st.randoms())
def test_saved_and_in_another_order_to_the_bit(steps, cut, random):
    log, _ = record(steps)
    half, _ = record(steps[:cut])
    file, saved = io.BytesIO(), half.arrays()
    for taken in steps[cut:]:  # goes on, which does not change what was saved
        half.update(list(taken), np.zeros((len(taken), K)), [0] * len(taken))
    np.savez(file, **saved)
    file.seek(0)
    read = Dynamics(N, K)
    with np.load(file, allow_pickle=False) as arrays:
        read.load(arrays)
    for taken in steps[cut:]:
        for row in random.sample(list(taken), len(taken)):  # one example an update, as gradients are accumulated
            read.update([row], [taken[row][0]], [taken[row][1]])
    assert same(read, log)


def same(one, other):
    found, wanted = one.arrays(), other.arrays()
    return list(found) == list(wanted) and all(found[name].tobytes() == wanted[name].tobytes() for name in found)


def test_losses_alone():
    log = Dynamics(3)
    log.update([0, 2], losses=[1.0, -2.0])
    log.update([2], losses=np.array([3], np.float32))
    scores = log.scores()
    assert list(scores) == ["loss", "visits"] and scores["visits"].tolist() == [1, 0, 2]
    np.testing.assert_array_equal(scores["loss"], [1, np.nan, 0.5])
    with pytest.raises(Refused, match=r"'aum' was not recorded; ask for one of loss, visits"):
        scores["aum"]


def test_losses_beside_logits():
    log = Dynamics(1, 2)
    log.update([0], [[0.0, 0.0]], [1], losses=[9.0])
    assert log.scores()["loss"] == [9] and log.scores()["entropy"] == pytest.approx(math.log(2))


def test_forgetting_of_the_specification():
    """[checked] Spec 1.2 (i): 0110, 1010, 0000, 1111 are forgotten 1, 2, T = 4 and 0 times."""
    log = Dynamics(5, 2)
    for right in ("0101", "1001", "1101", "0001"):
        log.update(range(4), [[0.5, bit == "1"] for bit in right], [1] * 4)
    log.update([4], [[0, 1]], [1])
    options = {"visits": 4, "inf": np.inf, "drop": np.nan}
    for never, expected in options.items():
        found = log.scores(never_learned=never)["forgetting"]
        np.testing.assert_array_equal(found, [1, 2, expected, 0, np.nan])
    np.testing.assert_array_equal(log.scores()["learned"], [1, 1, 0, 1, 1])
    with pytest.raises(Refused, match="visits, inf, drop"):
        log.scores(never_learned="zero")


def test_aum_of_the_specification():
    """[checked] Spec 1.3 (i) and (ii)."""
    log = Dynamics(1, 2)
    for margin, mean in ((1.26, 1.26), (1.04, 1.15)):
        log.update([0], [[margin, 0]], [0])
        assert log.scores()["aum"] == pytest.approx(mean)
    z, labels = np.random.default_rng(0).normal(size=(20, 6)), np.arange(20) % 6
    plain, moved, scaled = signals_of(z, labels), signals_of(z + 7, labels), signals_of(3 * z, labels)
    np.testing.assert_allclose(moved, plain, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scaled[:, 1], 3 * plain[:, 1])
    assert (np.abs(scaled[:, 2] - 3 * plain[:, 2]) > 1e-3).all()


@pytest.mark.parametrize("k", [2, 10, 1000])
def test_el2n_of_the_specification(k):
    """[checked] Spec 1.1 (i): zero logits give √(1 − 1/K) for every class."""
    found = signals_of(np.zeros((k, k)), np.arange(k))
    np.testing.assert_allclose(found[:, 4], math.sqrt(1 - 1 / k), rtol=1e-12)
    assert found[:, 6].tolist() == [1] + [0] * (k - 1)  # of equal logits the first is the answer


def test_sure_examples_still_differ():
    """Where p rounds to 1 and 1 − p to 0, loss and EL2N keep their digits."""
    z = np.array([[0, 40.0], [0, 60], [0, 900], [900, 0]])
    loss, _, _, entropy, el2n, prob, _ = signals_of(z, np.ones(4, np.int64)).T
    np.testing.assert_allclose(loss, [math.exp(-40), math.exp(-60), 0, 900], rtol=1e-12)
    np.testing.assert_allclose(el2n, [math.sqrt(2) * math.exp(-40), math.sqrt(2) * math.exp(-60), 0, math.sqrt(2)])
    assert prob.tolist() == [1, 1, 1, 0] and (entropy >= 0).all() and np.isfinite(entropy).all()


def test_a_refused_update_records_nothing():
    log = Dynamics(4, 2)
    log.update([0], [[1, 2]], [0])
    before = log.arrays()
    for ids, z, labels in (([1, 1], [[1, 2]] * 2, [0, 0]), ([1, 2], [[1, 2], [np.nan, 1]], [0, 0])):
        with pytest.raises(Refused):
            log.update(ids, z, labels)
    assert all(np.array_equal(values, before[name]) for name, values in log.arrays().items())
