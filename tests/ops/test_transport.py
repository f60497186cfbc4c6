"""Entropic transport against POT called directly, in float64 and exactly, and against finite differences."""

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.transport import costs, duals_of, extend, potentials

ot = pytest.importorskip("ot")


def samples(n, m, d, seed=0, apart=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)).astype(np.float32), (rng.normal(size=(m, d)) + apart).astype(np.float32)


def equal(n):
    return np.full(n, 1 / n)


def in_logs(cost, epsilon, a=None, b=None):
    """POT's Sinkhorn in logarithms and float64: its plan, and f relative to the product of the margins."""
    a, b = (equal(n) if mass is None else mass for mass, n in zip((a, b), cost.shape, strict=True))
    plan, log = ot.bregman.sinkhorn_log(a, b, cost.astype(np.float64), epsilon, 4000, 1e-12, log=True, warn=False)
    return plan, epsilon * (log["log_u"] - np.log(a))


def centred(duals):
    return duals - duals.mean()


@pytest.mark.parametrize("epsilon", [0.1, 0.03])
def test_pot_in_float32_called_directly_gives_the_same(epsilon):
    cost = costs(*samples(300, 200, 6))
    epsilon *= float(cost.mean())
    a, b = equal(300).astype(np.float32), equal(200).astype(np.float32)
    plan, log = ot.sinkhorn(a, b, cost, epsilon, numItermax=60, stopThr=0, log=True, warn=False)
    found = potentials(cost, epsilon, iterations=60, tolerance=0)
    assert found.cost == pytest.approx(float((plan.astype(np.float64) * cost).sum()), rel=1e-6)
    np.testing.assert_allclose(centred(found.f), centred(epsilon * np.log(log["u"])), atol=1e-5)
    np.testing.assert_allclose(centred(found.g), centred(epsilon * np.log(log["v"])), atol=1e-5)


@pytest.mark.parametrize("epsilon", [0.1, 0.02, 0.004])
def test_float64_in_logs_gives_the_same(epsilon):
    """Also where exp(−C / ε) underflows and plain iterations in float32 fail."""
    cost = costs(*samples(100, 80, 20))
    epsilon *= float(cost.mean())
    plan, f = in_logs(cost, epsilon)
    found = potentials(cost, epsilon, iterations=5000)
    assert found.error < 1e-4
    assert found.cost == pytest.approx(float((plan * cost).sum()), rel=1e-5)
    np.testing.assert_allclose(centred(found.f), centred(f), atol=0.02 * epsilon + 1e-5)


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=30)
def test_small_epsilon_comes_near_the_exact_cost(seed, n, m):
    """The entropic plan costs at most ε log(min(n, m)) more, and never less by more than what its margins miss."""
    cost = costs(*samples(n, m, 3, seed))
    epsilon = 0.02 * float(cost.mean())
    found, exact = potentials(cost, epsilon, iterations=20_000), ot.emd2(equal(n), equal(m), cost.astype(np.float64))
    slack = 1e-5 + found.error * float(cost.max())
    assert exact - slack <= found.cost <= exact + epsilon * np.log(min(n, m)) + slack
    assert found.cost <= found.value + 1e-5
    assert abs(found.g.mean()) < 1e-9 and found.value == pytest.approx(found.f.mean(), abs=1e-9)


def test_an_assignment_of_scipy():
    from scipy.optimize import linear_sum_assignment

    x, _ = samples(40, 1, 4)
    cost = costs(x, x[::-1] + np.float32(0.01))
    exact = cost[linear_sum_assignment(cost)].mean()
    assert potentials(cost, 0.01 * float(cost.mean()), iterations=5000).cost == pytest.approx(exact, rel=1e-3)


def test_what_underflows_and_must_carry_mass_is_not_lost():
    """A tenth of the mass has to cross at C / ε = 101, where float32 has few bits: plain iterations go wrong."""
    a, b = np.repeat([0.6, 0.4], 5) / 5, np.repeat([0.5, 0.5], 5) / 5
    rng = np.random.default_rng(0)
    cost = (np.kron([[0, 101], [101, 0]], np.ones((5, 5))) + rng.random((10, 10))).astype(np.float32)
    found, (plan, f) = potentials(cost, 1.0, a=a, b=b), in_logs(cost, 1.0, a, b)
    assert found.cost == pytest.approx(float((plan * cost).sum()), rel=1e-4)
    np.testing.assert_allclose(found.f - a @ found.f, f - a @ f, atol=2e-3)


