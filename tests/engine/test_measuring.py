"""Texts measured on the way: what a method gets is what the measures give, whatever is cut, left out or killed."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.measure import ngram_losses
from tamis.ops import latent_semantics, text_vectors
from tamis.ops.near_vectors import near_vectors
from tamis.testing import WORDS

ROWS = 90


@pytest.fixture(scope="module")
def texts():
    """Texts of two kinds of words; the last thirty are of the second, as the target is."""
    rng = np.random.default_rng(8)
    first, second = list(WORDS), [f"{word[::-1]}x" for word in WORDS]
    made = [" ".join(rng.choice(first if row < 60 else second, rng.integers(8, 30))) for row in range(ROWS)]
    target = [" ".join(rng.choice(second, rng.integers(8, 30))) for _ in range(12)]
    return made, target


@pytest.fixture
def files(folder, texts):
    made, target = texts
    (folder / "pool").mkdir()
    for part, start in enumerate(range(0, ROWS, 40)):
        pq.write_table(pa.table({"text": made[start : start + 40]}), f"pool/{part}.parquet")
    pq.write_table(pa.table({"text": made}), "whole.parquet")
    pq.write_table(pa.table({"text": target}), "wanted.parquet")
    return folder


def differences(texts, target):
    prior = ngram_losses.finish(ngram_losses.fit(pa.array(texts)))
    conditional = ngram_losses.finish(ngram_losses.fit(pa.array(target)), split=False)
    column = pa.array(texts)
    return ngram_losses.losses(prior, column) - ngram_losses.losses(conditional, column)


def test_losses_are_those_of_the_models(files, texts):
    made, target = texts
    found = tamis.select("pool", "color-filter", target="wanted.parquet", budget=30, shrink=0)
    expected = differences(made, target)
    assert sorted(found.rows.tolist()) == list(range(60, 90))
    assert np.allclose(found.scores, expected[found.rows], atol=1e-5)
    reverse = tamis.score("pool", "color-filter", target="wanted.parquet", relative="prior")["score"].to_numpy()
    assert np.argsort(reverse)[:30].tolist() != sorted(found.rows.tolist())


def test_the_conditional_alone_and_the_sign(files, texts):
    made, target = texts
    conditional = ngram_losses.finish(ngram_losses.fit(pa.array(target)), split=False)
    found = tamis.score("pool", "color-filter", target="wanted.parquet", relative="conditional")["score"].to_numpy()
    assert np.allclose(found, -ngram_losses.losses(conditional, pa.array(made)), atol=1e-5)
    worst = np.argsort(differences(made, target))[:30]  # the other way round keeps nothing of the target
    assert (worst < 60).all()


def test_one_file_or_several_in_one_process_or_two(files, monkeypatch):
    monkeypatch.setattr("tamis.engine.run.worth_workers", lambda pool: True)
    asked = {"target": "wanted.parquet", "budget": 20}
    for method in ("color-filter", "rds-plus"):
        one = tamis.select("whole.parquet", method, **asked, workers=1)
        for pool, workers in (("pool", 1), ("pool", 2)):
            other = tamis.select(pool, method, **asked, workers=workers)
            assert one.rows.tolist() == other.rows.tolist()


def test_vectors_are_learned_of_what_may_be_chosen(files, texts):
    """Latent semantics of the pool, for pool and target alike; rows left out are neither learned from nor measured."""
    made, target = texts
    basis = latent_semantics.finish(latent_semantics.fit(pa.array(made)))
    pool, wanted = (latent_semantics.vectors(basis, pa.array(one)).astype(np.float16) for one in (made, target))
    near = pool.astype(np.float32) @ wanted.astype(np.float32).T
    order = tamis.select("pool", "rds-plus", target="wanted.parquet", budget=1, set={"within": "maximum"})
    assert order.rows[0] == near.max(axis=1).argmax()
    assert order.manifest["roles"]["embedding"] == {"column": "latent-semantics", "how": "measured"}
    short = tamis.clean("pool", rules="gopher-quality:min-words=20,max-words=1000,min-stop-words=0", output="clean")
    rest = [made[row] for row in sorted(short.rows)]
    inside = tamis.select("pool", "rds-plus", target="wanted.parquet", budget=15, within="clean")
    alone = tamis.select({"text": rest}, "rds-plus", target={"text": target}, budget=15)
    assert [made[row] for row in inside.rows] == [rest[row] for row in alone.rows]


def test_two_targets_have_a_model_each(files, texts):
    made, _ = texts
    pq.write_table(pa.table({"text": made[:10]}), "other.parquet")
    found = tamis.select("pool", "color-filter", target=["wanted.parquet", "other.parquet"], budget=20)
    kept = {name: [r["row"] for r in found.table.to_pylist() if r["target"] == name] for name in ("wanted", "other")}
    assert len(kept["wanted"]) == len(kept["other"]) == 10
    assert min(kept["wanted"]) >= 60 and max(kept["other"]) < 60


def test_a_rerun_and_another_budget_measure_nothing_again(files, run):
    words = ["select", "pool", "--method", "color-filter", "--target", "wanted.parquet", "-o", "out"]
    assert run(*words, "--budget", "9").code == 0
    before = {path: path.stat().st_mtime_ns for path in (files / "out/.tamis").glob("measure-*/*")}
    assert run("recut", "out", "--budget", "5", "-o", "fewer").code == 0
    assert run(*words, "--budget", "12", "--force").code == 0
    after = {path: path.stat().st_mtime_ns for path in (files / "out/.tamis").glob("measure-*/*.npy")}
    assert {path: before[path] for path in after if "rows" not in path.name} == {
        path: when for path, when in after.items() if "rows" not in path.name
    }
    assert tamis.Selection.load("fewer").rows.tolist() == tamis.Selection.load("out").rows[:5].tolist()


def test_hashed_words_need_no_other_text(files, texts):
    made, target = texts
    one = tamis.select("pool", "rds-plus", target="wanted.parquet", budget=5, represent="hashed-words")
    fewer = {"text": [made[row] for row in one.rows]}
    again = tamis.select(fewer, "rds-plus", target={"text": target}, budget=5, represent="hashed-words")
    assert again.rows.tolist() == [0, 1, 2, 3, 4]
    assert np.allclose(again.gains, one.gains)


def test_a_column_or_a_file_takes_the_place_of_a_model(files, texts):
    made, _ = texts
    prior, conditional = np.arange(ROWS) / 10, np.arange(ROWS)[::-1] / 10
    table = pa.table({"text": made, "a": prior, "b": conditional})
    use = {"prior_loss": "a", "conditional_loss": "b"}
    found = tamis.select(table, "color-filter", target="wanted.parquet", budget=3, use=use, shrink=0)
    assert found.rows.tolist() == [89, 88, 87]


def test_vectors_and_losses_as_files(files, texts, run):
    made, _ = texts
    assert run("measure", "vectors", "pool", "--represent", "hashed-words", "-o", "vectors").code == 0
    found = np.load("vectors/vectors.npy")
    assert found.dtype == np.float16 and np.allclose(found, text_vectors.vectors(pa.array(made), 256), atol=1e-3)
    named = tamis.select("pool", "k-center", budget=5, embedding="vectors/vectors.npy")
    assert named.rows.tolist() == tamis.select("pool", "k-center", budget=5, represent="hashed-words").rows.tolist()
    assert run("measure", "losses", "pool", "-o", "losses").code == 0
    model = ngram_losses.finish(ngram_losses.fit(pa.array(made)))
    nll, tokens, characters, size = ngram_losses.table(model, pa.array(made))
    table = pq.read_table("losses/losses.parquet")
    assert table["row"].to_pylist() == list(range(ROWS)) and set(table["model"].to_pylist()) == {"n-grams"}
    for name, values in {"nll": nll, "tokens": tokens, "characters": characters, "bytes": size}.items():
        assert np.allclose(table[name].to_numpy(), values)
    assert np.allclose(np.load("losses/losses.npy")[:, 0], nll / characters, rtol=1e-6)
    assert "nothing to do" in run("measure", "losses", "pool", "-o", "losses").err


def test_near_copies_by_vectors(files, texts):
    made, _ = texts
    more = {"text": [*made, made[3] + " tea", made[70] + " ham", "0"]}
    found = {
        row["row"]: row["kept_row"] for row in tamis.clean(more, near_duplicates="embedding:0.97").dropped.to_pylist()
    }
    vectors = text_vectors.vectors(pa.array(more["text"]), 256).astype(np.float16)
    kept = near_vectors(vectors, cosine=0.97).kept_row
    assert found == {row: kept[row] for row in np.flatnonzero(kept != np.arange(93))} and found.items() >= {
        (90, 3),
        (91, 70),
    }
    table = pa.table({"text": more["text"], "embedding": np.eye(93)[[*range(93)]].tolist()})
    assert not len(tamis.clean(table, near_duplicates="embedding:0.9").dropped)
    away = tamis.clean(more, near_duplicates="embedding:0.97", against="wanted.parquet")
    assert {row["row"] for row in away.dropped.to_pylist()} >= {90, 91}
    again = {"text": [*(f"{text} tea" for text in made[60:]), "nothing of the kind"]}
    held = tamis.clean(again, near_duplicates="embedding:0.9", against="pool").dropped.to_pylist()
    assert {row["kept_row"] for row in held} <= set(range(60, 90)) and {row["within"] for row in held} == {"pool"}
    assert len(held) > 15 and 30 not in {row["row"] for row in held}


def test_near_copies_are_measured_once_for_the_method_too(files):
    found = tamis.select(
        "pool", "rds-plus", target="wanted.parquet", budget=5, near_duplicates="embedding:0.99", output="o"
    )
    computed = [step["computed"] for step in found.manifest["steps"] if step["name"] == "learn"]
    assert computed == [2, 0] or computed == [3, 0]
    assert len(found) == 5
