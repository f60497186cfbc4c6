"""Texts measured with models of Hugging Face that have learned something, through the command line and Python."""

import pytest

import tamis

pytest.importorskip("transformers")

from ..measure.language import conditional, documents, prior, saved
from ..measure.test_static_vectors import write as write_static


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of a model of both sources, and of it after more of `tldr`."""
    place = tmp_path_factory.mktemp("models")
    return saved(place / "prior", prior()), saved(place / "conditional", conditional())


@pytest.fixture(scope="module")
def pool():
    return {"text": documents("tldr")[300:330] + documents("pep")[300:330], "source": ["tldr"] * 30 + ["pep"] * 30}


TARGET = {"text": documents("tldr")[:5]}


def test_losses_of_two_folders_keep_the_target(models, pool):
    use = dict(zip(("prior_loss", "conditional_loss"), models, strict=True))
    found = tamis.select(pool, "color-filter", target=TARGET, budget=20, use=use)
    assert (found.rows < 30).mean() > 0.9
    swapped = dict(zip(("conditional_loss", "prior_loss"), models, strict=True))
    other = tamis.select(pool, "color-filter", target=TARGET, budget=20, use=swapped)
    assert (other.rows < 30).mean() < 0.3


def test_vectors_of_a_folder_and_how_much_was_read(models, pool):
    asked = {"target": TARGET, "budget": 20, "represent": models[0]}
    found = tamis.select(pool, "rds-plus", **asked)
    assert (found.rows < 30).mean() > 0.7
    cut = tamis.select(pool, "rds-plus", **asked, context=8)
    assert any("longer than" in said and "--context" in said for said in cut.manifest["warnings"])
    last = tamis.select(pool, "rds-plus", **asked, pooling="last")
    assert last.rows.tolist() != found.rows.tolist()


def test_static_vectors_of_a_beginning(tmp_path):
    """The first row begins as the target does, and the second ends so."""
    asked = {"target": {"text": ["cat"]}, "budget": 1, "represent": write_static(tmp_path / "static")}
    pool = {"text": ["cat cat dog dog dog dog", "dog dog cat cat cat cat"]}
    assert tamis.select(pool, "rds-plus", **asked).rows.tolist() == [1]
    found = tamis.select(pool, "rds-plus", **asked, context=2)
    assert found.rows.tolist() == [0]
    assert any("2 of 2 documents of the pool are longer than" in said for said in found.manifest["warnings"])


def test_another_model_in_the_folder_is_another_request(models, pool, run, folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(pool), "pool.parquet")
    pq.write_table(pa.table(TARGET), "wanted.parquet")
    place = saved(folder / "model", prior())
    words = ["select", "pool.parquet", "--method", "rds-plus", "--target", "wanted.parquet", "--represent", place]
    words += ["--budget", "5", "-o", "out"]
    assert run(*words).code == 0
    assert "nothing to do" in run(*words).err
    saved(place, conditional())
    told = run(*words)
    assert told.code == 2 and f"the model {place}" in told.err
    assert run(*words, "--force").code == 0
