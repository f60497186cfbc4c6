"""Cases: delimited text, and arrays of JSON."""

from unittest import mock

from .running import select

FEW = "id,text,score\na,one,1\nb,two,2\n"


def csv(kind, text, named, words="", code=2, **files):
    """A case of a pool `p.csv` that holds this."""
    return select(kind, f"p.csv --budget 1 {words}", code, ["p.csv", *named], files={"p.csv": text} | files)


MANY = FEW + "".join(f"{row},text,{row}\n" for row in range(200_000))

CASES = {
    "CSV in UTF-16": csv("csv-encoding", FEW.encode("utf-16"), ["UTF-16", "UTF-8"]),
    "CSV without a header": csv("csv-header-missing", "1,2.5\n3,4.5\n", ["line 1", "1, 2.5"]),
    "CSV of an empty line": csv("csv-header-missing", "\n", ["no header"]),
    "CSV with a nameless column": csv("csv-name-empty", ",text\n0,one\n", ["column 1", "index=False"]),
    "CSV with a name twice": csv("columns-of-one-name", "a,a\n1,2\n", ["2 columns", "'a'"]),
    "CSV with a field too many": csv("csv-fields", FEW + "c,three,3,4\n", ["line 4", "4 fields", "3"]),
    "CSV with a field too few": csv("csv-fields", FEW + "c,three\n", ["line 4", "2 fields"]),
    "CSV with a word for a number": csv(
        "csv-value", MANY + "z,last,high\n", ["line 200004", "'score'", "'high'", "number"], "--method top:score", 1
    ),
    "CSV with an open quote": csv("csv-quote-open", FEW + 'c,"three,3\n', ["line 4", "double quote"]),
    "CSV with a row that never ends": select(
        "csv-record-too-long", "p.csv --budget 1", 2, ["p.csv, line 1"], files={"p.csv": "a" * (2 << 20)},
        during=lambda: mock.patch("tamis.pool.csv_head.LONGEST", 1024),
    ),
    "CSV files of two delimiters": select(
        "csv-delimiters-differ", "two --budget 1", 2, ["two/b.csv", "two/a.csv", "comma", "';'"],
        files={"two/a.csv": FEW, "two/b.csv": FEW.replace(",", ";")},
    ),
    "CSV files of other columns": select(
        "pool-columns-differ", "two --budget 1", 2, ["two/b.csv", "two/a.csv", "'score'"],
        files={"two/a.csv": FEW, "two/b.csv": "id,text\na,one\n"},
    ),
    "Feather of version 1": select(
        "file-feather-one", "p.feather --budget 1", 2, ["p.feather", "version 1"],
        files={"p.feather": b"FEA1" + bytes(64)},
    ),
    "JSON array that is cut": select(
        "json-array-invalid", "p.json --budget 1", None, ["p.json"], files={"p.json": '[{"a": 1}, {"a": 2}'}
    ),
    "JSON array without a comma": select(
        "json-invalid", "p.json --budget 1", None, ["p.json", "element 1"], files={"p.json": '[{"a": 1} {"a": 2}]'}
    ),
}  # fmt: skip
