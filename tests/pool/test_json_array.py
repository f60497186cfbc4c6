"""Arrays of JSON objects are read as Python's json reads them, in any blocks, or refused with element and line."""

import bz2
import gzip
import io
import json
import os
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tamis
from tamis.errors import Refused
from tamis.pool import TYPES, json_array, jsonl, open_pool
from tamis.pool.json_array import ArrayLines, compact

from .mutate import mutations

CASES = int(os.environ.get("TAMIS_FUZZ_CASES", "800"))
PIECES = [b'"', b"\\", b'\\"', b"\\\\", b"[", b"]", b"{", b"}", b",", b",,", b"\n", b" ", b"},{", b"}]", b"1", b"null"]
ROWS = [
    {"id": 1, "x": 'a "quoted" [text], {so}'},
    {"id": 2, "x": "back\\slash\\\\"},
    {"id": 3, "x": "\n"},
    {"id": 4, "x": None, "y": [1, {"z": ["]", "}", ",\\"]}]},
    {"id": 5, "x": "é – ü"},
    {},
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{}, é\n', max_size=4), inner, max_size=3),
    max_leaves=8,
)


def blanks(draw):
    return st.text(" \n\r\t", max_size=3) if draw else st.just("")


def rows_of(path, block=1 << 21, step=1 << 18):
    """The objects of a file as the pool reads its columns `id` and `x`, and as it keeps whole rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl, "BLOCK_BYTES", block)
        patch.setattr(jsonl, "COPY_BYTES", block)
        patch.setattr(json_array, "STEP", step)
        pool = open_pool(path)
        wanted = {"id": None, "x": None}
        columns = [row for shard in pool.shards for batch in pool.read(shard, wanted) for row in batch.to_pylist()]
        kept = b"".join(piece for shard in pool.shards for piece in pool.kept(shard, np.arange(len(columns))))
    lines = kept.split(b"\n")
    assert lines.pop() == b""
    return columns, [json.loads(line) for line in lines]


def agrees(content, path, block=1 << 21, step=1 << 18):
    """Whether a file is read; if so as Python reads it."""
    path.write_bytes(content)
    try:
        expected = json.loads(content.decode("utf-8-sig"))
        if not isinstance(expected, list) or not all(isinstance(row, dict) for row in expected):
            expected = None
    except ValueError:
        expected = None
    try:
        columns, kept = rows_of(path, block, step)
    except Refused as error:
        assert not expected, (content, str(error))
        assert str(error).startswith(str(path))
        return False
    assert kept == expected, content
    for row, found in zip(expected, columns, strict=True):
        for name, text in found.items():
            value = row.get(name)
            assert value == (text if text is None or isinstance(value, str) else json.loads(text)), content
    return True


@given(st.data(), st.lists(st.dictionaries(st.sampled_from(["id", "x", 'k"\\']), VALUES, max_size=3), max_size=8))
@settings(max_examples=100)
def test_any_array_in_any_blocks(tmp_path_factory, data, rows):
    path = tmp_path_factory.getbasetemp() / "any.json"
    space = blanks(data.draw(st.booleans()))
    indent, ascii = data.draw(st.sampled_from([None, 0, 2])), data.draw(st.booleans())
    elements = [json.dumps(row, indent=indent, ensure_ascii=ascii) for row in rows]
    joined = "".join(f"{data.draw(space)}{',' if at else ''}{data.draw(space)}{row}" for at, row in enumerate(elements))
    mark = data.draw(st.sampled_from(["", "\ufeff"]))
    content = f"{mark}{data.draw(space)}[{data.draw(space)}{joined}{data.draw(space)}]{data.draw(space)}".encode()
    block, step = data.draw(st.sampled_from([8, 50, 1 << 21])), data.draw(st.integers(3, 90))
    assert agrees(content, path, block, step) or not rows


def test_mutated_arrays_are_refused_or_read_exactly(tmp_path):
    rng = random.Random(CASES)
    bases = [json.dumps(ROWS, indent=indent, ensure_ascii=False).encode() for indent in (None, 1)]
    read = 0
    for _ in range(CASES):
        content = b"[" + mutations(rng.choice(bases), rng, PIECES).lstrip(b"\xef\xbb\xbf \n\r\t").removeprefix(b"[")
        read += agrees(content, tmp_path / "a.json", rng.choice([16, 1 << 21]), rng.choice([3, 7, 64, 1 << 18]))
    assert CASES / 20 < read < CASES / 2


@pytest.mark.parametrize("step", [1, 2, 3, 1 << 18])
def test_bytes_stay_where_they_are(monkeypatch, step):
    monkeypatch.setattr(json_array, "STEP", step)
    content = json.dumps(ROWS, indent=2).encode()
    lines = ArrayLines(io.BytesIO(content), "a.json")
    found = b"".join(iter(lambda: lines.read(step), b""))
    assert len(found) == len(content)
    assert [json.loads(line) for line in found.splitlines()] == ROWS
    changed = {(a, b) for a, b in zip(content, found, strict=True) if a != b}
    assert changed == {(ord("["), 32), (ord("]"), 10), (ord(","), 10), (10, 32)}


def test_kept_rows_are_lines_without_blanks_and_with_their_values_as_they_were(tmp_path):
    (tmp_path / "a.json").write_text('[\n {"x" : 1.50,\t"t": "a \\" b , "},\r\n  {"x": 1E400 , "t":"\\u00e9" } ]\n')
    tamis.select(tmp_path / "a.json", "random", budget=2, text="none", output=tmp_path / "out")
    assert (tmp_path / "out" / "subset.jsonl").read_text() == '{"x":1.50,"t":"a \\" b , "}\n{"x":1E400,"t":"\\u00e9"}\n'
    assert compact(b'{"a b" : [ 1, "\\\\" , 2 ] }\n') == b'{"a b":[1,"\\\\",2]}\n'


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_arrays(tmp_path, suffix, pack):
    path = tmp_path / f"a.json{suffix}"
    path.write_bytes(pack(json.dumps(ROWS).encode()))
    assert rows_of(path)[1] == ROWS
    assert open_pool(path).suffix == f".jsonl{suffix}"


def test_files_of_arrays_and_of_lines_make_one_pool(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ROWS[:2], indent=1))
    (tmp_path / "b.json").write_text("".join(json.dumps(row) + "\n" for row in ROWS[2:]))
    pool = open_pool(tmp_path)
    assert pool.format == "jsonl" and pool.rows is None
    assert rows_of(tmp_path)[1] == ROWS
    (tmp_path / "c.jsonl").write_text('[{"id": 1}]\n')
    with pytest.raises(Refused, match=r"c\.jsonl, line 1: it is not an object"):
        open_pool(tmp_path)


BIG = ",\n".join(f'{{"x": {row}}}' for row in range(30_000))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "the pool is empty"),
        (" [ \n ] ", "the pool is empty"),
        ("[", r"a\.json, line 1: invalid JSON: the array is not closed with '\]'"),
        ('[{"x": 1}', "the array is not closed"),
        ('[{"x": 1}, ]', r"element 2, line 1: invalid JSON: expected an object"),
        ('[{"x": 1},\n, {"x": 2}]', r"element 2, line 2: invalid JSON: expected an object"),
        ('[{"x": 1},\n 2]', r"element 2, line 2: invalid JSON: expected an object"),
        ('[{"x": 1},\n\n{"x": tru}]', r"element 2, line 3: invalid JSON: Expecting value; mend"),
        ('[{"x": 1},\n[2]]', r"element 2, line 2: it is not an object"),
        ('[{"x": 1}\n{"x": 2}]', r"element 1, line 1: invalid JSON"),
        ('[{"x": 1}}', r"element 1, line 1: invalid JSON: expected ',' or '\]'"),
        ('[{"x": 1}]\n\n[5]', r"a\.json, line 3: invalid JSON: expected nothing after the array"),
        ('[{"x": "a\nb"}]', r"element 1, line 1: invalid JSON"),
        (f'[{BIG},\n{{"x": }}]', r"element 30001, line 30001: invalid JSON: expected a value; mend"),
        (f'[{BIG},\n{{"x": "q"}}]', r"element 30001, line 30001: column 'x' holds a value of kind string"),
        (f"[{BIG},]", r"element 30001, line 30000: invalid JSON: expected an object"),
        (f"[{BIG}]]", r"line 30000: invalid JSON: expected nothing after the array"),
    ],
)
def test_what_is_wrong_is_said_with_its_element_and_line(tmp_path, content, said):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(Refused, match=said):
        pool = open_pool(tmp_path / "a.json")
        for shard in pool.shards:
            list(pool.read(shard, {"x": TYPES["integer"]}))


def test_a_cut_compressed_array_is_refused(tmp_path):
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(f"[{BIG}".encode()))
    pool = open_pool(tmp_path / "a.json.gz")
    with pytest.raises(Refused, match=r"a\.json\.gz, line 30000: .*not closed"):
        list(pool.read(pool.shards[0], {}))


def test_a_row_is_found_by_element_and_line(tmp_path):
    (tmp_path / "a.json").write_text(f"[\n{BIG}\n]")
    pool = open_pool(tmp_path / "a.json")
    assert pool.where(pool.shards[0], 20_000) == f"{tmp_path / 'a.json'}, element 20001, line 20002"
