"""Cleaning: what is left out, why, and that it is the same however it is run; against the operations in plain steps."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.ops import text_rules
from tamis.ops.minhash import bands_for, sketch
from tamis.ops.near_copies import near_copies

WORDS = np.array([f"word{i}" for i in range(900)])
SAME = ("selection.parquet", "dropped.parquet", "duplicates.parquet", "subset.parquet")
ITEMS = 6


def prose(rng, n):
    """n words in sentences that the rules let pass, most of them."""
    found = rng.choice(WORDS, n).tolist()
    found[::7] = ["the"] * len(found[::7])
    found[3::9] = ["with"] * len(found[3::9])
    found[8::10] = [f"{word}." for word in found[8::10]]
    return " ".join([*found, "end."])


def edited(text, share, rng):
    words = text.split()
    at = rng.choice(len(words), max(1, int(share * len(words))), replace=False)
    for place in at:
        words[place] = f"new{rng.integers(10**6)}"
    return " ".join(words)


@pytest.fixture(scope="module")
def texts():
    """200 texts; then an exact copy, near copies, short ones, and texts that hold test items, each known."""
    rng = np.random.default_rng(4)
    base = [prose(rng, int(rng.integers(60, 150))) for _ in range(200)]
    items = [prose(rng, 30) for _ in range(ITEMS)]
    near = [edited(base[row], 0, rng) for row in range(10)]
    far = [edited(base[row], 0.4, rng) for row in range(10)]
    held = [f"{prose(rng, 60)} {item} {prose(rng, 30)}" for item in items[:3]]
    half = [f"{prose(rng, 60)} {' '.join(items[3].split()[:10])} {prose(rng, 60)}"]
    return {"rows": [*base, base[50], *near, *far, "too short", *held, *half], "items": items}


@pytest.fixture
def files(folder, texts):
    rows = texts["rows"]
    pq.write_table(pa.table({"id": [f"d{row}" for row in range(len(rows))], "text": rows}), "pool.parquet")
    pq.write_table(pa.table({"question": texts["items"], "ok": [1.0, 1, 1, 0, 0, 0]}), "test.parquet")
    pq.write_table(pa.table({"text": [rows[3], rows[4] + " more words here"]}), "old.parquet")
    return folder


def dropped(selection):
    return {row["row"]: row for row in selection.dropped.to_pylist()}


def test_each_step_drops_what_was_planted(files, texts):
    made = tamis.clean(
        "pool.parquet", rules="gopher-quality", near_duplicates=0.7, against="old.parquet",
        test_set="exam=test.parquet", test_score="ok", drop_contaminated=0.9, output="out",
    )  # fmt: skip
    found, rows = dropped(made), made.manifest["rows"]
    ruled = text_rules.apply("gopher-quality", pa.array(texts["rows"]))
    expected = set(np.flatnonzero(~ruled.keep).tolist())
    assert {row for row, one in found.items() if one["step"] == "rules"} == expected and 221 in expected
    assert found[221]["reason"] == "fewer than 50 words (gopher-quality:min-words)" and found[221]["value"] == 2
    assert {row for row, one in found.items() if one["step"] == "contaminated"} == {222, 223, 224}
    assert {found[row]["within"] for row in (222, 223, 224)} == {"exam"}
    assert found[3] | {"reason": ""} == {
        "row": 3, "step": "earlier_corpus", "reason": "", "value": None, "kept_row": 0, "within": "old",
    }  # fmt: skip
    near = {row: one["kept_row"] for row, one in found.items() if one["step"] == "near_copies"}
    assert near[4] == 1 and found[4]["within"] == "old"
    kept = {201 + copy: copy for copy in range(10) if copy not in (3, 4)}
    assert near == {4: 1, 204: 0, 205: 1} | kept
    assert pq.read_table("out/duplicates.parquet").to_pylist() == [{"row": 200, "kept_row": 50}]
    left = set(made.rows.tolist())
    assert left == set(range(len(texts["rows"]))) - set(found) - {200} and made.rows.tolist() == sorted(left)
    counts = {name: rows[name] for name in ("rules", "contaminated", "earlier_corpus", "near_copies")}
    assert sum(counts.values()) == len(found) and rows["pool"] - sum(counts.values()) - 1 == rows["kept"]
    test = made.manifest["summary"]["cleaning"]["tests"][0]
    assert [one["items"] for one in test["held"]] == [4, 3, 3, 3] and test["any"] == 4 and test["items"] == ITEMS
    assert test["gain"]["gain"] == pytest.approx(0.5) and test["gain"]["fraction"] == pytest.approx(2 / 3, abs=0.2)


def test_near_copies_are_those_of_the_operation_among_what_is_left(files, texts):
    found = dropped(tamis.clean("pool.parquet", near_duplicates=0.7))
    rows = pa.array(texts["rows"])
    bands, each = bands_for(0.7)
    sketched = sketch(rows, bands=bands, rows=each, keep_minima=True)
    sketched.keys[200] = 0  # an exact copy, left out before
    kept = near_copies(sketched, threshold=0.7).kept_row
    assert {row: one["kept_row"] for row, one in found.items()} == {
        row: kept[row] for row in np.flatnonzero(kept != np.arange(len(kept)))
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_shards_and_workers_change_nothing(folder, texts, workers, monkeypatch):
    """The pool as one file and as several, in one process and in two."""
    monkeypatch.setattr("tamis.engine.run.worth_workers", lambda pool: True)
    rows, path = texts["rows"], Path("many")
    path.mkdir()
    for part, start in enumerate(range(0, len(rows), 60)):
        pq.write_table(pa.table({"text": rows[start : start + 60]}), path / f"{part}.parquet")
    pq.write_table(pa.table({"text": rows}), "one.parquet")
    asked = {"rules": ["gopher-quality", "c4"], "near_duplicates": 0.8, "workers": workers}
    one, many = (tamis.clean(pool, **asked) for pool in ("one.parquet", "many"))
    assert one.rows.tolist() == many.rows.tolist() and one.dropped.to_pylist() == many.dropped.to_pylist()


def test_rows_that_are_added_change_nothing_before_them(files, texts):
    """The kept row of a copy stays kept when the corpus grows."""
    rows = texts["rows"]
    whole, part = (tamis.clean({"text": rows[:n]}, near_duplicates=0.7).dropped.to_pylist() for n in (len(rows), 205))
    assert [one for one in whole if one["row"] < 205] == part


def test_must_keep_stays_and_exclude_goes_first(files):
    made = tamis.clean("pool.parquet", near_duplicates=0.7, must_keep="d201,d200", exclude="d5")
    found = dropped(made)
    assert {200, 201} <= set(made.rows.tolist()) and 201 not in found
    assert 206 not in found and 5 not in made.rows  # the row that it is a copy of is not there


def test_steps_of_a_recipe_are_one_run(files, run):
    recipe = {
        "pool": "pool.parquet",
        "output": "out",
        "steps": [
            {"rules": {"gopher-quality": {"min-words": 20}}},
            {"near-duplicates": 0.7},
            {"method": "random", "budget": "10%"},
        ],
    }
    made = tamis.run(recipe)
    earlier = made.manifest["earlier_steps"]
    assert [one["rows"]["kept"] for one in earlier] == [
        made.manifest["earlier_steps"][1]["rows_in"],
        made.manifest["rows_in"],
    ]
    assert len(made) == earlier[1]["rows"]["kept"] // 10
    tokens = made.manifest["tokens"]
    assert earlier[1]["tokens"]["kept"] == tokens["in"] > tokens["kept"] > 0
    whole = tamis.select(
        "pool.parquet", "random", budget="10%", rules="gopher-quality:min-words=20", near_duplicates=0.7
    )
    assert whole.rows.tolist() == made.rows.tolist()
    page = Path("out/report.html").read_text()
    assert "The steps before" in page and "alike those of an earlier row" in page


def test_a_finished_folder_is_known_again_and_explains_rows(files, run):
    words = ["clean", "pool.parquet", "--near-duplicates", "0.7", "--rules", "gopher-quality:min-words=30", "-o", "out"]
    assert run(*words).code == 0
    before = [Path(f"out/{name}").read_bytes() for name in SAME]
    told = run(*words)
    assert told.code == 0 and "nothing to do" in told.err
    assert [Path(f"out/{name}").read_bytes() for name in SAME] == before
    assert "of an earlier row; 'd1'" in " ".join(run("why", "out", "--id", "d202").out.split())
    assert run("verify", "out").code == 0
    again = json.loads(Path("out/manifest.json").read_text())["command"]
    assert again.startswith("tamis clean pool.parquet") and "--method" not in again and "--budget" not in again
    table = pq.read_table("out/dropped.parquet")
    pq.write_table(table.slice(1), "out/dropped.parquet")
    told = run("verify", "out")
    assert told.code == 1 and "dropped.parquet, step near_copies: it has 9 rows" in told.err


def test_a_rule_that_drops_most_is_warned_of(files):
    made = tamis.clean("pool.parquet", rules="gopher-quality:min-words=120")
    assert any("published rules are for prose" in said for said in made.manifest["warnings"])
