"""Where methods help and harm within the test set, and what they kept: rows for the report of a study."""

from collections.abc import Sequence

from tamis.report import curves
from tamis.report.evidence_parts import Record, Styles, plain, signed
from tamis.report.evidence_words import best_first, places
from tamis.report.words import listing, share

SHOWN_EFFECTS, MOST_EFFECTS = 8, 60
SHOWN_SHARES, MOST_SHARES = 8, 60
MOST_KEPT = 24
MOST_WITHOUT_TEXT = 2


def effect_tables(evidence: Record, styles: Styles) -> list[Record]:
    """Differences within parts of the test set, one table a kind of part and metric.

    Those whose interval leaves out 0 come first, then methods before baselines, then the larger ones.
    """
    kinds: dict[tuple[str, str], list[tuple[int, Record]]] = {}
    for i, one in enumerate(evidence.get("effects") or []):
        if one.get("difference") is not None:
            kinds.setdefault((str(one.get("kind")), str(one.get("metric"))), []).append((i, one))
    found: list[Record] = []
    for (kind, metric), members in kinds.items():
        ranked = sorted(
            members,
            key=lambda m: (not _apart(m[1]), styles[str(m[1].get("method"))].kind == "base", -abs(m[1]["difference"])),
        )
        shown, n = ranked[:MOST_EFFECTS], places(o for _, o in ranked)
        axis = curves.around_zero([(o.get("low"), o["difference"], o.get("high")) for _, o in shown])
        rows = [
            {"path": f"effects.{i}", "o": o, "signed": signed(n), "plain": plain(n)}
            | {
                "plot": curves.whiskers(
                    [(styles[str(o.get("method"))], o.get("low"), o["difference"], o.get("high"))], axis
                )
            }
            for i, o in shown
        ]
        apart = sum(_apart(o) for _, o in ranked)
        step = axis.places()
        found.append(
            {"kind": kind, "metric": metric, "rows": rows[:SHOWN_EFFECTS], "more": rows[SHOWN_EFFECTS:]}
            | {
                "all": len(ranked),
                "apart": apart,
                "chance": _by_chance(len(ranked)),
                "left": len(ranked) - len(shown),
                "zero": f"{axis.place(0):.2f}%",
            }
            | {"foot": curves.foot(axis, signed(step))}
        )
    return found


def _apart(effect: Record) -> bool:
    """Whether the interval leaves out 0."""
    return (effect.get("low") or 0) > 0 or (effect.get("high") or 0) < 0


def _by_chance(count: int) -> str:
    """How many of so many 95 % intervals leave out 0 by chance."""
    return (
        f"about {round(count / 20):,} of {count:,}"
        if count >= 20
        else f"about 1 in 20, so most likely none of {count},"
    )


def effects_title(tables: Sequence[Record]) -> str:
    """The heading over effects, from their kinds: "Classes", "Classes and groups"."""
    names = {"class": "classes", "group": "groups", "target": "targets"}
    text = listing(list(dict.fromkeys(names.get(str(t["kind"]), str(t["kind"])) for t in tables)))
    return text[:1].upper() + text[1:]


def kept_parts(evidence: Record, styles: Styles, lead: tuple[str, str] | None) -> Record | None:
    """What methods kept, the one that the answer is about first."""
    kept = [(f"kept.{i}", k) for i, k in enumerate(evidence.get("kept") or [])]
    if not kept:
        return None
    order = best_first(evidence)
    kept.sort(key=lambda one: order.get(str(one[1].get("method")), len(order)))
    kept.sort(key=lambda one: (one[1].get("method"), one[1].get("budget")) != lead)
    parts = [
        {"path": path, "k": one, "tables": _share_tables(path, one, styles), "examples": _examples(path, one)}
        for path, one in kept[:MOST_KEPT]
    ]
    return {"parts": parts, "left": len(kept) - len(parts)}


def _share_tables(path: str, kept: Record, styles: Styles) -> list[Record]:
    """One table a kind of part: the largest shifts, in an order that all methods share."""
    kind_style = styles[str(kept.get("method"))].kind
    members = list(enumerate(kept.get("shares") or []))
    top = max((s.get(side) or 0 for _, s in members for side in ("method", "random", "pool")), default=0)
    members.sort(key=lambda m: -abs((m[1].get("method") or 0) - (m[1].get("random") or 0)))
    kinds: dict[str, list[Record]] = {}
    for i, s in members:
        bars = curves.shares(kind_style, s.get("method") or 0, s.get("random") or 0, top, s.get("pool"))
        kinds.setdefault(str(s.get("kind")), []).append({"path": f"{path}.shares.{i}", "s": s, "bars": bars})
    return [
        {"kind": kind, "rows": sorted(rows[:SHOWN_SHARES], key=_fixed_order)}
        | {"more": sorted(rows[SHOWN_SHARES:MOST_SHARES], key=_fixed_order)}
        | {"pool": any(r["s"].get("pool") is not None for r in rows)}
        for kind, rows in kinds.items()
    ]


def _fixed_order(row: Record) -> tuple[float, str]:
    """By the share of the pool where it is known, then by name."""
    return -(row["s"].get("pool") or 0), str(row["s"].get("name"))


def _examples(path: str, kept: Record) -> list[Record]:
    """Rows as cards, a few only where there is no text, without an id or a row number that is said already."""
    examples = list(enumerate(kept.get("examples") or []))
    if not any(x.get("text") for _, x in examples):
        examples = examples[:MOST_WITHOUT_TEXT]
    found: list[Record] = []
    for i, x in examples:
        said = {part.rsplit(" ", 1)[-1] for part in str(x.get("says") or "").split(" · ")}
        name = None if x.get("id") in (None, "") else str(x["id"])
        numbered = x.get("row") is not None and not (name or "").endswith(str(x["row"]))
        found.append(
            {"path": f"{path}.examples.{i}", "x": x, "id": name is not None and name not in said}
            | {"row": numbered and str(x["row"]) not in said}
        )
    return found


def part(value: float | None) -> str:
    """A share as prose has it: "0.8 %"."""
    return share(value).replace("%", "\u00a0%")
