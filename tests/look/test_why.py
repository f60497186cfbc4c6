"""`tamis why`: places, cuts and reasons are those of a slow, obvious computation over all rows."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from tamis.look import nearest, why

from .pools import ROWS, rows, save

KEPT = 20


@pytest.fixture
def pool(folder):
    save("pool.jsonl", rows())
    save("pool.parquet", rows())
    return folder


def select(run, words, flags, name="pool.jsonl", out="out"):
    told = run("select", name, *words(flags), "-o", out)
    assert told.code == 0, told.err


def eligible_rows():
    """Rows of which no earlier one has the text; the empty text is no duplicate."""
    seen, found = set(), []
    for row, line in enumerate(rows()):
        if line["text"] not in seen or not line["text"]:
            found.append(row)
        seen.add(line["text"])
    return found


def order(found, largest=True):
    """Rows by score, ties by row."""
    sign = -1 if largest else 1
    return sorted(found, key=lambda row: (sign * rows()[row]["score"], row))


@pytest.mark.parametrize("method", ["top", "bottom"])
@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize("name", ["pool.jsonl", "pool.parquet"])
def test_every_row(method, parts, name, pool, run, words):
    select(run, words, f"--method {method}:score --budget {KEPT}", name)
    if not parts:
        shutil.rmtree("out/.tamis")
    best = order(eligible_rows(), method == "top")
    cut = best[KEPT - 1]
    for row in range(0, ROWS, 1 if (parts, name, method) == (True, "pool.jsonl", "top") else 7):
        found = why("out", id=f"doc-{row}")
        assert (found.row, found.id, found.file, found.file_row) == (row, f"doc-{row}", name, row)
        assert row % 10 or found == why("out", row=row)
        if row not in best:
            assert (found.kept, found.places) == (False, [])
            assert "duplicates were left out" in found.because
            first = next(at for at in range(ROWS) if rows()[at]["text"] == rows()[row]["text"])
            assert f"'doc-{first}' (row {first})" in found.because
            continue
        place, (one,) = best.index(row) + 1, found.places
        assert found.kept == (place <= KEPT)
        assert found.rank == (place - 1 if found.kept else None)
        assert (one.place, one.of, one.score) == (place, len(best), rows()[row]["score"])
        assert (one.cut.row, one.cut.rank, one.cut.place, one.cut.places) == (cut, KEPT - 1, KEPT, KEPT - place)
        assert one.cut.difference == rows()[row]["score"] - rows()[cut]["score"]
        assert found.text == " ".join(rows()[row]["text"].split())
        if found.kept:
            assert found.because.startswith(f"place {place} of {len(best)} by {method}")
            continue
        near = min(best[:KEPT], key=lambda other: abs(rows()[other]["score"] - one.score))
        assert found.nearest.difference == abs(rows()[near]["score"] - one.score)


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize(
    "flags", ["--method random", "--method weighted-draw --score score", "--method middle --score score"]
)
def test_places_of_drawn_orders_are_those_of_a_full_selection(flags, parts, pool, run, words):
    """The place of a row is its rank when all rows are kept."""
    select(run, words, f"{flags} --budget 100%", out="all")
    select(run, words, f"{flags} --budget 15", out="out")
    if not parts:
        shutil.rmtree("out/.tamis")
    ranks = dict(
        zip(*(pq.read_table("all/selection.parquet")[name].to_pylist() for name in ("row", "rank")), strict=True)
    )
    for row in eligible_rows()[::5]:
        (place,) = why("out", row=row).places
        assert place.place == ranks[row] + 1
        assert place.cut.places == 15 - place.place


def test_places_for_several_targets(pool, run, words):
    save("wanted.jsonl", [{"text": "flour of the sieve"}])
    save("others.jsonl", [{"text": "drum drum"}])
    select(run, words, "--method dsir --target wanted.jsonl --target others.jsonl --choose top --budget 10")
    scores = pq.read_table("out/scores.parquet").to_pydict()
    kept = pq.read_table("out/selection.parquet").to_pylist()
    for at, row in list(enumerate(scores["row"]))[::3]:
        found = why("out", row=row)
        assert [place.target for place in found.places] == ["wanted", "others"]
        for place in found.places:
            mine = scores[place.target]
            assert place.score == mine[at]
            assert place.place == 1 + sum(
                (-other, r) < (-mine[at], row) for other, r in zip(mine, scores["row"], strict=True)
            )
            worst = min(line["score"] for line in kept if line["target"] == place.target)
            assert place.cut.score == worst
        line = next((line for line in kept if line["row"] == row), None)
        assert found.kept == (line is not None)
        if line:
            assert found.because.endswith(f"kept for {line['target']}")


def test_places_of_draws_for_several_targets(pool, run, words):
    """The reason of a kept row says at which place of its target's order it was drawn."""
    save("wanted.jsonl", [{"text": "flour of the sieve"}])
    save("others.jsonl", [{"text": "drum drum"}])
    select(run, words, "--method dsir --target wanted.jsonl --target others.jsonl --choose weighted-draw --budget 12")
    for line in pq.read_table("out/selection.parquet").to_pylist():
        place = next(place for place in why("out", row=line["row"]).places if place.target == line["target"])
        assert line["reason"].startswith(f"drawn as {place.place} of ")


