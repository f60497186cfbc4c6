"""Several budgets of one scoring, several steps of one recipe, and a selection cut again: each as if done alone."""

import inspect
import json
import tomllib
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import tamis
from tamis.engine.request import Request
from tamis.engine.schema import recipe_schema
from tamis.testing import make_pool, make_target

POOL = make_pool(300)
SAME = ("selection.parquet", "scores.parquet", "duplicates.parquet", "subset.jsonl")


@pytest.fixture(autouse=True)
def files(folder, write):
    write("pool.jsonl", POOL)
    write("wanted.jsonl", make_target())


def select(run, *words):
    told = run("select", "pool.jsonl", *words)
    assert told.code == 0, told.err
    return told


def assert_same(one, other, names=SAME):
    for name in names:
        assert (Path(one) / name).read_bytes() == (Path(other) / name).read_bytes(), name


DSIR = ("--method", "dsir", "--target", "wanted.jsonl")
MATCHED = ("--method", "length-matched-random", "--target", "wanted.jsonl")


@pytest.mark.parametrize("method", [DSIR, MATCHED, ("--method", "top:score", "--quota", "group=a:0.5")])
def test_several_budgets_are_as_each_alone(run, method):
    select(run, *method, "--budget", "5%, 20,400 chars", "-o", "out")
    assert sorted(path.name for path in Path("out").iterdir()) == [".tamis", "20", "400-chars", "5%", "manifest.json"]
    for budget, name in (("5%", "5%"), ("20", "20"), ("400 chars", "400-chars")):
        select(run, *method, "--budget", budget, "-o", "alone", "--force")
        assert_same(f"out/{name}", "alone")
        assert len(tamis.Selection.load(f"out/{name}")) == len(tamis.Selection.load("alone"))


def test_several_budgets_measure_once(run, on_disk, folder):
    select(run, *DSIR, "--budget", "10,20", "-o", "out")
    manifest = json.loads(Path("out/manifest.json").read_text())
    assert [found["rows"]["kept"] for found in manifest["selections"]] == [10, 20]
    assert [step["name"] for step in manifest["steps"]].count("score") == 1
    own = json.loads(Path("out/20/manifest.json").read_text())
    assert own["command"].endswith("--budget 20 --output out/20")
    before = on_disk(folder)
    assert "nothing to do" in select(run, *DSIR, "--budget", "10,20", "-o", "out").err
    assert on_disk(folder) == before


def test_budgets_are_replaced_whole(run):
    select(run, *DSIR, "--budget", "10,20", "-o", "out")
    assert run("select", "pool.jsonl", *DSIR, "--budget", "10,30", "-o", "out").code == 2
    select(run, *DSIR, "--budget", "10,30", "-o", "out", "--force")
    assert sorted(path.name for path in Path("out").iterdir()) == [".tamis", "10", "30", "manifest.json"]
    select(run, *DSIR, "--budget", "10", "-o", "out", "--force")
    assert not Path("out/10").exists() and Path("out/selection.parquet").exists()
    select(run, *DSIR, "--budget", "10,30", "-o", "out", "--force")
    assert not Path("out/selection.parquet").exists() and Path("out/30/selection.parquet").exists()


def test_one_budget_too_large_writes_none(run, on_disk, folder):
    before = on_disk(folder)
    told = run("select", "pool.jsonl", *DSIR, "--budget", "10,4000", "-o", "out")
    assert told.code == 1 and "4000" in told.err and on_disk(folder) == before


STEPS = [
    {"method": "bottom:score", "budget": "50%"},
    {"method": "dsir", "target": "wanted.jsonl", "budget": "40%"},
    {"method": "random", "budget": 7, "seed": 5},
]


def recipe(run, steps, name="recipe.yaml", **more):
    values = {"pool": "pool.jsonl", "output": "out", "steps": steps} | more
    Path(name).write_text(yaml.safe_dump(values) if name.endswith("yaml") else toml(values))
    return run("run", name)


def toml(values):
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if key != "steps"]
    for step in values["steps"]:
        lines += ["[[steps]]", *(f"{key} = {json.dumps(value)}" for key, value in step.items())]
    assert tomllib.loads("\n".join(lines)) == values
    return "\n".join(lines)


