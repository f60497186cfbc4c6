"""Texts measured on the way: what a method gets is what the measures give, whatever is cut, left out or killed."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.measure import ngram_losses
from tamis.ops import latent_semantics
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
    prior, conditional = (ngram_losses.finish(ngram_losses.fit(pa.array(one))) for one in (texts, target))
    column = pa.array(texts)
    return ngram_losses.losses(prior, column) - ngram_losses.losses(conditional, column)


def test_losses_are_those_of_the_models(files, texts):
    made, target = texts
    found = tamis.select("pool", "color-filter", target="wanted.parquet", budget=30)
    expected = differences(made, target)
    assert sorted(found.rows.tolist()) == list(range(60, 90))
    assert np.allclose(found.scores, expected[found.rows], atol=1e-5)
    reverse = tamis.score("pool", "color-filter", target="wanted.parquet", relative="prior")["score"].to_numpy()
    assert np.argsort(reverse)[:30].tolist() != sorted(found.rows.tolist())


def test_the_conditional_alone_and_the_sign(files, texts):
    made, target = texts
    conditional = ngram_losses.finish(ngram_losses.fit(pa.array(target)))
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
    found = tamis.select(
        table, "color-filter", target="wanted.parquet", budget=3, use={"prior_loss": "a", "conditional_loss": "b"}
    )
    assert found.rows.tolist() == [89, 88, 87]
