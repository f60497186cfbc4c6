"""Methods in a user's own file: what they receive, and what they may not give back."""

import os
import sys

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.registry import METHODS, find, load_all, returned
from tamis.testing import make_pool, make_target

POOL = make_pool(8)
HEAD = """
import numpy as np
from tamis.vocabulary import Order, Score
"""


@pytest.fixture
def own(folder):
    """Select with a method whose source this is."""

    def call(source, pool=POOL, **options):
        name = source.split("(")[0].split()[-1]
        path = folder / f"{name}.py"
        path.write_text(HEAD + source)
        return tamis.select(pool, f"{path}:{name}", budget=3, **({"score": "score", "cost": "cost"} | options))

    return call


@pytest.mark.parametrize(
    ("name", "source", "named"),
    [
        ("order", "def order(score) -> Order:\n    return Order(np.array([0, -1, 2]))", "outside 0 … 7"),
        ("order", "def order(score) -> Order:\n    return Order(np.array([0, 8]))", "outside 0 … 7"),
        ("order", "def order(score) -> Order:\n    return Order(np.array([0, 1, 1]))", "distinct"),
        ("order", "def order(score) -> Order:\n    return Order(np.array([0.5]))", "int64"),
        ("order", "def order(score) -> Order:\n    return Order(np.array([[0]]))", "int64"),
        ("marks", "def marks(score) -> Score:\n    return score[:-1]", "for 8 rows"),
        ("marks", "def marks(score) -> Score:\n    return 1.0", "for 8 rows"),
        ("marks", "def marks(score) -> Score:\n    return np.where(score > 0, score, np.nan)", "finite"),
        ("marks", "def marks(score) -> Score:\n    return np.full(len(score), np.inf)", "finite"),
        ("marks", "def marks(score) -> Score:\n    return score, score", "shape"),
    ],
)
def test_bad_results_are_refused(own, name, source, named):
    with pytest.raises(tamis.Refused, match=named) as caught:
        own(source)
    assert name in str(caught.value)


def test_needs_are_what_the_vocabulary_says(own, folder):
    """Codes by order of appearance, lengths in characters, costs and scores as float64, keys as uint64."""
    found = own(
        "def look(key, length, score, label, group, cost, target_length, rng, *, to: str = '') -> Order:\n"
        "    np.savez(to, key=key, length=length, score=score, label=label, group=group, cost=cost,\n"
        "             target_length=target_length, drawn=rng.random(2))\n"
        "    return Order(np.arange(len(key))[::-1], gains=np.arange(8.0), reasons=[f'why {i}' for i in range(8)])\n",
        to=str(folder / "seen.npz"),
        target=make_target(),
    )
    seen = np.load(folder / "seen.npz")
    assert seen["score"].tolist() == POOL["score"].to_pylist() and seen["cost"].tolist() == POOL["cost"].to_pylist()
    assert seen["length"].tolist() == [len(text) for text in POOL["text"].to_pylist()]
    assert seen["target_length"].tolist() == [len(text) for text in make_target()["text"].to_pylist()]
    assert seen["group"].tolist() == [0, 1, 0, 2, 0, 1, 0, 1]
    assert len(set(seen["key"].tolist())) == 8 and seen["drawn"].tolist() == np.random.default_rng(0).random(2).tolist()
    types = {name: str(seen[name].dtype) for name in ("key", "length", "score", "label", "group", "cost")}
    assert types == dict(key="uint64", length="int64", score="float64", label="int64", group="int64", cost="float64")
    assert found.rows.tolist() == [7, 6, 5] and found.gains.tolist() == [0.0, 1.0, 2.0]
    assert [reason.rpartition(": ")[2] for reason in found.table["reason"].to_pylist()] == ["why 0", "why 1", "why 2"]


def test_a_score_of_texts(own):
    source = "def words(text) -> Score:\n    return np.array([len(t.split()) for t in text.to_pylist()], float)\n"
    counts = [len(text.split()) for text in POOL["text"].to_pylist()]
    assert own(source).scores.tolist() == sorted(counts, reverse=True)[:3]


def test_a_parameter_from_the_command_line(folder, run, write):
    write("pool.jsonl", POOL)
    write("own.py", HEAD + "def near(score, *, to: float = 0.0) -> Score:\n    return -abs(score - to)\n")
    words = "select pool.jsonl --method own.py:near --score score --budget 1 --json -o".split()
    for to in (-1.5, -2.0):
        assert run(*words, f"out{to}", "--set", f"to={to}").code == 0
        assert tamis.Selection.load(f"out{to}").rows.tolist() == [POOL["score"].to_pylist().index(to)]
    told = run(*words, "out", "--set", "too=1")
    assert told.code == 2 and "'too'" in told.err and "'to'" in told.err


