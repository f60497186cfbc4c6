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


def test_what_is_known_of_few_characters_counts_as_the_pool_does():
    prior, conditional, length = (
        np.full((4, 1), 2.0),
        np.array([[1.0], [1.5], [3.0], [3.0]]),
        np.array([100, 900, 0, 5]),
    )
    middle = (100 * 1.0 + 900 * 0.5 - 5 * 1.0) / 1005
    slow = [(c * d + 300 * middle) / (c + 300) for c, d in zip(length, [1.0, 0.5, -1.0, -1.0], strict=True)]
    assert np.allclose(color_filter(prior, conditional, length)[:, 0], slow)
    assert color_filter(prior, conditional, length, shrink=0).tolist() == [[1.0], [0.5], [-1.0], [-1.0]]
    same = np.full(4, 512)  # windows of one length, as published: no k changes their order
    assert np.argsort(-color_filter(prior, conditional, same)[:, 0], kind="stable").tolist() == [0, 1, 2, 3]
    parts = color_filter(prior, conditional, length, relative="conditional")
    assert parts.tolist() == (-conditional).tolist()
    with pytest.raises(Refused, match="shrink=-1"):
        color_filter(prior, conditional, length, shrink=-1)


def test_lengths_of_what_is_kept_are_those_of_the_target_at_any_budget():
    """Noise of a mean falls with the length; neither the first nor the last short documents come before long ones."""
    rng = np.random.default_rng(0)
    length = rng.integers(20, 2000, 4000)
    near = np.arange(4000) < 400
    difference = np.where(near, -0.05, -0.2) + rng.normal(size=4000) * 2 / np.sqrt(length)
    prior, conditional = np.full((4000, 1), 2.0), 2.0 - difference[:, None]
    for budget in (40, 400, 1200):
        first = np.argsort(-color_filter(prior, conditional, length)[:, 0])[:budget]
        published = np.argsort(-color_filter(prior, conditional, length, shrink=0)[:, 0])[:budget]
        assert budget > near.sum() or near[first].mean() > near[published].mean()
        assert np.median(length[first]) > 0.9 * np.median(length)


def test_lengths_are_known_wherever_there_is_a_text():
    """Of a column with another name too, looked for when n-grams are measured; a pool without texts has none."""
    losses, target = {"a": [2.0, 2.0, 2.0], "b": [1.0, 1.5, 2.5]}, {"text": ["long"]}
    long, use = {"body": ["x", "long " * 200, "else " * 200]}, {"prior_loss": "a", "conditional_loss": "b"}
    assert tamis.select(losses, "color-filter", target=target, budget=1, use=use).rows.tolist() == [0]
    texts = {"text": long["body"], **losses}
    assert tamis.select(texts, "color-filter", target=target, budget=1, use=use).rows.tolist() == [1]
    found = tamis.score(long, "color-filter", target={"body": ["a long one"]})["score"].to_numpy()
    flat = tamis.score(long, "color-filter", target={"body": ["a long one"]}, shrink=0)["score"].to_numpy()
    middle = (flat[0] + 1000 * flat[1] + 1000 * flat[2]) / 2001
    assert np.allclose(found, (flat * [1, 1000, 1000] + 300 * middle) / [301, 1300, 1300])


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
