"""`tamis compare` against sets, ranks and sums of a slow, obvious computation."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.look import compare, comparison
from tamis.ops.correlation import average_ranks, spearman

from .pools import ROWS, rows, save


def slow_ranks(values):
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) - 1) / 2 for value in values
    ]


def slow_spearman(one, other):
    return float(np.corrcoef(slow_ranks(one), slow_ranks(other))[0, 1])


@pytest.mark.parametrize("seed", range(20))
def test_spearman_is_pearson_of_ranks(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 6, (2, 12)).astype(float)
    assert average_ranks(one).tolist() == slow_ranks(one)
    assert spearman(one, other) == pytest.approx(slow_spearman(one, other), abs=1e-12)


def test_spearman_of_nothing():
    assert spearman(np.ones(4), np.arange(4.0)) is None
    assert spearman(np.ones(1), np.ones(1)) is None
    assert spearman(np.arange(3.0), np.arange(3.0)) == 1.0
    assert average_ranks(np.empty(0)).tolist() == []


@pytest.fixture
def two(folder, run):
    """Two selections of one pool, that differ in size, order and scores."""
    save("pool.jsonl", rows())
    flags = ["--duplicates", "keep", "--group", "domain"]
    for out, method, budget in (("a", "top:score", 24), ("b", "bottom:cost", 30)):
        told = run("select", "pool.jsonl", "--method", method, "--budget", budget, *flags, "-o", out)
        assert told.code == 0, told.err
    return [pq.read_table(f"{out}/selection.parquet") for out in "ab"]


def check(found, two):
    one, other = (table["id"].to_pylist() for table in two)
    shared = [name for name in one if name in other]
    assert (found.kept_a, found.kept_b, found.both) == (24, 30, len(shared))
    assert (found.only_a, found.only_b) == (24 - len(shared), 30 - len(shared))
    assert found.jaccard == len(shared) / len({*one, *other})
    assert found.spearman_ranks == pytest.approx(
        slow_spearman([one.index(name) for name in shared], [other.index(name) for name in shared])
    )
    assert found.first_only_a == [name for name in one if name not in other][:5]
    assert found.first_only_b == [name for name in other if name not in one][:5]


def test_two_selections_of_one_pool(two, run):
    found = compare("a", "b")
    check(found, two)
    assert (found.by, found.expected) == ("row", 24 * 30 / ROWS)
    (score,) = found.scores
    expected = slow_spearman([row["score"] for row in rows()], [row["cost"] for row in rows()])
    assert (score.spearman, score.rows, score.sample) == (pytest.approx(expected), ROWS, None)
    shares = {
        group: [sum(rows()[row]["domain"] == group for row in table["row"].to_pylist()) / len(table) for table in two]
        for group in "abc"
    }
    assert {one.group: [one.a, one.b] for one in found.groups} == shares
    differences = [abs(one.a - one.b) for one in found.groups]
    assert differences == sorted(differences, reverse=True)
    told = run("compare", "a", "b")
    assert told.code == 0 and told.err == "" and all(len(line) <= 100 for line in told.out.splitlines())
    assert json.loads(run("compare", "a", "b", "--json").out)["both"] == found.both


def test_the_same_is_the_same(two):
    found = compare("a", "a")
    assert (found.jaccard, found.only_a, found.spearman_ranks, found.scores[0].spearman) == (1, 0, 1.0, 1.0)


def test_selections_in_memory_and_as_files(two):
    loaded = [tamis.Selection.load(out) for out in "ab"]
    check(compare(*loaded), two)
    check(compare("a/selection.parquet", "b/selection.parquet"), two)
    for name, table in zip("ab", two, strict=True):
        pq.write_table(table, f"{name}.parquet")
    found = compare("a.parquet", "b.parquet")
    check(found, two)
    assert (found.by, found.expected, found.scores) == ("id", None, [])


def test_other_pools_are_compared_by_id(two, run):
    save("other.jsonl", rows()[::-1])
    told = run("select", "other.jsonl", "--method", "bottom:cost", "--budget", 30, "--duplicates", "keep", "-o", "c")
    assert told.code == 0
    found = compare("a", "c")
    check(found, [two[0], pq.read_table("c/selection.parquet")])
    assert (found.by, found.scores) == ("id", [])


def test_a_touched_pool_is_the_same_pool(two, run, folder):
    (folder / "pool.jsonl").touch()
    flags = ["--duplicates", "keep", "--group", "domain"]
    assert run("select", "pool.jsonl", "--method", "bottom:cost", "--budget", 30, *flags, "-o", "c").code == 0
    assert (folder / "b" / "selection.parquet").read_bytes() == (folder / "c" / "selection.parquet").read_bytes()
    assert compare("a", "c").scores == compare("a", "b").scores


def test_other_pools_without_ids_are_refused(folder, run):
    for name in "ab":
        save(f"{name}.jsonl", [{"x": row} for row in range(9 if name == "a" else 8)])
        assert run("select", f"{name}.jsonl", "--method", "top:x", "--budget", 3, "-o", name).code == 0
    told = run("compare", "a", "b")
    assert told.code == 2 and "a and b" in told.err
    assert run("compare", "a", "a").code == 0
    save("c.parquet", [{"x": 1}])
    assert run("compare", "a", "c.parquet").code == 2
    assert run("compare", "a", "nowhere").code == 2


def test_scores_of_many_rows_are_sampled(two, monkeypatch):
    exact = compare("a", "b").scores[0]
    monkeypatch.setattr(comparison, "EXACT", 10)
    monkeypatch.setattr(comparison, "SAMPLE", 30)
    found = compare("a", "b")
    (score,) = found.scores
    assert 10 < score.sample < 50 and score.rows == exact.rows
    assert score == compare("a", "b").scores[0]
    assert any("drawn from" in line for line in found.lines())
    assert -1 <= score.spearman <= 1


def test_several_targets_are_compared_by_name(folder, run):
    save("pool.jsonl", rows())
    save("wanted.jsonl", [{"text": "flour of the sieve"}])
    save("others.jsonl", [{"text": "drum drum"}])
    flags = ["--target", "wanted.jsonl", "--target", "others.jsonl", "--budget", 9]
    for out, more in (("a", []), ("b", ["--set", "length=mean"])):
        told = run("select", "pool.jsonl", "--method", "dsir", *flags, *more, "-o", out)
        assert told.code == 0, told.err
    found = compare("a", "b")
    assert [score.target for score in found.scores] == ["wanted", "others"]
    one, other = (pq.read_table(f"{out}/scores.parquet")["others"].to_pylist() for out in "ab")
    assert found.scores[1].spearman == pytest.approx(slow_spearman(one, other))
    assert "median characters" in found.numbers and any("KL reduction" in name for name in found.numbers)
