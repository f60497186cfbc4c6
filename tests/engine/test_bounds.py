"""What the manifest says of how good a set is for certain, and of what a method leaves out without vectors."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import tamis

COUNT, GROUPS, COST = "1 - 1/e of the best set", "1/2 of the best set", "(1 - 1/e) / 2 of the best set"
IMAGES = Path(__file__).parents[2] / "examples" / "images"


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(0)
    columns = {"id": [f"x{row}" for row in range(60)], "group": [f"g{row % 3}" for row in range(60)]}
    columns |= {"cost": rng.integers(1, 5, 60), "half": np.full(60, 0.5), "q": rng.random(60)}
    return pa.table(columns | {"embedding": list(rng.random((60, 4)).astype(np.float32))})


@pytest.mark.parametrize(
    ("method", "options", "bound"),
    [
        ("facility-location", {}, COUNT),
        ("facility-location", {"quota": "group=g0:3,g1:7"}, GROUPS),
        ("facility-location", {"floor": "group=g0:7"}, GROUPS),
        ("facility-location", {"budget": "20 cost"}, COST),
        ("facility-location", {"budget": "20 cost", "quota": "group=g0:0.5"}, None),
        ("facility-location", {"choose": "stochastic-greedy"}, "1 - 1/e - 0.1 of the best set, in the mean"),
        ("log-det", {}, COUNT),
        ("log-det", {"ridge": 0.9}, None),
        ("graph-cut", {}, COUNT),
        ("graph-cut", {"lam": 1.9}, None),
        ("graph-cut", {"weight": "half"}, None),
        ("graph-cut", {"weight": "half", "lam": 4}, COUNT),
        ("k-center", {}, None),
        ("craig", {"label": "group"}, "1 - 1/e of the best set that is divided alike"),
        ("craig", {"label": "group", "budget": "20 cost"}, None),
        ("craig", {"label": "group", "choose": "stochastic-greedy"}, None),
        ("craig", {"label": "group", "quota": "group=g0:3,g1:7"}, None),
    ],
)
def test_bounds_are_those_that_hold(pool, method, options, bound):
    found = tamis.select(pool, method, **{"budget": 10, "embedding": "embedding"} | options)
    assert found.manifest["objective"]["bound"] == bound


def test_a_negative_gain_shows_that_there_is_no_bound(pool, tmp_path):
    """Whatever a function says of itself."""
    lines = ["import numpy as np", "from tamis.vocabulary import SetFunction", "", "class Less(SetFunction):"]
    lines += ["    def __init__(self, key): self.size, self.key = len(key), key"]
    lines += ["    def gains(self, rows): return np.full(len(rows), -1.0)", "    def take(self, row): pass"]
    lines += ["    def fresh(self): return Less(self.key)", "", "def less(key) -> SetFunction:", "    return Less(key)"]
    (tmp_path / "own.py").write_text("\n".join(lines))
    found = tamis.select(pool, f"{tmp_path / 'own.py'}:less", budget=5)
    assert found.manifest["objective"]["value"] == -5 and found.manifest["objective"]["bound"] is None


def test_terms_that_vectors_would_bring_are_not_dropped_in_silence(pool, tmp_path):
    balance = {"balance": "group=g0:0.5,g1:0.5"}
    for options, said in (({}, "--embedding embedding brings them"), ({"embedding": "embedding"}, None)):
        warnings = tamis.select(pool, "combine", budget=6, use=balance, **options).manifest["warnings"]
        assert warnings == (
            [f"combine is given no vectors, and leaves out what it would do with them: {said}"] * bool(said)
        )
    bare = pool.drop_columns("embedding")
    assert not tamis.select(bare, "combine", budget=6, use=balance, output=tmp_path / "had").manifest["warnings"]
    found = tamis.select(bare, "combine", budget=6, score="q", start=tmp_path / "had")
    assert "--embedding COLUMN brings them" in found.manifest["warnings"][0]
    images = tamis.select(IMAGES, "combine", image="image", use={"balance": "kind=day:0.5,night:0.5"}, budget=4)
    assert "--represent small-image or MODEL.onnx makes them" in images.manifest["warnings"][0]