@pytest.mark.parametrize("name", ["recipe.yaml", "recipe.toml"])
def test_steps_are_as_subsets_one_by_one(run, name):
    """Choosing among the rows of an earlier step is choosing from its subset: same ids, same scores."""
    told = recipe(run, STEPS, name)
    assert told.code == 0, told.err
    source = "pool.jsonl"
    for number, step in enumerate(STEPS, 1):
        flags = [word for key, value in step.items() for word in (f"--{key}", value)]
        assert run("select", source, *flags, "-o", f"alone-{number}").code == 0
        alone = pq.read_table(f"alone-{number}/selection.parquet")
        found = pq.read_table("out/selection.parquet" if number == 3 else f"out/step-{number}/selection.parquet")
        for column in ("id", "rank", "score", "weight"):
            assert found[column].equals(alone[column]), (number, column)
        source = f"alone-{number}/subset.jsonl"
    assert Path("out/subset.jsonl").read_bytes() == Path("alone-3/subset.jsonl").read_bytes()
    counts = json.loads(Path("out/manifest.json").read_text())["rows"]
    lost = counts["excluded"] + counts["without_text"] + counts["duplicates"] + counts["not_in_earlier_selection"]
    assert counts["pool"] - lost == counts["eligible"]


def test_steps_resume_and_refuse_another(run, on_disk, folder):
    assert recipe(run, STEPS).code == 0
    before = on_disk(folder)
    assert recipe(run, STEPS).err.count("nothing to do") == 3
    assert {**on_disk(folder), "recipe.yaml": 0} == {**before, "recipe.yaml": 0}
    told = recipe(run, [{**STEPS[0], "budget": "60%"}, *STEPS[1:]])
    assert told.code == 2 and "budget" in told.err and "'50%'" in told.err
    told = recipe(run, [*STEPS[:2], {**STEPS[2], "budget": 8}])
    assert told.code == 2 and "'7'" in told.err
    assert {**on_disk(folder), "recipe.yaml": 0} == {**before, "recipe.yaml": 0}
    assert recipe(run, [*STEPS[:2], {**STEPS[2], "budget": 8}], force=True).code == 0
    assert len(tamis.Selection.load("out")) == 8


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([{"method": "random", "bugdet": 3}], ["step 1", "'bugdet'", "'budget'"]),
        ([STEPS[0], {"method": "random"}], ["step 2", "budget"]),
        ([STEPS[0], {"method": "randon", "budget": 3}], ["'randon'", "'random'"]),
        ([{"method": "random", "budget": "3,4"}, STEPS[2]], ["step 1", "3,4"]),
        ([{"method": "random", "budget": 3, "pool": "x"}], ["step 1", "'pool'"]),
        ([STEPS[0], {"method": "top:scor", "budget": 3}], ["'scor'", "score"]),
        ("random", ["steps", "- method"]),
        ([], ["steps", "- method"]),
    ],
)
def test_steps_are_checked_before_any_data(run, on_disk, folder, steps, named):
    Path("recipe.yaml").write_text("")
    before = on_disk(folder)
    told = recipe(run, steps)
    assert told.code == 2 and all(word in told.err for word in named), told.err
    assert {**on_disk(folder), "recipe.yaml": 0} == {**before, "recipe.yaml": 0}


def test_a_refusal_in_the_first_step_leaves_nothing(run):
    told = recipe(run, [{"method": "random", "budget": 3, "exclude": "nobody"}, STEPS[2]])
    assert told.code == 1 and "nobody" in told.err
    assert not Path("out").exists()


def test_schema_takes_recipes_and_refuses_typos():
    check = jsonschema.Draft202012Validator(recipe_schema())
    whole = {"pool": "pool.jsonl", "output": "out", "steps": STEPS}
    assert check.is_valid(whole) and check.is_valid({"pool": ["a"], "method": "top:x", "budget": 3, "output": "o"})
    for wrong in ({**whole, "stepz": []}, {"pool": "a"}, {**whole, "steps": [{"method": "random", "bugdet": 1}]}):
        assert not check.is_valid(wrong)


