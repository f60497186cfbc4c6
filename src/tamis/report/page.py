"""`report.html` from what a selection recorded: pure, one string out, nothing loaded from elsewhere."""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader, Template
from markupsafe import Markup

from tamis.report import charts
from tamis.report.words import (
    amount,
    command,
    day,
    duration,
    excerpt,
    harmless,
    hook,
    label,
    listing,
    plural,
    sentence,
    share,
    size,
    thumb,
    tick,
)

Record = Mapping[str, Any]
SHOWN = ("top", "border", "below", "bottom")

_POLES = {
    "hard": "the model finds harder",
    "easy": "the model finds easier",
    "good": "is judged better",
    "bad": "is judged worse",
    "near": "is closer to the target",
    "far": "is farther from the target",
    "novel": "is less like what is already known",
    "known": "is more like what is already known",
    "noisy": "is more likely to be mislabelled or broken",
    "clean": "is less likely to be mislabelled or broken",
}
_SHOWN_GROUPS = 20


def render(manifest: Record, summary: Record | None, examples: Record | None) -> str:
    """The report of one selection as a complete HTML document; parts that are missing or empty are left out.

    Every number carries `data-name`, the path of the value in the inputs, and `data-value`, the value itself. Paths
    start in the manifest (`rows.kept`), at `summary.` or at `examples.`; list items go by position
    (`summary.groups.rows.0.kept`), and `derived.` marks what this page computed from them. Chart series hold their
    counts separated by spaces. Every value is escaped, and characters that hide or reorder text are spelled out.

    Args:
        manifest: what was asked, counted and spent, as in `manifest.json`.
        summary: groups, lengths, scores, text statistics, targets and duplicates of pool and selection.
        examples: lists `top`, `border`, `below`, `bottom` of documents; an example may have `length`, the characters
            of its whole text, when its `text` is only the beginning, and `image`, a `data:` URL or why there is none.
            A `note` says what is not shown at all.
    """
    summary, examples = summary or {}, examples or {}
    look = partial(_find, {**manifest, "summary": summary, "examples": examples})
    noun = "document" if look("roles.text.column") else "image" if look("roles.image.column") else "example"
    shown = [one for key in SHOWN for one in examples.get(key) or []]
    return template().render(
        manifest=manifest,
        method=manifest.get("method") or {},
        summary=summary,
        examples=examples,
        get=look,
        n=partial(_number, look),
        noun=noun,
        derived=_derived,
        ledger=_ledger(look, noun),
        lost_words=LOST,
        groups=_groups(look),
        lengths=_lengths(look, noun),
        gains=_gains(look, noun),
        bound=_bound(look),
        scores=_scores(look, noun),
        texts=_texts(look),
        targets=_targets(look),
        shown=[key for key in SHOWN if examples.get(key)],
        images=any(one.get("image") for one in shown),
        gallery="" if any(one.get("text") for one in shown) else " gallery",
        high=_POLES.get(str(look("method.pole")), ""),
    )


