"""What went wrong once: each of these made a study wrong, or stopped it where it need not."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pytest

import tamis
from tamis.errors import Refused

from .material import MEAN_TASK, METHODS, classes

WORDS = {"task": "classify", "label": "y", "methods": "top:quality", "budgets": ["10%"], "seeds": 3, "workers": 0}


def bench(pool, **change):
    return tamis.bench(pool, **(WORDS | change))


def with_column(table, name, values):
    return table.append_column(name, pa.array(values))


def test_effects_keep_their_direction_whatever_metric_is_judged():
    found = bench(classes(300, noise=0.3), metric="log_loss", group="id", examples=False)
    for one in found.found["effects"]:
        assert one["metric"] == ("recall" if one["kind"] == "class" else "accuracy")
        assert one["difference"] == pytest.approx(one["mean"] - one["random_mean"])


def test_a_flag_that_tells_the_sets_apart_hides_no_copy():
    pool = with_column(classes(100), "split", ["train"] * 100)
    held = pool.slice(0, 30).drop_columns(["split"])
    with pytest.raises(Refused, match="30 of the 30"):
        bench(pool, test=with_column(held, "split", ["test"] * 30))


def test_random_under_another_name_is_a_method():
    found = bench(classes(100), methods=[{"method": "random", "name": "chance"}])
    one = next(one for one in found.verdicts if one["method"] == "chance")
    assert one["verdict"] == "no difference" and one["difference"] == 0


@pytest.mark.parametrize("name", ["random", "full"])
def test_names_of_the_bench_are_its_own(name):
    with pytest.raises(Refused) as told:
        bench(classes(100), methods=[{"method": "top:quality", "name": name}])
    assert told.value.kind == "study-name-taken"


def test_another_task_in_an_unfinished_folder_has_splits_of_its_own(folder, monkeypatch):
    from tamis.evidence import bench as benches

    pc.write_csv(classes(200), "pool.csv")
    alone = bench("pool.csv", output="alone").cells["accuracy"].to_pylist()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(benches, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        bench("pool.csv", task="cover", output="out", seeds=5)
    assert bench("pool.csv", output="out", force=True).cells["accuracy"].to_pylist() == alone


def test_a_mistyped_metric_of_ones_own_task_is_refused(folder, write):
    write("t.py", MEAN_TASK)
    with pytest.raises(Refused) as told:
        bench(classes(60), task="t.py:mean", metric="maen", label=None)
    assert told.value.kind == "study-metric-unknown" and "'mean'" in str(told.value)


def test_cells_that_failed_are_tried_again(folder, write):
    write("t.py", "from pathlib import Path\n\n\ndef t(train, test, *, seed):\n"
          "    if seed == 1 and not Path('mended').exists():\n        raise OSError('not there')\n"
          "    return {'sum': float(train.rows.sum())}\n")  # fmt: skip
    pc.write_csv(classes(60), "pool.csv")
    words = {"task": "t.py:t", "label": None, "output": "out", "seeds": 3}
    assert bench("pool.csv", **words).found["failed"]
    (folder / "mended").touch()
    assert not bench("pool.csv", **words, force=True).found["failed"]


def test_large_integers_are_numbers_too():
    pool = with_column(classes(100), "user", 10**18 + np.arange(100))
    assert bench(pool, seeds=2).cells.num_rows
    assert bench(with_column(classes(100), "big", np.arange(100, dtype=np.uint64) + np.uint64(2**63)), seeds=2).verdicts


@pytest.mark.parametrize("budget", [90, 500])
def test_a_budget_over_the_split_is_refused_before_cells_run(budget):
    with pytest.raises(Refused) as told:
        bench(classes(100), budgets=[budget])
    assert told.value.kind == "budget-over-rows"


def test_equal_ids_are_refused_by_the_name_of_the_pool(folder):
    pc.write_csv(pa.concat_tables([classes(60), classes(10)]), "pool.csv")
    with pytest.raises(Refused) as told:
        bench("pool.csv", test=classes(40, seed=3))
    assert told.value.kind == "id-twice" and str(told.value).startswith("pool.csv")


def test_a_folder_may_be_called_seed(folder):
    pc.write_csv(classes(60), "pool.csv")
    assert not bench("pool.csv", output="SEED/out_SEED").found["failed"]


def test_text_in_the_place_of_a_number_is_refused(folder):
    table = classes(40, seed=2)
    held = table.set_column(table.schema.get_field_index("x1"), "x1", pa.array(["much"] * 40))
    with pytest.raises(Refused) as told:
        bench(classes(60), test=held)
    assert told.value.kind == "column-wrong-type" and "'x1'" in str(told.value)


def test_what_a_file_prints_is_not_the_answer(folder, run, write):
    write("t.py", "print('hello from the file')\n" + MEAN_TASK)
    pc.write_csv(classes(60), "pool.csv")
    told = run(*"bench pool.csv --task t.py:mean --methods top:luck --budgets 10 --seeds 2 -o out --json".split())
    assert json.loads(told.out)["verdicts"] and "hello" in told.err


def test_a_task_may_import_what_lies_beside_it(folder, write):
    write("beside_it.py", "NUMBER = 3.5\n")
    write("t.py", "import beside_it\n\n\ndef t(train, test, *, seed):\n    return {'m': beside_it.NUMBER * seed}\n")
    pc.write_csv(classes(60), "pool.csv")
    assert not bench("pool.csv", task="t.py:t", label=None, output="out", workers=1).found["failed"]


@pytest.mark.parametrize("seeds", [2, 3])
def test_a_method_that_ends_its_process_fails_alone(folder, write, seeds):
    write("m.py", "import os\nfrom tamis.vocabulary import Score\n\n\ndef deadly(score) -> Score:\n    os._exit(3)\n")
    pc.write_csv(classes(60), "pool.csv")
    found = bench("pool.csv", methods="m.py:deadly", score="quality", output="out", workers=2, seeds=seeds)
    assert {one["method"] for one in found.found["failed"]} == {"m.py:deadly"}
    assert len(found.found["failed"]) == seeds


def test_one_measurement_repeated_is_said(folder, write):
    """A choice, a test set and a fit without chance against the whole pool: nothing varies with the seed."""
    write("m.py", METHODS)
    found = bench(classes(300), test=classes(150, seed=4), methods="m.py:slow", score="quality", budgets=["3%"])
    one = next(one for one in found.verdicts if one["comparison"] == "equal total cost")
    assert one["control"]["budget"] == "100%" and one["constant"] and one["difference"]
    assert one["repeated"] and "one measurement" in one["words"] and one["as_good"] is None


def test_nothing_is_left_but_cells(folder):
    pc.write_csv(classes(60), "pool.csv")
    bench("pool.csv", output="out")
    bench("pool.csv", output="out", budgets=["20%"], force=True)
    state = folder / "out/.tamis"
    assert not list(state.glob("data-*"))
    keys = {path.stem for path in (state / "cells").iterdir()}
    assert len(keys) == len(list((state / "cells").glob("*.json")))
    assert {json.loads(path.read_text())["budget"] for path in (state / "cells").glob("*.json")} <= {"20%", "100%"}


def test_the_studys_own_cells_are_no_controls(folder, write):
    write("m.py", METHODS)
    found = bench(classes(100), methods="m.py:slow", score="quality", seeds=2)
    assert {one["control"] for one in found.cells.to_pylist() if one["method"] == "full"} == {False}


def test_without_the_whole_pool_random_is_not_given_too_much(folder, write):
    write("t.py", "import time\n\n\ndef t(train, test, *, seed, steps=None):\n"
          "    end = time.process_time() + 0.0004 * len(train)\n    while time.process_time() < end:\n        pass\n"
          "    return {'rows': float(len(train)) + seed}\n")  # fmt: skip
    write("m.py", METHODS.replace("= 0.5", "= 0.1"))
    found = bench(
        classes(1500), task="t.py:t", label=None, methods="m.py:slow", score="quality", budgets=["4%", "8%"], full=False
    )
    for one in found.verdicts:
        if one["method"] == "m.py:slow" and one["comparison"] == "equal total cost":
            assert one["control"]["cost_ratio"] < 2


def test_ones_own_task_gets_the_vectors_of_the_test_set(folder, write):
    write(
        "t.py", "def t(train, test, *, seed):\n    return {'m': float(test.features.mean() + train.features.mean())}\n"
    )
    held = classes(40, seed=2)
    for embedding in ("x*", None):
        assert not bench(classes(60), test=held, task="t.py:t", embedding=embedding).found["failed"]
