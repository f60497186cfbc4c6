"""The files in examples/ do what they say, through the command line."""

import importlib.util
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis import testing

EXAMPLES = Path(__file__).parents[1] / "examples"
METHOD = f"{EXAMPLES / 'my_method.py'}:varied_words"


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
    method = "examples/my_method.py:varied_words"
    told = run("select", "examples/pool", "--method", method, "--set", "first=20", "--budget", 100, "-o", "out/mine")
    assert told.code == 0, told.err
    chosen = tamis.Selection.load("out/mine")
    assert chosen.method == "varied-words"
    assert len(chosen) == 100
    assert (chosen.scores == 1).all()
    refused = run("select", "examples/pool", "--method", method, "--set", "last=20", "--budget", 100, "-o", "out/other")
    assert refused.code == 2
    assert "varied-words has no parameter 'last'" in refused.err


@pytest.mark.parametrize("check", testing.checks(METHOD), ids=lambda check: check.name)
def test_own_method_keeps_the_contract(check):
    check()


def test_own_method_equals_counting():
    spec = importlib.util.spec_from_file_location("my_method", EXAMPLES / "my_method.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    texts = ["a b a b c", "", None, "A a, a!", "one two three four"]
    assert module.varied_words(pa.array(texts), first=4).tolist() == [0.5, 0.0, 0.0, 0.25, 1.0]


def test_sample_is_what_its_page_says():
    pool = pq.read_table(EXAMPLES / "pool")
    ids = pool["id"].to_pylist()
    copies = [one for one in ids if one.endswith("/copy")]
    assert (len(ids), len(set(ids)), len(copies)) == (3000, 3000, 25)
    assert pool.column_names == ["id", "text", "source", "chars"]
