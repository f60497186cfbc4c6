"""Set functions beyond memory: the same parts in any order of rows, little lost, limits kept, killed runs go on."""

import shutil

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.engine import needs, two_stage

ROWS = 600


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 6))
    vectors = centres[rng.integers(0, 12, ROWS)] + 0.3 * rng.normal(size=(ROWS, 6))
    columns = {"id": [f"x{row}" for row in range(ROWS)], "group": [f"g{row % 3}" for row in range(ROWS)]}
    columns |= {"cost": rng.integers(1, 5, ROWS), "embedding": list(vectors.astype(np.float32))}
    return pa.table(columns)


def select(pool, budget=30, memory="200K", method="facility-location", embedding="embedding", **options):
    return tamis.select(pool, method, budget=budget, memory=memory, embedding=embedding, **options)


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


def test_the_last_choice_is_judged_by_all_rows_where_lists_of_them_fit(pool, monkeypatch):
    """Then the value is that of the rows, and a stage that only knows how many rows each stands for loses more."""
    judged = select(pool, budget=60, memory="400K")
    assert judged.manifest["objective"]["stages"]["parts"] > 1
    assert judged.manifest["objective"]["value"] == pytest.approx(worth(pool, judged.rows), rel=1e-3)
    assert judged.weights.sum() == pytest.approx(ROWS)
    combined = select(pool, 60, "400K", "combine")
    assert combined.manifest["objective"]["stages"]["parts"] > 1
    assert worth(pool, combined.rows) == pytest.approx(worth(pool, judged.rows), rel=0.01)
    monkeypatch.setattr(two_stage, "LISTED", ROWS)
    stands = select(pool, budget=60, memory="400K")
    assert stands.manifest["objective"]["value"] > worth(pool, stands.rows) * 1.01
    assert worth(pool, judged.rows) > worth(pool, stands.rows)


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


def test_parts_give_a_row_of_each_small_group(pool):
    """Thirty groups of two rows, all equal, whose rows the greedy takes last."""
    kind = np.array([f"k{min(row // 2, 30)}" for row in range(ROWS)])
    vectors = np.array(pool["embedding"].to_pylist())
    vectors[:60] = vectors[60]
    grouped = pa.table({"kind": kind, "embedding": list(vectors)})
    found = select(grouped, budget=100, quota="kind=" + ",".join(f"k{group}:1" for group in range(30)))
    assert found.manifest["objective"]["stages"]["merged"]
    assert set(kind[found.rows]) == set(kind) and len(found.rows) == 100


def test_weights_stand_for_the_whole_pool(pool, tmp_path):
    """Rows that one has or must keep count once, although every part sees them."""
    assert select(pool).weights.sum() == pytest.approx(ROWS)
    weight = np.arange(ROWS) % 3 + 1
    weighed = pool.append_column("w", pa.array(weight))
    assert select(weighed, weight="w").weights.sum() == pytest.approx(weight.sum())
    assert select(weighed, weight="w", must_keep="x7,x8", id="id").weights.sum() == pytest.approx(weight.sum())


def test_what_one_has_stands_for_rows_of_the_parts(pool, tmp_path):
    """What is near to rows that one has is not given to others: little is left where these cover all."""
    had = select(pool, budget=150, memory="8GB", output=tmp_path / "had")
    parts, whole = (select(pool, start=tmp_path / "had", memory=memory) for memory in ("200K", "8GB"))
    reached = [worth(pool, np.concatenate([had.rows, found.rows])) for found in (parts, whole)]
    assert parts.manifest["objective"]["value"] == pytest.approx(parts.gains.sum())
    assert reached[0] - worth(pool, had.rows) >= 0.8 * (reached[1] - worth(pool, had.rows))
    assert parts.manifest["objective"]["value"] == pytest.approx(whole.manifest["objective"]["value"], rel=0.5)


def test_costs_of_all_sizes_are_spent(pool):
    """Parts buy more cheap rows than can be seen together: they go on in part, unless that is too little to spend."""
    cost = np.exp(1.5 * np.random.default_rng(3).normal(size=ROWS))
    priced = pool.append_column("price", pa.array(cost))
    for budget, merged in ((40, True), (300, False)):
        found = select(priced, budget=f"{budget} price")
        assert 0.9 * budget <= cost[found.rows].sum() <= budget
        assert found.manifest["objective"]["stages"]["merged"] is merged


