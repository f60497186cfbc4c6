"""Methods in a user's own file: what they receive, and what they may not give back."""

import numpy as np
import pytest

import tamis
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
