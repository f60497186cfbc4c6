"""The files in examples/ do what they say, through the command line."""

import importlib.util
import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis import testing

EXAMPLES = Path(__file__).parents[1] / "examples"
METHOD = f"{EXAMPLES / 'my_method.py'}:character_entropy"


@pytest.fixture
def desk(folder):
    """A working directory with a copy of the examples."""
    shutil.copytree(EXAMPLES, folder / "examples")
    return folder


def test_recipe(desk, run):
    told = run("run", "examples/recipe.yaml")
    assert told.code == 0, told.err
    kept = pq.read_table("out/recipe/subset.parquet")
    assert kept.num_rows == 200
    assert kept["source"].to_pylist().count("pep") >= 190


def test_own_method(desk, run):
    method = "examples/my_method.py:character_entropy"
    told = run("select", "examples/pool", "--method", method, "--set", "first=500", "--budget", 100, "-o", "out/mine")
    assert told.code == 0, told.err
    chosen = tamis.Selection.load("out/mine")
    assert chosen.method == "character-entropy"
    assert len(chosen) == 100
    assert (np.diff(chosen.scores) <= 0).all()
    refused = run(
        "select", "examples/pool", "--method", method, "--set", "last=500", "--budget", 100, "-o", "out/other"
    )
    assert refused.code == 2
    assert "character-entropy: it has no parameter 'last'" in refused.err


@pytest.mark.parametrize("check", list(testing.checks(METHOD)), ids=lambda check: check.name)
def test_own_method_keeps_the_contract(check):
    check()


def test_own_method_equals_counting():
    spec = importlib.util.spec_from_file_location("my_method", EXAMPLES / "my_method.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    texts = [*pq.read_table(EXAMPLES / "pool/part-0.parquet")["text"].to_pylist()[:20], "日本 日本 x", ""]
    shares = [[count / len(text[:50]) for count in Counter(text[:50]).values()] for text in texts]
    expected = [-sum(share * math.log(share) for share in some) for some in shares]
    np.testing.assert_allclose(module.character_entropy(pa.array(texts), first=50), expected, atol=1e-12)
    assert module.character_entropy(pa.array([None], pa.string())).tolist() == [0.0]


def test_sample_is_what_its_page_says():
    pool = pq.read_table(EXAMPLES / "pool")
    ids = pool["id"].to_pylist()
    assert (len(ids), len(set(ids)), len(set(pool["text"].to_pylist()))) == (3000, 3000, 2975)
    assert pool.column_names == ["id", "text", "source", "chars"]