@pytest.mark.parametrize(
    ("method", "options", "bound"),
    [
        ("facility-location", {}, "(1 - 1/e) / 2 of the best set, in the mean, as far as parts are like the pool"),
        ("log-det", {}, "(1 - 1/e) / 2 of the best set, in the mean"),
        ("log-det", {"ridge": 0.1}, None),
        ("log-det", {"memory": "80K"}, None),
        ("facility-location", {"quota": "group=g0:20,g1:10"}, None),
        ("facility-location", {"budget": "60 cost"}, None),
        ("facility-location", {"choose": "stochastic-greedy"}, None),
        ("k-center", {"memory": "20K"}, None),
    ],
)
def test_bounds_are_those_that_hold(pool, method, options, bound):
    objective = select(pool, method=method, **options).manifest["objective"]
    assert objective["stages"]["merged"] and objective["bound"] == bound
    assert ("on_sample" in objective) is (method != "k-center")


@pytest.fixture
def asked(monkeypatch):
    """What the memory of a method is asked with: the plan and the frame of the last selection."""
    found = []
    real = two_stage.beyond_memory
    monkeypatch.setattr(two_stage, "beyond_memory", lambda *given: found.append(given[:2]) or real(*given))
    return lambda **options: (select(memory="8GB", budget=5, **options), found[-1])[1]


def test_memory_counts_the_copy_of_vectors(pool, asked, tmp_path):
    given = asked(pool=pool)
    assert two_stage.bytes_of(*given, ROWS, 5) == 4 * ROWS**2 + 8 * 6 * ROWS
    assert two_stage.bytes_of(*given, 500, 5) == 4 * 500**2 + 12 * 6 * 500
    given = asked(pool=pool, method="k-center")  # whose card has them
    assert two_stage.bytes_of(*given, 500, 5) < 500 * (4 * 6 + 21) + 4 * 512**2
    np.save(tmp_path / "wide.npy", np.array(pool["embedding"].to_pylist()))
    given = asked(pool=pool.drop_columns("embedding"), embedding=str(tmp_path / "wide.npy"))
    assert two_stage.bytes_of(*given, ROWS, 5) == 4 * ROWS**2 + 12 * 6 * ROWS


def test_memory_follows_from_what_is_given(pool, asked, tmp_path):
    """Widths of each matrix, sizes of classes, square matrices of which only these columns are seen, absent vectors."""
    for width in (3, 80):
        np.save(tmp_path / "probs.npy", np.full((ROWS, width), 1 / width, np.float32))
        given = asked(pool=pool, method="badge", use={"probs": str(tmp_path / "probs.npy")})
        assert two_stage.bytes_of(*given, 500, 5) == 500 * (4 * 6 + 8 * width + 32) + 8 * 5
    given = asked(pool=pool, method="craig", label="group")
    assert two_stage.bytes_of(*given, ROWS, 5) == pytest.approx(4 * ROWS**2 / 3 + 24 * 6 * ROWS + 2**25)
    np.save(tmp_path / "square.npy", np.eye(ROWS, dtype=np.float32))
    given = asked(pool=pool, embedding=str(tmp_path / "square.npy"), metric="precomputed")
    assert two_stage.bytes_of(*given, 100, 5) == 4 * 100**2 + 4 * 100**2
    given = asked(pool=pool.append_column("q", pa.array(range(ROWS))), method="combine", score="q", embedding=None)
    assert two_stage.bytes_of(*given, ROWS, 5) < 2**24 + 251 * ROWS


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("square", [False, True])
def test_rows_of_matrices(dtype, square, monkeypatch):
    monkeypatch.setattr(needs, "BLOCK_BYTES", 200)
    matrix, rows = np.arange(400).reshape(20, 20).astype(dtype), np.array([3, 4, 9, 19])
    found = needs.taken(matrix, rows, square)
    assert found.dtype == np.float32 and (found == (matrix[np.ix_(rows, rows)] if square else matrix[rows])).all()
    assert needs.taken(matrix.astype(np.float32), np.arange(20), square).shape == (20, 20)


def test_budget_beyond_what_can_be_seen_at_once(pool):
    found = select(pool, budget=400)
    assert len(set(found.rows.tolist())) == 400
    assert found.manifest["objective"]["stages"]["merged"] is False


def test_a_killed_run_goes_on(pool, tmp_path, monkeypatch):
    whole = select(pool, output=tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole")
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
