"""The same rows in every shape a pool can have give the same selection as their Parquet twin."""

import bz2
import csv
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.pool import as_memory, open_pool
from tamis.testing import make_pool, make_target

from .remote_files import PLAIN

POOL = make_pool(40).select(PLAIN)
ROWS = POOL.to_pylist()
NAMES = POOL.column_names
METHODS = ["random", "top:score", "dsir"]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table_of_text(rows):
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, NAMES)
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def arrow(path, table, make=pa.ipc.new_file, compression=None, rows=9):
    with make(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=rows)


def arrays():
    return {name: np.array(values) for name, values in POOL.to_pydict().items()}


def structured():
    kinds = [(name, array.dtype) for name, array in arrays().items()]
    made = np.empty(len(ROWS), kinds)
    for name, array in arrays().items():
        made[name] = array
    return made


def files(folder):
    """Shapes on disk, by what to call them."""
    coded = POOL.set_column(3, "group", POOL["group"].combine_chunks().dictionary_encode())
    text, csv_text, array = lines(ROWS), table_of_text(ROWS), json.dumps(ROWS).encode()
    contents = {
        "a.jsonl": text,
        "a.jsonl.gz": gzip.compress(text),
        "a.ndjson.zst": pa.compress(text, "zstd", asbytes=True),
    }
    contents |= {"a.json.bz2": bz2.compress(text), "array.json": array, "array.json.gz": gzip.compress(array)}
    contents |= {"a.csv": csv_text, "a.csv.gz": gzip.compress(csv_text), "a.tsv": csv_text.replace(b",", b"\t")}
    contents |= {"pretty.json": json.dumps(ROWS, indent=2).encode()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    pq.write_table(POOL, folder / "a.parquet", row_group_size=7)
    arrow(folder / "file.arrow", POOL)
    arrow(folder / "stream.arrow", POOL, pa.ipc.new_stream)
    arrow(folder / "lz4.ipc", POOL, compression="lz4")
    arrow(folder / "zstd.arrows", POOL, pa.ipc.new_stream, "zstd")
    arrow(folder / "codes.arrow", coded)
    arrow(folder / "codes.arrows", coded, pa.ipc.new_stream)
    feather.write_feather(POOL, folder / "a.feather")
    np.savez(folder / "a.npz", **arrays())
    np.savez_compressed(folder / "small.npz", **arrays())
    np.save(folder / "fields.npy", structured())
    return [path for path in folder.iterdir() if path.is_file()]


def mixed(folder):
    """Folders of several formats."""
    for name in ("all", "texts"):
        (folder / name).mkdir()
    (folder / "all" / "a.jsonl.gz").write_bytes(gzip.compress(lines(ROWS[:8])))
    pq.write_table(POOL.slice(8, 9), folder / "all" / "b.parquet")
    (folder / "all" / "c.csv").write_bytes(table_of_text(ROWS[17:25]))
    arrow(folder / "all" / "d.arrow", POOL.slice(25, 5))
    (folder / "all" / "e.json").write_text(json.dumps(ROWS[30:36]))
    (folder / "all" / "f.jsonl").write_bytes(lines(ROWS[36:]))
    (folder / "texts" / "a.csv").write_bytes(table_of_text(ROWS[:20]))
    (folder / "texts" / "b.jsonl").write_bytes(lines(ROWS[20:]))
    return [folder / "all", folder / "texts"]


def saved(folder):
    """Folders that `datasets` wrote."""
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_list(ROWS)
    dataset.save_to_disk(folder / "dataset", num_shards=3)
    datasets.DatasetDict(train=dataset).save_to_disk(folder / "splits")
    return [folder / "dataset", folder / "splits"]


def objects():
    """Shapes in memory, by what to call them."""
    pandas, polars, datasets = (pytest.importorskip(name) for name in ("pandas", "polars", "datasets"))
    frame, other = pandas.DataFrame(ROWS), polars.DataFrame(ROWS)
    order = np.random.default_rng(0).permutation(len(ROWS))
    shuffled = datasets.Dataset.from_list([ROWS[row] for row in order])
    return {
        "pandas": frame,
        "pandas with its ids as index": frame.set_index("id"),
        "pandas of objects": frame.astype(object).assign(**{name: frame[name] for name in ("label", "score", "cost")}),
        "polars": other,
        "polars with categories": other.with_columns(polars.col("group").cast(polars.Categorical)),
        "polars in chunks": polars.concat([other[:11], other[11:]], rechunk=False),
        "dataset": datasets.Dataset.from_list(ROWS),
        "dataset with indices": shuffled.select(np.argsort(order)),
        "dict of lists": POOL.to_pydict(),
        "dict of arrays": arrays(),
        "dict of series": {name: (frame if at % 2 else other)[name] for at, name in enumerate(NAMES)},
        "dict of Arrow": {name: POOL[name] for name in NAMES},
        "structured array": structured(),
        "batch": POOL.combine_chunks().to_batches()[0],
        "capsule": Capsule(POOL),
    }


class Capsule:
    """What only Arrow's C interface tells anything of."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    named = {"files": folder / "files", "mixed": folder / "mixed", "saved": folder / "saved"}
    for path in named.values():
        path.mkdir()
    paths = [*files(named["files"]), *mixed(named["mixed"]), *saved(named["saved"])]
    return {path.name: path for path in paths} | objects()


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    path = tmp_path_factory.mktemp("twin") / "twin.parquet"
    pq.write_table(POOL, path)
    return path


@pytest.mark.parametrize("method", METHODS)
def test_every_shape_gives_the_selection_of_its_twin(shapes, twin, method):
    target = make_target() if method == "dsir" else None
    expected = tamis.select(twin, method, budget=13, target=target)
    assert 0 < len(expected) <= 13
    for name, source in shapes.items():
        found = tamis.select(source, method, budget=13, target=target)
        assert found.ids == expected.ids and found.rows.tolist() == expected.rows.tolist(), name
        assert found.scores.tolist() == expected.scores.tolist() or np.isnan(expected.scores).all(), name


def test_every_shape_can_be_a_target(shapes, twin):
    """Of everything, so that what is near the target is all that there is to tell."""
    expected = tamis.select(twin, "dsir", budget=5, target=twin)
    for name, source in shapes.items():
        found = tamis.select(twin, "dsir", budget=5, target=[source])
        assert found.ids == expected.ids and found.scores.tolist() == expected.scores.tolist(), name


def test_every_shape_is_applied_as_its_twin(shapes, twin):
    chosen = tamis.select(twin, "top:score", budget=13)
    expected = chosen.apply(twin).to_pylist()
    for name, source in shapes.items():
        found = tamis.select(source, "top:score", budget=13).apply(source)
        assert found.select(NAMES).to_pylist() == expected, name


@pytest.mark.parametrize("name", ["fields.npy", "a.npz", "small.npz", "lz4.ipc", "zstd.arrows", "codes.arrow", "all"])
def test_a_subset_is_a_pool_of_the_kept_rows(shapes, twin, tmp_path, name):
    chosen = tamis.select(shapes[name], "top:score", budget=13, output=tmp_path / "out", workers=2)
    (subset,) = (tmp_path / "out").glob("subset.*")
    kept = tamis.select(twin, "top:score", budget=13).apply(twin)
    again = tamis.select(subset, "random", budget="100%")
    assert again.apply(subset).select(NAMES).to_pylist() == kept.to_pylist()
    assert subset.suffix == {"fields.npy": ".npy", "all": ".parquet"}.get(name, ".npz" if "npz" in name else ".arrow")
    assert chosen.manifest["rows"]["kept"] == 13
    assert tamis.select(shapes[name], "top:score", budget=13, output=tmp_path / "out").ids == chosen.ids


def test_in_memory_is_known_without_a_look_at_rows(shapes):
    for name, source in shapes.items():
        table = as_memory(source)
        assert (table is None) == hasattr(source, "suffix"), name
        assert table is None or table.num_rows == open_pool(source).rows == 40
    assert as_memory(["a.csv", "b.csv"]) is None