@pytest.mark.parametrize("method", [DSIR, ("--method", "random", "--quota", "group=a:0.5"), MATCHED])
def test_recut_is_a_run_of_its_own(run, method):
    select(run, *method, "--budget", "30%", "-o", "out")
    told = run("recut", "out", "--budget", "11", "-o", "again")
    assert told.code == 0, told.err
    select(run, *method, "--budget", "11", "-o", "alone")
    assert_same("again", "alone")
    steps = {step["name"]: step for step in json.loads(Path("again/manifest.json").read_text())["steps"]}
    assert all(steps[name]["computed"] == 0 for name in ("scan", "score") if name in steps)


def test_recut_that_is_refused_leaves_nothing(run, on_disk, folder):
    select(run, *DSIR, "--budget", 20, "-o", "out")
    before = on_disk(folder)
    assert run("recut", "out", "--budget", "5000", "-o", "again").code == 1
    assert run("recut", "out", "--budget", "five", "-o", "again").code == 2
    assert run("recut", "pool", "--budget", "5", "-o", "again").code == 2
    assert on_disk(folder) == before


def test_recut_in_memory_is_a_prefix():
    whole = tamis.select(POOL, "top:score", budget=20)
    assert whole.recut(5).ids == tamis.select(POOL, "top:score", budget=5).ids == whole.ids[:5]
    assert len(whole.recut("1%")) == len(whole.recut(0.01)) == 3
    with pytest.raises(tamis.Refused, match="keeps 20"):
        whole.recut(21)
    with pytest.raises(tamis.Refused, match="quotas"):
        tamis.select(POOL, "top:score", budget=20, quota={"group": {"a": 0.5}}).recut(5)


def test_combine(run):
    select(run, "--method", "top:score", "--budget", 20, "-o", "a")
    select(run, "--method", "random", "--budget", 40, "-o", "b")
    one, other = (tamis.Selection.load(name) for name in "ab")
    for how, wanted in (
        ("union", one.ids + [i for i in other.ids if i not in one.ids]),
        ("intersection", [i for i in one.ids if i in other.ids]),
        ("difference", [i for i in one.ids if i not in other.ids]),
    ):
        assert run("combine", how, "a", "b", "-o", how).code == 0
        assert tamis.Selection.load(how).ids == wanted
        told = run("apply", how, "pool.jsonl", "-o", f"{how}.jsonl")
        assert told.code == 0, told.err
        kept = [json.loads(line)["id"] for line in Path(f"{how}.jsonl").read_text().splitlines()]
        assert kept == [i for i in POOL["id"].to_pylist() if i in set(wanted)]
    assert run("combine", "union", "a", "b", "-o", "a").code == 2


def test_python_takes_what_recipes_take(run):
    ids = ["doc-001", "doc-002"]
    limits = {"must_keep": ids, "exclude": ["doc-003"], "quota": {"group": {"a": 0.5, "b": 2}}}
    found = tamis.select(POOL, "random", budget=10, **limits)
    flags = ["--must-keep", "doc-001,doc-002", "--exclude", "doc-003", "--quota", "group=a:0.5,b:2"]
    select(run, "--method", "random", "--budget", 10, *flags, "-o", "out")
    assert found.ids == tamis.Selection.load("out").ids
    assert found.manifest["request"]["quota"] == ["group=a:0.5,b:2"]
    one, two = tamis.select("pool.jsonl", "random", budget=[5, 0.1])
    assert (len(one), len(two)) == (5, 30) and two.ids[:5] == one.ids
    assert tamis.select("pool.jsonl", "random", budget="5,10%")[1].ids == two.ids


def test_a_notebook_shows_a_selection():
    pool = pa.table({"id": ["<b>", "b", "c"], "x": [3.0, 2.0, 1.0]})
    page = tamis.select(pool, "top:x", budget=2)._repr_html_()
    assert "2 out of 3 rows by top" in page and "&lt;b&gt;" in page and "<b>," not in page
    assert page.count("<tr>") == 3 and "target" not in page


def test_folders_may_have_any_name(run):
    """A colon is no URL: every command takes such a folder and such a file."""
    Path("a:b.csv").write_text("id,x\np,1\nq,2\nr,3\n")
    told = run("select", "a:b.csv", "--method", "top:x", "--budget", 2, "-o", "o:u t")
    assert told.code == 0, told.err
    for words in (["verify", "o:u t"], ["why", "o:u t", "--id", "p"], ["compare", "o:u t", "o:u t"]):
        told = run(*words)
        assert told.code == 0, told.err
    assert run("apply", "o:u t", "a:b.csv", "-o", "k:ept.csv").code == 0
    assert Path("k:ept.csv").read_text() == Path("o:u t/subset.csv").read_text() == "id,x\nq,2\nr,3\n"


