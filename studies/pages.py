"""The page of one study, from its evidence alone: every number on it was measured by the study."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import directions
from common import HERE

from tamis.evidence.words import by_width
from tamis.report.words import amount, day, duration, listing, plural, sentence, share

Evidence = Mapping[str, Any]
Verdict = Mapping[str, Any]
NEARLY_ALL = 0.95
FIXED = "which luck can do, as it keeps the same rows for every seed"
EQUAL_BUDGET, EQUAL_COST = "equal budget", "equal total cost"
MADE = "<!-- made by studies/cards.py from {} -->"


def outcomes() -> dict[str, str]:
    """What came of the hypotheses, by study."""
    return dict(tomllib.loads((HERE / "outcomes.toml").read_text(encoding="utf-8")))


def study_page(evidence: Evidence) -> str:
    """What is claimed, what was measured and at what scale, the verdicts, the cost, and where it failed."""
    study = evidence["study"]
    name = study["name"]
    parts = [
        MADE.format(f"{name}.json"),
        f"# {evidence['name']}",
        *(f"**{word}.** {sentence(text)}" for word, text in study["head"]),
        *(f"**What came of the hypotheses.** {text}" for text in [outcomes().get(study["name"])] if text),
        f"**What is claimed.** {evidence['request']['claim']}",
        "## Scale",
        scale(evidence),
        "\n".join(f"- {note}" for note in study["prepared"]),
        "## Verdicts",
        verdicts(evidence),
        "\n".join(f"- {text}" for text in [*controls(evidence), *one_choice(evidence)]),
        *found_directions(evidence),
        "## What was measured",
        *(curves(evidence, metric) for metric in evidence["task"]["metrics"]),
        *within_targets(evidence),
        *kept(evidence),
        "## Cost",
        costs(evidence),
        "## When it fails",
        failures(evidence),
        "## Once more",
        f"```sh\nTAMIS_DATA=/path/to/data python studies/run.py {name}\n```",
        f"The study is `studies/{name}.yaml`; [{name}.json]({name}.json) has all numbers.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def scale(evidence: Evidence) -> str:
    """Rows, seeds, machine and time."""
    pool, machine = evidence["pool"], evidence["study"]["machine"]
    rows = [("pool", f"{amount(pool['rows'])} rows, of which {amount(pool['eligible'])} can be chosen")]
    kinds = [(pool.get("features"), "features"), (pool.get("classes"), "classes")]
    rows += [("examples", listing([f"{amount(count)} {word}" for count, word in kinds if count]))]
    judged = ", ".join(f"{part['name']} {amount(part['rows'])} rows" for part in evidence["test"]["parts"])
    rows += [
        ("task", evidence["task"]["says"]),
        ("judged on", f"{judged} ({evidence['test']['says']})"),
        ("budgets", listing([f"{one['asked']} ({amount(one['rows'])} rows)" for one in evidence["budgets"]])),
        ("repeated", f"{len(evidence['seeds'])} seeds, {amount(evidence['cells'])} cells"),
        ("machine", f"{machine['processor']}, {machine['cores']} {plural(machine['cores'], 'core')}"),
        ("all cells took", f"{duration(evidence['seconds'])}, {duration(evidence['cpu_seconds'])} of processors"),
        ("when", f"{day(evidence['created'])}, Tamis {evidence['tamis']}"),
    ]
    return table(["", ""], [[word, text] for word, text in rows if text])


def verdicts(evidence: Evidence) -> str:
    """A line a method and budget, with both comparisons, and the smallest difference that so many seeds would show."""
    metrics = evidence["task"]["headline"]
    several = len(metrics) > 1
    head = ["method", "budget", *metrics[:several], "equal budget", "would have shown", "equal total cost"]
    rows = []
    for method, budget, metric in keys(evidence):
        here = [v for v in evidence["verdicts"] if (v["method"], v["budget"], v["metric"]) == (method, budget, metric)]
        same, more = (next((v for v in here if v["comparison"] == one), None) for one in (EQUAL_BUDGET, EQUAL_COST))
        least = same and same.get("detectable")
        cells = [said(same), amount(least, 2) if least else "–", said(more)]
        rows.append([f"`{method}`", budget, *[plain(metric)][:several], *cells])
    return table(["metric" if word in metrics else word for word in head], rows)


def keys(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Method, budget and metric of all verdicts, by method."""
    found = dict.fromkeys((v["method"], v["budget"], v["metric"]) for v in evidence["verdicts"])
    names = list(dict.fromkeys(method for method, _, _ in found))
    metrics = evidence["task"]["headline"]
    return sorted(found, key=lambda key: (names.index(key[0]), metrics.index(key[2])))


def said(verdict: Verdict | None) -> str:
    """`better: +0.031 (0.012 to 0.050)`, and what random had where it was given more."""
    if verdict is None:
        return "–"
    control = verdict.get("control")
    had = ""
    if control:
        steps = f", {amount(control['steps'])} steps" if control.get("steps") else ""
        asked = re.sub(r"^\d+(?= )", lambda found: amount(int(found[0])), control["budget"])
        more = "as much" if control.get("same") else f"{asked}{steps}"
        had = f"; random had {more}" + (", and no more would cost as much" if control.get("exhausted") else "")
    return f"{verdict['verdict']}: {number(verdict)}{had}"


