"""`verify`, `why` and `recut` know selections that a greedy made."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("sets")
    vectors = np.random.default_rng(0).gamma(1.0, size=(40, 4)).astype(np.float32)
    pq.write_table(pa.table({"id": [f"x{row}" for row in range(40)], "v": list(vectors)}), path / "pool.parquet")
    tamis.select(path / "pool.parquet", "facility-location", budget=3, embedding="v", output=path / "had")
    tamis.select(
        path / "pool.parquet", "facility-location", budget=5, embedding="v", output=path / "out", start=path / "had"
    )
    return path


def test_verify(folder):
    assert "the method gives no scores" in str(tamis.verify(folder / "out"))


def test_why(folder):
    had, kept = tamis.Selection.load(folder / "had"), tamis.Selection.load(folder / "out")
    assert not set(had.ids) & set(kept.ids)
    found = tamis.why(folder / "out", id=kept.ids[1])
    assert found.because.startswith("place 2 of 37 by facility-location, gain ")
    dropped = next(f"x{row}" for row in range(40) if f"x{row}" not in {*kept.ids, *had.ids})
    assert "others were worth more to facility-location" in tamis.why(folder / "out", id=dropped).because
    assert "the selection to start from" in tamis.why(folder / "out", id=had.ids[0]).because


def test_recut(folder):
    kept = tamis.Selection.load(folder / "had")
    with pytest.raises(tamis.Refused, match="weights"):
        kept.recut(2)
    whole = tamis.select(folder / "pool.parquet", "log-det", budget=9, embedding="v")
    assert whole.recut(4).ids == tamis.select(folder / "pool.parquet", "log-det", budget=4, embedding="v").ids
    drawn = tamis.select(folder / "pool.parquet", "log-det", budget=9, embedding="v", choose="stochastic-greedy")
    with pytest.raises(tamis.Refused, match="prefix"):
        drawn.recut(4)


def test_stochastic_greedy_draws(folder):
    def kept(seed, **options):
        pool, options = folder / "pool.parquet", {"choose": "stochastic-greedy"} | options
        return tamis.select(pool, "log-det", budget=9, embedding="v", seed=seed, **options).ids

    assert kept(0) == kept(0) and kept(0) != kept(1)
    assert kept(0, epsilon=1e-9) == kept(1, choose="greedy")
    with pytest.raises(tamis.Refused, match="epsilon=2"):
        kept(0, epsilon=2)
    with pytest.raises(tamis.Refused, match="greedy, stochastic-greedy"):
        kept(0, choose="top")


def test_several_budgets_are_runs_of_their_own(folder):
    several = tamis.select(folder / "pool.parquet", "facility-location", budget=[3, 8], embedding="v")
    for found in several:
        alone = tamis.select(folder / "pool.parquet", "facility-location", budget=len(found), embedding="v")
        assert found.table.equals(alone.table)
