"""PreSelect: the share of pairs of models that a document orders as a benchmark does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from tamis.errors import Refused
from tamis.measure import ngram_losses
from tamis.methods.preselect import preselect

stats = pytest.importorskip("scipy.stats")


@given(st.integers(1, 8), st.integers(3, 6), st.integers(0, 10**6))
def test_it_is_kendalls_tau(n, m, seed):
    rng = np.random.default_rng(seed)
    losses = rng.permuted(np.tile(np.arange(m, dtype=np.float32), (n, 1)), axis=1) + rng.random((n, 1), np.float32)
    results = rng.permutation(m) / 7
    found = preselect(losses, results=results.tolist())
    expected = [(1 + stats.kendalltau(-row, results).statistic) / 2 for row in losses]
    assert np.allclose(found, expected)
    assert np.allclose(found, preselect(losses * 3, results=np.exp(results).tolist()))
    assert np.allclose(found + preselect(losses, results=(-results).tolist()), 1)


def test_ties_are_no_agreement():
    losses = np.array([[2, 2, 1]], np.float32)
    assert preselect(losses).tolist() == [2 / 3]
    assert preselect(losses, results="1,2,2").tolist() == [1 / 3]


def test_models_from_the_worst_to_the_best_need_no_results():
    rng = np.random.default_rng(0)
    losses = rng.random((20, 4), np.float32)
    assert preselect(losses).tolist() == preselect(losses, results="0.1,0.2,0.3,0.9").tolist()


def test_it_prefers_text_that_better_models_read_better():
    """Models of bytes of rising order on real text: shuffled characters do not tell them apart in that order."""
    import pyarrow as pa

    from ..refusals.small_models import documents

    texts = [text[:400] for text in documents("pep")[:120]]
    rng = np.random.default_rng(0)
    shuffled = ["".join(rng.permutation(list(text))) for text in texts[60:]]
    models = [ngram_losses.finish(ngram_losses.fit(pa.array(texts)), order=order) for order in (1, 2, 3, 5)]
    both = pa.array(texts[:60] + shuffled)
    losses = np.stack([ngram_losses.losses(model, both) for model in models], axis=1).astype(np.float32)
    found = preselect(losses)
    assert found[:60].mean() > found[60:].mean() + 0.2


def test_what_cannot_be_compared_is_refused():
    losses = np.ones((4, 3), np.float32)
    for results, said in (("1,2", "3 numbers"), ("1,1,1", "not all the same"), ("1,x,2", "finite numbers")):
        with pytest.raises(Refused, match=said):
            preselect(losses, results=results)
    with pytest.raises(Refused, match="three models"):
        preselect(losses[:, :2], results="1,2")


def test_through_the_engine():
    rng = np.random.default_rng(2)
    pool = {"text": [f"t{i}" for i in range(30)], "losses": rng.random((30, 4)).tolist()}
    found = tamis.select(pool, "preselect", budget=5, use={"losses": "losses"}, results="1,2,3,4")
    expected = preselect(np.array(pool["losses"], np.float32))
    assert found.rows.tolist() == np.argsort(-expected, kind="stable")[:5].tolist()
