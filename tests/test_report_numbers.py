"""Every number of the report, recomputed from the Parquet files."""

import html
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis import select
from tamis.ops import ngrams

EXAMPLES = Path(__file__).parent.parent / "examples"
SPENT = ("seconds", "peak_mb")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A run on the bundled sample, and the named numbers on its page."""
    out = tmp_path_factory.mktemp("report") / "out"
    pool = pq.read_table(EXAMPLES / "pool")
    excluded = f"{pool['id'][5]},{pool['id'][77]}"
    target = EXAMPLES / "targets" / "peps.jsonl"
    select(EXAMPLES / "pool", "dsir", target=target, budget=200, temperature=0, exclude=excluded, output=out)
    page = (out / "report.html").read_text(encoding="utf-8")
    shown = re.findall(r'data-name="([^"]*)"\s+data-value="([^"]*)"', page)
    return (
        out,
        pool,
        [json.loads(line) for line in target.open()],
        {name: html.unescape(value) for name, value in shown},
    )


def expected(out, pool, target):
    """All numbers that the files determine, by plain counting."""
    texts, sources = pool["text"].to_pylist(), pool["source"].to_pylist()
    ids = pool["id"].to_pylist()
    kept = pq.read_table(out / "selection.parquet")
    scores = pq.read_table(out / "scores.parquet")
    dropped = pq.read_table(out / "duplicates.parquet").to_pylist()
    rows, score = (
        kept["row"].to_pylist(),
        dict(zip(scores["row"].to_pylist(), scores["score"].to_pylist(), strict=True)),
    )
    found = {
        "rows.pool": len(texts), "rows.kept": len(rows), "rows.excluded": 2, "rows.without_text": 0,
        "rows.duplicates": len(dropped), "rows.eligible": len(score), "derived.not_kept": len(score) - len(rows),
        "derived.kept_of_pool": len(rows) / len(texts), "budget.spent": len(rows), "budget.limit": 200, "seed": 0,
        "pool.files": 4, "pool.bytes": sum(path.stat().st_size for path in (EXAMPLES / "pool").iterdir()),
        "targets.0.rows": len(target), "summary.targets.0.asked": 200, "summary.targets.0.kept": len(rows),
        "summary.duplicates.dropped": len(dropped), "method.year": 2023,
    }  # fmt: skip
    before, after = Counter(sources), Counter(sources[row] for row in rows)
    for index, group in enumerate(sorted(before, key=lambda name: (-after[name], -before[name]))):
        stem = f"summary.groups.rows.{index}"
        shares = before[group] / len(texts), after[group] / len(rows)
        found |= {f"{stem}.pool": before[group], f"{stem}.kept": after[group]}
        found |= {f"derived.{stem}.pool_share": shares[0], f"derived.{stem}.kept_share": shares[1]}
        found |= {f"derived.{stem}.change": shares[1] / shares[0]}
    for name, group in (
        ("pool", texts),
        ("kept", [texts[row] for row in rows]),
        ("target", [t["text"] for t in target]),
    ):
        found[f"summary.lengths.median.{name}"] = float(np.median([len(text) for text in group]))
        found[f"summary.text.diversity.{name}"] = ngrams.diversity(coarse(group))
    pooled, chosen, wanted = coarse(texts), coarse([texts[row] for row in rows]), coarse([t["text"] for t in target])
    kl = ngrams.kl_divergence(wanted, pooled), ngrams.kl_divergence(wanted, chosen)
    found |= {"summary.text.targets.0.kl_pool": kl[0], "summary.text.targets.0.kl_kept": kl[1]}
    found |= dict.fromkeys(("summary.text.kl_reduction", "summary.text.targets.0.kl_reduction"), kl[0] - kl[1])
    found["summary.scores.0.cut"] = min(score[row] for row in rows)
    rest = sorted((value, row) for row, value in score.items() if row not in set(rows))
    shown = {
        "top": rows[:5],
        "border": rows[-5:],
        "below": [row for _, row in sorted(((-value, row) for value, row in rest))[:5]],
        "bottom": [row for _, row in rest[:5]],
    }
    for name, these in shown.items():
        for index, row in enumerate(these):
            found |= {f"examples.{name}.{index}.row": row, f"examples.{name}.{index}.score": score[row]}
            if row in rows:
                found[f"examples.{name}.{index}.rank"] = rows.index(row)
    for index, pair in enumerate(dropped[:5]):
        found[f"summary.duplicates.examples.{index}.row"] = pair["row"]
        found[f"summary.duplicates.examples.{index}.kept_row"] = pair["kept_row"]
        assert texts[pair["row"]] == texts[pair["kept_row"]] and ids[pair["row"]] != ids[pair["kept_row"]]
    return found


def coarse(texts):
    return ngrams.count(pa.array(texts), buckets=10_000).counts


def test_every_number_comes_from_the_files(report):
    out, pool, target, shown = report
    wanted = expected(out, pool, target)
    unknown = {name for name in shown if name not in wanted}
    unknown -= {name for name in unknown if name.startswith(("steps.", "derived.examples.")) or name == "seconds"}
    unknown -= {"derived.rows_per_dot", "summary.lengths.pool", "summary.lengths.kept", "summary.lengths.target"}
    unknown -= {"summary.scores.0.eligible", "summary.scores.0.kept"}
    assert not unknown
    missing = {name for name in wanted if name not in shown and not name.endswith(".change")}
    assert not missing
    for name, value in shown.items():
        if name in wanted:
            assert float(value) == pytest.approx(wanted[name], rel=1e-9), name


def test_histograms_count_every_row(report):
    out, pool, target, shown = report
    summary = json.loads((out / "manifest.json").read_text())["summary"]
    lengths, scores = summary["lengths"], summary["scores"][0]
    selection, scored = pq.read_table(out / "selection.parquet"), pq.read_table(out / "scores.parquet")
    texts = pool["text"].to_pylist()
    values = {
        "summary.lengths.pool": ([len(text) for text in texts], lengths["edges"]),
        "summary.lengths.kept": ([len(texts[row]) for row in selection["row"].to_pylist()], lengths["edges"]),
        "summary.lengths.target": ([len(row["text"]) for row in target], lengths["edges"]),
        "summary.scores.0.eligible": (scored["score"].to_pylist(), scores["edges"]),
        "summary.scores.0.kept": (selection["score"].to_pylist(), scores["edges"]),
    }
    for name, (numbers, edges) in values.items():
        counts = [sum(low <= x < high for x in numbers) for low, high in pairwise(edges)]
        counts[-1] += sum(x == edges[-1] for x in numbers)
        assert sum(counts) == len(numbers)
        assert [int(count) for count in shown[name].split()] == counts, name


def test_rows_reconcile_over_the_steps(report):
    manifest = json.loads((report[0] / "manifest.json").read_text())
    rows = manifest["rows"]
    assert rows["pool"] - rows["excluded"] - rows["without_text"] - rows["duplicates"] == rows["eligible"]
    steps = {step["name"]: step for step in manifest["steps"]}
    assert steps["filter"]["rows_in"] == rows["pool"] and steps["filter"]["rows_out"] == rows["eligible"]
    assert steps["choose"]["rows_in"] == rows["eligible"] and steps["choose"]["rows_out"] == rows["kept"]
    for name, step in steps.items():
        assert float(report[3][f"steps.{list(steps).index(name)}.rows_out"]) == step["rows_out"]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """A pool of vectors in clusters of different size, and an earlier selection of it."""
    folder = tmp_path_factory.mktemp("vectors")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 6))[rng.choice(8, 900, p=np.arange(1, 9) / 36)] + 0.3 * rng.normal(size=(900, 6))
    pq.write_table(pa.table({"id": range(900), "v": list(x.astype(np.float32))}), folder / "pool.parquet")
    select(folder / "pool.parquet", "random", budget=30, output=folder / "earlier")
    return folder


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("facility-location", {}),
        ("facility-location", {"start": True}),
        ("facility-location", {"memory": "2MB"}),
        ("facility-location", {"memory": "1MB", "budget": 400}),
        ("k-center", {"budget": 600}),
        ("log-det", {"ridge": 0.01}),
    ],
)
def test_every_number_of_gains_comes_from_the_files(vectors, tmp_path, method, asked):
    asked = {"budget": 45} | asked | ({"start": vectors / "earlier"} if "start" in asked else {})
    select(vectors / "pool.parquet", method, embedding="v", output=tmp_path / "out", **asked)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    shown = dict(re.findall(r'data-name="([^"]*)"\s+data-value="([^"]*)"', page))
    kept = pq.read_table(tmp_path / "out" / "selection.parquet")
    gain, weight = kept["gain"].to_numpy(), kept["weight"].to_numpy()
    k, objective = len(kept), manifest["objective"]
    stages, value = objective["stages"], objective.get("value")
    wanted = {} if stages is None else {f"objective.stages.{name}": stages[name] for name in PARTS}
    wanted |= {"derived.bound": BOUNDS[objective["bound"]]} if objective["bound"] and gain.min() >= 0 else {}
    sample = objective.get("on_sample") or {}
    wanted |= {f"objective.on_sample.{name}": number for name, number in sample.items()}
    wanted |= {"derived.objective.on_sample.ratio": sample["chosen"] / sample["random"]} if sample else {}
    if weight.min() < weight.max():
        sizes = {"smallest": weight.min(), "median": np.median(weight), "largest": weight.max()}
        wanted |= {f"summary.weights.{name}": size for name, size in sizes.items()}
    if (gain < 0).any():
        wanted["summary.gains.below_zero"] = np.count_nonzero(gain < 0)
    if value is not None:
        wanted["objective.value"] = gain.sum()
        for index, rows in enumerate((-(-k // 10), -(-k // 2))):
            wanted |= {
                f"summary.gains.first.{index}.rows": rows,
                f"summary.gains.first.{index}.gain": gain[:rows].sum(),
            }
            wanted |= (
                {f"derived.summary.gains.first.{index}.share": gain[:rows].sum() / gain.sum()}
                if gain.min() >= 0
                else {}
            )
    taken = [int(number) for number in shown.pop("summary.gains.taken").split()]
    assert [float(number) for number in shown.pop("summary.gains.gains").split()] == gain[np.array(taken) - 1].tolist()
    mine = {name: float(number) for name, number in shown.items() if re.search(r"gains|weights|objective|bound", name)}
    assert mine == pytest.approx(wanted)
    assert ("rows.had_already" in shown) == ("start" in asked)
    lost = sum(int(float(shown[f"rows.{name}"])) for name in LOST if f"rows.{name}" in shown)
    assert 900 - lost == manifest["rows"]["eligible"] and "unaccounted" not in page


PARTS = ("parts", "part_rows", "kept_of_each")
LOST = ("excluded", "without_text", "duplicates", "had_already")
BOUNDS = {
    "1 - 1/e of the best set": 1 - np.exp(-1),
    "(1 - 1/e) / 2 of the best set, in the mean, as far as parts are like the pool": (1 - np.exp(-1)) / 2,
}
