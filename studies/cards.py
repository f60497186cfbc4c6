"""Make all pages of the evidence from `docs/evidence/*.json`, and the verdicts that the package shows.

    python studies/cards.py

It writes a page a study, `docs/evidence/cards.md` with a section a method, `docs/evidence/directions.md`, the lists of
`docs/evidence/index.md`, and `src/tamis/cards.json`, from which `tamis methods` and the README have their verdicts.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pages
from directions_page import NOTHING, directions_page
from pages import EQUAL_BUDGET, EQUAL_COST, MADE

from tamis.registry import METHODS, Method, load_all
from tamis.report.words import amount, listing, plural

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "docs/evidence"
PACKAGED = ROOT / "src/tamis/cards.json"
MARKED = re.compile(r"(<!-- (studies|contents): [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)

Evidence = Mapping[str, Any]
Verdict = Mapping[str, Any]


def studies() -> list[dict[str, Any]]:
    """What all studies found, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EVIDENCE.glob("*.json"))]


def entries(evidence: Evidence) -> dict[str, str]:
    """The names by which a study calls its methods, and the registered method of each; controls are left out.

    Examples:
        >>> study = {"request": {"methods": [{"name": "by x", "method": "top:x"}]}, "study": {"controls": {}}}
        >>> entries(study | {"methods": [{"name": "by x", "role": "method"}]})
        {'by x': 'top'}
    """
    asked = {one["name"]: one["method"] for one in evidence["request"]["methods"]}
    names = [one["name"] for one in evidence["methods"] if one["role"] in ("method", "baseline")]
    found = {name: asked.get(name, name) for name in names if name not in evidence["study"]["controls"]}
    return {name: method if ".py:" in method else method.partition(":")[0] for name, method in found.items()}


def counted(verdicts: Sequence[Verdict], comparison: str) -> tuple[int, int, int]:
    """How many of one comparison are better, worse, and how many there are."""
    found = [v["verdict"] for v in verdicts if v["comparison"] == comparison and v["difference"] is not None]
    return found.count("better"), found.count("worse"), len(found)


def said_counts(verdicts: Sequence[Verdict]) -> str:
    """`better in 5 of 9, worse in 1; at equal total cost better in 3, worse in 2`."""
    better, worse, of = counted(verdicts, EQUAL_BUDGET)
    text = f"better in {better} of {of}, worse in {worse}"
    at_cost = counted(verdicts, EQUAL_COST)
    if not at_cost[2]:
        return text
    among = "" if at_cost[2] == of else f" of {at_cost[2]}"
    return f"{text}; at equal total cost better in {at_cost[0]}{among}, worse in {at_cost[1]}"


def verdicts_of(evidence: Evidence, method: str) -> dict[str, list[Verdict]]:
    """The verdicts on a registered method in the main metric, by the names that a study gives it."""
    names = [name for name, registered in entries(evidence).items() if registered == method]
    own = [v for v in evidence["verdicts"] if v["metric"] == pages.main_metric(evidence)]
    return {name: [v for v in own if v["method"] == name] for name in names}


def packaged(found: Sequence[Evidence]) -> dict[str, dict[str, Any]]:
    """For each method that a study had: its status in a few words, and a line a study."""
    cards: dict[str, dict[str, Any]] = {}
    for method in sorted({name for evidence in found for name in entries(evidence).values() if ".py:" not in name}):
        every: list[Verdict] = []
        lines = []
        for evidence in found:
            for name, verdicts in verdicts_of(evidence, method).items():
                every += verdicts
                by = f" as {name}" if name != method else ""
                lines.append(f"{evidence['study']['name']}{by}: {said_counts(verdicts)}")
        count = len({line.partition(":")[0].partition(" ")[0] for line in lines})
        cards[method] = {
            "status": f"{said_counts(every)} ({count} {plural(count, 'study', 'studies')})",
            "studies": lines,
        }
    if found:
        status = f"the baseline of {len(found)} {plural(len(found), 'study', 'studies')}"
        cards["random"] = {"status": status, "studies": []}
    return cards


def cards_page(found: Sequence[Evidence]) -> str:
    """One section a method that has evidence, then the methods that have none."""
    load_all()
    cards = packaged(found)
    parts = [MADE.format("all studies"), "# Evidence cards"]
    parts += [part for name in sorted(cards) for part in card(METHODS.get(name), cards[name]["status"], found)]
    without = [f"`{name}`" for name in sorted(METHODS.entries) if name not in cards]
    parts += ["## Unproven", f"No study here has measured {listing(without)}."] if without else []
    return "\n\n".join(parts) + "\n"


def card(method: Method, status: str, found: Sequence[Evidence]) -> Iterator[str]:
    """What a reader decides by: verdict, differences by budget, cost, and when it fails."""
    yield f"## {method.name}"
    yield f"**{status[0].upper()}{status[1:]}.**" + (f" *{method.paper}*, {method.year}." if method.paper else "")
    if method.name == "random":
        yield "How far random is from itself: its means and their 95 % intervals over seeds."
        yield random_table(found)
        return
    rows = [row for evidence in found for row in lines_of(evidence, method.name)]
    yield pages.table(["study", "method as", "equal budget", "equal total cost", "selecting, of all CPU s"], rows)
    claims = dict.fromkeys(evidence["request"]["claim"] for evidence in found)
    yield from (f"What is claimed: {claim}" for claim in claims if method.paper and method.paper in claim)
    yield f"When it loses to random, as its card has it: {method.loses}. In the studies:"
    yield "\n".join(failing(found, method.name)) or "- it was better at every budget."


