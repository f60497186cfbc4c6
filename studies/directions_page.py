"""The page of published directions: which of them the studies reproduce, and which they do not."""

from collections.abc import Mapping, Sequence
from typing import Any

import pages
from directions import across, fades
from directions_training import HEAD, training
from pages import MADE, interval, table

from tamis.registry import METHODS, load_all
from tamis.report.words import listing

NOTHING = "No study has run yet."
COVERAGE = "Coverage objectives win at tiny budgets and tie at larger ones."
GROWTH = "Many selectors lose to random as the pool grows."

Evidence = Mapping[str, Any]


def directions_page(found: Sequence[Evidence]) -> str:
    """All directions over all studies that were made for them."""
    asked = [evidence for evidence in found if evidence["study"]["directions"]]
    parts = [MADE.format("all studies"), "# Published directions", INTRODUCTION]
    if not asked:
        return "\n\n".join([*parts, NOTHING]) + "\n"
    outcomes = [pages.said_outcomes(asked), *growth_said(found), *coverage_said(found)]
    parts += ["## What was found", "\n".join(outcomes)]
    parts += ["## Study by study", pages.directions_table(asked)]
    if rows := over_studies(asked):
        head = ["direction", "reproduced in", "over studies", "mean, 95 % interval"]
        parts += ["## Over several studies", ACROSS, table(head, rows)]
    if rows := growth(found):
        head = ["method", "advantage in the smaller pool", "in the larger", "outcome", "difference, 95 % interval"]
        parts += ["## As the pool grows", GROWTH_NOTE, table(head, rows)]
    if rows := coverage(found):
        head = ["study", "method", "smallest budget", "largest budget", "outcome"]
        parts += ["## Coverage at tiny and at larger budgets", COVERAGE_NOTE, table(head, rows)]
    if rows := training(found):
        parts += ["## While a model trains", TRAINING_NOTE, table(HEAD, rows)]
    return "\n\n".join(parts) + "\n"


def over_studies(asked: Sequence[Evidence]) -> list[list[str]]:
    """A line a direction of which several studies were asked."""
    grouped: dict[str, list[Any]] = {}
    for evidence in asked:
        for says, finding in pages.asked_directions(evidence):
            grouped.setdefault(says, []).append(finding)
    rows = []
    for says, findings in grouped.items():
        if len(findings) > 1:
            held = sum(finding.outcome == "reproduced" for finding in findings)
            over = across(findings)
            whole = interval(over.found.mean, over.found.low, over.found.high)
            rows.append([says, f"{held} of {len(findings)}", over.outcome, whole])
    return rows


def growth(found: Sequence[Evidence]) -> list[list[str]]:
    """A line a method that studies of a small and of a large pool compare with random."""
    studies = sorted((one for one in found if one["request"]["claim"] == GROWTH), key=lambda one: one["pool"]["rows"])
    if len(studies) < 2:
        return []
    small, large = studies[0], studies[-1]
    rows = []
    for name in (one["name"] for one in small["methods"] if one["role"] == "method"):
        lost, means = fades(small, large, name)
        difference = interval(lost.found.mean, lost.found.low, lost.found.high)
        rows.append([f"`{name}`", *(f"{mean:+.3f}".replace("-", "−") for mean in means), lost.outcome, difference])
    return rows


def coverage(found: Sequence[Evidence]) -> list[list[str]]:
    """A line a study and method of coverage: its verdicts at the smallest and at the largest budget."""
    load_all()
    rows = []
    for evidence in (one for one in found if one["request"]["claim"] == COVERAGE):
        asked = {one["name"]: one["method"] for one in evidence["request"]["methods"]}
        first, last = evidence["budgets"][0]["asked"], evidence["budgets"][-1]["asked"]
        verdicts = {(v["method"], v["budget"]): v for v in pages.at_equal_budget(evidence)}
        for name, method in asked.items():
            of_coverage = method in METHODS.entries and METHODS.get(method).family == "coverage"
            if of_coverage or method == "kmeans-quality":
                ends = [verdicts[name, budget] for budget in (first, last)]
                kinds = [v["verdict"] for v in ends]
                held = "reproduced" if kinds == ["better", "no difference"] else "not reproduced"
                study = evidence["study"]["name"]
                shown = [f"{v['verdict']}: {interval(v['difference'], v['low'], v['high'])}" for v in ends]
                rows.append([f"[{study}]({study}.md)", f"`{name}`", *shown, held])
    return rows


