"""`tamis inspect`: counts, quantiles, duplicates and suspicions against slow, obvious ones; its command can be run."""

import json
import shlex
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.look import inspect
from tamis.look.columns import RowSample
from tamis.look.scripts import letter_counts, script_shares
from tamis.look.texts import BROKEN

from .pools import ROWS, rows, save


@pytest.mark.parametrize("name", ["pool.jsonl", "pool.parquet", "pool.csv"])
def test_counts_and_quantiles(name, folder, run):
    save(name, rows())
    found = inspect(name)
    lines = rows()
    assert (found.rows, found.files, found.sample) == (ROWS, 1, ROWS)
    assert found.bytes == (folder / name).stat().st_size
    assert {role: one["column"] for role, one in found.roles.items()} == {"text": "text", "id": "id", "group": "domain"}
    columns = {column["name"]: column for column in found.columns}
    scores = [line["score"] for line in lines]
    assert (
        columns["score"] | {"smallest": min(scores), "median": np.median(scores), "largest": max(scores)}
        == columns["score"]
    )
    assert columns["cost"]["type"] == "integer" and columns["cost"]["values"] == 4
    texts = [line["text"] for line in lines]
    lengths = sorted(map(len, texts))
    assert found.text["characters"]["median"] == np.median(lengths)
    assert found.text["characters"]["longest"] == max(lengths)
    assert found.text["characters"]["ninety_percent"] == pytest.approx(np.quantile(lengths, 0.9))
    assert found.text["duplicates"] == sum(count - 1 for text, count in Counter(texts).items() if text)
    assert found.text["empty"] == 1
    assert found.tables["group"]["top"] == [{"value": value, "rows": 20} for value in "abc"]
    assert [one.kind for one in found.suspicions] == ["empty-texts"]
    told = run("inspect", name)
    assert told.code == 0 and told.err == "" and all(len(line) <= 100 for line in told.out.splitlines())
    assert json.loads(run("inspect", name, "--json").out)["rows"] == ROWS


def test_nulls_and_types_of_columns(folder):
    table = pa.table({
        "a": pa.array([1, None, 3], pa.int8()),
        "b": pa.array([1.5, None, float("nan")], pa.float32()),
        "c": pa.array(["x", None, None]).dictionary_encode(),
        "d": pa.array([[1], None, []], pa.list_(pa.int8())),
        "e": pa.array([True, None, False]),
        "f": pa.nulls(3),
        "g": pa.array([{"x": 1}, None, None]),
        "h": pa.array([b"x", None, b""], pa.binary()),
    })  # fmt: skip
    for source in (table, save_table("pool.parquet", table)):
        columns = {column["name"]: column for column in inspect(source, text="none").columns}
        assert {name: one["nulls"] for name, one in columns.items()} == dict(
            zip("abcdefgh", (1, 1, 2, 1, 1, 3, 2, 1), strict=True)
        )
        assert [one["type"] for one in columns.values()] == [
            "integer", "number", "text", "list", "boolean", "other", "other", "bytes",
        ]  # fmt: skip
        assert (columns["b"]["nan"], columns["b"]["largest"]) == (1, 1.5)


def test_texts_that_are_not_there_are_no_duplicates(folder):
    found = inspect(pa.table({"text": ["a", "", "", None, None, "a"]}))
    assert (found.text["duplicates"], found.text["empty"]) == (1, 4)


def save_table(path, table):
    pq.write_table(table, path)
    return path