def test_a_refused_step_leaves_what_is_finished(run):
    """A later recipe goes on in the folder; one that was finished before is not harmed."""
    steps = [{"method": "top:score", "budget": 10}, {"method": "random", "budget": 20}]
    assert recipe(run, steps).code == 1 and Path("out/step-1/manifest.json").exists()
    told = recipe(run, [steps[0], {"method": "random", "budget": 5}])
    assert told.code == 0 and "nothing to do: out/step-1" in told.err
    select(run, *DSIR, "--budget", 20, "-o", "single")
    Path("other.yaml").write_text(
        "pool: pool.jsonl\noutput: single\nforce: true\nsteps:\n"
        "- {method: threshold, score: score, set: {low: 1.0e+9}, budget: 5}\n- {method: random, budget: 2}\n"
    )
    assert run("run", "other.yaml").code == 1
    assert "nothing to do" in select(run, *DSIR, "--budget", 20, "-o", "single").err


def test_only_one_process_runs_the_steps_of_a_folder(run, folder, on_disk):
    import fcntl

    assert recipe(run, STEPS).code == 0
    before = on_disk(folder)
    with open("out/.tamis/steps.lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = recipe(run, STEPS)
    assert told.code == 2 and "being written by another" in told.err
    assert {**on_disk(folder), "recipe.yaml": 0} == {**before, "recipe.yaml": 0}


def test_several_budgets_that_were_cut_off_are_not_finished(run, monkeypatch):
    """Killed after the first sub-folder of another request, the folder is that of neither."""
    from tamis.engine import select as engine

    select(run, *DSIR, "--budget", "10,20", "-o", "out")
    whole, made = engine._cut, []

    def once(*arguments):
        if made:
            raise KeyboardInterrupt
        made.append(1)
        return whole(*arguments)

    monkeypatch.setattr(engine, "_cut", once)
    assert run("select", "pool.jsonl", *DSIR, "--seed", 1, "--budget", "10,30", "-o", "out", "--force").code == 1
    monkeypatch.setattr(engine, "_cut", whole)
    told = run("select", "pool.jsonl", *DSIR, "--budget", "10,20", "-o", "out")
    assert "nothing to do" not in told.err
    select(run, *DSIR, "--seed", 1, "--budget", "10,30", "-o", "out", "--force")
    assert sorted(path.name for path in Path("out").iterdir()) == [".tamis", "10", "30", "manifest.json"]


def test_steps_are_the_same_wherever_they_lie(run, folder):
    assert recipe(run, STEPS).code == 0
    assert run("run", "recipe.yaml", "-o", f"{folder}/out").err.count("nothing to do") == 3
    Path("out").rename("moved")
    told = run("recut", "moved/step-2", "--budget", "4", "-o", "again")
    assert told.code == 0, told.err


def test_python_numbers_and_paths(folder):
    import numpy as np

    found = tamis.select(POOL, "weighted-draw", budget=np.int64(4), score="score", temperature=np.float32(0.5))
    assert len(found) == 4
    assert [len(one) for one in tamis.select(POOL, "random", budget=[np.float32(0.5)])] == [150]
    assert len(tamis.select(POOL, "random", budget=0.07)) == 21
    steps = {"pool": Path("pool.jsonl"), "method": "random", "budget": [3, "1%"], "output": folder / "many"}
    with pytest.raises(tamis.Refused, match="twice"):
        tamis.run(steps | {"budget": [3, 3]})
    assert [len(one) for one in tamis.run(steps | {"budget": [4, "1%"]})] == [4, 3]
    with pytest.raises(tamis.Refused, match="budget is missing"):
        tamis.run({"pool": "pool.jsonl", "method": "top:score", "output": "x"})
    small = found.recut(2)
    assert small.manifest["budget"]["spent"] == 2 and "summary" not in small.manifest


def test_select_takes_every_key_of_a_recipe():
    assert set(Request.model_fields) <= set(inspect.signature(tamis.select).parameters)
