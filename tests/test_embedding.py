"""The embedding role: vectors from columns, from a file beside the pool and from an array give the same selection."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import tamis

OWN = '''
import numpy as np
from tamis.vocabulary import Order, Score


def first_axis(embedding) -> Score:
    return embedding[:, 0] - embedding[:, 1]


def farthest(embedding, *, start: int = 0) -> Order:
    """Farthest-first traversal."""
    rows, near = [start], np.linalg.norm(embedding - embedding[start], axis=1)
    while len(rows) < len(embedding):
        rows.append(int(np.argmax(near)))
        near = np.minimum(near, np.linalg.norm(embedding - embedding[rows[-1]], axis=1))
        near[rows] = -1
    return Order(np.array(rows))
'''
N, D = 60, 3
RNG = np.random.default_rng(4)
VECTORS = RNG.normal(size=(N, D)).astype(np.float32)
IDS = [f"row-{i:02}" for i in range(N)]


def table(**more):
    return pa.table({"id": IDS, **more})


@pytest.fixture(autouse=True)
def files(folder, write):
    Path("own.py").write_text(OWN)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel()), D)
    write("lists.parquet", table(embedding=lists))
    write("ragged.parquet", table(embedding=pa.array(VECTORS.tolist(), pa.list_(pa.float64()))))
    write("lines.jsonl", [{"id": i, "embedding": v} for i, v in zip(IDS, VECTORS.tolist(), strict=True)])
    write("wide.parquet", table(**{f"f{i}": VECTORS[:, i] for i in range(D)}))
    write("plain.parquet", table())
    np.save("vectors.npy", VECTORS)
    np.savez("vectors.npz", mine=VECTORS, other=VECTORS[::-1])


SHAPES = {
    "lists.parquet": None,
    "ragged.parquet": None,
    "lines.jsonl": "embedding",
    "wide.parquet": "f*",
    "plain.parquet": "vectors.npy",
    "plain.parquet ": "vectors.npz:mine",
}


@pytest.mark.parametrize("method", ["first_axis", "farthest"])
@pytest.mark.parametrize("pool", SHAPES)
def test_every_source_of_vectors_gives_the_same(pool, method):
    given = {"embedding": SHAPES[pool]} if SHAPES[pool] else {}
    found = tamis.select(pool.strip(), f"own.py:{method}", budget=9, **given)
    namespace: dict = {}
    exec(OWN, namespace)
    result = namespace[method](VECTORS)
    rows = result.rows[:9] if method == "farthest" else np.argsort(-result, kind="stable")[:9]
    assert found.rows.tolist() == rows.tolist()
    assert found.manifest["roles"]["embedding"]["column"] == (SHAPES[pool] or "embedding")
    array = tamis.select(table(), f"own.py:{method}", budget=9, embedding=VECTORS)
    assert array.ids == found.ids


def test_vectors_are_cut_into_shards(monkeypatch, run):
    from tamis.pool import parquet

    pa.parquet.write_table(table(embedding=VECTORS.tolist()), "lists.parquet", row_group_size=7)
    monkeypatch.setattr(parquet, "SHARD_BYTES", 200)
    assert len(tamis.pool.open_pool("lists.parquet").shards) > 3
    found = tamis.select("lists.parquet", "own.py:farthest", budget=9)
    beside = tamis.select("plain.parquet", "own.py:farthest", budget=9, embedding="vectors.npy")
    assert found.rows.tolist() == beside.rows.tolist()


def test_rows_left_out_keep_their_vectors():
    """Vectors belong to rows of the pool, whichever of them may be chosen."""
    found = tamis.select("plain.parquet", "own.py:farthest", budget=5, embedding="vectors.npy", exclude=IDS[:10])
    left = tamis.select(table().slice(10), "own.py:farthest", budget=5, embedding=VECTORS[10:])
    assert found.ids == left.ids


BAD = VECTORS.copy()
BAD[41, 1] = np.nan


@pytest.mark.parametrize(
    ("array", "code", "named"),
    [
        (VECTORS[:-1], 2, ["v.npy", "59 vectors", "60 rows"]),
        (BAD, 1, ["v.npy, row 41", "NaN"]),
        (VECTORS[:, 0], 2, ["v.npy", "[60]"]),
        (np.array([["a"] * D] * N), 2, ["v.npy", "<U1"]),
        (np.array([[None] * D] * N), 2, ["v.npy", "numpy.save"]),
    ],
)
def test_vector_files_that_are_refused(run, on_disk, folder, array, code, named):
    np.save("v.npy", array, allow_pickle=True)
    before = on_disk(folder)
    words = ["select", "plain.parquet", "--method", "own.py:farthest", "--budget", 3, "-o", "out"]
    told = run(*words, "--embedding", "v.npy")
    assert told.code == code and all(word in told.err for word in named), told.err
    assert on_disk(folder) == before


@pytest.mark.parametrize(
    ("pool", "given", "named"),
    [
        ("plain.parquet", [], ["farthest", "--embedding"]),
        ("plain.parquet", ["--embedding", "nowhere.npy"], ["nowhere.npy"]),
        ("plain.parquet", ["--embedding", "vectors.npz"], ["vectors.npz:mine"]),
        ("plain.parquet", ["--embedding", "vectors.npz:min"], ["'min'", "'mine'"]),
        ("plain.parquet", ["--embedding", "s3://b/v.npy"], ["URL"]),
        ("plain.parquet", ["--embedding", "id"], ["'id'"]),
        ("wide.parquet", ["--embedding", "g*"], ["'g*'"]),
        ("wide.parquet", ["--represent", "small-image"], ["--represent", "--image"]),
    ],
)
def test_vectors_that_are_not_there(run, on_disk, folder, pool, given, named):
    before = on_disk(folder)
    told = run("select", pool, "--method", "own.py:farthest", "--budget", 3, "-o", "out", *given)
    assert told.code == 2 and all(word in told.err for word in named), told.err
    assert on_disk(folder) == before


def test_a_changed_file_of_vectors_is_noticed(run):
    words = ["select", "plain.parquet", "--method", "own.py:farthest", "--budget", 3, "-o", "out"]
    assert run(*words, "--embedding", "vectors.npy").code == 0
    assert "nothing to do" in run(*words, "--embedding", "vectors.npy").err
    np.save("vectors.npy", VECTORS[::-1])
    told = run(*words, "--embedding", "vectors.npy")
    assert told.code == 2 and "embedding" in told.err