def growth_said(found: Sequence[Evidence]) -> list[str]:
    """Which methods are worth less, against random, in the larger pool."""
    return said("Worth less against `random` in the larger pool", [(row[3], row[0]) for row in growth(found)])


def coverage_said(found: Sequence[Evidence]) -> list[str]:
    """Which methods of coverage are better than random at the smallest budget and no different at the largest."""
    rows = [(row[4], f"{row[1]} ({row[0].partition(']')[0][1:]})") for row in coverage(found)]
    return said("Better than `random` at the smallest budget, no different at the largest", rows)


def said(direction: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """One line: with which methods it was reproduced, and with which not."""
    grouped: dict[str, list[str]] = {}
    for outcome, name in rows:
        grouped.setdefault(outcome, []).append(name)
    parts = [f"{outcome} with {listing(names)}" for outcome, names in sorted(grouped.items(), reverse=True)]
    return [f"- {direction}: {'; '.join(parts)}."] if parts else []


INTRODUCTION = """\
1. *Targeted text beats random, and random of the target's lengths, at equal tokens.* "Data Selection for Language
   Models via Importance Resampling" (2023): mean GLUE score 82.30 for BERT trained on what DSIR chose, 80.25 on random.
   The second comparison, and bits per byte within the domain, are ours. Asked here: of each seed the mean advantage
   over all budgets.
2. *The advantage of a targeted choice shrinks as the budget grows.* "Large-Scale Data Selection for Instruction Tuning"
   (2025) has 3.4 points over balanced random when 326,000 of 5.8 million are kept, as its plots are read; that the
   advantage shrinks from there on is our reading of it. Asked here: of each seed how much of the advantage is lost with
   every doubling of the budget. Where a domain outlasts all budgets, as that of `domain_movie_reviews` does, it is not
   because the domain runs out.
3. *Balance lifts the worst task.* "Improving Influence-based Instruction Tuning Data Selection for Balanced Learning of
   Diverse Capabilities" (2025). Asked here: the mean advantage, over all budgets, of a choice that goes to the task
   that is furthest behind over a choice by the sum of the same influences, in the recall of the worst of three tasks.
4. *Many ways to choose lose to random as the pool grows.* "Large-Scale Data Selection for Instruction Tuning" (2025).
   Asked here: whether the mean advantage over random, over all budgets, is smaller in a pool that is twelve times as
   large.
5. *Coverage wins at tiny budgets and ties at larger ones.* Asked here: whether a method is better than random at the
   smallest budget, and no different at the largest.
6. *What is hardest collapses at small budgets, and an even share of every difficulty repairs it.* "Coverage-centric
   Coreset Selection for High Pruning Rates" (2023): on a tenth of CIFAR-10 a network reaches 66.5 % with what has the
   highest entropy, 79.0 % at random, and 86.1 % with CCS.
7. *Another random part in every epoch beats every fixed part.* "Repeated Random Sampling for Minimizing the
   Time-to-Accuracy of Learning" (2024). Without replacement that is ordinary training on all rows with a shorter
   learning-rate schedule, which is the control here.
8. *Leaving out visits to what is easy by now costs nothing.* "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic
   Data Pruning" (2024) and "Scale Efficient Training for Large Datasets" (2025), both against full training. Asked
   here: whether the loss of accuracy is surely smaller than half a point.

*Reproduced* means that the 95 % interval of that number lies above 0, *opposite* that it lies below, *not reproduced*
that it holds 0. The advantage is in the metric of the study, turned so that positive is better. Where a method keeps
the same rows for every seed, the interval is about random's luck alone. The models here are small, n-gram models of a
few megabytes and linear models of images: what holds here may fail at the papers' scale, and the reverse."""
ACROSS = "Each study counts once, with its mean; the interval speaks of studies like these, not of these studies."
GROWTH_NOTE = "The same budgets in rows out of a pool and out of a twelfth of it, judged on the same images."
TRAINING_NOTE = """\
Advantages at equal budget, in accuracy. For what saves visits, *reproduced* means that the interval lies above −0.005:
a loss that counts as none."""
COVERAGE_NOTE = "Verdicts at equal budget. *Reproduced* needs *better* first and *no difference* last."
