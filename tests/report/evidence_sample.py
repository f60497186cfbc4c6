"""Synthetic evidence of one study, for tests of its page and table and for looking at them."""

import math
import random
from statistics import fmean, median, stdev
from typing import Any

Record = dict[str, Any]

NAMES = (
    "top:quality",
    "k-center",
    "dsir",
    "mine.py:by_margin",
    "facility-location",
    "weighted-draw",
    "el2n",
    "herding",
)
BASELINES = ("stratified-random", "length-matched-random")
GAINS = {"top:quality": 0.04, "k-center": -0.021, "stratified-random": 0.006, "dsir": 0.004}
PERCENT = ("1%", "5%", "20%", "50%")
ROWS = {"1%": 160, "5%": 800, "20%": 3200, "50%": 8000, "100%": 16000}
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 19: 2.093, 24: 2.064}
METRICS = {
    "accuracy": {"higher_is_better": True, "words": "share of test examples whose class is right"},
    "log_loss": {"higher_is_better": False, "words": "mean negative log-likelihood of the right class, in nats"},
}


def build(
    methods: int = 2,
    budgets: int = 2,
    seeds: int = 5,
    gains: dict[str, float] | None = None,
    cost: float = 1.0,
    headline: tuple[str, ...] = ("accuracy",),
    text: str | None = "quality",
) -> Record:
    """Evidence in which `top:quality` gains 0.04 and k-center loses 0.021, unless `gains` says otherwise.

    Args:
        methods: how many methods of `NAMES` are compared; two baselines are there as well.
        budgets: how many of 1 %, 5 %, 20 % and 50 %.
        seeds: how many seeds.
        gains: true differences from random by method.
        cost: how slow the methods are; at 10 and more their gains are gone when random may spend the same.
        headline: the metrics that get a verdict.
        text: the text of every example; None for none.
    """
    study = _Study(random.Random(7), list(NAMES[:methods]), list(PERCENT[:budgets]), seeds, GAINS | (gains or {}), cost)
    return {
        "tamis": "0.1.0",
        "created": "2026-11-22T07:30:00Z",
        "command": "tamis bench pool.csv --task classify --label y --methods random,top:quality,k-center "
        "--budgets 1%,5% --seeds 5 -o out",
        "request": {"pool": ["pool.csv"], "task": "classify", "seeds": seeds, "holdout": "20%", "difference": 0.01},
        "name": "pool.csv",
        "claim": "A choice of the best rows learns more than a random one.",
        "versions": {"python": "3.11.7", "numpy": "2.4.6", "scikit-learn": "1.8.0"},
        "task": {
            "name": "classify",
            "says": "a linear probe (multinomial logistic regression) on 20 columns of numbers",
            "headline": list(headline),
            "metrics": [{"name": name, **rest} for name, rest in METRICS.items()],
            "steps": None,
            "timed": False,
        },
        "pool": {"paths": ["pool.csv"], "rows": 20000, "eligible": 16000, "label": "y", "classes": 3, "features": 20}
        | {"text": "text" if text else None, "group": None, "fingerprint": "9f2c51d0a7e84b1c"},
        "test": {"says": "a fifth of the pool, another one for each seed", "parts": [{"name": "test", "rows": 4000}]},
        "seeds": list(range(seeds)),
        "budgets": [{"asked": one, "rows": ROWS[one]} for one in study.budgets],
        "methods": [{"name": "random", "role": "reference", "needs": ["key"]}]
        + [{"name": name, "role": "baseline", "needs": []} for name in BASELINES]
        + [{"name": name, "role": "method", "needs": ["score"]} for name in study.methods]
        + [{"name": "full", "role": "full", "needs": []}],
        "verdicts": study.verdicts(headline),
        "curves": study.curves(),
        "costs": study.costs(),
        "reach": study.reach(),
        "effects": study.effects(),
        "kept": study.kept(text),
        "failed": [],
        "cells": (len(study.names) + 1) * len(study.budgets) * seeds + seeds,
        "seconds": 81.2,
        "cpu_seconds": 150.1,
        "warnings": ["2 columns of numbers are constant and were left out: c7, c12."],
    }


def failed(count: int = 3) -> list[Record]:
    """Cells that a user's function broke."""
    return [
        {"method": "mine.py:by_margin", "budget": "1%", "seed": i, "error": "ValueError: margin of 1 class"}
        | {"traceback": 'Traceback (most recent call last):\n  File "mine.py", line 7\nValueError: margin of 1 class'}
        for i in range(count)
    ]