def number(verdict: Verdict) -> str:
    """The difference and its interval."""
    if verdict["difference"] is None:
        return "too few seeds"
    return interval(verdict["difference"], verdict["low"], verdict["high"])


def interval(mean: float, low: float, high: float) -> str:
    """`+0.031 (0.012 to 0.050)`."""
    width = high - low
    return f"{by_width(mean, width, sign=True)} ({by_width(low, width)} to {by_width(high, width)})"


def controls(evidence: Evidence) -> Iterable[str]:
    """Whether methods that have nothing to give were found to give nothing."""
    for name, why in evidence["study"]["controls"].items():
        own = [v for v in at_equal_budget(evidence) if v["method"] == name]
        told = [v for v in own if v["verdict"] != "no difference"]
        found = (
            "as it should be" if not told else FIXED if all(map(is_fixed, told)) else "which speaks against this study"
        )
        yield (
            f"`{name}` is a control ({why}) and counts for no method's card: told apart from random at "
            f"{len(told)} of {len(own)} budgets, {found}."
        )


def at_equal_budget(evidence: Evidence) -> list[Verdict]:
    """The verdicts that count most: in the main metric, at equal budget."""
    metric = main_metric(evidence)
    return [v for v in evidence["verdicts"] if (v["metric"], v["comparison"]) == (metric, EQUAL_BUDGET)]


def is_fixed(verdict: Verdict) -> bool:
    """Whether it is about a choice that is the same for all seeds, or nearly."""
    return (verdict.get("same_rows") or 0) > NEARLY_ALL


def one_choice(evidence: Evidence) -> Iterable[str]:
    """Methods that keep the same rows for every seed, so that seeds say nothing about other choices of theirs."""
    names = list(dict.fromkeys(v["method"] for v in at_equal_budget(evidence) if is_fixed(v)))
    if names:
        shown = listing([f"`{name}`" for name in names])
        yield f"For every seed {shown} kept the same rows, or nearly: a verdict on them is about one choice."


def found_directions(evidence: Evidence) -> Iterable[str]:
    """What the study says about the published directions that it was made for."""
    if asked := evidence["study"]["directions"]:
        yield "## Published directions"
        yield directions_table([evidence])
        _, gained = directions.advantages(evidence, asked["targeted"])
        means = zip(gained.mean(axis=0), evidence["budgets"], strict=True)
        shown = listing([f"{amount(mean)} at {budget['asked']}" for mean, budget in means])
        yield f"Advantage of `{asked['targeted']}` over random: {shown}. See [all directions](directions.md)."


def directions_table(studies: Sequence[Evidence]) -> str:
    """A line a study and direction."""
    rows = []
    for evidence in studies:
        for says, finding in asked_directions(evidence):
            link = f"[{evidence['study']['name']}]({evidence['study']['name']}.md)"
            rows.append([link, says, finding.outcome, interval(*finding.found[:1], *finding.found[2:4])])
    return table(["study", "direction", "outcome", "per seed, 95 % interval"], rows)


def said_outcomes(studies: Sequence[Evidence]) -> str:
    """For each direction in which studies it was reproduced, in which not, and in which it was the opposite."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for evidence in studies:
        for says, finding in asked_directions(evidence):
            grouped.setdefault(says, {}).setdefault(finding.outcome, []).append(evidence["study"]["name"])
    lines = []
    for says, found in grouped.items():
        parts = [f"{outcome} in {listing(found[outcome])}" for outcome in directions.OUTCOMES if outcome in found]
        lines.append(f"- {says[0].upper()}{says[1:]}: {'; '.join(parts)}.")
    return "\n".join(lines)


def asked_directions(evidence: Evidence) -> list[tuple[str, directions.Finding]]:
    """The directions that a study was made for, in words, with what was found."""
    asked = evidence["study"]["directions"]
    if not asked:
        return []
    ours, control = asked["targeted"], asked["control"]
    return [
        (f"`{ours}` beats `random` at equal budget", directions.beats(evidence, ours)),
        (f"`{ours}` beats `{control}` at equal budget", directions.beats(evidence, ours, control)),
        (f"the advantage of `{ours}` over `random` shrinks as the budget doubles", directions.shrinks(evidence, ours)),
    ]


def within_targets(evidence: Evidence) -> Iterable[str]:
    """The first metric within each of several targets, and by how much it is better than random's."""
    found = evidence.get("effects", [])
    for target in dict.fromkeys(one["name"] for one in found):
        here = [one for one in found if one["name"] == target]
        budgets = [one["asked"] for one in evidence["budgets"]]
        rows = []
        for name in dict.fromkeys(one["method"] for one in here):
            of = {one["budget"]: one for one in here if one["method"] == name}
            rows.append([f"`{name}`", *(effect(of[budget]) if budget in of else "–" for budget in budgets)])
        yield f"Of `{target}` alone, and how much better than random, by its interval:"
        yield table(["method", *budgets], rows)


