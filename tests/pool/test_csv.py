"""CSV pools: types, nulls, delimiters and shards; what they are read as, and how their rows are kept."""

import bz2
import csv
import gzip
import io
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

import tamis
from tamis.pool import TYPES, from_json, open_pool
from tamis.pool import csv as module

POOL = pa.table(
    {
        "id": [f"{row:03d}" for row in range(40)],
        "text": [f'words, {row}\r\nand "more" {"x" * row}' if row % 3 else f"plain {row}" for row in range(40)],
        "score": [float((row * 7) % 40) / 8 for row in range(40)],
        "n": [None if row % 9 == 4 else row - 20 for row in range(40)],
        "group": ["abc"[row % 3] for row in range(40)],
    }
)
COLUMNS = {"id": "text", "text": "text", "score": "number", "n": "integer", "group": "text"}


def packed(table=POOL, **options):
    """A table as Python's csv module writes it."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, **options)
    writer.writerow(table.column_names)
    writer.writerows(row.values() for row in table.to_pylist())
    return sink.getvalue().encode()


def zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def table(pool, columns=None):
    """All rows of a pool, as the types guessed unless `columns` says others."""
    columns = columns or {name: TYPES.get(kind, TYPES["text"]) for name, kind in pool.schema.items()}
    return pa.Table.from_batches([batch for shard in pool.shards for batch in pool.read(shard, columns)])


TWINS = {
    "plain.csv": packed(),
    "newlines.csv": packed(lineterminator="\n"),
    "all quoted.csv": packed(POOL.drop_columns("n"), quoting=csv.QUOTE_ALL),
    "mark.csv": b"\xef\xbb\xbf" + packed(),
    "semicolons.csv": packed(delimiter=";"),
    "tabs.csv": packed(delimiter="\t"),
    "tabs.tsv": packed(delimiter="\t"),
    "tabs.tab": packed(delimiter="\t"),
    "gzip.csv.gz": gzip.compress(packed()),
    "zstd.csv.zst": zstd(packed()),
    "bzip.tsv.bz2": bz2.compress(packed(delimiter="\t")),
}


@pytest.mark.parametrize("name", TWINS)
def test_twins_are_the_table(tmp_path, write, name):
    pool = open_pool(write(tmp_path / name, TWINS[name]))
    wanted = POOL.select(list(pool.schema))
    assert pool.schema == {column: COLUMNS[column] for column in wanted.column_names}
    assert table(pool).to_pydict() == wanted.to_pydict()
    assert pool.suffix == {".tab": ".tsv"}.get(name[-4:], name[name.index(".") :])
    for method in ("random", "top:score", "stratified-random"):
        chosen = tamis.select(tmp_path / name, method, budget=13, quota="group=a:0.4")
        assert chosen.ids == tamis.select(POOL, method, budget=13, quota="group=a:0.4").ids
    again = from_json(json.loads(json.dumps(pool.to_json())))
    assert table(again).equals(table(pool)) and again.head() == pool.head()


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("kept", [1, 7, 40])
def test_rows_are_untouched(folder, run, write, name, kept):
    write(name, TWINS[name])
    assert run("select", name, "--method", "top:score", "--budget", kept, "-o", "out").code == 0
    rows = np.sort(tamis.Selection.load("out").rows).tolist()
    pool = open_pool(name)
    subset = open_pool(f"out/subset{pool.suffix}")
    assert table(subset).to_pylist() == table(pool).take(pa.array(rows)).to_pylist()
    with module.storage.open_plain(subset.files[0].path) as one, module.storage.open_plain(name) as other:
        copied, whole = one.read(), other.read()
    assert copied == (whole if kept == 40 else b"".join(records(whole, pool, [-1, *rows])))
    assert run("apply", "out", name, "-o", f"again{pool.suffix}").code == 0
    assert table(open_pool(f"again{pool.suffix}")).equals(table(subset))


def records(content, pool, rows):
    """The bytes of some rows, of which -1 is the header."""
    found = module.find_records(content, pool.delimiter)
    ends = [0, *found.ends.tolist()]
    return [content[ends[row + 1] : ends[row + 2]] for row in rows]


@pytest.mark.parametrize(
    ("content", "schema", "rows"),
    [
        ("a,b\n1,\n,2.5\n", {"a": "integer", "b": "number"}, [[1, None], [None, 2.5]]),
        ('a,b\n"",\n,""\n', {"a": "text", "b": "text"}, [["", None], [None, ""]]),
        ("a\n007\n8\n", {"a": "text"}, [["007"], ["8"]]),
        ("a,b\n+1,true\n2,FALSE\n", {"a": "text", "b": "boolean"}, [["+1", True], ["2", False]]),
        ("a\n9223372036854775807\n", {"a": "integer"}, [[2**63 - 1]]),
        ("a\n9223372036854775808\n", {"a": "text"}, [["9223372036854775808"]]),
        ("a,b\ninf,NA\n1,2\n", {"a": "number", "b": "text"}, [[float("inf"), "NA"], [1.0, "2"]]),
        ('a,b\n"1","2.5"\n', {"a": "integer", "b": "number"}, [[1, 2.5]]),
        ("a, b\n1, 2\n", {"a": "integer", " b": "integer"}, [[1, 2]]),
        ("a,b\n,\n", {"a": "null", "b": "null"}, [[None, None]]),
        ("a\n\n1\r\n\r2\r", {"a": "integer"}, [[1], [2]]),
        ('a,b\n5" pipe,x"y"z\n"c"d,"e""f"\n', {"a": "text", "b": "text"}, [['5" pipe', 'x"y"z'], ["cd", 'e"f']]),
        ("a,b\nx,", {"a": "text", "b": "null"}, [["x", None]]),
        ('a,b\n"x",', {"a": "text", "b": "null"}, [["x", None]]),
        ("a,b\n\ufeffx,1\n", {"a": "text", "b": "integer"}, [["\ufeffx", 1]]),
        ("a,b\nx\0y,\0\n", {"a": "text", "b": "text"}, [["x\0y", "\0"]]),
        ("0,1,2\n3,4,5\n", {"0": "integer", "1": "integer", "2": "integer"}, [[3, 4, 5]]),
        ('"a\nb",c\n1,2\n', {"a\nb": "integer", "c": "integer"}, [[1, 2]]),
    ],
)
def test_types_and_nulls(tmp_path, content, schema, rows):
    path = tmp_path / "p.csv"
    path.write_bytes(content.encode())
    pool = open_pool(path)
    assert pool.schema == schema
    assert [list(row.values()) for row in table(pool).to_pylist()] == rows


def test_an_integer_may_be_read_as_text(tmp_path, write):
    """An id keeps its letters."""
    pool = open_pool(write(tmp_path / "p.csv", "id,n\n 1,1.50\n2,-0\n"))
    assert pool.schema == {"id": "integer", "n": "number"}
    for kind in (TYPES["text"], None):
        found = table(pool, {"n": kind, "id": kind})
        assert found.to_pydict() == {"n": ["1.50", "-0"], "id": [" 1", "2"]}
    assert table(pool, {"n": TYPES["text"], "id": TYPES["integer"]}).to_pydict() == {"n": ["1.50", "-0"], "id": [1, 2]}
    assert table(pool, {"id": TYPES["number"]}).to_pydict() == {"id": [1.0, 2.0]}


def test_what_stands_between_fields_is_said(tmp_path, write):
    for content, delimiter, notes in [
        ("a,b;c\n1,2\n", ",", []),
        ("a\n1;2\n", ",", []),
        ("a;b,c;d\n1;2;3\n", ";", ["fields of {} are divided by ';', as in its header"]),
        ('"a;b";"c,d";e\n1;2;3\n', ";", ["fields of {} are divided by ';', as in its header"]),
        ("a\tb\n1\t2\n", "\t", ["fields of {} are divided by a tab, as in its header"]),
    ]:
        path = write(tmp_path / "p.csv", content)
        pool = open_pool(path)
        assert (pool.delimiter, pool.notes) == (delimiter, [note.format(path) for note in notes])


def test_what_keeps_a_column_from_being_numbers_is_said(folder, run, write):
    write("p.csv", 'x,y,z\n1,"a\nb",007\n2,b,1\nNA,NA,2\n')
    assert open_pool("p.csv").schema == dict.fromkeys("xyz", "text")
    assert open_pool("p.csv").mixed == {"x": "numbers but for 'NA' in p.csv, line 5"}
    told = run(*"select p.csv --method top:x --budget 1 -o out".split())
    assert told.code == 2 and "column 'x' is mixed (numbers but for 'NA' in p.csv, line 5); --score needs" in told.err
    write("two/a.csv", "x,y\n1,2\n")
    write("two/b.csv", "x,y\nyes,3\n")
    assert open_pool("two").mixed == {"x": "text in two/b.csv and integer before it"}


@pytest.mark.parametrize("size", [100, 1000, 10**9])
@pytest.mark.parametrize("block", [40, 10_000])
def test_shards_of_any_size_hold_each_row_once(tmp_path, write, monkeypatch, size, block):
    path = write(tmp_path / "p.csv", packed())
    for name, value in (("SHARD_BYTES", size), ("BLOCK_BYTES", block), ("COPY_BYTES", block)):
        monkeypatch.setattr(module, name, value)
    pool = open_pool(path)
    assert len(pool.shards) == {100: 15, 1000: 2, 10**9: 1}[size]
    assert pool.rows == (None if size == 10**9 else 40)
    assert len({pool.key(shard) for shard in pool.shards}) == len(pool.shards)
    first, found, kept = 0, [], b""
    for shard in pool.shards:
        read = [batch for batch in pool.read(shard, {"id": None})]
        count = sum(batch.num_rows for batch in read)
        found += [value for batch in read for value in batch.column(0).to_pylist()]
        assert shard.first_row == first and shard.rows in (None, count)
        assert sum(batch.num_rows for batch in pool.read(shard, {})) == count
        every = np.arange(count)
        kept += b"".join(pool.kept(shard, every))
        assert sum(rows for rows, _ in pool.kept_counted(shard, every)) == count
        first += count
    assert found == POOL["id"].to_pylist()
    assert pool.head() + kept == packed()


def test_several_files_make_one_pool(folder, run, write):
    """Types are those of all files; a last row without a newline gets one of the header's kind."""
    write("pool/0.csv", b"id,n\r\n1,1\r\n2,2")
    write("pool/1.csv", b"\xef\xbb\xbfid,n\n3,2.5\nx4,\n")
    write("pool/2.csv", b'"id","n"\n')
    pool = open_pool("pool")
    assert pool.schema == {"id": "text", "n": "number"} and len(pool.shards) == 2
    assert table(pool).to_pydict() == {"id": ["1", "2", "3", "x4"], "n": [1.0, 2.0, 2.5, None]}
    assert run(*"select pool --method random --budget 100% -o out".split()).code == 0
    assert (folder / "out/subset.csv").read_bytes() == b"id,n\r\n1,1\r\n2,2\r\n3,2.5\nx4,\n"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("b,a\n1,2\n", "two/b.csv: its columns are not those of two/a.csv: their order differs"),
        ("a\n1\n", "'b' is there in one and missing in the other"),
        ("a,b,c\n1,2,3\n", "'c' is missing in one and there in the other"),
        ("a;b\n1;2\n", "two/b.csv: ';' stands between its fields, and a comma in two/a.csv"),
    ],
)
def test_files_of_two_kinds_are_refused(folder, write, second, said):
    write("two/a.csv", "a,b\n1,2\n")
    write("two/b.csv", second)
    with pytest.raises(tamis.Refused) as caught:
        open_pool("two")
    assert said in str(caught.value)