def lines_of(evidence: Evidence, method: str) -> Iterator[list[str]]:
    """A row of a card for each name that a study gives the method."""
    for name, verdicts in verdicts_of(evidence, method).items():
        link = f"[{evidence['study']['name']}]({evidence['study']['name']}.md)"
        cells = [differences(verdicts, comparison) for comparison in (EQUAL_BUDGET, EQUAL_COST)]
        spent = [one for one in evidence["costs"] if one["method"] == name]
        choosing = [one["select_cpu"] + one["measure_cpu"] for one in spent]
        shares = [f"{amount(c, 2)} of {amount(one['total_cpu'], 2)}" for c, one in zip(choosing, spent, strict=True)]
        ends = list(dict.fromkeys([*shares[:1], *shares[-1:]]))
        yield [link, f"`{name}`", *cells, " … ".join(ends) or "–"]


def differences(verdicts: Sequence[Verdict], comparison: str) -> str:
    """Every budget with its verdict and difference."""
    own = [v for v in verdicts if v["comparison"] == comparison]
    return "<br>".join(f"{v['budget']}: {v['verdict']}, {pages.number(v)}" for v in own) or "–"


def failing(found: Sequence[Evidence], method: str) -> list[str]:
    """Where it was not better, a line a study, metric and comparison."""
    lines = []
    for evidence in found:
        names = verdicts_of(evidence, method)
        own = [v for v in evidence["verdicts"] if v["method"] in names]
        lines += pages.not_better(evidence, own, f" in {evidence['study']['name']}")
        lines += worse_elsewhere(evidence, set(names))
    return lines


def worse_elsewhere(evidence: Evidence, names: set[str]) -> list[str]:
    """Where it was worse in a metric that gets no verdict, a line a name and metric."""
    worse: dict[tuple[str, str], list[str]] = {}
    for one in evidence.get("others", []):
        if one["method"] in names and one["verdict"] == "worse":
            worse.setdefault((one["method"], one["metric"]), []).append(one["budget"])
    where = evidence["study"]["name"]
    return [
        f"- `{name}` in {where}: worse in {pages.plain(metric)}, a metric without a verdict, for {listing(budgets)}"
        for (name, metric), budgets in worse.items()
    ]


def random_table(found: Sequence[Evidence]) -> str:
    """What random reached in every study."""
    rows = []
    for evidence in found:
        metric = pages.main_metric(evidence)
        for point in evidence["curves"]:
            if (point["method"], point["metric"]) == ("random", metric) and not point.get("control"):
                name = evidence["study"]["name"]
                rows.append([f"[{name}]({name}.md)", point["budget"], pages.plain(metric), pages.mean(point)])
    return pages.table(["study", "budget", "metric", "mean"], rows)


def index_table(found: Sequence[Evidence]) -> str:
    """A line a study."""
    rows = []
    for evidence in found:
        name, pool = evidence["study"]["name"], evidence["pool"]
        every = [v for v in pages.at_equal_budget(evidence) if v["method"] in entries(evidence)]
        better, worse, of = counted(every, EQUAL_BUDGET)
        seeds, budgets = len(evidence["seeds"]), len(evidence["budgets"])
        size = f"{amount(pool['rows'])} rows, {budgets} budgets, {seeds} seeds"
        rows.append([f"[{name}]({name}.md)", evidence["name"], size, f"{better} better, {worse} worse of {of}"])
    return pages.table(["study", "about", "scale", "verdicts at equal budget"], rows) if found else NOTHING


def contents(found: Sequence[Evidence]) -> str:
    """The pages in their order, as Sphinx wants to have them."""
    names = ["cards", "directions", *(evidence["study"]["name"] for evidence in found)]
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *names, "```"])


def all_pages(found: Sequence[Evidence], index: str) -> dict[str, str]:
    """All pages by file name; `index` is the page as it stands, of which two parts are made."""
    made = {f"{evidence['study']['name']}.md": pages.study_page(evidence) for evidence in found}
    made |= {"cards.md": cards_page(found), "directions.md": directions_page(found)}
    parts = {"studies": index_table(found), "contents": contents(found)}
    made["index.md"] = MARKED.sub(lambda old: f"{old[1]}{parts[old[2]]}\n{old[3]}", index)
    return made


def package_text(found: Sequence[Evidence]) -> str:
    """What `src/tamis/cards.json` holds."""
    return json.dumps(packaged(found), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write what is stale."""
    found = studies()
    made = {
        EVIDENCE / name: text for name, text in all_pages(found, (EVIDENCE / "index.md").read_text("utf-8")).items()
    }
    for path, text in {**made, PACKAGED: package_text(found)}.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)} is made")


if __name__ == "__main__":
    main()