SUSPICIOUS = {
    "constant": ([{"x": 5, "y": row} for row in range(30)], "x"),
    "all-null": ([{"x": None, "y": row} for row in range(30)], "x"),
    "numbers-as-text": ([{"x": f"{row}.5", "y": row} for row in range(30)], "x"),
    "extreme": ([{"x": row if row else 10**6} for row in range(30)], "x"),
    "equal": ([{"x": row, "y": row} for row in range(30)], "y"),
    "id-repeated": ([{"id": row // 2, "x": row} for row in range(30)], "id"),
    "id-null": ([{"id": row or None, "x": row} for row in range(30)], "id"),
    "one-class": ([{"label": "a" if row else "b", "x": row} for row in range(2000)], "label"),
    "many-classes": ([{"label": f"c{row}", "x": row % 7} for row in range(30)], "label"),
    "label-null": ([{"label": "ab"[row % 2] if row else None, "x": row} for row in range(30)], "label"),
    "empty-texts": ([{"text": "" if row < 2 else f"t{row}" if row > 3 else "x"} for row in range(30)], "text"),
    "markup": ([{"text": f"<p>{row}</p>" if row < 9 else f"a < b {row} > c"} for row in range(30)], "text"),
    "encoding": ([{"text": f"caf\u00c3\u00a9 {row}" if row < 9 else f"caf\u00e9 {row}"} for row in range(30)], "text"),
    "mixed": ([{"x": row if row % 2 else "z", "y": row} for row in range(30)], "x"),
    "unreadable": ([{"x": row if row < 700 else "z", "y": row % 9} for row in range(701)], "x"),
}


@pytest.mark.parametrize("kind", SUSPICIOUS)
def test_suspicious_columns(kind, folder, run):
    found, column = SUSPICIOUS[kind]
    save("pool.jsonl", found)
    told = inspect("pool.jsonl")
    assert (kind, column) in [(one.kind, one.column) for one in told.suspicions]
    assert all(one.said in " ".join(" ".join(told.lines()).split()) for one in told.suspicions)
    others = {"constant", "numbers-as-text", "markup", "encoding", "equal", "id-null"} - {kind}
    assert not others & {one.kind for one in told.suspicions}
    check_command(told.command, run)


def test_infinite_numbers_and_nan(folder, run):
    values = np.arange(40.0)
    values[3], values[4:6] = np.inf, np.nan
    save_table("pool.parquet", pa.table({"score": values, "other": np.arange(40.0)}))
    found = inspect("pool.parquet")
    assert [one.kind for one in found.suspicions] == ["nan", "infinite"]
    assert found.columns[0]["largest"] == 39 and found.columns[0]["infinite"] == 1
    assert "random" in found.command, "a score that select refuses is not proposed"
    check_command(found.command, run)


def check_command(command, run):
    """The command that is proposed ends well."""
    name, *more = shlex.split(command)
    assert name == "tamis"
    told = run(*more)
    assert told.code == 0, f"{command}\n{told.err}"


POOLS = {
    "usual": (rows(), {}, "--method top:score --budget 10%"),
    "one row": ([{"text": "a"}], {}, "--method random --budget 1"),
    "all alike": ([{"text": "a"}] * 40, {}, "--method random --budget 1"),
    "another name": ([{"body": f"t {row}", "quality": row / 7} for row in range(40)], {}, "--method top:quality"),
    "no text": ([{"x": row} for row in range(40)], {}, "--method random"),
    "two texts": ([{"a": f"t {row}", "b": f"u {row}"} for row in range(40)], {}, "--method random"),
    "given": ([{"a": f"t {row}", "k": row} for row in range(40)], {"text": "a", "id": "k"}, "--text a --id k"),
    "given score": ([{"a": f"t {row}", "k": row} for row in range(40)], {"score": "k"}, "--method top:k"),
    "chat": ([{"messages": [{"role": "user", "content": f"hello {row}"}]} for row in range(40)], {}, "--method random"),
    "half null ids": ([{"id": row if row % 2 else None, "text": f"t {row}"} for row in range(40)], {}, "--id none"),
    "broken text": ([{"text": f"t {row}" if row < 700 else 5, "n": row} for row in range(701)], {}, "--text none"),
}


@pytest.mark.parametrize("name", POOLS)
def test_the_command_can_be_run(name, folder, run):
    found, given, words = POOLS[name]
    save("a pool.jsonl", found)
    flags = [word for role, column in given.items() for word in (f"--{role}", column)]
    told = run("inspect", "a pool.jsonl", *flags)
    assert told.code == 0, told.err
    command = told.out.splitlines()[-1].strip()
    assert words in command
    check_command(command, run)
    again = run("inspect", "a pool.jsonl", *flags).out.splitlines()[-1]
    assert again.endswith("-o out2"), "a folder that is there is not named"


def test_tables_in_memory_propose_python(folder):
    import tamis

    table = pa.table({"text": [f"t {row}" for row in range(40)], "score": np.arange(40)})
    found = inspect(table)
    assert found.command == "tamis.select(pool, 'top:score', budget='10%')"
    assert len(eval(found.command, {"tamis": tamis, "pool": table})) == 4


def test_a_pool_that_cannot_be_read_is_refused(folder, run, write):
    write("pool.jsonl", '{"a": 1}\n{"a": \n')
    told = run("inspect", "pool.jsonl")
    assert told.code == 2 and "pool.jsonl, line 2" in told.err
    assert run("inspect", "nowhere").code == 2
    save("other.jsonl", rows())
    assert "domain" in run("inspect", "other.jsonl", "--text", "domian").err


def test_samples_are_bounded_and_said(folder, monkeypatch):
    save("pool.jsonl", rows(3000))
    monkeypatch.setattr("tamis.look.columns.SAMPLE_ROWS", 500)
    found = inspect("pool.jsonl")
    assert 250 <= found.sample <= 500
    assert any(f"{found.sample} rows, chosen by a hash" in line for line in found.lines())
    median = next(column["median"] for column in found.columns if column["name"] == "score")
    assert abs(median - np.median([row["score"] for row in rows(3000)])) < 0.3
    assert found == inspect("pool.jsonl")


def test_row_samples_do_not_depend_on_batches():
    whole, parts = RowSample(100), RowSample(100)
    whole.extend(0, 5000)
    for start in range(0, 5000, 17):
        parts.extend(start, min(17, 5000 - start))
    assert sorted(whole.hashes.tolist()) == sorted(parts.hashes.tolist())
    assert 50 < len(whole.hashes) <= 100 and not whole.is_all


def test_scripts_are_shares_of_letters():
    texts = ["Sieve 12!", "просеять", "篩い", "غربال", "ａＢ", "𝐱"]
    expected = {"Latin": 5 + 2, "Cyrillic": 8, "Han": 1, "Hiragana": 1, "Arabic": 5, "other": 1}
    found = script_shares(letter_counts(texts))
    assert found == {name: count / 23 for name, count in expected.items()}
    assert script_shares(letter_counts(["", "12"])) == {}


@pytest.mark.parametrize("text", ["café", "naïve – “quoted”", "Ã", "São Paulo", "PÃO DE AÇÚCAR"])
def test_good_texts_are_no_broken_ones(text):
    assert not BROKEN.search(text)
    if any(ord(sign) > 127 for sign in text) and text != "Ã":
        assert BROKEN.search(text.encode().decode("cp1252", "replace"))