def test_a_failure_in_the_function_is_told(folder, run, write):
    write("pool.jsonl", POOL)
    write("own.py", HEAD + "def bad(score) -> Score:\n    return score / {}\n")
    told = run(*"select pool.jsonl --method own.py:bad --score score --budget 1 -o out".split())
    assert told.code == 1 and "Traceback" not in told.err and "TypeError" in told.err


ONE = "from tamis.vocabulary import Score\n\ndef mine(score) -> Score:\n    return score * {}\n"


def test_an_edited_file_runs_as_it_is_now(folder, monkeypatch):
    """Two contents of one size within one second: compiled files would be taken for each other."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path, found = folder / "own.py", []
    for sign in ("+1", "-1"):
        path.write_text(ONE.format(sign))
        os.utime(path, (10**9, 10**9))
        found.append(tamis.select(POOL, "own.py:mine", budget=1, score="score").rows.tolist())
    assert found[0] != found[1]
    assert not list(folder.rglob("__pycache__"))


COUNTING = """
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

import tamis
from tamis.vocabulary import Score


@dataclass
class Notes:
    told: int = 0


class Sums(NamedTuple):
    total: np.ndarray


class Mean(NamedTuple):
    mean: np.ndarray


def fit(text) -> Sums:
    return Sums(np.array([pc.sum(pc.utf8_length(text)).as_py(), len(text)], np.float64))


def merge(one: Sums, other: Sums) -> Sums:
    return Sums(one.total + other.total)


def finish(pool: Sums, targets: list[Sums]) -> Mean:
    return Mean(np.array(targets[0].total[0] / targets[0].total[1]))


@tamis.method(family="mine", cost="O(n)", memory="8 n", loses="always", fit=fit, merge=merge, finish=finish)
def typical(text, state: Mean, *, scale: float = 1.0) -> Score:
    return -scale * np.abs(np.array(pc.utf8_length(text)) - state.mean)


@tamis.method(family="mine", cost="O(n)", memory="8 n", loses="always")
def random(score) -> Score:
    return -score
"""


def test_a_decorated_method_is_found_again_and_leaves_nothing_behind(folder):
    (folder / "own.py").write_text(COUNTING)
    load_all()
    before = dict(METHODS.entries)
    one, two = find("own.py:typical"), find("./own.py:typical")
    assert one is two and one.family == "mine" and one.fit is not None
    assert find("own.py:random").needs == ("score",)
    assert METHODS.entries == before
    assert returned(one.finish).__name__ == "Mean" and returned(one.fit)(np.zeros(2)).total.tolist() == [0, 0]


def test_a_decorated_method_with_a_fit_works_end_to_end(folder):
    (folder / "own.py").write_text(COUNTING)
    texts, wanted = ["a", "bb bb", "cccc cccc", "dd d", "e" * 40], ["xx xx", "xx x"]
    pool, target = pa.table({"text": texts}), pa.table({"text": wanted})
    for _ in range(2):
        found = tamis.select(pool, "own.py:typical", budget=2, target=target, scale=2.0)
        assert found.rows.tolist() == [1, 3] and found.scores.tolist() == [-1.0, -1.0]


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("def mine(text, key) -> Score: ...", "needs 'key', and a method of kind Score that reads texts"),
        ("def mine(text, group, key) -> Score: ...", "needs 'group'"),
        ("def mine(score, rng) -> Score: ...", "needs 'rng'.*key, score"),
        ("def mine(score, target_text) -> Score: ...", "needs 'target_text'"),
        ("def mine(score, state) -> Score: ...", "needs 'state'"),
        ("def mine(text, score) -> Order: ...", "needs 'text', and a method of kind Order can only"),
        ("def mine(target_text) -> Order: ...", "needs 'target_text'"),
    ],
)
def test_a_need_that_cannot_be_met_is_refused_before_the_scan(own, monkeypatch, source, named):
    monkeypatch.setattr("tamis.engine.select.scan", None)
    with pytest.raises(tamis.Refused, match=named):
        own(source, target=make_target())


def test_missing_columns_are_asked_for_in_the_order_of_the_needs(own):
    with pytest.raises(tamis.Refused, match="needs a label"):
        own("def mine(label, cost, score) -> Order: ...", pool=POOL.select(["text"]), score=None, cost=None)


def test_a_fit_without_a_merge_is_refused(folder):
    (folder / "own.py").write_text(COUNTING.replace("merge=merge, ", ""))
    with pytest.raises(tamis.Refused, match="must have fit, merge and finish"):
        find("own.py:typical")


def test_an_order_with_a_fit_is_refused(folder):
    (folder / "own.py").write_text(
        COUNTING.replace("1.0) -> Score", "1.0) -> Order").replace("import Score", "import *")
    )
    with pytest.raises(tamis.Refused, match="leave the fit out"):
        tamis.select(POOL, "own.py:typical", budget=2, target=make_target())
