"""VoG: deviations within classes, as scipy has them, and scores of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import zscore

from tamis.errors import Refused
from tamis.methods.vog import vog
from tamis.registry import find


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-20, 20)), min_size=1, max_size=60), st.floats(1e-3, 1e3))
def test_within_each_class_as_scipy_has_it(rows, unit):
    label, score = (np.array(values) for values in zip(*rows, strict=True))
    score = score * unit
    found = vog(score, label)
    for code in np.unique(label):
        mine = label == code
        wanted = zscore(score[mine]) if len(set(score[mine])) > 1 else np.zeros(np.count_nonzero(mine))
        np.testing.assert_allclose(found[mine], wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(vog(score, label, normalise="abs"), np.abs(found))
    np.testing.assert_array_equal(vog(score, label, normalise="none"), score)


def test_one_of_a_class_and_equal_ones_are_usual():
    score = np.array([0.1, 0.1, 0.1, 7.0, 1.0, 3.0])
    assert vog(score, np.array([0, 0, 0, 1, 2, 2])).tolist() == [0, 0, 0, 0, -1, 1]
    assert vog(np.full(1000, 1 / 3), np.zeros(1000, int)).tolist() == [0] * 1000


@pytest.mark.parametrize("unit", [1.0, 2.0**-1070, 2.0**1020, 2.0**-500])
def test_scores_of_any_size(unit):
    score = np.array([1.0, 2.0, 3.0, 10.0]) * unit
    np.testing.assert_allclose(vog(score, np.zeros(4, int)), zscore([1.0, 2.0, 3.0, 10.0]), rtol=1e-12)
    both = vog(np.array([-1.7e308, 1.7e308, 1e-300, 3e-300]), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(both, [-1, 1, -1, 1], rtol=1e-12)


def test_the_raw_score_is_a_copy():
    score = np.array([1.0, 2.0])
    vog(score, np.array([0, 0]), normalise="none")[0] = 9
    assert score.tolist() == [1, 2]


def test_rows_in_another_order():
    rng = np.random.default_rng(0)
    score, label, mixed = rng.gamma(1.0, size=200), rng.integers(0, 7, 200), rng.permutation(200)
    np.testing.assert_allclose(vog(score[mixed], label[mixed]), vog(score, label)[mixed], rtol=1e-9)


def test_another_way_is_refused():
    with pytest.raises(Refused, match="normalise"):
        find("vog").bind({"normalise": "rank"})
