"""CoLoR-Filter: a difference of losses and its parts; the sign test of the specification."""

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.measure import ngram_losses
from tamis.methods.color_filter import color_filter


def test_the_difference_and_its_parts():
    prior, conditional = np.array([[2.0], [3.0]], np.float32), np.array([[1.5, 2.5], [3.5, 1.0]], np.float32)
    assert color_filter(prior, conditional).tolist() == [[0.5, -0.5], [-0.5, 2.0]]
    assert color_filter(prior, conditional, relative="conditional").tolist() == [[-1.5, -2.5], [-3.5, -1.0]]
    assert color_filter(prior, conditional, relative="prior").tolist() == [[-2.0, -2.0], [-3.0, -3.0]]


def test_sentences_that_occur_twice_in_a_document_change_no_rank():
    """A mean per byte is of the text and not of its length; the sum would be of both."""
    rng = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "bdfg" for b in "aeio" for c in "lmnr"])
    pool = [" ".join(rng.choice(words, 30)) + ". " for _ in range(60)]
    target = pa.array([" ".join(rng.choice(words[40:], 30)) + ". " for _ in range(20)])
    prior, conditional = (ngram_losses.finish(ngram_losses.fit(one), split=False) for one in (pa.array(pool), target))
    twice = [text * 2 if row < 30 else text for row, text in enumerate(pool)]
    once, again = (
        ngram_losses.losses(prior, pa.array(one)) - ngram_losses.losses(conditional, pa.array(one))
        for one in (pool, twice)
    )
    places = [np.argsort(np.argsort(-values)) for values in (once, again)]
    assert np.abs(places[0] - places[1]).mean() < 2
    lengths = np.array([len(text) for text in twice])
    by_sum = np.argsort(np.argsort(-again * lengths))
    assert np.abs(places[0] - by_sum).mean() > 3


def test_it_needs_a_target_and_a_model_for_each(tmp_path):
    with pytest.raises(Refused, match="--target"):
        tamis.select({"text": ["a", "b"]}, "color-filter", budget=1)
    with pytest.raises(Refused, match="there are 1 of them for 2 targets"):
        both = [{"text": ["a"]}, {"text": ["b"]}]
        columns = {"text": ["a", "b"], "one": [1.0, 2.0]}
        use = {"prior_loss": "one", "conditional_loss": "one"}
        tamis.select(columns, "color-filter", target=both, budget=1, use=use)