def test_quotas_cut_each_group(pool, run, words):
    select(run, words, "--method top:score --budget 20 --quota domain=a:0.5")
    found = eligible_rows()
    mine, others = (order([row for row in found if (row % 3 == 0) == wanted])[:10] for wanted in (True, False))
    for row in found[::3] + found[1::6]:
        (place,) = why("out", row=row).places
        group = mine if row % 3 == 0 else others
        assert place.cut.row == group[-1]
        assert place.cut.among == ("domain=a" if row % 3 == 0 else "the other groups of domain")
        assert (place.cut.places >= 0) == (row in group)


def test_floors_are_not_the_cut(pool, run, words):
    select(run, words, "--method top:score --budget 10 --floor domain=a:0.8")
    kept = pq.read_table("out/selection.parquet").to_pylist()
    by_place = [line["row"] for line in kept if "floor" not in line["reason"]]
    assert 0 < len(by_place) < len(kept)
    for row in eligible_rows()[::9]:
        (place,) = why("out", row=row).places
        assert place.cut.row == by_place[-1]


def test_reasons_of_rows_left_out(pool, run, words):
    save("wanted.jsonl", [{"text": "flour of the sieve"}])
    select(run, words, "--method dsir --target wanted.jsonl --budget 5 --exclude doc-4 --must-keep doc-9")
    assert why("out", id="doc-4").because == "--exclude names it"
    assert why("out", id="doc-22").because == "it has no text"
    found = why("out", id="doc-9")
    assert (found.kept, found.because, found.rank) == (True, "--must-keep names it", 0)


def test_other_orders_and_scores_alone(pool, run, words):
    select(run, words, "--method stratified-random --group domain --budget 6")
    kept = set(pq.read_table("out/selection.parquet")["row"].to_pylist())
    row = next(row for row in eligible_rows() if row not in kept)
    found = why("out", row=row)
    assert found.places == [] and "makes an order" in found.because
    assert run("score", "pool.jsonl", "--method", "top:score", "-o", "scored").code == 0
    found = why("scored", row=row)
    assert found.kept is None and found.places[0].cut is None
    assert found.places[0].place == order(eligible_rows()).index(row) + 1
    select(run, words, "--method threshold --score score --set low=0.5 --budget 3", out="bound")
    low = next(row for row in eligible_rows() if rows()[row]["score"] < 0.5)
    assert "admits no such score" in why("bound", row=low).because


def test_costs_that_do_not_fit(pool, run, words):
    """A row that costs 2 or more is passed over for the next one, which costs the 1 that is left."""
    best = order(eligible_rows())
    cost = [rows()[row]["cost"] for row in best]
    at = next(at for at in range(5, len(best)) if cost[at] > 1 and cost[at + 1] == 1)
    select(run, words, f"--method top:score --budget '{sum(cost[:at]) + 1} cost' --fill")
    assert why("out", row=best[at + 1]).kept
    assert "did not fit" in why("out", row=best[at]).because


@pytest.mark.parametrize("parts", [True, False])
def test_unknown_ids_name_the_nearest(parts, pool, run, words):
    select(run, words, "--method top:score --budget 20")
    if not parts:
        shutil.rmtree("out/.tamis")
    for given, near in (("doc-5x", "doc-5"), ("Doc-7", "doc-7"), ("odc-44", "doc-44"), ("dc-13", "doc-13")):
        told = run("why", "out", "--id", given)
        assert told.code == 2 and given in told.err
        assert f"did you mean '{near}'" in told.err or f"did you mean '{near[:-1]}'" in told.err
    told = run("why", "out", "--id", "something else")
    assert told.code == 2 and "did you mean" not in told.err
    assert run("why", "out", "--row", ROWS).code == 2
    assert run("why", "out").code == 2
    assert run("why", "out", "--id", "doc-1", "--row", 1).code == 2


