"""The lines of INTERFACE.md on rows, limits and the output folder, through the command line."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.testing import make_pool, make_target

POOL = make_pool(24)


@pytest.fixture
def select(folder, run, write):
    """Run `tamis select` on a pool (the tiny one by default) and read the folder it wrote."""

    def call(*words, pool=POOL, to="out", method="top:score"):
        path = pool if isinstance(pool, str) else write("pool.jsonl", pool)
        told = run("select", path, "--method", method, "-o", to, *words)
        assert told.code == 0, told.err
        return pq.read_table(folder / to / "selection.parquet"), read_manifest(folder / to), told

    return call


def read_manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_columns_and_types(select):
    found, _, _ = select("--budget", 5, "--no-subset")
    assert found.schema.names == "row id rank weight score gain target reason file file_row".split()
    types = {field.name: str(field.type) for field in found.schema}
    assert types.pop("id") in ("string", "large_string")
    assert types == {
        "row": "int64", "rank": "int64", "weight": "float", "score": "double", "gain": "double", "target": "string",
        "reason": "string", "file": "string", "file_row": "int64",
    }  # fmt: skip
    scores = POOL["score"].to_pylist()
    best = sorted(range(24), key=lambda row: -scores[row])[:5]
    assert found["row"].to_pylist() == found["file_row"].to_pylist() == best
    assert found["rank"].to_pylist() == list(range(5)) and found["weight"].to_pylist() == [1.0] * 5
    assert found["score"].to_pylist() == [scores[row] for row in best]
    assert found["id"].to_pylist() == [f"doc-{row:03}" for row in best]
    assert found["gain"].null_count == found["target"].null_count == 5
    assert found["reason"].null_count == 0 and set(found["file"].to_pylist()) == {"pool.jsonl"}


@pytest.mark.parametrize("ids", [[7, 5, -3], ["7", "05", ""], None])
def test_ids_keep_their_type(select, ids):
    pool = pa.table({"score": [1, 3, 2]} | ({"id": ids} if ids else {}))
    found, _, _ = select("--budget", 3, pool=pool)
    assert found["id"].to_pylist() == ([ids[1], ids[2], ids[0]] if ids else [None] * 3)
    assert ids is not None or pa.types.is_null(found["id"].type)


def test_a_share_is_of_the_eligible_rows(select):
    """24 rows, 3 of them duplicates and 1 excluded, leave 20; a row without text counts where no text is read."""
    texts = POOL["text"].to_pylist()
    texts[20:] = [*texts[:3], None]
    pool = POOL.set_column(1, "text", pa.array(texts))
    for number, (share, rows) in enumerate([("9%", 1), ("11%", 2), ("100%", 20)]):
        found, manifest, _ = select("--budget", share, "--exclude", "doc-005", pool=pool, to=f"out{number}")
        assert found.num_rows == rows
        expected = {"pool": 24, "excluded": 1, "without_text": 0, "duplicates": 3, "eligible": 20, "kept": rows}
        assert manifest["rows"] == expected


def test_rows_count_over_all_files_in_byte_order(select, write):
    names = ["Z.jsonl", "a/b.jsonl", "a/b/c.jsonl", "a0.jsonl", "b.jsonl", "é.jsonl"]
    for number, name in enumerate(reversed(names)):
        write(f"pool/{name}", f'\n{{"score": {10 * number}}}\n \t\r\n{{"score": {10 * number + 1}}}\r\n\n')
    write("pool/.hidden.jsonl", '{"score": 999}\n')
    write("last.jsonl", '{"score": -1}')
    found, _, _ = select("last.jsonl", "pool/b.jsonl", "--budget", "100%", pool="pool")
    in_order = found.sort_by("row")
    assert in_order["row"].to_pylist() == list(range(15))
    expected = [name for name in sorted(names, key=str.encode) for _ in range(2)]
    assert in_order["file"].to_pylist() == [*expected, "last.jsonl", "b.jsonl", "b.jsonl"]
    assert in_order["file_row"].to_pylist() == [0, 1] * 6 + [0, 0, 1]
    assert in_order["score"].to_pylist()[:2] == [10.0 * names[::-1].index("Z.jsonl"), 51.0]


@pytest.mark.parametrize(("words", "kept"), [([], 3), (["--duplicates", "keep"], 6)])
def test_duplicates_keep_the_first_row(select, folder, write, words, kept):
    write("pool/a.jsonl", [{"text": "one", "s": 1}, {"text": "two", "s": 2}, {"text": "one", "s": 3}])
    write("pool/b.jsonl", [{"text": "two", "s": 4}, {"text": "one", "s": 5}, {"text": "One", "s": 6}])
    found, manifest, _ = select("--budget", "100%", *words, pool="pool", method="top:s")
    assert found.num_rows == kept and manifest["rows"]["duplicates"] == 6 - kept
    pairs = pq.read_table(folder / "out" / "duplicates.parquet")
    assert {field.name: str(field.type) for field in pairs.schema} == {"row": "int64", "kept_row": "int64"}
    expected = [{"row": 2, "kept_row": 0}, {"row": 3, "kept_row": 1}, {"row": 4, "kept_row": 0}]
    assert pairs.to_pylist() == (expected if kept == 3 else [])


def test_scores_of_every_eligible_row(select, folder):
    select("--budget", 2, "--exclude", "doc-003")
    found = pq.read_table(folder / "out" / "scores.parquet")
    rows = [row for row in range(24) if row != 3]
    assert found.to_pydict() == {"row": rows, "score": [POOL["score"][row].as_py() for row in rows]}


def test_shortage_is_reported_and_only_borrowed_when_asked(select):
    """Group c has 4 of 24 rows; half of 12 is 6."""
    words = ["--budget", 12, "--quota", "group=c:0.5,a:0.25"]
    found, manifest, told = select(*words)
    assert found.num_rows == 10
    assert manifest["quotas"][0] == {"column": "group", "group": "c", "asked": 6.0, "spent": 4.0, "shortage": 2.0}
    assert manifest["quotas"][1]["spent"] == 3 and manifest["quotas"][1]["shortage"] == 0
    assert any("group=c" in line and "6" in line and "4" in line for line in manifest["warnings"])
    assert manifest["warnings"][0] in told.err
    found, manifest, _ = select(*words, "--borrow", to="more")
    assert found.num_rows == 12 and manifest["quotas"][0]["shortage"] == 2


def test_ids_from_a_file(select, write):
    write("keep", "doc-004\n\n  doc-009  \n")
    found, _, _ = select("--budget", 3, "--must-keep", "@keep", "--exclude", "doc-001, doc-002")
    assert sorted(found["id"].to_pylist()[:2]) == ["doc-004", "doc-009"]
    assert found["reason"].to_pylist()[:2] == ["must-keep"] * 2


def test_three_targets_get_equal_shares(select, folder, write):
    words = [word for seed in (1, 2, 3) for word in ("--target", write(f"{'abc'[seed - 1]}.jsonl", make_target(seed)))]
    found, _, _ = select("--budget", 10, *words, method="dsir")
    targets = found["target"].to_pylist()
    assert [targets.count(name) for name in "abc"] == [4, 3, 3]
    scores = pq.read_table(folder / "out" / "scores.parquet")
    assert scores.schema.names == ["row", "a", "b", "c"] and scores.num_rows == 24
    for row, target, score in zip(*(found[name].to_pylist() for name in ("row", "target", "score")), strict=True):
        assert scores[target][row].as_py() == score
    found, _, _ = select("--budget", 10, *words, "--set", "shares=3,1,1", method="dsir", to="uneven")
    assert [found["target"].to_pylist().count(name) for name in "abc"] == [6, 2, 2]


def test_each_target_has_its_own_draw(select, write):
    """Two equal targets: with one noise for both, the second would take the second best of the same order."""
    words = [word for _ in range(2) for word in ("--target", write("a.jsonl", make_target()))]
    found, _, _ = select("--budget", 6, *words, "--set", "temperature=1000", method="dsir")
    assert found["target"].to_pylist()[:2] == ["a", "a-2"]
    assert [re.search(r"\d+", reason)[0] for reason in found["reason"].to_pylist()[:2]] == ["1", "1"]


def test_shards_without_texts_or_rows(select, write):
    write("pool/0.jsonl", [{"text": None, "s": 1}])
    write("pool/1.jsonl", "\n\n")
    write("pool/2.jsonl", [{"text": "x", "s": 1}, {"text": "y", "s": 3}])
    write("pool/3.jsonl", "")
    found, manifest, _ = select("--budget", "100%", pool="pool", method="top:s")
    assert found.select(["row", "file", "file_row"]).to_pylist() == [
        {"row": 2, "file": "2.jsonl", "file_row": 1}, {"row": 0, "file": "0.jsonl", "file_row": 0},
        {"row": 1, "file": "2.jsonl", "file_row": 0},
    ]  # fmt: skip
    assert manifest["rows"]["pool"] == 3 and manifest["rows"]["without_text"] == 0
    target = write("target.jsonl", make_target())
    found, manifest, _ = select("--budget", "100%", "--target", target, pool="pool", method="dsir", to="near")
    assert sorted(found["row"].to_pylist()) == [1, 2] and manifest["rows"]["without_text"] == 1


@pytest.mark.parametrize(("unit", "cost"), [("chars", len), ("bytes", lambda text: len(text.encode())), ("cost", None)])
def test_cost_units(select, unit, cost):
    pool = POOL.set_column(1, "text", pa.array([f"é{'x' * row}" for row in range(24)]))
    price = [cost(text) for text in pool["text"].to_pylist()] if cost else pool["cost"].to_pylist()
    order = sorted(range(24), key=lambda row: -pool["score"][row].as_py())
    budget = sum(price) // 2
    found, manifest, _ = select("--budget", f"{budget} {unit}", pool=pool)
    count = next(k for k in range(25) if sum(price[row] for row in order[: k + 1]) > budget)
    assert found["row"].to_pylist() == order[:count]
    assert manifest["budget"] == {
        "asked": f"{budget} {unit}", "unit": unit, "limit": budget, "spent": sum(price[row] for row in order[:count]),
    }  # fmt: skip


def test_json_is_one_object_on_standard_output(select, folder):
    _, manifest, told = select("--budget", 4, "--json")
    printed = json.loads(told.out)
    assert printed == manifest | {"output": "out"} and told.out.count("\n") == 1
    assert printed["rows"]["kept"] == 4 and printed["request"]["budget"] == "4" and printed["seed"] == 0


def test_the_same_request_again_does_nothing(select, on_disk):
    first, _, _ = select("--budget", 4)
    before = on_disk("out")
    for words in (["--budget", 4], ["--budget", 4, "--workers", 1], ["--budget", 4, "--force"]):
        again = select(*words, pool="pool.jsonl")[0]
        assert again.equals(first)
        assert on_disk("out") == before


def test_force_replaces_and_leaves_nothing_behind(select, on_disk, write):
    select("--budget", 4)
    found, manifest, _ = select("--budget", 6, "--force", "--no-subset", pool="pool.jsonl")
    assert found.num_rows == 6 and manifest["request"]["budget"] == "6"
    fresh = {name for name in on_disk("out") if not name.startswith(".tamis")}
    assert fresh == {"selection.parquet", "scores.parquet", "duplicates.parquet", "manifest.json", "report.html"}


def test_dry_run_writes_nothing(folder, run, write, on_disk):
    write("pool.jsonl", POOL)
    before = on_disk(folder)
    words = ["select", "pool.jsonl", "--method", "random", "--budget", 4, "--dry-run"]
    assert run(*words, "-o", "out").code == 0
    told = run(*words, "--json")
    plan = json.loads(told.out)
    assert plan["method"] == "random" and plan["steps"] and plan["memory_mb"] > 0
    assert on_disk(folder) == before


def test_examples_can_be_kept_out_of_the_report(select, folder):
    for words, shown in ([], True), (["--no-examples"], False):
        select("--budget", "100%", *words, to="out" if shown else "quiet")
        page = (folder / ("out" if shown else "quiet") / "report.html").read_text()
        assert any(found in page for found in POOL["text"].to_pylist()) == shown


def test_a_recipe_is_the_same_request(select, folder, run, write):
    select("--budget", 4, "--seed", 3, "--quota", "group=a:0.5", method="random")
    write("r.yaml", "pool: pool.jsonl\nmethod: random\nbudget: 4\nseed: 3\nquota: group=a:0.5\noutput: other\n")
    assert run("run", "r.yaml").code == 0
    one, two = ((folder / name / "selection.parquet").read_bytes() for name in ("out", "other"))
    assert one == two and read_manifest(folder / "out")["request"] == read_manifest(folder / "other")["request"]
