"""What a study measures of texts it measures once, and every cell pays for it; methods with vectors of their own."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.engine import measure_tasks
from tamis.engine.parts import read_table
from tamis.engine.plan import make_plan
from tamis.engine.request import Request
from tamis.engine.rows import keep_rows
from tamis.errors import Refused
from tamis.evidence.worker import warm_up

WORDS = [f"{a}{b}" for a in "bcdfg" for b in ("ane", "ile", "ost", "urk")]


def texts(rng, words, rows):
    return [" ".join(rng.choice(words, 12)) for _ in range(rows)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pool = texts(rng, WORDS[:12], 80) + texts(rng, WORDS[8:], 40)
    target = texts(rng, WORDS[8:], 30)
    vectors = {name: rng.normal(size=(120, 3)).astype(np.float32) for name in ("far", "near")}
    vectors["near"][80:] = [5, 0, 0]
    of_target = {"far": np.tile([0, 0, 9.0], (30, 1)), "near": np.tile([5.0, 0, 0], (30, 1))}
    pq.write_table(pa.table({"text": pool} | {n: list(v) for n, v in vectors.items()}), "pool.parquet")
    pq.write_table(pa.table({"text": target} | {n: list(v) for n, v in of_target.items()}), "wanted.parquet")
    pq.write_table(pa.table({"text": texts(rng, WORDS[:8], 10)}), "other.parquet")
    return {"pool": "pool.parquet", "target": "wanted.parquet", "off_target": "other.parquet", "task": "language-model"}


def result(folder, method, budget="10", seed=0):
    cells = (json.loads(path.read_text()) for path in (folder / ".tamis").rglob("cells/*.json"))
    mine = [c for c in cells if (c["method"], c["budget"], c["seed"]) == (method, budget, seed)]
    key = mine[0]["key"]
    return mine[0], np.load(next((folder / ".tamis").rglob(f"{key}.npy")))


def test_a_study_measures_once_and_every_cell_pays(files, tmp_path, monkeypatch):
    measured, real = [], measure_tasks.measure

    def counted(job, pool, shard, out, spec):
        measured.append(spec["measure"]["name"])
        return real(job, pool, shard, out, spec)

    monkeypatch.setattr(measure_tasks, "measure", counted)
    tamis.bench(**files, methods=["color-filter", "betr"], budgets=["10", "20"], seeds=2, output="out", workers=0)
    # n-grams of the pool once, of each seed's half once; vectors of the pool once, of each half once
    assert sorted(measured) == ["latent-semantics"] * 3 + ["n-grams"] * 3
    for method in ("color-filter", "betr"):
        paid = [result(tmp_path / "out", method, budget, seed)[0] for budget in ("10", "20") for seed in (0, 1)]
        owed = [cell["measure_cpu"] for cell in paid]
        assert sum(owe == 0 for owe in owed) == 1  # the first measures all that it needs itself
        assert all(cell["measure_seconds"] > 0 for cell in paid if cell["measure_cpu"])


def test_who_finds_a_part_done_owes_what_it_cost_the_other(files, tmp_path):
    asked = {"pool": ["pool.parquet"], "method": "betr", "target": ["wanted.parquet"], "budget": "10", "output": "o"}
    found = [keep_rows(make_plan(Request(**asked)), tmp_path / f"work-{turn}", tmp_path / "shared") for turn in (0, 1)]
    parts = [read_table(path) for path in (tmp_path / "shared").rglob("*.arrow")]
    assert found[0].found_done.cpu_seconds == 0 and found[0].rows.tolist() == found[1].rows.tolist()
    assert found[1].found_done.cpu_seconds == pytest.approx(sum(part["cpu_seconds"][0].as_py() for part in parts))
    assert found[1].found_done.peak_mb == max(part["peak_mb"][0].as_py() for part in parts)
    assert len(parts) == 4  # a sample, what was learned of it, the vectors of pool and target


def test_what_is_run_to_warm_up_leaves_nothing_for_others(files, tmp_path, monkeypatch):
    jobs = []
    monkeypatch.setattr("tamis.evidence.bench.run_cells", lambda job, *_, **__: jobs.append(job) or sys.exit())
    with pytest.raises(SystemExit):
        tamis.bench(**files, methods=["betr"], budgets=["10"], seeds=2, output="out", workers=2)
    warm_up(jobs[0])
    assert not list(tmp_path.rglob("measured")) and (Path(jobs[0].folder) / "tiny.arrow").exists()


def test_choices_are_those_of_a_request_alone(files, tmp_path):
    test = {"test": "other.parquet", "off_target": "other.parquet"}  # so that all of the target is a method's
    asked = {"methods": ["color-filter", "betr"], "budgets": ["10", "20"], "seeds": 2, "full": False}
    tamis.bench(**files | test, **asked, output="out", workers=0)
    for method in ("color-filter", "betr"):
        alone = tamis.select("pool.parquet", method, target="wanted.parquet", budget=20, seed=1)
        assert result(tmp_path / "out", method, "20", 1)[1].tolist() == alone.rows.tolist()


def test_methods_may_have_vectors_of_their_own(files, tmp_path):
    methods = [
        {"name": "by near", "method": "betr", "embedding": "near"},
        {"name": "by far", "method": "betr", "embedding": "far"},
        "betr",
    ]
    tamis.bench(**files, methods=methods, budgets=["10"], seeds=2, output="out", workers=0)
    rows = {name: result(tmp_path / "out", name)[1] for name in ("by near", "by far", "betr")}
    assert (rows["by near"] >= 80).all() and (rows["by far"] < 80).any()
    far = np.stack(pq.read_table("pool.parquet")["far"].to_pylist())
    nearness = far[:, 2] / np.linalg.norm(far, axis=1)
    assert set(rows["by far"].tolist()) == set(np.argsort(-nearness)[:10].tolist())
    assert len({tuple(found) for found in rows.values()}) == 3


def test_vectors_of_their_own_keep_their_names_and_their_order(files, tmp_path):
    """Columns of numbers too, by patterns of which one is part of another; no model learns from them."""
    rng = np.random.default_rng(1)
    for name in ("pool", "wanted"):
        table = pq.read_table(f"{name}.parquet")
        for column in ("f0", "f1", "f10"):
            table = table.append_column(column, pa.array(rng.normal(size=len(table))))
        pq.write_table(table.rename_columns(["text", "embedding", "near", "f0", "f1", "f10"]), f"{name}.parquet")
    wide = {"name": "wide", "method": "betr", "embedding": "f*"}
    some = [{"name": "some", "method": "betr", "embedding": "f1*"}, {"method": "betr", "embedding": "embedding"}]
    bound = {"name": "bound", "method": "betr", "use": {"embedding": "near"}}
    asked = {"budgets": ["10"], "seeds": 2, "workers": 0, "full": False, "test": "other.parquet"}
    tamis.bench(**files, **asked, methods=[*some, wide, bound], represent="hashed-words", output="out")
    for name, embedding in (("some", "f1*"), ("betr", "embedding"), ("wide", "f*"), ("bound", "near")):
        alone = tamis.select("pool.parquet", "betr", target="wanted.parquet", budget=10, embedding=embedding)
        assert result(tmp_path / "out", name)[1].tolist() == alone.rows.tolist()


def test_vectors_of_its_own_are_of_the_seed_and_no_features(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    columns = {"x0": rng.normal(size=90), "y": rng.integers(0, 2, 90)}
    columns |= {f"g{seed}_{one}": rng.normal(size=90) for seed in (0, 1) for one in (0, 1)}
    pq.write_table(pa.table(columns), "pool.parquet")
    own = {"name": "own", "method": "k-center", "embedding": "g{seed}_*"}
    asked = {"task": "classify", "label": "y", "budgets": ["9"], "seeds": 2, "workers": 0, "full": False}
    tamis.bench("pool.parquet", methods=["k-center", own], output="out", **asked)
    assert json.loads((tmp_path / "out/verdicts.json").read_text())["pool"]["features"] == 1
    chosen = [set(result(tmp_path / "out", "own", "9", seed)[1].tolist()) for seed in (0, 1)]
    assert chosen[0] != chosen[1]


def test_vectors_of_its_own_in_a_file_are_refused(files, tmp_path):
    np.save("vectors.npy", np.ones((120, 2), np.float32))
    methods = [{"name": "k-center", "method": "k-center", "embedding": "vectors.npy"}]
    with pytest.raises(Refused, match="the vectors of method k-center: a file beside the pool"):
        tamis.bench(**files, methods=methods, budgets=["10"], seeds=2, output="out", workers=0)