def effect(one: Mapping[str, Any]) -> str:
    """`1.41: +0.43 (0.42 to 0.44)`."""
    return f"{by_width(one['mean'], one['high'] - one['low'])}: {number(one)}"


def curves(evidence: Evidence, metric: Mapping[str, Any]) -> str:
    """Means of a metric, a line a method, a column a budget."""
    points = [p for p in evidence["curves"] if p["metric"] == metric["name"] and not p.get("control")]
    budgets = [one["asked"] for one in evidence["budgets"]]
    rows = []
    for name in dict.fromkeys(p["method"] for p in points):
        found = {p["budget"]: p for p in points if p["method"] == name}
        if name == "full":
            whole = next(iter(found.values()))
            rows.append(["the whole pool", *["–"] * (len(budgets) - 1), mean(whole)])
        else:
            rows.append([f"`{name}`", *(mean(found[b]) if b in found else "–" for b in budgets)])
    name = plain(metric["name"]).capitalize()
    better = "more is better" if metric["higher_is_better"] else "less is better"
    return f"{name}: {metric['words']}; {better}.\n\n{table(['method', *budgets], rows)}" if rows else ""


def mean(point: Mapping[str, Any]) -> str:
    """A mean with the interval that it has over seeds."""
    if point["mean"] is None:
        return "failed"
    if point["low"] is None:
        return amount(point["mean"])
    width = point["high"] - point["low"]
    return f"{by_width(point['mean'], width)} ({by_width(point['low'], width)} to {by_width(point['high'], width)})"


def kept(evidence: Evidence) -> Iterable[str]:
    """Of which class or group each method kept most beyond its share of random's choice."""
    rows = []
    for one in evidence["kept"]:
        more = max(one["shares"], key=lambda found: found["method"] - found["random"], default=None)
        if more:
            shares = f"{more['kind']} {more['name']}: {share(more['method'])} (random {share(more['random'])})"
            rows.append([f"`{one['method']}`", one["budget"], shares, share(one["shared_with_random"])])
    if rows:
        yield "## What was kept"
        yield table(["method", "budget", "most more than random", "rows that random keeps too"], rows)


def costs(evidence: Evidence) -> str:
    """Processor seconds of a cell: to select and measure, to train, and all of it."""
    rows = [
        [
            "the whole pool" if one["method"] == "full" else f"`{one['method']}`",
            one["budget"],
            amount(one["rows"]),
            amount(one["select_cpu"] + one["measure_cpu"], 2),
            amount(one["train_cpu"], 2),
            amount(one["total_cpu"], 2),
            amount(one["peak_mb"], 2),
        ]
        for one in evidence["costs"]
    ]
    head = ["method", "budget", "rows", "select and measure, CPU s", "train, CPU s", "all", "peak memory, MB"]
    return table(head, rows, numbers=5)


def failures(evidence: Evidence) -> str:
    """What did not turn out better than random, what broke, and what was warned of."""
    left_out = evidence["study"]["controls"]
    lines = not_better(evidence, [v for v in evidence["verdicts"] if v["method"] not in left_out])
    lines += [f"- `{f['method']}` at {f['budget']}, seed {f['seed']}, failed: {f['error']}" for f in evidence["failed"]]
    lines += [f"- A warning: {warning}" for warning in evidence["warnings"]]
    return "\n".join(lines) or "Nothing here was other than better than random."


def not_better(evidence: Evidence, verdicts: Sequence[Verdict], where: str = "") -> list[str]:
    """Methods that were not better, with the budgets: a line for each method, metric, comparison and verdict."""
    names, metrics = (list(dict.fromkeys(v[key] for v in verdicts)) for key in ("method", "metric"))
    grouped: dict[tuple[str, ...], list[str]] = {}
    for v in sorted(verdicts, key=lambda v: (names.index(v["method"]), metrics.index(v["metric"]), v["comparison"])):
        if v["verdict"] != "better":
            grouped.setdefault((v["method"], v["metric"], v["comparison"], v["verdict"]), []).append(v["budget"])
    lines = []
    for (method, metric, comparison, verdict), budgets in grouped.items():
        of = "" if metric == main_metric(evidence) else f" in {plain(metric)}"
        which = listing(budgets) if len(budgets) < len(evidence["budgets"]) else "all budgets"
        lines.append(f"- `{method}`{where}: {verdict}{of} at {comparison}, for {which}")
    return lines


def main_metric(evidence: Evidence) -> str:
    """The metric that counts: the task's first."""
    return str(evidence["task"]["headline"][0])


def plain(metric: str) -> str:
    """A metric's name in words."""
    return metric.replace("_", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A Markdown table; the last `numbers` columns stand to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    lines = [head, rule, *([re.sub(r"\|", r"\\|", str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
