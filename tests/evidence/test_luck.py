"""What is said of a choice that is the same for every seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.evidence.luck import as_good, luck_words, same_rows


def test_equal_choices_are_the_same_and_random_ones_are_not():
    rng = np.random.default_rng(0)
    assert same_rows([np.arange(50)] * 3, 1000) == pytest.approx(1)
    drawn = [rng.choice(1000, 300, replace=False) for _ in range(20)]
    assert same_rows(drawn, 1000) < 0.05
    assert same_rows([np.arange(9)], 100) is None
    assert same_rows([np.arange(100)] * 2, 100) is None


@given(st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=20), min_size=2, max_size=5))
def test_what_choices_share_lies_between_nothing_and_all(sets):
    found = same_rows([np.array(sorted(one)) for one in sets], 40)
    assert found is None or 0 <= found <= 1


def test_a_draw_of_random_is_as_good_as_often_as_it_should_be():
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(4000, 6))
    shares = np.array([as_good(row[0], row[1:].tolist(), True) for row in draws])
    assert abs((shares < 0.05).mean() - 0.05) < 0.012 and abs(shares.mean() - 0.5) < 0.02


def test_directions():
    values = [0.1, 0.2, 0.3]
    assert as_good(0.5, values, True) == pytest.approx(1 - as_good(0.5, values, False))
    assert as_good(0.5, [0.1, 0.1], True) is None and as_good(0.5, [0.1], True) is None


def test_words_only_where_one_choice_stands_for_all_seeds():
    entry = {"verdict": "better", "same_rows": 1.0, "as_good": 0.125}
    assert luck_words(entry).endswith("this is about one choice: about 1 random choice in 8 would do as well.")
    assert "as badly" in luck_words(entry | {"verdict": "worse", "as_good": 0.9})
    assert luck_words(entry | {"same_rows": 0.2}) == ""
    assert "these rows only" in luck_words(entry | {"verdict": "no difference"})
    assert "80 %" in luck_words(entry | {"same_rows": 0.8})