class _Study:
    def __init__(
        self,
        rng: random.Random,
        methods: list[str],
        budgets: list[str],
        seeds: int,
        gains: dict[str, float],
        cost: float,
    ) -> None:
        self.rng, self.methods, self.budgets, self.seeds, self.gains, self.cost = (
            rng, methods, budgets, seeds, gains, cost,
        )  # fmt: skip
        self.names = ["random", *BASELINES, *methods]
        self.values = {(name, b): self._values(name, b) for b in [*budgets, "100%"] for name in self.names}
        self.controls = {(name, b): self._control(name, b) for b in budgets for name in methods}

    def _values(self, name: str, budget: str) -> list[float]:
        return self._draw(ROWS[budget], self.gains.get(name, 0.0))

    def _draw(self, rows: int, gain: float) -> list[float]:
        true = 0.86 - 1.1 / math.sqrt(rows) + gain * (160 / rows) ** 0.4
        shared = random.Random(5)
        return [true + shared.gauss(0, 0.008) + self.rng.gauss(0, 0.004) for _ in range(self.seeds)]

    def _control(self, name: str, budget: str) -> tuple[list[float], Record]:
        """Values of random for the cost of a method, and what it had for that."""
        asked = int((self.spent(name, budget)["total_cpu"] - 0.03) / 0.0008)
        rows = min(16000, asked)
        spends = {"budget": f"{rows / 160:.3g}%", "rows": rows, "steps": None, "cost_ratio": 1.0, "same": False}
        return self._draw(rows, 0.0), spends | {"exhausted": asked > rows}

    def spent(self, name: str, budget: str) -> Record:
        """Mean seconds of a cell."""
        train = 0.0008 * ROWS[budget] + 0.02
        extra = 0.02 + 0.02 * self.cost * (self.names.index(name) if name in self.names else 0)
        select = {"random": 0.01, "full": 0.0}.get(name, extra)
        measure = 0.21 if name in ("dsir", "el2n") else 0.0
        parts = {"select": select, "measure": measure, "train": train, "test": 0.03}
        found: Record = {"method": name, "budget": budget}
        for part, seconds in parts.items():
            found |= {f"{part}_seconds": round(seconds * 1.1, 6), f"{part}_cpu": round(seconds, 6)}
        return found | {
            "peak_mb": 183.4 + ROWS[budget] / 1000,
            "rows": ROWS[budget],
            "rows_seen": ROWS[budget],
            "tokens_seen": None,
            "steps": None,
            "total_cpu": round(select + measure + train, 6),
        }

    def costs(self) -> list[Record]:
        cells = [self.spent(name, budget) for budget in self.budgets for name in self.names]
        return [*cells, self.spent("full", "100%")]

    def verdicts(self, headline: tuple[str, ...]) -> list[Record]:
        found = []
        for metric in headline:
            for name in self.names[1:]:
                for budget in self.budgets:
                    found.append(self._verdict(metric, name, budget, self.values["random", budget], None))
                    if control := self.controls.get((name, budget)):
                        found.append(self._verdict(metric, name, budget, *control))
        return found

    def _verdict(self, metric: str, name: str, budget: str, against: list[float], control: Record | None) -> Record:
        values = self.values[name, budget]
        scale = 1 if metric == "accuracy" else 3.1
        gaps = [scale * (v - r) for v, r in zip(values, against, strict=True)]
        mean, sd = fmean(gaps), stdev(gaps)
        half = T95[self.seeds - 1] * sd / math.sqrt(self.seeds)
        word = "better" if mean > half else "worse" if mean < -half else "no difference"
        return {
            "method": name,
            "budget": budget,
            "comparison": "equal total cost" if control else "equal budget",
            "metric": metric,
            "verdict": word,
            "difference": mean,
            "low": mean - half,
            "high": mean + half,
            "seeds": self.seeds,
            "p": 0.004 if word != "no difference" else 0.31,
            "p_holm": 0.008 if word != "no difference" else 0.62,
            "family": len(self.methods),
            "mean": _shown(metric, fmean(values)),
            "random_mean": _shown(metric, fmean(against)),
            "sd": sd,
            "detectable": 1.35 * half,
            "named": 0.01,
            "seeds_needed": math.ceil(2 + 8 * (sd / 0.01) ** 2),
            "bootstrap": [mean - 0.9 * half, mean + 0.9 * half] if self.seeds >= 20 else None,
            "control": control,
            "constant": False,
            "automatic": name in BASELINES,
            "words": f"{_WORDS[word]}: {mean:+.3f} (95 % interval {mean - half:.3f} to {mean + half:.3f}, "
            f"{self.seeds} seeds).",
        }

    def curves(self) -> list[Record]:
        found = []
        for metric in METRICS:
            for (name, budget), values in self.values.items():
                if budget != "100%":
                    found.append(self._point(metric, name, budget, values))
            for (name, budget), (values, spends) in self.controls.items():
                point = self._point(metric, "random", str(spends["budget"]), values)
                cost = self.spent(name, budget)["total_cpu"]
                found.append(point | {"control": True, "rows": spends["rows"], "cost": cost})
            full = self._point(metric, "random", "100%", self.values["random", "100%"])
            found.append(full | {"method": "full", "cost": self.spent("full", "100%")["total_cpu"]})
        return found

    def _point(self, metric: str, name: str, budget: str, values: list[float]) -> Record:
        values = [_shown(metric, v) for v in values]
        half = T95[self.seeds - 1] * stdev(values) / math.sqrt(self.seeds)
        mean = fmean(values)
        return {"method": name, "budget": budget, "rows": ROWS.get(budget), "metric": metric} | {
            "mean": mean, "low": mean - half, "high": mean + half, "values": values,
            "cost": self.spent(name, budget)["total_cpu"] if budget in ROWS else None,
        }  # fmt: skip

    def reach(self) -> Record:
        level, methods = 0.81, []
        for name in self.names:
            least = []
            for i in range(self.seeds):
                good = [b for b in self.budgets if self.values[name, b][i] >= level]
                least.append((self.spent(name, good[0])["total_cpu"], good[0]) if good else None)
            done = [one for one in least if one]
            methods.append(
                {"method": name, "seeds": self.seeds, "reached": len(done)}
                | {"cost": median(c for c, _ in done) if done else None, "budget": done[0][1] if done else None}
                | {
                    "censored_above": self.spent(name, self.budgets[-1])["total_cpu"]
                    if len(done) < self.seeds
                    else None
                }
            )
        return {"metric": "accuracy", "level": level, "says": "95 % of the whole pool’s accuracy", "methods": methods}

    def effects(self) -> list[Record]:
        found = []
        for name in self.names[1:]:
            for budget in self.budgets:
                for kind, metric, parts in (
                    ("class", "recall", "cat dog newt"),
                    ("group", "accuracy", "indoor outdoor"),
                ):
                    for part in parts.split():
                        gap, half = self.gains.get(name, 0) + self.rng.gauss(0, 0.02), 0.02 + self.rng.random() / 50
                        found.append(
                            {"kind": kind, "name": part, "method": name, "budget": budget, "metric": metric}
                            | {"mean": 0.8 + gap, "random_mean": 0.8, "difference": gap}
                            | {"low": gap - half, "high": gap + half}
                        )
        return found

    def kept(self, text: str | None) -> list[Record]:
        return [
            {
                "method": name,
                "budget": budget,
                "shared_with_random": ROWS[budget] / ROWS["100%"],
                "shares": [
                    {"kind": "class", "name": part, "method": share, "random": 1 / 3}
                    for part, share in (("cat", 0.51), ("dog", 0.30), ("newt", 0.19))
                ],
                "median_length": [812, 640] if text else None,
                "examples": [
                    {
                        "row": 17 + i,
                        "id": f"a{17 + i}",
                        "text": _text(text, i),
                        "says": f"class cat · quality 0.9{9 - i}",
                    }
                    | {"kept_in": self.seeds}
                    for i in range(4)
                ],
            }
            for name in self.methods
            for budget in self.budgets
        ]


def _text(text: str | None, i: int) -> str | None:
    words = ("A tabby asleep on a warm engine, whiskers twitching. " * (3 + 2 * i)).strip()
    return words if text == "quality" else text


def _shown(metric: str, value: float) -> float:
    return value if metric == "accuracy" else 3.1 * (1 - value)


_WORDS = {"better": "Better than random", "worse": "Worse than random", "no difference": "No difference from random"}