def test_blank_lines_at_the_end_are_no_shard(tmp_path, write, monkeypatch):
    monkeypatch.setattr(module, "SHARD_BYTES", 100)
    pool = open_pool(write(tmp_path / "p.csv", b"a,b\n" + b"1,2\r\n" * 20 + b"\r\n" * 60))
    assert [shard.rows for shard in pool.shards] == [20]


def test_bytes_of_a_line_are_counted_in_files_without_newlines(tmp_path, write):
    with pytest.raises(tamis.Refused, match="line 3: it is not UTF-8 at byte 4 of the line"):
        open_pool(write(tmp_path / "p.csv", b"a,b\r1,2\rcaf\xe9,3\r"))


def test_a_row_longer_than_any_block(tmp_path, write):
    long = "long, " * 1_000_000
    path = write(tmp_path / "p.csv", f'id,text\n1,"{long}"\n2,short\n')
    pool = open_pool(path)
    assert table(pool)["text"].to_pylist() == [long, "short"]
    assert b"".join(pool.kept(pool.shards[0], np.array([1]))) == b"2,short\n"


def test_kept_rows_as_batches(tmp_path, write, monkeypatch):
    monkeypatch.setattr(module, "COPY_BYTES", 50)
    path = write(tmp_path / "p.csv.gz", gzip.compress(packed()))
    pool = open_pool(path)
    rows = np.arange(0, 40, 3)
    found = pa.Table.from_batches(pool.kept_batches(pool.shards[0], rows, pool.columns))
    assert found.schema.types == [pa.string(), pa.string(), pa.float64(), pa.int64(), pa.string()]
    assert found.to_pydict() == POOL.take(pa.array(rows)).to_pydict()
    other = pa.schema([("score", pa.string()), ("n", pa.int8()), ("id", pa.large_string()), ("more", pa.int64())])
    found = pa.Table.from_batches(pool.kept_batches(pool.shards[0], rows[:2], other))
    assert found.schema.equals(other)
    assert found.to_pylist() == [
        {"score": "0.0", "n": -20, "id": "000", "more": None},
        {"score": "2.625", "n": -17, "id": "003", "more": None},
    ]
    with pytest.raises(tamis.Refused, match=r"line 67: column 'text' holds 'plain 39', which is not an integer"):
        list(pool.kept_batches(pool.shards[0], np.array([39]), pa.schema([("text", pa.int64())])))


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("x7,1.5,0", "n", "holds 'x7', which is not an integer of 64 bits"),
        ("007,1.5,0", "n", "holds '007', which is not an integer of 64 bits, since it has a plus sign or a"),
        ("9223372036854775808,1.5,0", "n", "not an integer of 64 bits"),
        ("1.0,1.5,0", "n", "holds '1.0', which is not an integer"),
        ("7,01.5,0", "x", "holds '01.5', which is not a number"),
        ("7,NA,0", "x", "holds 'NA', which is not a number"),
        ('7,"",0', "x", "holds '', which is not a number"),
        (f"7,{'9' * 30}{'z' * 30},0", "x", f"holds '{'9' * 30}{'z' * 9}…', which"),
        ("7,1.5", "n", "it has 2 fields, and the header has 3"),
        ("7", "n", "it has 1 field, and the header has 3"),
        ('7,1.5,"a,b",1', "x", "it has 4 fields, and the header has 3"),
        ('7,1.5,"open', "n", "a double quote opens a field here and is never closed"),
        ("7,1.5,caf\xe9", "n", "it is not UTF-8 at byte 10 of the line"),
    ],
)
@pytest.mark.parametrize("packing", ["", ".gz"])
def test_every_row_is_checked_when_it_is_read(tmp_path, write, monkeypatch, row, column, said, packing):
    """Faults behind what was looked at first are refused with the number of the line."""
    for name in ("SAMPLE_BYTES", "BLOCK_BYTES"):
        monkeypatch.setattr(module, name, 100)
    before = b"n,x,text\r\n" + b'1,2.5,"two\nlines"\r\n\r\n' * 30
    content = before + row.encode("latin-1") + b"\r\n" + b"8,1,rest\n" * 20
    path = write(tmp_path / f"p.csv{packing}", gzip.compress(content) if packing else content)
    pool = open_pool(path)
    with pytest.raises(tamis.Refused) as caught:
        list(pool.read(pool.shards[0], {column: TYPES[pool.schema[column]]}))
    assert f"{path}, line 92: " in str(caught.value) and said in str(caught.value)


def test_rows_that_arrow_sees_otherwise_are_refused(tmp_path, write, monkeypatch):
    """Nothing is lost in silence should the two parsers ever disagree."""
    path = write(tmp_path / "p.csv", packed())
    pool = open_pool(path)
    read = arrow_csv.read_csv
    monkeypatch.setattr(arrow_csv, "read_csv", lambda *given: read(*given).slice(1))
    with pytest.raises(tamis.Refused, match=r"p\.csv, line 2: of the 40 rows from here on Arrow makes something else"):
        list(pool.read(pool.shards[0], {}))


def test_nothing_is_compiled_for_small_files(tmp_path, write):
    path = write(tmp_path / "p.csv", packed())
    code = f"import sys, tamis; tamis.select({str(path)!r}, 'top:score', budget=3); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
