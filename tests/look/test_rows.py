"""Single rows of a pool, two streams side by side, and ids that are nearly spelled so."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.look.find import spelled_nearly
from tamis.look.rows import Located
from tamis.look.subset import aligned, first_other
from tamis.pool import open_pool


@pytest.mark.parametrize("seed", range(4))
def test_values_of_a_table_in_several_batches_and_shards(seed):
    rng = np.random.default_rng(seed)
    table = pa.table({"x": np.arange(200_000), "text": pa.array(["t" * 300]).take(pa.array(np.zeros(200_000, int)))})
    pool = open_pool(table)
    assert len(pool.shards) > 1
    rows = rng.integers(0, 200_000, 50)
    located = Located(pool)
    assert located.values(rows, {"x": pa.int64()})["x"].to_pylist() == rows.tolist()
    assert located.rows == 200_000 and located.file_rows.tolist() == [200_000]
    assert located.where(150_000) == pool.where(pool.shards[-1], 150_000 - pool.shards[-1].start)


def test_rows_that_a_format_does_not_say_are_counted(folder):
    lines = [b'{"x": %d}\n' % row for row in range(300)]
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines[:100])))
    (folder / "b.jsonl").write_bytes(b"".join(lines[100:]))
    located = Located(open_pool([folder / "a.jsonl.gz", folder / "b.jsonl"]))
    assert located.file_rows.tolist() == [100, 200]
    assert located.values(np.array([299, 0, 100, 99]), {"x": pa.int64()})["x"].to_pylist() == [299, 0, 100, 99]
    assert located.where(101).endswith("b.jsonl, line 2")


values = st.lists(st.one_of(st.none(), st.floats(), st.integers(0, 3).map(float)), max_size=12)
cuts = st.lists(st.integers(0, 12), max_size=4)


def batches(column, at):
    """A column cut into batches, of which some are empty."""
    batch = pa.record_batch({"x": pa.array(column, pa.float64()), "y": [json.dumps(value) for value in column]})
    bounds = sorted({min(cut, len(column)) for cut in at} | {0, len(column)})
    return [batch.slice(low, high - low) for low, high in zip([0, *bounds], bounds, strict=False)]


@given(values, values, cuts, cuts)
def test_aligned_streams_differ_where_their_values_do(one, other, first, second):
    same = [str(a) == str(b) or a == b for a, b in zip(one, other, strict=False)]
    expected = same.index(False) if False in same else None
    found, done = None, 0
    for ours, theirs in aligned(batches(one, first), batches(other, second)):
        if ours is None or theirs is None:
            assert len(one) != len(other) and done == min(len(one), len(other))
            break
        assert ours.num_rows == theirs.num_rows > 0
        at = first_other(ours.select(["x"]), theirs.select(["x"]))
        found = done + at if found is None and at is not None else found
        done += ours.num_rows
    assert found == expected


@given(st.text("ab1-", max_size=8), st.data())
def test_one_slip_is_nearly_spelled_so(name, data):
    at = data.draw(st.integers(0, len(name)))
    slip = data.draw(st.sampled_from(["insert", "delete", "change", "swap", "upper"]))
    made = {
        "insert": name[:at] + "z" + name[at:],
        "delete": name[:at] + name[at + 1 :],
        "change": name[:at] + "9" + name[at + 1 :] if at < len(name) else name,
        "swap": name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
        "upper": name.upper(),
    }[slip]
    found = spelled_nearly(made)
    assert found[0] == made and name in found and len(found) == len(set(found))
