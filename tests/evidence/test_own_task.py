"""Tasks by name: what they are made of, and tasks in a user's own file."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_wine
from sklearn.neighbors import NearestCentroid

import tamis
from tamis.evidence.task import Data, Found, Test, Train
from tamis.evidence.tasks import TASKS, make_task

EXAMPLE = Path(__file__).parents[2] / "examples/my_task.py"


@pytest.fixture
def own(folder):
    """A task whose file has this source; its function is the first one."""

    def make(source, parameters=None, model=None):
        (folder / "mine.py").write_text(source)
        name = source.partition("def ")[2].partition("(")[0]
        return make_task(f"mine.py:{name}", model, parameters or {})

    return make


@pytest.fixture(scope="module")
def wine():
    features, labels = load_wine(return_X_y=True)
    features = ((features - features.mean(axis=0)) / features.std(axis=0)).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(labels))

    def part(rows):
        return Data(pa.table({"row": rows}), features[rows], labels[rows].astype(np.int64), ["a", "b", "c"])

    pool, test = part(order[:120]), Test({"test": part(order[120:])})
    return Train(pool, np.arange(0, 120, 2), np.ones(60, np.float32), seed=4), test


def call(task, train, test, seed=7, steps=None):
    return task.evaluate(task.fit(train, seed=seed, steps=steps), test)


def test_function_gets_the_keywords_that_it_takes(own, wine):
    bare = own("def f(train, test): return {'rows': len(train), 'tests': len(test.main)}")
    assert call(bare, *wine) == Found({"rows": 60.0, "tests": 58.0}) and bare.default_steps is None
    full = own("def g(train, test, *, seed, steps, width: int = 3): return dict(s=seed, t=steps, w=width)")
    assert call(full, *wine).metrics == {"s": 7, "t": 1000, "w": 3} and full.default_steps == 1000
    some = own("def h(train, test, steps=40, **others): return dict(s=others['seed'], t=steps)", {})
    assert call(some, *wine).metrics == {"s": 7, "t": 40} and some.default_steps == 40
    assert call(some, *wine, steps=9).metrics["t"] == 9
    wide = own("def g(train, test, *, seed, steps, width: int = 3): return width", {"width": "12"})
    assert call(wide, *wine).metrics == {"value": 12.0}


def test_metrics_and_their_directions(own, wine):
    task = own("def f(train, test): return {'acc': 1, 'loss': 2, 'error': 3}\nf.lower = 'loss', 'error'")
    call(task, *wine)
    assert [(one.name, one.higher_is_better) for one in task.metrics] == [
        ("acc", True),
        ("loss", False),
        ("error", False),
    ]
    assert task.trains_in_evaluate and "mine.py:f" in task.describe()
    one = own("def f(train, test): return {'loss': 2}\nf.lower = 'loss'")
    assert [metric.higher_is_better for metric in one.metrics_of(["loss", "acc"])] == [False, True]
    needs = own("def f(train, test): return 1\nf.needs = 'features', 'labels'")
    assert needs.needs == {"features", "labels"}
    effects = own(
        "from tamis.evidence.task import Found\ndef f(train, test): return Found({'a': 1.0}, {'group': {'x': 0.5}})"
    )
    assert call(effects, *wine) == Found({"a": 1.0}, {"group": {"x": 0.5}})


@pytest.mark.parametrize(
    ("returned", "error", "said"),
    [
        ("{}", ValueError, "f returned no metric"),
        ("None", TypeError, "f returned value = None, which is not a number"),
        ("{'acc': '0.9'}", TypeError, "acc = '0.9', which is not a number"),
        ("{'acc': [1, 2]}", TypeError, "not a number"),
        ("{'acc': float('nan')}", ValueError, "acc = nan, which is not finite"),
        ("{'acc': 1, 'loss': -float('inf')}", ValueError, "loss = -inf"),
        ("{3: 1}", TypeError, "a metric called 3"),
    ],
)
def test_what_is_no_metric_is_an_error(own, wine, returned, error, said):
    with pytest.raises(error, match=said):
        call(own(f"def f(train, test): return {returned}"), *wine)


def test_lower_that_was_not_returned_is_an_error(own, wine):
    with pytest.raises(ValueError, match=r"f.lower has 'los', and it returned loss"):
        call(own("def f(train, test): return {'loss': 1}\nf.lower = 'los'"), *wine)


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ("def f(): return 1", "own-function-unusable", "train and test"),
        ("def f(train, test, more): return 1", "own-function-unusable", "more"),
        ("def f(train, test, *, width: 'Nothing' = 1): return 1", "own-function-unusable", "Nothing"),
        ("def f(train, test): return 1\nf.needs = 'feature'", "own-function-unusable", "did you mean 'features'"),
        ("def f(train, test, *, width): return 1", "incomplete", "--set width=VALUE"),
        ("def f(train, test: return 1", "own-file-fails", "SyntaxError"),
    ],
)
def test_unusable_functions_are_refused(own, source, kind, said):
    with pytest.raises(tamis.Refused, match=said) as caught:
        own(source)
    assert caught.value.kind == kind and "--task mine.py:f" in str(caught.value)


def test_files_and_functions_that_are_not_there(own, folder):
    for name, kind in (("none.py:f", "own-file-missing"), ("mine.py:g", "own-function-missing")):
        (folder / "mine.py").write_text("def f(train, test): return 1")
        with pytest.raises(tamis.Refused) as caught:
            make_task(name)
        assert caught.value.kind == kind and f"--task {name}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "model", "parameters", "kind", "said"),
    [
        ("clasify", None, {}, "name-unknown", "did you mean 'classify'"),
        ("classify", "lineer", {}, "name-unknown", "did you mean 'linear'"),
        ("language-model", "mlp", {}, "name-unknown", "ngram, transformer"),
        ("cover", "knn", {}, "task-without-models", "leave --model out"),
        ("cover", None, {"k": 3}, "parameter-unknown", "none"),
        ("classify", "knn", {"kk": 3}, "parameter-unknown", "did you mean 'k'"),
        ("classify", "knn", {"k": "many"}, "parameter-unusable", "integer"),
        ("classify", "knn", {"k": "0"}, "parameter-unusable", "greater than 0"),
        ("classify", None, {"c": -1}, "parameter-unusable", "--task classify"),
    ],
)
def test_unknown_names_and_parameters_are_refused(name, model, parameters, kind, said):
    with pytest.raises(tamis.Refused, match=said) as caught:
        make_task(name, model, parameters)
    assert caught.value.kind == kind


def test_models_and_parameters_of_own_tasks(own):
    source = "def f(train, test, *, width: int = 1): return 1"
    with pytest.raises(tamis.Refused, match="leave --model out"):
        own(source, model="knn")
    with pytest.raises(tamis.Refused, match="did you mean 'width'"):
        own(source, {"widht": 1})
    with pytest.raises(tamis.Refused, match="no parameter 'seed'"):
        own("def f(train, test, *, seed): return 1", {"seed": 1})


def test_scikit_learn_missing_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(tamis.Refused, match=r"pip install 'tamis\[bench\]'") as caught:
        make_task("classify")
    assert caught.value.kind == "package-missing"
    make_task("classify", "knn")
    make_task("classify", "mlp")


def test_every_named_class_is_there():
    home = Path(tamis.__file__).parent / "evidence/tasks"
    for models in TASKS.values():
        for place in models.values():
            module, _, name = place.partition(":")
            assert f"class {name}" in (home / f"{module}.py").read_text(encoding="utf-8")


@pytest.mark.skipif(not EXAMPLE.is_file(), reason="the examples are not here")
def test_the_example_is_a_nearest_centroid(wine):
    train, test = wine
    task = make_task(f"{EXAMPLE}:nearest_centroid", None, {"shrink": "0"})
    assert task.needs == {"features", "labels"}
    found = call(task, train, test)
    peer = NearestCentroid().fit(train.features, train.labels)
    assert found.metrics["accuracy"] == pytest.approx(peer.score(test.features, test.labels))
    assert [metric.higher_is_better for metric in task.metrics] == [True, False]
    moved = call(make_task(f"{EXAMPLE}:nearest_centroid", None, {"shrink": "0.5"}), train, test)
    assert moved.metrics["distance"] != found.metrics["distance"]
    heavy = Train(train.pool, train.rows, np.where(np.arange(60) % 3, 1, 2).astype(np.float32))
    twice = Train(train.pool, np.append(train.rows, train.rows[::3]), np.ones(80, np.float32))
    assert call(task, heavy, test).metrics == pytest.approx(call(task, twice, test).metrics)
