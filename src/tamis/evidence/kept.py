"""What each method kept that random did not: shares of classes and groups, lengths, and examples."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.evidence.controls import Results

if TYPE_CHECKING:
    from tamis.evidence.bench import Bench

EXAMPLES = 4
LONGEST = 600  # characters of a text
SHOWN = 4  # columns of an example without text
MOST_PARTS = 30
Rows = NDArray[np.int64]


def kept(bench: "Bench", found: Results) -> list[dict[str, Any]]:
    """For each method and budget, beside random's selections of the same seeds."""
    made = []
    for one in bench.plan.contenders:
        if one.role == "reference":
            continue
        for budget in bench.plan.budgets:
            mine, random = (kept_rows(bench, found.get((name, budget.asked), [])) for name in (one.name, "random"))
            both = sorted(set(mine) & set(random))
            if both:
                pairs = [(mine[seed], random[seed]) for seed in both]
                made.append({"method": one.name, "budget": budget.asked} | _compared(bench, one.name, pairs))
    return made


def kept_rows(bench: "Bench", results: list[dict[str, Any]]) -> dict[int, Rows]:
    """The rows that were kept, by seed."""
    return {one["seed"]: np.load(bench.cells_folder / f"{one['key']}.npy", allow_pickle=False) for one in results}


def _compared(bench: "Bench", method: str, pairs: list[tuple[Rows, Rows]]) -> dict[str, Any]:
    pool = bench.material["pool"]
    shared = [len(np.intersect1d(a, b)) / max(len(a), 1) for a, b in pairs]
    every = [np.concatenate(side) for side in zip(*pairs, strict=True)]
    shares: list[dict[str, Any]] = []
    names = {"class": ("labels", bench.material.classes), "group": ("groups", bench.material.groups)}
    for kind, (what, known) in names.items():
        codes = pool.array(what)
        if codes is not None and len(known) > 1:
            shares += _shares(kind, known, [np.asarray(codes)[rows] for rows in every], np.asarray(codes))
    lengths = None
    if bench.material.text is not None:
        column = pc.utf8_length(pool.table[bench.material.text]).fill_null(0).to_numpy()
        lengths = [float(np.median(column[rows])) for rows in every]
    return {
        "shared_with_random": float(np.mean(shared)),
        "shared_by_chance": float(np.mean([len(b) for _, b in pairs])) / max(len(bench.job.data(0)[0]), 1),
        "shares": shares,
        "median_length": lengths,
        "examples": _examples(bench, method, pairs) if bench.plan.study.examples else [],
    }


def _shares(kind: str, names: list[str], codes: list[Rows], pool: Rows) -> list[dict[str, Any]]:
    """The share of each part in both and in the pool, the largest shift first."""
    mine, random, whole = (np.bincount(found, minlength=len(names)) / max(len(found), 1) for found in (*codes, pool))
    order = np.argsort(-np.abs(mine - random), kind="stable")[:MOST_PARTS]
    return [
        {"kind": kind, "name": names[i], "method": float(mine[i]), "random": float(random[i]), "pool": float(whole[i])}
        for i in order
    ]


def _examples(bench: "Bench", method: str, pairs: list[tuple[Rows, Rows]]) -> list[dict[str, Any]]:
    """Rows that the method keeps most often and random never, the best ranked first."""
    mine, random = ([side[i] for side in pairs] for i in (0, 1))
    rows, first, counts = np.unique(np.concatenate(mine), return_index=True, return_counts=True)
    alone = ~np.isin(rows, np.concatenate(random))
    order = np.lexsort((first[alone], -counts[alone]))[:EXAMPLES]
    table = bench.material["pool"].table
    roles = {name: role.column for name, role in bench.plan.roles.items()}
    found = []
    for row, count in zip(rows[alone][order].tolist(), counts[alone][order].tolist(), strict=True):
        text = bench.material.text
        said = table[text][row].as_py() if text else None
        ident = table[roles["id"]][row].as_py() if "id" in roles else None
        found.append(
            {"row": row, "id": ident, "text": said[:LONGEST] if said else None, "says": _says(bench, method, row),
             "kept_in": count}
        )  # fmt: skip
    return found


def _says(bench: "Bench", method: str, row: int) -> str:
    """Class, group and the columns that the method read, else the first few columns."""
    table, roles = bench.material["pool"].table, bench.plan.roles
    own = next(one for one in bench.plan.contenders if one.name == method).plan.roles
    names = [roles[role].column for role in ("label", "group") if role in roles]
    names += [own[role].column for role in ("score", "cost") if role in own]
    rest = [] if bench.material.text else [n for n in table.column_names if not n.startswith("tamis:")]
    names = list(dict.fromkeys([*names, *rest]))[: max(SHOWN, len(names))]
    return " · ".join(f"{name} {_value(table[name][row].as_py())}" for name in names if name in table.column_names)


def _value(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
