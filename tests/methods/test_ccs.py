"""CCS: the checks of its specification, and its published steps done slowly."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.methods.ccs import ccs
from tamis.ops.shares import water_filling


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def test_every_difficulty_gives_as_many():
    """5,000 uniform scores in 50 strata, a tenth kept: 10 of each, where shares by size would give 8 to 12."""
    score = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 100) + 0.5) / 50
    score[[0, 1]] = 0.0, 1.0
    rows = ccs(score, keys(5000)).rows[:500]
    counts = np.bincount(np.minimum(score[rows] * 50, 49).astype(int), minlength=50)
    assert (np.abs(counts - 10) <= 1).all()
    uneven = np.concatenate([score, np.full(20_000, 0.29)])
    found = ccs(uneven, keys(25_000)).rows[:500]
    assert np.count_nonzero((uneven[found] >= 0.28) & (uneven[found] < 0.3)) == 10


@given(
    st.lists(st.integers(-6, 6), min_size=1, max_size=40),
    st.integers(1, 7),
    st.floats(0, 0.9),
    st.integers(0, 99),
)
def test_every_prefix_is_what_the_published_steps_give(score, bins, cutoff, seed):
    score, key = np.array(score, float), keys(len(score), seed)
    doubt = np.random.default_rng(seed).integers(0, 5, len(score)).astype(float)
    order = ccs(score, key, doubt, cutoff=cutoff, bins=bins)
    dropped = sorted(range(len(score)), key=lambda row: (doubt[row], int(key[row])))[: int(cutoff * len(score) + 1e-9)]
    rest = sorted(set(range(len(score))) - set(dropped))
    assert sorted(order.rows.tolist()) == rest
    low, high = score[rest].min(), score[rest].max()
    width = (high - low) / bins
    stratum = {row: min(int((score[row] - low) / width + 1e-9), bins - 1) if high > low else 0 for row in rest}
    sizes = np.bincount(list(stratum.values()), minlength=bins)
    for total in range(len(rest) + 1):
        kept = [stratum[row] for row in order.rows[:total].tolist()]
        assert np.bincount(np.array(kept, int), minlength=bins).tolist() == water_filling(total, sizes).tolist()
    for row, said in zip(order.rows.tolist(), order.reasons, strict=True):
        assert said.startswith(f"stratum {stratum[row] + 1} of {bins},")


def test_within_a_stratum_all_are_as_likely():
    score = np.zeros(6)
    first = [ccs(score, keys(6, seed)).rows[0] for seed in range(3000)]
    np.testing.assert_allclose(np.bincount(first) / 3000, 1 / 6, atol=0.03)


def test_the_top_row_of_negative_scores_is_in_a_stratum():
    order = ccs(np.array([-3.0, -2.0, -1.0]), keys(3), bins=3)
    assert sorted(order.rows.tolist()) == [0, 1, 2]
    assert order.reasons[order.rows.tolist().index(2)].startswith("stratum 3 of 3")


@pytest.mark.parametrize("score", [[4.2] * 9, [1e308, -1e308, 0.0, 0.0], [5e-324, 0.0], [7.0]])
def test_scores_that_could_break_a_width(score):
    order = ccs(np.array(score), keys(len(score)))
    assert sorted(order.rows.tolist()) == list(range(len(score)))
    if len(set(score)) == 1:
        assert set(order.reasons) == {f"stratum 1 of 50, {score[0]:.4g} to {score[0]:.4g}"}


def test_doubtful_rows_are_not_counted():
    """29 of 100, though 0.29 · 100 is a little less as a product of floats; strata are those of the others."""
    score = np.arange(100.0)
    order = ccs(score, keys(100), -score, cutoff=0.29, bins=1)
    assert sorted(order.rows.tolist()) == list(range(71)) and order.reasons[0] == "stratum 1 of 1, 0 to 70"


def test_rows_in_another_order():
    rng = np.random.default_rng(1)
    score, doubt, key, mixed = rng.normal(size=300), rng.integers(0, 9, 300) / 1.0, keys(300), rng.permutation(300)
    one = ccs(score, key, doubt, cutoff=0.2).rows
    two = ccs(score[mixed], key[mixed], doubt[mixed], cutoff=0.2).rows
    assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize("options", [{"cutoff": -0.1}, {"cutoff": 1.0}, {"bins": 0}, {"cutoff": 0.2}])
def test_what_is_refused(options):
    with pytest.raises(Refused, match=next(iter(options))):
        ccs(np.arange(5.0), keys(5), None if options == {"cutoff": 0.2} else np.arange(5.0), **options)


def test_on_digits_it_is_near_random_where_the_hardest_fail():
    """Of 1,297 digits: at 5 % within 3 points of random and 15 above the hardest, at half at least random."""
    neural = pytest.importorskip("sklearn.neural_network")
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    x, truth, options = x / 16, np.eye(10)[y], {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 64}
    found = []
    for seed in range(5):
        mixed = np.random.default_rng(seed).permutation(1797)
        train, test, key = mixed[:1297], mixed[1297:], keys(1297, seed)
        model = neural.MLPClassifier(64, random_state=seed, **options)
        wrong, margin = np.zeros(1297), np.zeros(1297)
        for epoch in range(30):
            probs = model.partial_fit(x[train], y[train], classes=np.arange(10)).predict_proba(x[train])
            wrong += np.linalg.norm(probs - truth[train], axis=1) * (epoch < 10)
            margin += (probs * truth[train]).sum(axis=1) - (probs - 9 * truth[train]).max(axis=1)
        few, half = (ccs(margin, key, margin, cutoff=share).rows for share in (0.1, 0.0))
        kept = [few[:64], np.argsort(key)[:64], np.argsort(-wrong)[:64], half[:648], np.argsort(key)[:648]]
        scores = []
        for rows in kept:
            epochs = {"max_iter": 300 if len(rows) == 64 else 40, "tol": 0, "n_iter_no_change": 999}
            model = neural.MLPClassifier(64, random_state=seed, **options, **epochs)
            with warnings.catch_warnings(action="ignore"):  # that it has not converged
                scores.append(model.fit(x[train][rows], y[train][rows]).score(x[test], y[test]))
        found.append(scores)
    chosen, random, hardest, chosen_half, random_half = np.mean(found, axis=0)
    assert chosen > random - 0.03 and chosen > hardest + 0.15
    assert chosen_half >= random_half
