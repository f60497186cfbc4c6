"""GOT-D: what the pool lacks, by the calibrated gradients of transport."""

import numpy as np
import pytest

from tamis.errors import Refused
from tamis.methods.got_d import got_d
from tamis.ops.transport import duals_of, mean_distance

pytest.importorskip("ot")


def keys(n, seed=0):
    return np.random.default_rng(seed).permutation(n).astype(np.uint64)


def animals(cats, dogs, seed=0, d=8):
    """Cats about the origin, then dogs about (3, 0, …)."""
    found = np.random.default_rng(seed).normal(size=(cats + dogs, d)) * 0.3
    found[cats:, 0] += 3
    return found.astype(np.float32)


def test_cats_and_dogs():
    """The paper's example: the pool has 1 % dogs, the target a half, and every pick is a dog."""
    pool, target = animals(990, 10), animals(100, 100, seed=1)
    score = got_d(pool, target, keys(1000))
    assert (np.argsort(-score)[:10] >= 990).all()
    apart = np.linalg.norm(pool[:, None] - target[None], axis=2).min(axis=1)
    assert np.count_nonzero(np.argsort(apart)[:100] >= 990) < 20
    away = got_d(pool, target, keys(1000), mode="away")
    np.testing.assert_array_equal(away, -score)
    assert got_d(pool + 2, target + 2, keys(1000), metric="cosine").argmax() >= 990


def test_signs_and_sizes_of_the_gradient():
    """Cats are a little worse than the average, dogs much better; gradients sum to 0."""
    score = got_d(animals(99, 1), animals(50, 50, seed=1), keys(100))
    assert score[:99].mean() < 0 < score[99] and abs(score.sum()) < 1e-9


def test_the_gradient_is_f_less_the_mean_of_the_others():
    pool, target, key = animals(8, 2), animals(5, 5, seed=1), keys(10)
    scale, rows = mean_distance(pool, target, key), np.arange(10)
    f = duals_of(pool, target, rows, key, wanted=rows, epsilon=0.05 * scale, solve_rows=10)
    calibrated = [f[i] - np.delete(f, i).sum() / 9 for i in rows]
    np.testing.assert_allclose(got_d(pool, target, key), -np.array(calibrated), rtol=1e-9)


def test_a_pool_like_the_target_has_no_gradient():
    pool = animals(300, 300)
    typical = float(np.linalg.norm(pool[:, None] - pool[None], axis=2).mean())
    score = got_d(pool, pool.copy(), keys(600), epsilon=0.05)
    assert np.abs(score).max() < 2 * 0.05 * typical and np.abs(score).mean() < 0.05 * typical / 4


def test_a_sample_finds_nearly_the_same_and_follows_keys():
    pool, target, key = animals(2900, 100), animals(200, 200, seed=1), keys(3000)
    whole, some = (got_d(pool, target, key, solve_rows=most) for most in (3000, 600))
    assert np.corrcoef(whole, some)[0, 1] > 0.99
    assert (np.argsort(-some)[:100] >= 2900).all()
    mixed = np.random.default_rng(3).permutation(3000)
    np.testing.assert_allclose(got_d(pool[mixed], target, key[mixed], solve_rows=600), some[mixed], atol=1e-12)


def test_copies_score_alike_and_all_alike_score_nothing():
    pool = np.repeat(animals(20, 5), 3, axis=0)
    score = got_d(pool, animals(9, 9, seed=1), keys(75))
    np.testing.assert_array_equal(score.reshape(25, 3), np.repeat(score[::3, None], 3, axis=1))
    assert got_d(np.ones((5, 3), np.float32), animals(2, 2, d=3), keys(5)).tolist() == [0] * 5
    assert got_d(np.ones((5, 3), np.float32), np.ones((2, 3), np.float32), keys(5)).tolist() == [0] * 5
    assert got_d(animals(1, 0), animals(2, 2), keys(1)).tolist() == [0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epsilon": 0.0}, "epsilon=0.0"),
        ({"solve_rows": 0}, "solve_rows=0"),
        ({"epsilon": 1e-6}, "ask for a larger epsilon"),
    ],
)
def test_refusals(options, said):
    with pytest.raises(Refused, match=said):
        got_d(animals(50, 50), animals(40, 60, seed=1), keys(100), **options)


def test_an_example_of_the_target_without_direction():
    with pytest.raises(Refused, match="example 1 of the target: its vector is all zeros"):
        got_d(animals(5, 5), np.array([[1] * 8, [0] * 8], np.float32), keys(10), metric="cosine")