@cache
def environment() -> Environment:
    """What makes pages of this folder's templates: every value is escaped, hidden characters are spelled out."""
    env = Environment(
        loader=PackageLoader("tamis.report", ""),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    env.filters.update(
        amount=amount,
        duration=duration,
        share=share,
        label=label,
        day=day,
        command=command,
        tick=tick,
        sentence=sentence,
    )
    env.globals.update(
        amount=amount,
        bar=charts.bar,
        duration=duration,
        excerpt=excerpt,
        label=label,
        move=charts.move,
        pair=charts.pair,
    )
    env.globals.update(plain=str, plural=plural, share=share, size=size, thumb=thumb)
    env.globals.update(floor_share=lambda part: share(math.floor(100 * part) / 100))
    env.globals.update(times=lambda value: "×" + amount(value, 2), megabytes=lambda value: size(value * 1e6))
    return env


def template() -> Template:
    return environment().get_template("report.html.jinja")


def _visible(value: Any) -> Any:
    """Every string on its way into the page, save what is markup already, with hidden characters spelled out."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _find(sources: Any, path: str) -> Any:
    """The value at a dotted path, None where it ends early."""
    for step in path.split("."):
        if isinstance(sources, list | tuple):
            sources = sources[int(step)] if int(step) < len(sources) else None
        else:
            sources = sources.get(step) if isinstance(sources, Mapping) else None
    return sources


def _number(look: Callable[[str], Any], path: str, form: Callable[[Any], str] = amount) -> Markup:
    value = look(path)
    return Markup("") if value is None else hook(path, value, form(value))


def _derived(name: str, value: float, form: Callable[[Any], str] = amount) -> Markup:
    return hook(f"derived.{name}", value, form(value))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


LOST = {
    "excluded": "excluded by request",
    "not_in_earlier_selection": "not kept by the earlier selection",
    "had_already": "in the selection to start from",
    "without_text": "without text",
    "duplicates": "exact duplicates",
    "rules": "dropped by rules for texts",
    "contaminated": "with text of a test set",
    "earlier_corpus": "in an earlier corpus",
    "near_copies": "near copies",
}


def _ledger(look: Callable[[str], Any], noun: str) -> dict[str, Any] | None:
    """Lines from pool to kept, whether they add up, and the picture of them."""
    rows = look("rows") or {}
    if rows.get("pool") is None or rows.get("kept") is None:
        return None
    lost = {key: rows[key] or 0 for key in LOST if key in rows}
    eligible = rows["pool"] - sum(lost.values()) if rows.get("eligible") is None else rows["eligible"]
    left = eligible - rows["kept"]
    parts = [("kept", rows["kept"]), ("left", left), *((key, lost[key]) for key in reversed(lost))]
    gap = rows["pool"] - sum(lost.values()) - eligible
    whole = rows["pool"] > 0 and min(n for _, n in parts) >= 0
    picture = charts.dots(
        parts,
        f"{amount(rows['kept'])} of {amount(rows['pool'])} kept, drawn as dots",
        f"Filled dots stand for the {plural(2, noun)} kept, grey ones for those that were not.",
    )
    return {"lost": lost, "left": left, "gap": gap, "eligible": eligible} | {
        "dots": picture if whole else None,
        "each": max(1, rows["pool"] / charts.MOST_DOTS),
    }


def _groups(look: Callable[[str], Any]) -> dict[str, Any] | None:
    """Shares of each group in pool, selection and target, largest share kept first."""
    source = look("summary.groups.rows")
    if not source:
        return None
    others = look("summary.groups.others")
    entries = [(f"summary.groups.rows.{i}", row) for i, row in enumerate(source)]
    entries += [("summary.groups.others", others)] if others else []
    keys = ("pool", "kept", "target")
    total = {key: sum(entry.get(key) or 0 for _, entry in entries) for key in keys}
    rows = []
    for path, entry in entries:
        row: dict[str, Any] = {key: _ratio(entry.get(key) or 0, total[key]) for key in keys}
        row |= {
            "path": path,
            "name": entry.get("group"),
            "groups": entry.get("groups"),
        }
        row["change"] = _ratio(row["kept"], row["pool"])
        rows.append(row)
    named, rest = rows[: len(source)], rows[len(source) :]
    named.sort(key=lambda row: (-row["kept"], -row["pool"]))
    fold = _SHOWN_GROUPS - 6 if len(named) > _SHOWN_GROUPS else len(named)
    most = max(named, key=lambda row: row["kept"] - row["pool"])
    chance = math.sqrt(_ratio(most["pool"] * (1 - most["pool"]), total["kept"]))
    return {
        "column": look("summary.groups.column"),
        "rows": named[:fold] + rest,
        "more": named[fold:],
        "target": total["target"] > 0,
        "top": max(max(row[key] for key in keys) for row in rows),
        "most": most if most["kept"] - most["pool"] > max(0.005, 3 * chance) else None,
        "alone": len(rows) == 1,
        "kept": total["kept"],
    }


def _lengths(look: Callable[[str], Any], noun: str) -> dict[str, Any] | None:
    """The outlines of lengths and how the medians compare."""
    lengths = look("summary.lengths") or {}
    edges = lengths.get("edges")
    keys = [key for key in ("pool", "kept", "target") if lengths.get(key) and sum(lengths[key])]
    if not edges or len(edges) < 2 or not keys:
        return None
    median = lengths.get("median") or {}
    words = ", ".join(f"median {k} {amount(median[k])}" for k in keys if median.get(k) is not None)
    series = [(key, f"summary.lengths.{key}", lengths[key]) for key in keys]
    title = f"Length of the {plural(2, noun)} in {lengths.get('unit')}"
    return {
        "unit": lengths.get("unit"),
        "keys": keys,
        "edges": edges,
        "chart": charts.outlines(series, edges, title, f"Outlines of {listing(keys)}; {words}."),
        "ratio": _ratio(median.get("kept") or 0, median.get("pool") or 0),
    }


def _gains(look: Callable[[str], Any], noun: str) -> dict[str, Any] | None:
    """What each row added when a greedy took it: the line, and which share of all the first ones have."""
    found = look("summary.gains") or {}
    taken, gains = found.get("taken"), found.get("gains")
    if not taken or not gains:
        return None
    value = look("objective.value")
    chart, log = None, False
    if len(taken) > 1:
        title = f"What each of the {plural(2, noun)} added when it was taken"
        desc = f"A line from a gain of {amount(gains[0])} for the first to {amount(gains[-1])} for the last."
        at, heights = ("summary.gains.taken", taken), ("summary.gains.gains", gains)
        chart, log = charts.line(at, heights, title, desc)
    adds_up = value is not None and value > 0 and not found.get("below_zero")
    first = [
        {"path": f"summary.gains.first.{i}", "rows": one["rows"], "share": one["gain"] / value if adds_up else None}
        for i, one in enumerate(found.get("first") or [])
        if value is not None
    ]
    return {
        "chart": chart,
        "log": log,
        "cut_off": log and min(gains) < 1e-6 * max(gains),
        "points": list(zip(taken, gains, strict=True)),
        "first": first,
        "adds_up": adds_up,
        "below_zero": found.get("below_zero"),
        "in_parts": (look("objective.stages") or {}).get("merged") is False,
    }


_BOUNDS = {"1 - 1/e": 1 - 1 / math.e, "1/2": 0.5, "(1 - 1/e) / 2": (1 - 1 / math.e) / 2}


def _bound(look: Callable[[str], Any]) -> dict[str, Any] | None:
    """The share of the best set's value that is certain, rounded down, and whether that is so in the mean alone."""
    text = look("objective.bound")
    if not text or (look("summary.gains.below_zero") or 0) > 0:
        return None
    said = str(text).partition(" of the best set")[0]
    less = re.fullmatch(r"1 - 1/e - (\d[\d.]*(?:e-\d+)?)", said)  # of a greedy that looks at samples
    part = max(0.0, _BOUNDS["1 - 1/e"] - float(less[1])) if less else _BOUNDS.get(said)
    return {"text": text, "share": part, "in_mean": "in the mean" in str(text)}


def _scores(look: Callable[[str], Any], noun: str) -> list[dict[str, Any]]:
    """A histogram for each target's score, with what its line separates."""
    found = []
    for i, one in enumerate(look("summary.scores") or []):
        edges, eligible, kept = one.get("edges"), one.get("eligible") or [], one.get("kept") or []
        if not edges or len(edges) < 2 or not sum(eligible):
            continue
        cut, path = one.get("cut"), f"summary.scores.{i}"
        series = [("pool", f"{path}.eligible", eligible), ("kept", f"{path}.kept", kept)]
        title = f"Scores of the eligible {plural(2, noun)}"
        desc = f"{amount(sum(kept))} of {amount(sum(eligible))} kept" + (f", cut at {amount(cut)}." if cut else ".")
        chart, log = charts.histogram(series, edges, cut, title, desc)
        held = [(lo, hi) for k, lo, hi in zip(kept, edges, edges[1:], strict=False) if k and lo < hi]
        sides = cut is not None and any(hi <= cut for _, hi in held) and any(lo >= cut for lo, _ in held)
        found.append(
            {"path": path, "target": one.get("target"), "cut": cut, "chart": chart, "log": log, "sides": sides}
            | dict(one)
        )
    return found


def _texts(look: Callable[[str], Any]) -> dict[str, Any] | None:
    """What KL reduction and diversity have to show, and the scales of their bars."""
    text = look("summary.text") or {}
    moves = [
        (f"summary.text.targets.{i}", one)
        for i, one in enumerate(text.get("targets") or [])
        if one.get("kl_pool") is not None and one.get("kl_kept") is not None
    ]
    spread = [
        (key, v) for key in ("pool", "kept", "target") if (v := (text.get("diversity") or {}).get(key)) is not None
    ]
    if not moves and not spread and text.get("kl_reduction") is None:
        return None
    return {
        "moves": moves,
        "top": max((max(one["kl_pool"], one["kl_kept"]) for _, one in moves), default=0),
        "spread": spread,
        "widest": max((v for _, v in spread), default=0),
    }


def _targets(look: Callable[[str], Any]) -> list[dict[str, Any]]:
    """Each target with the path of its file's record and of what was kept for it."""
    found: dict[Any, dict[str, Any]] = {}
    for key, paths in (("name", "targets"), ("target", "summary.targets")):
        for i, one in enumerate(look(paths) or []):
            found.setdefault(one.get(key), {"name": one.get(key)})["file" if key == "name" else "got"] = f"{paths}.{i}"
    return list(found.values())
