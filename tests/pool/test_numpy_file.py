"""NumPy files as pools: columns of archives, vectors, fields; nothing is unpickled and nothing cut is read."""

import io
import zipfile

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.pool import TYPES, numpy_file, open_pool
from tamis.pool.npy import header

ARRAYS = {
    "id": np.array([f"r{row}" for row in range(40)]),
    "x": np.arange(40)[::-1].copy(),
    "v": np.arange(120, dtype="float32").reshape(40, 3),
    "flag": np.arange(40) % 2 == 0,
}
SAVED = {"stored": np.savez, "deflated": np.savez_compressed}


@pytest.mark.parametrize("name", SAVED)
def test_an_archive_is_a_table(tmp_path, monkeypatch, name):
    monkeypatch.setattr(numpy_file, "SHARD_BYTES", 300)
    SAVED[name](tmp_path / "a.npz", **ARRAYS)
    pool = open_pool(tmp_path / "a.npz")
    assert pool.schema == {"id": "text", "x": "integer", "v": "list", "flag": "boolean"}
    assert (len(pool.shards) > 1) == (name == "stored") and pool.rows == 40
    columns = dict.fromkeys(pool.schema)
    found = [row for shard in pool.shards for batch in pool.read(shard, columns) for row in batch.to_pylist()]
    assert found == [{key: array[row].tolist() for key, array in ARRAYS.items()} for row in range(40)]
    chosen = tamis.select(tmp_path / "a.npz", "top:x", budget=7, output=tmp_path / "out")
    assert chosen.ids == [f"r{row}" for row in range(7)]
    with zipfile.ZipFile(tmp_path / "out" / "subset.npz") as subset:
        kinds = {info.compress_type for info in subset.infolist()}
        assert kinds == {zipfile.ZIP_STORED if name == "stored" else zipfile.ZIP_DEFLATED}
    with np.load(tmp_path / "out" / "subset.npz", allow_pickle=False) as subset:
        for key, array in ARRAYS.items():
            assert subset[key].dtype == array.dtype and np.array_equal(subset[key], array[:7])


def test_vectors_are_an_embedding(tmp_path):
    images = np.arange(24, dtype="uint8").reshape(3, 2, 2, 2)
    np.save(tmp_path / "a.npy", images)
    pool = open_pool(tmp_path / "a.npy")
    assert pool.schema == {"embedding": "list"}
    (batch,) = pool.read(pool.shards[0], {"embedding": None})
    assert batch.column(0).to_pylist() == images.reshape(3, 8).tolist()
    chosen = tamis.select(tmp_path / "a.npy", "random", budget=2, output=tmp_path / "out")
    subset = np.load(tmp_path / "out" / "subset.npy", allow_pickle=False)
    assert subset.shape == (2, 2, 2, 2) and np.array_equal(subset, images[np.sort(chosen.rows)])


def test_nothing_is_copied_of_what_is_mapped(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((100_000, 8)))
    pool = open_pool(tmp_path / "a.npy")
    before = pa.total_allocated_bytes()
    batches = list(pool.read(pool.shards[0], {"embedding": None}))
    assert sum(batch.num_rows for batch in batches) == 100_000
    assert pa.total_allocated_bytes() - before < 100_000


def test_texts_of_two_widths_are_all_kept(tmp_path):
    np.savez(tmp_path / "a.npz", t=np.array(["a", "bb"]))
    np.savez(tmp_path / "b.npz", t=np.array(["long text", "é"]))
    tamis.select(tmp_path, "random", budget="100%", text="none", output=tmp_path / "out")
    with np.load(tmp_path / "out" / "subset.npz", allow_pickle=False) as subset:
        assert subset["t"].tolist() == ["a", "bb", "long text", "é"] and subset["t"].dtype == "<U9"


def test_arrays_beside_tables_are_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n')
    np.save(tmp_path / "e.npy", np.ones((1, 3)))
    pool = open_pool(tmp_path)
    assert [file.name for file in pool.files] == ["a.jsonl"]
    assert pool.notes == [f"1 files of {tmp_path} are NumPy arrays beside tables and are left out"]


@pytest.mark.parametrize("rows", [0, 9, 10, 1000])
@pytest.mark.parametrize("kind", ["f4", "U3", [("é", "f4"), ("x", "U2", (2,))]])
def test_a_header_is_as_long_for_any_number_of_rows_and_numpy_reads_it(rows, kind):
    dtype = np.dtype(kind)
    made = header(dtype, (rows, 2))
    assert len(made) == len(header(dtype, (10**20, 2))) and len(made) % 64 == 0
    found = np.load(io.BytesIO(made + bytes(2 * rows * dtype.itemsize)), allow_pickle=False)
    assert found.shape == (rows, 2) and found.dtype == dtype


class Trap:
    """What must not be made when a file is read."""

    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


def archive(**arrays):
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


def array(values, **options):
    sink = io.BytesIO()
    np.save(sink, values, **options)
    return sink.getvalue()


REFUSED = {
    "objects": ("a.npy", array(np.array([[Trap()]]), allow_pickle=True), "never unpickled"),
    "objects in an archive": ("a.npz", archive(x=np.array([Trap()])), "never unpickled"),
    "cut": ("a.npy", array(np.ones((9, 9)))[:-1], r"a\.npy: it is not a whole NumPy file \(it is cut\)"),
    "cut archive": ("a.npz", archive(x=np.ones(9))[:-9], "not a whole NumPy file"),
    "no array": ("a.npy", b"hello, this is text", "does not start as a NumPy file"),
    "lengths": ("a.npz", archive(x=np.ones(3), y=np.ones(4)), "column 'y' has 4 values and 'x' has 3"),
    "one value": ("a.npz", archive(x=np.float64(3)), "column 'x' cannot be taken"),
    "no name": ("a.npy", array(np.ones(3)), r"a\.npy: an array of shape \(3,\) is one column without a name"),
    "complex": ("a.npz", archive(x=np.ones(3, complex)), "column 'x' cannot be taken"),
    "fields in an archive": ("a.npz", archive(x=np.zeros(3, "f4,f4")), "column 'x' cannot be taken"),
    "no rows": ("a.npy", array(np.ones((0, 3))), "the pool is empty"),
    "no arrays": ("a.npz", archive(), "the pool is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused(tmp_path, name):
    file, content, said = REFUSED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(Refused, match=said):
        open_pool(tmp_path / file)


def test_files_of_other_widths_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    np.save(tmp_path / "b.npy", np.ones((3, 4)))
    with pytest.raises(Refused, match=r"b\.npy: its columns are not those of .*'embedding' is fixed_size_list.*\[2\]"):
        open_pool(tmp_path)


def test_numbers_are_read_as_they_are_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([1, 2], ">i2"), y=np.array([0.5, 1.5], "f2"))
    pool = open_pool(tmp_path / "a.npz")
    (batch,) = pool.read(pool.shards[0], {"y": TYPES["number"], "x": TYPES["integer"]})
    assert batch.to_pydict() == {"y": [0.5, 1.5], "x": [1, 2]}
