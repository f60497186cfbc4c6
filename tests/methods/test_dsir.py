"""DSIR against a slow computation, its paper's properties, and the package data-selection."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import Refused
from tamis.methods import dsir
from tamis.ops import ngrams

POOL = ["the cat sat on the mat", "stocks fell as rates rose", "là ½ chat x² नमस्ते\x1cΟΔΟΣ", "", "A cat! a CAT? rates…"]
TARGET = ["the cat is on a mat", "a cat sat", "on"]


def counted(texts, **options):
    return ngrams.count(pa.array(texts), **options)


def state_of(target=TARGET, smoothing=0.1):
    return dsir.finish(counted(POOL), [counted(target)], smoothing=smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.02, 0.5])
def test_log_ratios_equal_the_slow_way(smoothing):
    pool, one, two = counted(POOL, buckets=50), counted(TARGET, buckets=50), counted(["rates rose"], buckets=50)
    state = dsir.finish(pool, [one, two], smoothing=smoothing)
    for t, target in enumerate((one, two)):
        for b in range(50):
            q = pool.counts[b] / pool.counts.sum()
            p = (1 - smoothing) * target.counts[b] / target.counts.sum() + smoothing * q
            assert state.log_ratio[b, t] == pytest.approx(math.log(p + 1e-8) - math.log(q + 1e-8), abs=1e-12)


@pytest.mark.parametrize(
    ("unit", "length", "divisor"),
    [
        ("document", "sum", lambda t: 1),
        ("document", "sqrt", math.sqrt),
        ("document", "mean", lambda t: t),
        ("document", "shrunk", lambda t: 1 + t / 128),
        ("chunk", "sum", lambda t: max(1, t / 128)),
        ("chunk", "mean", lambda t: t),
        ("chunk", "sqrt", lambda t: math.sqrt(t) if t < 128 else t / math.sqrt(128)),
        ("chunk", "shrunk", lambda t: 1 + t / 128 if t < 128 else 2 * t / 128),
    ],
)
def test_normalised_sums_equal_the_slow_way(unit, length, divisor):
    tokens = np.array([0, 1, 5, 127, 128, 129, 400])
    sums = np.arange(14.0).reshape(7, 2) - 5
    expected = [[s / divisor(max(t, 1)) for s in row] for row, t in zip(sums.tolist(), tokens.tolist(), strict=True)]
    np.testing.assert_allclose(dsir.normalised(sums, tokens, unit=unit, length=length), expected)


@pytest.mark.parametrize("length", ["sum", "sqrt", "mean", "shrunk"])
def test_the_ceiling_is_a_share_of_the_average_target_document(length):
    state = state_of()
    target_sums, target_tokens = ngrams.score(pa.array(TARGET), state.log_ratio)
    average = dsir.normalised(
        target_sums.mean(axis=0, keepdims=True), target_tokens.mean(keepdims=True), unit="document", length=length
    )
    free, _ = dsir.weigh(pa.array(TARGET + POOL), state, length=length, ceiling=0)
    cut, tokens = dsir.weigh(pa.array(TARGET + POOL), state, length=length, ceiling=0.4)
    np.testing.assert_allclose(cut, np.minimum(free, 0.4 * average))
    assert 0 < np.count_nonzero(cut < free) < len(cut)
    assert tokens.tolist() == ngrams.token_counts(pa.array(TARGET + POOL)).tolist()


def test_merged_parts_finish_as_the_whole():
    parts = [counted(POOL[:2]), counted(POOL[2:])]
    whole = dsir.finish(ngrams.merge(*parts), [counted(TARGET)], smoothing=0.02)
    for a, b in zip(whole, state_of(smoothing=0.02), strict=True):
        assert a.tolist() == b.tolist()


def test_the_target_is_found_among_other_texts():
    rng = np.random.default_rng(5)
    words = {"near": ["cat", "mat", "sat", "milk", "purr"], "far": ["bond", "rate", "yield", "fund", "cat"]}
    make = {kind: [" ".join(rng.choice(w, rng.integers(5, 60))) for _ in range(60)] for kind, w in words.items()}
    pool = make["near"][:40] + make["far"]
    state = dsir.finish(counted(pool), [counted(make["near"][40:])], smoothing=0.02)
    weights, _ = dsir.weigh(pa.array(pool), state)
    assert set(np.argsort(-weights[:, 0])[:40].tolist()) == set(range(40))


def test_package_tokens_equal_its_formula():
    for orders in (1, 2, 3, 5):
        for tokens in range(12):
            features = sum(max(tokens - n + 1, 0) for n in range(1, orders + 1))
            expected = int((features + orders * (orders - 1) / 2) // orders)
            assert dsir.package_tokens(np.array([tokens]), orders).tolist() == [expected]


def test_faithful_weights_equal_data_selection(tmp_path):
    package = pytest.importorskip("data_selection")
    files = {"pool": POOL * 2 + ["Ⓐ k⃝ İ ǅ ΌΔΟΣ. a\u200db"], "target": TARGET}
    for name, texts in files.items():
        lines = [json.dumps({"text": text}) for text in texts]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    theirs = package.HashedNgramDSIR(
        [str(tmp_path / "pool.jsonl")], [str(tmp_path / "target.jsonl")], str(tmp_path / "cache"), num_proc=1
    )
    theirs.fit_importance_estimator(num_tokens_to_fit="all")
    theirs.compute_importance_weights()
    expected = np.load(tmp_path / "cache" / "log_importance_weights" / "0.npy")

    pool, target = (counted(texts, hash="sha256") for texts in files.values())
    state = dsir.finish(pool, [target], smoothing=0)
    weights, tokens = dsir.weigh(pa.array(files["pool"]), state, hash="sha256", length="sum", ceiling=0)
    np.testing.assert_allclose(weights[:, 0], expected, atol=1e-9)
    lengths = np.load(tmp_path / "cache" / "perexample_metadata" / "0.npy")
    assert dsir.package_tokens(tokens, 2).tolist() == lengths.tolist()


def test_refusals():
    with pytest.raises(Refused, match="smoothing"):
        state_of(smoothing=1.0)
    with pytest.raises(Refused, match="target: it holds no text"):
        state_of(target=["", " "])
    for bad in ({"length": "median"}, {"unit": "page"}, {"ceiling": -1.0}, {"ceiling": math.nan}):
        with pytest.raises(Refused, match=next(iter(bad))):
            dsir.weigh(pa.array(POOL), state_of(), **bad)
