"""A synthetic manifest, summary and examples of one selection, for tests and for looking at the page."""

import math
import random
from typing import Any

Record = dict[str, Any]

_WORDS = (
    "the council shall by rule provide for notice of each hearing and a party may appeal the order within thirty days "
    "of service unless good cause is shown under this chapter and any person aggrieved by a decision of the mayor"
).split()


def build(
    targets: int = 1, groups: int = 17, text: str | None = None, greedy: bool = False
) -> tuple[Record, Record, Record]:
    """Counts that add up: 346,192 rows, 1,200 duplicates, 5,000 kept.

    Args:
        targets: how many targets were asked for.
        groups: how many groups the pool has.
        text: the text of every example instead of made-up sentences.
        greedy: whether a greedy chose, so that there are gains and weights rather than scores.
    """
    rng = random.Random(0)
    names = ["law", "code", "science", "news", "books", "recipes", "tweets", "reviews"][:targets]
    manifest = _manifest(names)
    kept = _split(5000, [40.0 if i == 0 else rng.random() ** 6 for i in range(groups)])
    pool = [k + extra for k, extra in zip(kept, _split(341192, [rng.random() for _ in kept]), strict=True)]
    labels = ["law", *(f"domain {i}" for i in range(1, groups))]
    rows = [{"group": g, "pool": p, "kept": k, "target": 0} for g, p, k in zip(labels, pool, kept, strict=True)]
    if targets:
        rows[0]["target"] = 500
    shares = _split(5000, [1.0] * targets)
    summary = {
        "groups": {"column": "domain", "rows": rows, "others": None},
        "lengths": _lengths(bool(targets)),
        "scores": [_scores(name, n) for name, n in zip(names or [None], shares or [5000], strict=True)],
        "text": {
            "targets": [_closer(name, 2.13 + i / 3, 0.41 + i / 9) for i, name in enumerate(names)],
            "kl_reduction": 1.7234 if targets else None,
            "diversity": {"pool": 5200.13, "kept": 3100.27, "target": 2900.04 if targets else None},
        },
        "targets": [{"target": name, "asked": n, "kept": n} for name, n in zip(names, shares, strict=True)],
        "duplicates": {
            "dropped": 1200,
            "examples": [
                {"row": 900 + i, "kept_row": i, "id": f"doc-{900 + i}", "kept_id": f"doc-{i}"} for i in range(3)
            ],
        },
    }
    if greedy:
        manifest["objective"] = _objective()
        summary |= {"scores": [], "gains": _gains(), "weights": {"smallest": 1.0, "median": 49.5, "largest": 812.0}}
    return manifest, summary, _examples(rng, names, text)


def _manifest(names: list[str]) -> Record:
    asked = " ".join(f"--target {name}.jsonl" for name in names)
    step = {"shards": 6, "computed": 4, "reused": 2, "rows_in": 346192, "rows_out": 344992}
    return {
        "tamis": "0.1.0",
        "command": f"tamis select pool.parquet --method dsir {asked} --budget 5000 --group domain --seed 0 -o out",
        "request": {"pool": ["pool.parquet"], "method": "dsir", "budget": "5000", "duplicates": "drop", "seed": 0},
        "seed": 0,
        "method": {
            "name": "dsir",
            "paper": "Data Selection for Language Models via Importance Resampling",
            "no": 167,
            "year": 2023,
            "family": "text statistics",
            "kind": "Match",
            "pole": "near",
            "choose": "weighted draw without replacement",
            "cost": "O(tokens)",
            "memory": "O(buckets)",
            "loses": "The target is broad, or too small for its n-grams to say much; long documents win by length.",
            "status": "unproven",
            "parameters": {"ngrams": 2, "buckets": 10000, "smoothing": 0.0},
        },
        "pool": {"paths": ["pool.parquet"], "format": "parquet", "files": 1, "rows": 346192, "bytes": 55904622}
        | {"fingerprint": "9f2c51d0a7e84b1c"},
        "roles": {
            "text": {"column": "text", "how": "guessed"},
            "id": {"column": "id", "how": "guessed"},
            "group": {"column": "domain", "how": "asked"},
        },
        "targets": [{"name": name, "path": f"{name}.jsonl", "rows": 500, "tokens": 90211} for name in names],
        "rows": {
            "pool": 346192,
            "excluded": 0,
            "without_text": 0,
            "duplicates": 1200,
            "eligible": 344992,
            "kept": 5000,
        },
        "budget": {"asked": "5000", "unit": "rows", "limit": 5000, "spent": 5000},
        "quotas": [{"column": "domain", "group": "law", "asked": 1500, "spent": 1480, "shortage": 20}],
        "steps": [
            {"name": "scan", "what": "read every document, count n-grams, hash for duplicates", **step}
            | {"seconds": 1.24, "cpu_seconds": 2.21, "peak_mb": 210.4},
            {"name": "score", "what": "sum the log ratios of each document", **step, "rows_in": 344992}
            | {"seconds": 0.81, "cpu_seconds": 1.52, "peak_mb": 233.0},
            {"name": "choose", "what": "draw by perturbed weights", "shards": 1, "computed": 1, "reused": 0}
            | {"rows_in": 344992, "rows_out": 5000, "seconds": 0.034, "cpu_seconds": 0.034, "peak_mb": 96.5},
        ],
        "seconds": 3.14,
        "warnings": [
            "The target has 500 documents: n-grams it lacks are penalised hard; --set smoothing=1 softens that."
        ],
        "versions": {"python": "3.11.7", "numpy": "2.4.6", "pyarrow": "26.0.1"},
        "started": "2026-01-01T09:30:00Z",
    }


