"""Every task through the bench, on pools whose right answer is known."""

import numpy as np
import pyarrow as pa
import pytest

import tamis

from .material import classes

DRAWN = {"method": "weighted-draw", "set": {"temperature": 0.1}, "name": "drawn"}


def bench(pool, **given):
    return tamis.bench(pool, **({"workers": 0, "seeds": 3, "examples": False} | given))


def said(found, method, metric=None, comparison="equal budget"):
    """The verdict on a method."""
    return next(
        one["verdict"]
        for one in found.verdicts
        if (one["method"], one["comparison"]) == (method, comparison) and metric in (None, one["metric"])
    )


def texts(rows=600, seed=0):
    """Two kinds of text, of which `tea` is rare."""
    rng = np.random.default_rng(seed)
    words = {"tea": "cup pot leaf steam kettle black green".split(), "law": "court shall code act section rule".split()}
    kinds = np.where(rng.random(rows) < 0.15, "tea", "law")
    made = [" ".join(rng.choice(words[kind], 20)) for kind in kinds]
    return pa.table({"text": made, "domain": kinds, "shine": (kinds == "tea") + rng.random(rows)})


@pytest.fixture(scope="module")
def language():
    wanted = texts(900, seed=1)
    wanted = wanted.filter(pa.array(np.array(wanted["domain"]) == "tea")).select(["text"])
    drawn = DRAWN | {"score": "shine", "set": {"temperature": 0.3}}
    given = {"target": wanted, "methods": [drawn], "budgets": ["1000 tokens"], "seeds": 8}
    return bench(texts(2000), task="language-model", **given)


def test_a_targeted_choice_is_better_on_target_and_worse_elsewhere(language):
    assert said(language, "drawn", "bits_per_byte") == "better"
    assert said(language, "drawn", "off_target_bits_per_byte") == "worse"


def test_texts_bring_their_baselines_and_tokens(language):
    roles = {one["name"]: one["role"] for one in language.found["methods"]}
    assert roles["length-matched-random"] == roles["stratified-random"] == "baseline"
    chosen = [one for one in language.cells.to_pylist() if one["budget"] == "1000 tokens"]
    assert all(980 < one["tokens_seen"] == one["spent"] <= 1000 for one in chosen)


def test_rows_of_unequal_length_are_warned_of():
    table = pa.table(
        {"text": ["a b c " * (1 + row % 9) for row in range(300)], "long": [row % 9 for row in range(300)]}
    )
    wanted = pa.table({"text": [f"a b c d {row}" for row in range(20)]})
    found = bench(table, task="language-model", target=wanted, methods="top:long", budgets=[20], duplicates="keep")
    assert any("times as many tokens" in text for text in found.found["warnings"])


def test_the_same_choice_under_two_names_is_said():
    found = bench(
        classes(200), task="classify", label="y", budgets=[20],
        methods=["top:quality", {"method": "top", "score": "quality", "name": "again"}],
    )  # fmt: skip
    assert any("the same rows are kept by top:quality and again" in text for text in found.found["warnings"])
    for one in found.found["others"]:
        assert one["metric"] in ("balanced_accuracy", "log_loss") and one["comparison"] == "equal budget"


def test_a_cover_of_one_corner_is_worse():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    found = bench(
        {"x": x[:, 0], "z": x[:, 1], "corner": x.sum(axis=1)}, task="cover", methods="top:corner", budgets=[40]
    )
    assert said(found, "top:corner", "mean_distance") == "worse"


@pytest.mark.parametrize("model", ["knn", "mlp"])
def test_other_models_see_a_planted_quality(model):
    pool, test = classes(1500, noise=0.42), classes(500, seed=9)
    given = {"label": "y", "methods": [DRAWN | {"score": "quality"}], "budgets": ["15%"], "seeds": 5, "model": model}
    found = bench(pool, test=test, task="classify", steps=200 if model == "mlp" else None, **given)
    assert said(found, "drawn") == "better"
    steps = {one["steps"] for one in found.cells.to_pylist() if not one["control"]}
    assert steps == ({200} if model == "mlp" else {None})


def test_features_serve_methods_that_want_vectors(folder, write):
    write(
        "m.py",
        "import numpy as np\nfrom tamis.vocabulary import Order\n\n\n"
        "def far(embedding) -> Order:\n    assert embedding.shape[1] == 3 and abs(embedding.mean()) < 0.2\n"
        "    return Order(np.argsort(-np.linalg.norm(embedding, axis=1), kind='stable'))\n",
    )
    pool = classes(200).drop_columns(["quality", "luck"])
    found = bench(pool, task="classify", label="y", methods="m.py:far", budgets=[20])
    assert not found.found["failed"]


def test_random_needs_more_rows_for_the_same():
    found = bench(classes(1500, noise=0.4), task="classify", label="y", methods="top:quality", budgets=["5%"], seeds=4)
    one = next(one for one in found.verdicts if one["method"] == "top:quality")
    assert one["random_rows"] is None or one["random_rows"] > 60
