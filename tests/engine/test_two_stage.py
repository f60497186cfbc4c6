"""Set functions beyond memory: the same parts in any order of rows, little lost, limits kept, killed runs go on."""

import shutil

import numpy as np
import pyarrow as pa
import pytest

import tamis

ROWS = 600


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 6))
    vectors = centres[rng.integers(0, 12, ROWS)] + 0.3 * rng.normal(size=(ROWS, 6))
    columns = {"id": [f"x{row}" for row in range(ROWS)], "group": [f"g{row % 3}" for row in range(ROWS)]}
    columns |= {"cost": rng.integers(1, 5, ROWS), "embedding": list(vectors.astype(np.float32))}
    return pa.table(columns)


def select(pool, budget=30, memory="200K", method="facility-location", **options):
    return tamis.select(pool, method, budget=budget, memory=memory, embedding="embedding", **options)


def worth(pool, rows):
    vectors = np.array(pool["embedding"].to_pylist())
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.maximum(units @ units[rows].T, 0).max(axis=1).sum()


def test_little_of_the_objective_is_lost(pool):
    whole, parts = select(pool, memory="8GB"), select(pool)
    stages = parts.manifest["objective"]["stages"]
    assert whole.manifest["objective"]["stages"] is None and stages["parts"] == 3 and stages["part_rows"] <= 220
    random = np.mean([worth(pool, np.random.default_rng(seed).choice(ROWS, 30, False)) for seed in range(20)])
    kept = (worth(pool, parts.rows) - random) / (worth(pool, whole.rows) - random)
    assert kept > 0.9
    sample = parts.manifest["objective"]["on_sample"]
    assert sample["chosen"] > sample["random"]


def test_the_value_of_one_stage_is_that_of_its_rows(pool):
    whole = select(pool, memory="8GB")
    assert whole.manifest["objective"]["value"] == pytest.approx(worth(pool, whole.rows), rel=1e-5)
    assert whole.manifest["objective"]["bound"] == "1 - 1/e of the best set"


def test_another_order_of_rows_keeps_the_ids(pool):
    mixed = pool.take(pa.array(np.random.default_rng(1).permutation(ROWS)))
    assert select(mixed).ids == select(pool).ids


def test_limits_hold(pool):
    groups = np.array(pool["group"].to_pylist())
    found = select(pool, quota="group=g0:20,g1:10")
    assert [int((groups[found.rows] == name).sum()) for name in ("g0", "g1", "g2")] == [20, 10, 0]
    assert (groups[select(pool, floor="group=g2:25").rows] == "g2").sum() >= 25
    cost = pool["cost"].to_numpy()
    spent = cost[select(pool, budget="40 cost").rows].sum()
    assert 35 <= spent <= 40
    assert "x7" in select(pool, must_keep="x7", id="id").ids


def test_weights_stand_for_the_whole_pool(pool):
    assert select(pool).weights.sum() == pytest.approx(ROWS)


def test_budget_beyond_what_can_be_seen_at_once(pool):
    found = select(pool, budget=400)
    assert len(set(found.rows.tolist())) == 400
    assert found.manifest["objective"]["stages"]["merged"] is False


def test_a_killed_run_goes_on(pool, tmp_path, monkeypatch):
    whole = select(pool, output=tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole")
    from tamis.engine import two_stage

    real, calls = two_stage._of_part, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(two_stage, "_of_part", killed)
    with pytest.raises(KeyboardInterrupt):
        select(pool, output=tmp_path / "out")
    monkeypatch.setattr(two_stage, "_of_part", lambda *arguments: calls.append(1) or real(*arguments))
    calls.clear()
    assert select(pool, output=tmp_path / "out").table.equals(whole.table)
    assert len(calls) == 2


def test_memory_that_is_too_little_is_refused(pool):
    with pytest.raises(tamis.Refused, match="--memory"):
        select(pool, memory="10B")
    with pytest.raises(tamis.Refused, match="--memory lots"):
        select(pool, memory="lots")


def test_a_prefix_of_parts_is_no_recut(pool):
    with pytest.raises(tamis.Refused, match="prefix"):
        select(pool, method="log-det", memory="20K").recut(5)