@pytest.mark.parametrize("parts", [True, False])
def test_ids_may_be_integers(parts, pool, run, words):
    save("numbers.parquet", [{"id": 100 + row, "score": float(row % 7)} for row in range(50)])
    select(run, words, "--method top:score --budget 5", "numbers.parquet")
    if not parts:
        shutil.rmtree("out/.tamis")
    assert why("out", id="149").row == 49
    assert why("out", id=106).kept is True
    told = run("why", "out", "--id", "doc")
    assert told.code == 2 and "integers" in told.err
    assert "did you mean" in run("why", "out", "--id", "1490").err
    select(run, words, "--method top:score --budget 5 --id none", "numbers.parquet", "none")
    told = run("why", "none", "--id", "106")
    assert told.code == 2 and "--row" in told.err


def vectors(count=ROWS):
    return np.random.default_rng(3).normal(size=(count, 4)).astype(np.float32)


@pytest.mark.parametrize("how", ["column", "file"])
@pytest.mark.parametrize("parts", [True, False])
def test_the_nearest_kept_neighbour(how, parts, pool, run, words):
    if how == "file":
        np.save("vectors.npy", vectors())
        flag = "vectors.npy"
    else:
        save("pool.jsonl", [line | {"v": vector.tolist()} for line, vector in zip(rows(), vectors(), strict=True)])
        flag = "v"
    select(run, words, f"--method top:score --budget 20 --embedding {flag}")
    if not parts:
        shutil.rmtree("out/.tamis")
    unit = vectors() / np.linalg.norm(vectors(), axis=1, keepdims=True)
    kept = pq.read_table("out/selection.parquet")["row"].to_numpy()
    for row in (0, 13, int(kept[3])):
        others = kept[kept != row]
        cosine = unit[others] @ unit[row]
        found = why("out", row=row).neighbour
        assert found.row == others[np.argmax(cosine)]
        assert found.cosine == pytest.approx(float(cosine.max()), abs=1e-6)


@pytest.mark.parametrize("block", [1, 8, 1 << 20])
def test_nearest_kept_is_the_first_of_equal_ones(block, monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK_VALUES", block)
    vectors = np.array([[0, 0], [0, 1], [0, 2], [-1, 3], [0, 4]], float)
    assert nearest.nearest_kept(vectors, np.array([0.0, 3.0])) == (1, 1)
    assert nearest.nearest_kept(-vectors, np.array([0.0, 3.0])) == (0, 0)
    assert nearest.nearest_kept(vectors, np.zeros(2)) == (0, 0)


def test_what_is_printed(pool, run, words):
    select(run, words, "--method top:score --budget 20")
    row = order(eligible_rows())[-1]
    told = run("why", "out", "--id", f"doc-{row}")
    assert told.code == 0 and told.err == ""
    assert all(len(line) <= 100 for line in told.out.splitlines())
    for word in (f"'doc-{row}' was dropped", "nearest is", f"{len(eligible_rows()) - 20} places after it"):
        assert word in " ".join(told.out.split())
    found = json.loads(run("why", "out", "--id", f"doc-{row}", "--json").out)
    assert found["kept"] is False and found["places"][0]["cut"]["places"] == 20 - len(eligible_rows())


def test_without_its_pool(pool, run, words):
    """What the folder knows is told; what only the pool knows is said to be missing."""
    select(run, words, "--method top:score --budget 20")
    (pool / "pool.jsonl").rename(pool / "moved.jsonl")
    found = why("out", id="doc-3")
    assert found.text is None and "pool.jsonl" in found.notes[0] and found.places
    assert why("out", "moved.jsonl", id="doc-3").text


def test_several_budgets_name_their_folders(pool, run):
    assert run("select", "pool.jsonl", "--method", "top:score", "--budget", "10%,20%", "-o", "out").code == 0
    told = run("why", "out", "--id", "doc-3")
    assert told.code == 2 and "10%" in told.err
    assert all(
        run("why", path, "--id", "doc-3").code == 0
        for path in (pool / "out").iterdir()
        if path.name[0] != "." and path.is_dir()
    )