def test_a_tiny_epsilon_converges_from_larger_ones():
    """A cold start still misplaces 6 % of the mass after as many iterations."""
    cost = costs(*samples(300, 200, 5, apart=0.3))
    found = potentials(cost, 5e-4 * float(cost.mean()))
    assert found.error < 5e-4
    assert found.cost == pytest.approx(ot.emd2(equal(300), equal(200), cost.astype(np.float64)), rel=1e-3)


def test_a_dual_is_the_derivative_by_mass():
    cost = costs(*samples(30, 20, 3))
    epsilon, step = 0.1 * float(cost.mean()), 1e-3
    options = {"iterations": 5000, "tolerance": 1e-6}
    found = potentials(cost, epsilon, **options)
    for row in range(0, 30, 7):
        a = equal(30)
        a[row] += step
        moved = potentials(cost, epsilon, a=a / a.sum(), **options)
        calibrated = (found.f[row] - found.f.mean()) * 30 / 29
        assert (moved.value - found.value) / step == pytest.approx(calibrated, rel=0.05, abs=2e-3)


@given(st.integers(0, 10_000), st.floats(-3, 3))
@settings(max_examples=20)
def test_a_constant_on_all_costs_moves_no_potential(seed, constant):
    cost = costs(*samples(15, 9, 2, seed)) + np.float32(3)
    one, other = (potentials(found, 0.3, iterations=5000) for found in (cost, cost + np.float32(constant)))
    np.testing.assert_allclose(centred(one.f), centred(other.f), atol=1e-3)


def test_half_a_step_extends_the_duals_to_any_row_in_any_blocks():
    x, y = samples(200, 60, 5)
    cost = costs(x, y)
    epsilon = 0.03 * float(cost.mean())
    found = potentials(cost, epsilon)
    whole = extend(x, y, found.g, epsilon)
    np.testing.assert_allclose(whole, found.f, atol=1e-4 * epsilon)
    rows = np.array([7, 3, 3])
    np.testing.assert_array_equal(extend(x, y, found.g, epsilon, rows=rows, block_bytes=300), whole[rows])
    slowly = -epsilon * np.log(np.exp((found.g - cost.astype(np.float64)) / epsilon).mean(axis=1))
    np.testing.assert_allclose(whole, slowly, atol=1e-6)


def test_a_sample_by_key_finds_nearly_the_duals_of_all():
    x, y = samples(3000, 500, 4)
    key, rows = np.random.default_rng(1).permutation(3000).astype(np.uint64), np.arange(3000)
    few, all_ = (duals_of(x, y, rows, key, wanted=rows, epsilon=0.2, solve_rows=most) for most in (700, 3000))
    assert np.corrcoef(few, all_)[0, 1] > 0.995
    order = np.random.default_rng(2).permutation(3000)
    moved = duals_of(x[order], y, rows, key[order], wanted=rows, epsilon=0.2, solve_rows=700)
    np.testing.assert_array_equal(moved, few[order])


def test_nothing_to_move():
    """Where all points are one, the mean distance, and so the epsilon, is 0."""
    x = np.ones((4, 2), np.float32)
    rows, key = np.arange(4), np.arange(4, dtype=np.uint64)
    assert duals_of(x, x, rows, key, wanted=rows, epsilon=0.0, solve_rows=9).tolist() == [0, 0, 0, 0]
    assert potentials(np.zeros((1, 1), np.float32), 0.1).cost == 0


def test_what_does_not_converge_is_refused():
    cost = costs(*samples(100, 100, 3))
    with pytest.raises(Refused, match=r"still misplaces \d.* of the mass after 3 iterations; ask for a larger epsilon"):
        potentials(cost, 1e-3, iterations=3)


def test_pot_missing(monkeypatch):
    imported = builtins.__import__

    def without(name, *rest):
        if name == "ot":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Refused, match=r"needs the package POT; run pip install 'tamis\[transport\]'"):
        potentials(np.ones((2, 2), np.float32), 1.0)
