"""Gradients of checkpoints as vectors of texts: selectors keep what the target is of, on the command line and here."""

import functools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Refused

pytest.importorskip("transformers")

from tamis.measure.adam_file import save_adam
from tamis.measure.causal_gradients import CausalGradients

from ..measure.language import conditional, documents, prior, saved, tokenizer
from ..measure.test_causal_gradients import moments

EACH = 30
POOL = documents("tldr")[300 : 300 + EACH] + documents("pep")[300 : 300 + EACH]
WANTED = documents("pep")[:6]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Folders of a model of both sources with moments, and of it after more of `tldr`, without."""
    place = tmp_path_factory.mktemp("checkpoints")
    first, second = saved(place / "first", prior()), saved(place / "second", conditional())
    save_adam(moments(), first)
    return first, second


@functools.cache
def vectors(model, adam=None):
    measure = CausalGradients(model, tokenizer(), adam=adam)
    return [measure(texts).vectors for texts in (POOL, WANTED)]


@pytest.mark.parametrize("mapped", [False, True])
def test_influence_is_the_mean_of_the_cosines(checkpoints, mapped, monkeypatch):
    """Pool rows as Adam would step where there are moments, targets as they are; in memory, or in files."""
    if mapped:
        monkeypatch.setattr("tamis.engine.parts.IN_MEMORY", 0)
    adam = CausalGradients(prior(), tokenizer(), adam=moments())
    first = adam(POOL).vectors @ vectors(prior())[1].T
    second = np.matmul(vectors(conditional())[0], vectors(conditional())[1].T)
    expected = ((first + second) / 2).mean(axis=1)
    represent = f"gradients:{','.join(checkpoints)}"
    table = tamis.score({"text": POOL}, "less", target={"text": WANTED}, represent=represent)
    np.testing.assert_allclose(table["score"].to_numpy(), expected, atol=1e-3)  # of float16
    plain = vectors(prior())[0] @ vectors(prior())[1].T
    assert abs(((plain + second) / 2).mean(axis=1) - expected).max() > 0.02


@pytest.mark.parametrize("method", ["less", "bids", "rds-plus", "tarot", "got-d"])
def test_the_target_s_kind_is_kept(checkpoints, method):
    if method in ("tarot", "got-d"):
        pytest.importorskip("ot")
    found = tamis.select(
        {"text": POOL}, method, target={"text": WANTED}, budget=15, represent=f"gradients:{','.join(checkpoints)}"
    )
    assert len(found.rows) == 15 and (found.rows >= EACH).mean() > (0.7 if method == "tarot" else 0.8)


def test_what_compares_clouds_has_gradients_of_one_kind(checkpoints, tmp_path):
    pytest.importorskip("ot")
    asked = {"target": {"text": WANTED}, "budget": 15}
    plain = saved(tmp_path / "plain", prior())
    for method, same in (("got-d", True), ("less", False)):
        one, other = (
            tamis.select({"text": POOL}, method, **asked, represent=f"gradients:{place}")
            for place in (checkpoints[0], plain)
        )
        assert (one.rows.tolist() == other.rows.tolist()) is same


def test_on_the_command_line(checkpoints, run, folder):
    pq.write_table(pa.table({"text": POOL[:40]}), "a.parquet")
    pq.write_table(pa.table({"text": POOL[40:]}), "b.parquet")
    pq.write_table(pa.table({"text": WANTED}), "wanted.parquet")
    words = ["select", "a.parquet", "b.parquet", "--method", "less", "--target", "wanted.parquet", "--budget", "15"]
    words += ["--represent", f"gradients:{','.join(checkpoints)}", "-o", "out"]
    told = run(*words)
    assert told.code == 0, told.err
    found = tamis.Selection.load("out")
    assert (found.rows >= EACH).mean() > 0.9
    assert found.manifest["roles"]["embedding"]["column"] == words[words.index("--represent") + 1]
    assert any("longer than" in said for said in found.manifest["warnings"])
    one = tamis.select({"text": POOL}, "less", target={"text": WANTED}, budget=15, represent=words[-3])
    assert one.rows.tolist() == found.rows.tolist()
    assert "nothing to do" in run(*words).err


def test_other_moments_are_another_request(checkpoints, run, folder):
    pq.write_table(pa.table({"text": POOL}), "pool.parquet")
    pq.write_table(pa.table({"text": WANTED}), "wanted.parquet")
    place = saved(folder / "model", prior())
    words = ["select", "pool.parquet", "--method", "less", "--target", "wanted.parquet", "--budget", "15"]
    words += ["--represent", f"gradients:{place}", "-o", "out"]
    assert run(*words).code == 0
    save_adam(moments(), place)
    told = run(*words)
    assert told.code == 2 and f"the model {place}" in told.err


def test_what_gives_no_gradients_is_refused(checkpoints, tmp_path):
    asked = {"target": {"text": WANTED}, "budget": 5}
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "config.json").write_text('{"model_type": "model2vec"}')
    for given, kind in (
        (f"gradients:{tmp_path / 'static'}", "model-without-losses"),
        ("gradients:nowhere", "model-folder-missing"),
        ("gradients:", "model-folder-missing"),
        (f"gradients:{checkpoints[0]},", "model-folder-missing"),
        ("gradient", "measure-unknown"),
    ):
        with pytest.raises(Refused) as told:
            tamis.select({"text": POOL}, "less", represent=given, **asked)
        assert told.value.kind == kind and "--represent" in str(told.value)
