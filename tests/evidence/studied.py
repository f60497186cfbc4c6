"""Evidence of studies that never ran, and the scripts that make pages of it."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from tamis.evidence.judge import judge

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "studies"
BUDGETS = ["250K tokens", "500K tokens", "1M tokens", "2M tokens"]
SEEDS = 5

without_studies = pytest.mark.skipif(not STUDIES.is_dir(), reason="the studies are not here")


def script(name):
    """A script of the studies as a module; they find each other as they do when one of them is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STUDIES))
        return importlib.import_module(name)


def sample(values, name="first", methods=None, controls=None, asked=None, higher=False):
    """The evidence of a study, from `values[method][budget]`, one a seed; both comparisons have the same verdicts."""
    verdicts, curves, costs = [], [], []
    for method, found in values.items():
        for budget, each in found.items():
            mean = float(np.mean([v for v in each if v is not None]))
            point = {"method": method, "budget": budget, "rows": 100, "metric": "bits_per_byte", "values": list(each)}
            curves.append(point | {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "cost": 1.0})
            spent = dict.fromkeys(("select_cpu", "measure_cpu", "train_cpu", "total_cpu", "peak_mb"), 1.5)
            costs.append({"method": method, "budget": budget, "rows": 100} | spent)
    for budget in values["random"]:
        against = np.array(values["random"][budget], float)
        groups = {m: (np.array(v[budget], float), against) for m, v in values.items() if m != "random"}
        for comparison in ("equal budget", "equal total cost"):
            control = {"budget": "3%", "rows": 9, "steps": None, "cost_ratio": 1, "exhausted": False}
            more = {"budget": budget, "comparison": comparison, "metric": "bits_per_byte"}
            more["control"] = control if comparison == "equal total cost" else None
            verdicts += [verdict | more for verdict in judge(groups, higher)]
    roles = [{"name": m, "role": "reference" if m == "random" else "method", "needs": []} for m in values]
    about = {"name": name, "sha256": "0", "head": [["Question", "is it so?"]], "prepared": ["A note."]}
    about |= {"controls": controls or {}, "directions": asked, "machine": {"processor": "a chip", "cores": 2}}
    metric = {"name": "bits_per_byte", "higher_is_better": higher, "words": "bits a byte of held-out text takes"}
    return {
        "study": about, "tamis": "0.1.0", "created": "2026-01-01T00:00:00Z", "name": "A study",
        "request": {"methods": methods or [{"name": m, "method": m} for m in values], "claim": "It works by 2 points."},
        "task": {"says": "an n-gram model", "headline": ["bits_per_byte"], "metrics": [metric]},
        "pool": {"rows": 9000, "eligible": 8000, "classes": 3, "features": None},
        "test": {"says": "held-out texts", "parts": [{"name": "target", "rows": 40}]},
        "seeds": list(range(SEEDS)), "budgets": [{"asked": b, "rows": 100} for b in values["random"]],
        "methods": roles, "verdicts": verdicts, "curves": curves, "costs": costs, "cells": 9, "seconds": 90.0,
        "cpu_seconds": 150.0, "warnings": ["One thing."], "failed": [], "kept": [],
    }  # fmt: skip


def made(advantage, seed=0, noise=0.01, **options):
    """A study in which dsir saves `advantage[b]` bits, and length-matched-random none."""
    rng = np.random.default_rng(seed)
    draw = lambda mean: (mean + noise * rng.standard_normal(SEEDS)).tolist()  # noqa: E731
    values = {"random": {}, "dsir": {}, "length-matched-random": {}}
    for budget, saved in zip(BUDGETS, advantage, strict=True):
        values["random"][budget], values["dsir"][budget] = draw(3.0), draw(3.0 - saved)
        values["length-matched-random"][budget] = draw(3.0)
    asked = {"targeted": "dsir", "control": "length-matched-random"}
    return sample(values, asked=asked, **options)


def two_studies():
    """One with its own names, a control and a draw, one with plain names."""
    rng = np.random.default_rng(5)
    draw = lambda mean: (mean + 0.01 * rng.standard_normal(SEEDS)).tolist()  # noqa: E731
    means = {"random": 3, "top:quality": 2.5, "bottom:quality": 3.4, "top:noise": 3, "sharp": 2.8}
    methods = [{"name": name, "method": name} for name in means if name not in ("random", "sharp")]
    methods.append({"name": "sharp", "method": "weighted-draw", "score": "quality", "set": {"temperature": 0.2}})
    values = {name: {budget: draw(mean) for budget in ("1%", "5%")} for name, mean in means.items()}
    return [sample(values, "b-first", methods, {"top:noise": "noise"}), made([0.4, 0.3, 0.2, 0.0], name="a-second")]
