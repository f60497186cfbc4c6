"""CSV pools: what they are read as, types, nulls and delimiters, and what is refused by the number of its line."""

import gzip
import json
import subprocess
import sys

import pyarrow.csv as arrow_csv
import pytest

import tamis
from tamis.pool import TYPES, from_json, open_pool
from tamis.pool import csv as module

from .csv_material import COLUMNS, POOL, TWINS, packed, table


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
        ("id|score\n1|2\n", "|", ["fields of {} are divided by '|', as in its header"]),
        ("a|b|c,d\n1,2\n", ",", []),
        ('"a|b"\n1\n', ",", []),
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_other_encodings_are_refused_by_name(tmp_path, write, encoding):
    with pytest.raises(tamis.Refused, match=r"p\.csv, line 1: it is UTF-(16|32)"):
        open_pool(write(tmp_path / "p.csv", "id,text\n1,one\n".encode(encoding)))


@pytest.mark.parametrize("content", ['id,"text,score\n1,2,3\n', '\n"id', 'id,text\n1,"two\n3,four\n'])
def test_a_quote_that_is_never_closed_is_refused(tmp_path, write, content):
    line = content[: content.index('"')].count("\n") + 1
    with pytest.raises(tamis.Refused, match=f"line {line}: a double quote opens a field here and is never closed"):
        open_pool(write(tmp_path / "p.csv", content))


def test_bytes_of_a_line_are_counted_in_files_without_newlines(tmp_path, write):
    with pytest.raises(tamis.Refused, match="line 3: it is not UTF-8 at byte 4 of the line"):
        open_pool(write(tmp_path / "p.csv", b"a,b\r1,2\rcaf\xe9,3\r"))


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