def _objective() -> Record:
    return {
        "value": sum(100 / rank for rank in range(1, 5001)),
        "bound": "1/2 of the best set",
        "stages": {"parts": 3, "part_rows": 114998, "kept_of_each": 5000, "merged": True},
        "on_sample": {"sample_rows": 10000, "chosen": 812.5, "random": 650.25},
    }


def _gains() -> Record:
    taken = sorted({round(5000 ** (i / 60)) for i in range(61)})
    first = [{"rows": rows, "gain": sum(100 / rank for rank in range(1, rows + 1))} for rows in (500, 2500)]
    return {"taken": taken, "gains": [100 / rank for rank in taken], "first": first, "below_zero": 0}


def _split(total: int, weights: list[float]) -> list[int]:
    """Whole numbers in the ratio of the weights that sum to the total; the largest takes the rest."""
    if not weights:
        return []
    parts = [int(total * w / sum(weights)) for w in weights]
    parts[weights.index(max(weights))] += total - sum(parts)
    return parts


def _bell(total: int, bins: int, middle: float, width: float) -> list[int]:
    return _split(total, [math.exp(-(((i + 0.5) / bins - middle) ** 2) / (2 * width**2)) for i in range(bins)])


def _lengths(target: bool) -> Record:
    bins = 36
    return {
        "unit": "characters",
        "edges": [round(10 ** (1 + 4 * i / bins), 3) for i in range(bins + 1)],
        "pool": _bell(346192, bins, 0.42, 0.15),
        "kept": _bell(5000, bins, 0.58, 0.09),
        "target": _bell(500, bins, 0.55, 0.1) if target else None,
        "median": {"pool": 478.0, "kept": 2089.5, "target": 1585.0 if target else None},
    }


def _scores(name: str | None, count: int) -> Record:
    bins, cut = 40, 33
    eligible = _bell(344992, bins, 0.45, 0.13)
    kept, left = [0] * bins, count
    for i in reversed(range(bins)):
        kept[i] = min(left, int(eligible[i] * (1 if i > cut else 0.6)))
        left -= kept[i]
    kept[bins // 2] += left
    return {"target": name, "edges": [-40 + 2.5 * i for i in range(bins + 1)], "eligible": eligible, "kept": kept} | {
        "cut": 41.873 if name else None
    }


def _closer(name: str, before: float, after: float) -> Record:
    return {"target": name, "kl_pool": before, "kl_kept": after, "kl_reduction": before - after}


def _examples(rng: random.Random, names: list[str], text: str | None) -> Record:
    def one(rank: int | None, score: float) -> Record:
        row = rng.randrange(346192)
        words = " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(20, 160)))
        return {"rank": rank, "row": row, "id": f"doc-{row}", "score": score, "group": "law", "text": text or words} | {
            "target": names[0] if names else None,
            "reason": "score 12.3 for law, drawn 1 of 5,000" if rank is not None else None,
        }

    return {
        "top": [one(i, 58.25 - i) for i in range(6)],
        "border": [one(4997 + i, 41.9 - i / 100) for i in range(3)],
        "below": [one(None, 41.8 - i / 100) for i in range(3)],
        "bottom": [one(None, -39.5 + i / 10) for i in range(4)],
    }
