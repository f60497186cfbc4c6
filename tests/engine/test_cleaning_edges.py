"""Cleaning where its parts meet: all steps at once against plain loops, names, thresholds, reuse, and the page."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.engine.cleaning import Cleaning, parse_run
from tamis.errors import Refused
from tamis.ops import text_rules
from tamis.ops.minhash import bands_for, sketch
from tamis.ops.near_copies import near_copies
from tamis.ops.ngrams import token_counts

WORDS = np.array([f"word{i}" for i in range(900)])
ITEM = 25
RULES = {"gopher-quality": {"min-stop-words": 0, "min-words": 40}, "c4": {"min-sentences": 1}}


def prose(rng, n):
    return " ".join(rng.choice(WORDS, n - 1)) + "."


def save(path, texts, column="text", **more):
    Path(path).parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({column: pa.array(texts, pa.string())} | more), path, row_group_size=4)


def run_of(text, item):
    """Tokens of the longest run of an item that a text has, by looking for each; full stops are tokens."""
    words, text = item.replace(".", " .").split(), f" {text.replace('.', ' .')} "
    runs = ((i, j) for i in range(len(words)) for j in range(i + 8, len(words) + 1))
    return max((j - i for i, j in runs if f" {' '.join(words[i:j])} " in text), default=0)


@pytest.fixture
def pool(folder):
    """Rows that several steps would drop, in three files of which one is empty; two corpora and two test sets."""
    rng = np.random.default_rng(8)
    exams = [[prose(rng, ITEM), prose(rng, ITEM)], [prose(rng, 40), prose(rng, ITEM)]]
    base = [prose(rng, 60) for _ in range(12)]
    base[6] += f" {exams[0][0]}"
    rows = [
        *base, base[0] + " more.", "short", "short {", f"{base[1]} {exams[0][1]}", f"{exams[1][0]} short.",
        " ".join([base[2], *exams[1][1].split()[:14]]) + ".", "short", base[3], base[4] + " more.", base[5] + " other.",
        prose(rng, 50), base[1] + " more.", "short two", prose(rng, 60) + " {.", base[7] + " more.",
    ]  # fmt: skip
    for name, texts in (("0", rows[:10]), ("1", []), ("2", rows[10:])):
        ids = [f"d{rows.index(text) if name == '0' else 10 + place}" for place, text in enumerate(texts)]
        save(f"pool/{name}.parquet", texts, id=pa.array(ids, pa.string()))
    save("a/old.parquet", [prose(rng, 60), base[8], rows[20] + " x"], "content")
    save("b/old.parquet", [base[9], base[8], base[10] + " x", base[5] + " y", base[11]])
    save("a/exam.parquet", exams[0], "question")
    save("b/exam.parquet", exams[1], "answer", other=["x", "y"])
    return {"rows": rows, "exams": exams}


ASKED = {
    "rules": RULES, "near_duplicates": 0.7, "against": ["a/old.parquet", "b/old.parquet"],
    "test_set": ["a/exam.parquet", "b/exam.parquet"], "test_text": ["question", "{answer}"], "drop_contaminated": 0.56,
}  # fmt: skip


def expected(rows, exams, corpora, excluded, must):
    """What each row is dropped for, and the row kept instead, by loops over all."""
    found, first = {}, {}
    again = {row for row, text in enumerate(rows) if row not in excluded and first.setdefault(text, row) != row}
    duplicates = again - must
    texts, gone = pa.array(rows), excluded | duplicates | must
    for name, own in RULES.items():
        one = text_rules.apply(name, texts, **{k.replace("-", "_"): v for k, v in own.items()})
        for row in np.flatnonzero(~one.keep).tolist():
            if row not in gone | set(found):
                found[row] = ("rules", one.rules[one.reason[row]].name, None)
    for name, items in zip(("exam", "exam-2"), exams, strict=True):
        for row, text in enumerate(rows):
            share = max(run_of(text, item) / (len(item.split()) + 1) for item in items)
            if row not in gone | set(found) and share >= 0.56:
                found[row] = ("contaminated", name, None)
    for name, known in corpora.items():
        for row, text in enumerate(rows):
            if row not in gone | set(found) and text in known:
                found[row] = ("earlier_corpus", name, known.index(text))
    bands, each = bands_for(0.7)
    mine, *others = [sketch(pa.array(t), bands=bands, rows=each, keep_minima=True) for t in (rows, *corpora.values())]
    mine.keys[sorted(set(found) | (gone - must))] = 0
    near = near_copies(mine, threshold=0.7, against=others)
    away = {row: (list(corpora)[number], place) for row, number, place in near.earlier.tolist()}
    for row, kept in enumerate(near.kept_row.tolist()):
        if kept != row and row not in gone:
            found[row] = ("near_copies", *away.get(row, (None, kept)))
    return found, duplicates


def test_all_steps_at_once_are_those_of_plain_loops(pool, monkeypatch):
    monkeypatch.setattr("tamis.engine.dropped.ROWS", 5)
    rows = pool["rows"]
    read = {"old": "a/old.parquet", "old-2": "b/old.parquet"}
    corpora = {name: pq.read_table(path)[0].to_pylist() for name, path in read.items()}
    excluded, must = {14, 16, 8}, {13, 19, 20}
    made = tamis.clean("pool", **ASKED, exclude="d14,d16,d8", must_keep="d13,d19,d20", output="out")
    found, duplicates = expected(rows, pool["exams"], corpora, excluded, must)
    told = {
        one["row"]: (one["step"], one["within"] or (one["reason"].partition("(")[2][:-1] or None), one["kept_row"])
        for one in made.dropped.to_pylist()
    }
    assert told == found and len(told) == made.dropped.num_rows
    assert {one[1] for one in told.values()} >= {"exam", "exam-2", "old", "old-2", "c4:max-curly-brackets", None}
    left = set(range(len(rows))) - set(found) - duplicates - excluded
    assert set(made.rows.tolist()) == left and made.manifest["rows"]["eligible"] == len(left)
    assert {one[2] for one in found.values() if one[0] == "near_copies" and one[1] is None} <= left
    held = [[one["items"] for one in test["held"]] for test in made.manifest["summary"]["cleaning"]["tests"]]
    assert held == [[2, 2, 2, 2], [2, 2, 1, 1]]
    values = {one["row"]: one["value"] for one in made.dropped.to_pylist()}
    assert values[24] == 2 and values[25] == 1  # words; lines with a curly bracket
    tokens, reasons = token_counts(pa.array(rows)), made.manifest["summary"]["cleaning"]["reasons"]
    for reason in reasons:
        own = [one["row"] for one in made.dropped.to_pylist() if one["reason"] == reason["reason"]]
        assert reason["tokens"] == tokens[own].sum()


def test_a_method_with_a_target_cleans_as_well(pool):
    save("target.parquet", pool["rows"][:3])
    asked = {name: ASKED[name] for name in ("near_duplicates", "against")}
    made, alone = tamis.select("pool", "dsir", target="target.parquet", budget=5, **asked), tamis.clean("pool", **asked)
    assert made.dropped.to_pylist() == alone.dropped.to_pylist() and alone.dropped.num_rows
    assert Cleaning(similarity=0.5).near == {"width": 5, "bands": 42, "rows": 3, "seed": 0}


def test_parts_are_used_again_only_for_what_they_are_of(pool, monkeypatch):
    """In one folder: other test items, another template, another version; each as in a new folder."""

    def both(**asked):
        folders = ("same", f"new{len(list(Path().iterdir()))}")
        made = [tamis.clean("pool", **asked, output=name, force=True) for name in folders]
        assert made[0].dropped.to_pylist() == made[1].dropped.to_pylist()
        return sum(step["computed"] for step in made[0].manifest["steps"] if step["name"] == "measure")

    test, shards = {"test_set": "a/exam.parquet", "drop_contaminated": "10"}, 2
    assert both(**test) == shards
    save("a/exam.parquet", pool["exams"][1], "question")
    assert both(**test) == shards
    assert both(near_duplicates=0.7, template="{text} {id}") == shards
    assert both(near_duplicates=0.7, template="{id} " * 40 + "{text}") == shards
    assert both(near_duplicates=0.7, template="{id} " * 40 + "{text}", exclude="d1") == 0
    assert both(rules="c4:min-sentences=1") == shards == both(rules="c4:min-sentences=2")
    monkeypatch.setattr(tamis, "__version__", "0.0.0")
    assert both(rules="c4:min-sentences=2") == shards


def test_paths_names_and_unknown_scores_of_test_sets(pool):
    save("split=test/exam.parquet", pool["exams"][0], "question", ok=[1.0, None])
    made = tamis.clean("pool", test_set=["split=test/exam.parquet", "my=a/exam.parquet"], drop_contaminated="50%")
    assert [one["name"] for one in made.manifest["summary"]["cleaning"]["tests"]] == ["exam", "my"]
    told = tamis.clean("pool", test_set="split=test/exam.parquet", test_score="ok").manifest["summary"]["cleaning"]
    assert told["tests"][0]["gain"] == {"items": 1, "note": "the known scores of all items are the same"}


@pytest.mark.parametrize("text", ["inf", "nan", "8.5", "0", "7", "200%", "1300%", "-1"])
def test_runs_that_mean_nothing_are_refused(text):
    with pytest.raises(Refused, match="out of range"):
        parse_run(text)


def test_the_page_escapes_and_says_what_came_in(pool):
    save("pool/0.parquet", ["<script>alert(1)</script>", *pool["rows"][1:10]], id=[f"e{i}" for i in range(10)])
    last = {"rules": RULES, "test-set": "<i>exam</i>=a/exam.parquet", "drop-contaminated": 20, "near-duplicates": 0.7}
    steps = [{"method": "all", "rules": "c4:min-sentences=0", "budget": 22}, last]
    before = tamis.run({"pool": "pool", "output": "out", "steps": steps}).manifest["earlier_steps"][0]
    assert before["not_chosen"] == before["rows"]["eligible"] - 22 > 0
    page = Path("out/report.html").read_text()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "<i>exam" not in page
    assert re.search(r"is kept in its place:</p><p[^>]*>word", page) and "20 tokens of the test set &lt;i&gt;" in page
    tamis.clean("pool", rules="c4:min-sentences=0", within="out", output="again")
    tokens = json.loads(Path("again/manifest.json").read_text())["tokens"]
    said = re.sub("<[^>]*>", "", Path("again/report.html").read_text())
    assert f"No document was dropped for what its text is; {tokens['in']:,} of {tokens['in']:,} tokens remain" in said


def test_what_is_told_of_rows_later(pool, run):
    """A recut does not read texts again; rows of other corpora have no id here; no dropped row may be kept."""
    words = ["clean", "pool", "--near-duplicates", "0.7", "--text", "text", "--against", "a/old.parquet"]
    assert run(*words, "-o", "out").code == 0
    assert run("recut", "out", "--budget", "9", "-o", "less").code == 0 and run("verify", "less").code == 0
    steps = json.loads(Path("less/manifest.json").read_text())["steps"]
    assert [step["computed"] for step in steps if step["name"] == "measure"] == [0]
    assert "the same text is in old: row 1 of old" in " ".join(run("why", "out", "--id", "d8").out.split())
    table, kept = pq.read_table("out/dropped.parquet"), pq.read_table("out/selection.parquet")["row"][0].as_py()
    rows = pa.array([kept, *table["row"].to_pylist()[1:]])
    pq.write_table(table.set_column(0, "row", rows), "out/dropped.parquet")
    assert run("verify", "out").code == 1
    save("a/old.parquet", pool["rows"][:1], "content")
    told = run(*words, "-o", "out")
    assert told.code == 2 and "the earlier corpus a/old.parquet changed" in told.err
