"""Choose: from orders of rows to the kept ones, under budget and limits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.budget import Share, said_shares
from tamis.engine.frame import Frame
from tamis.engine.plan import Plan
from tamis.engine.setwise import Growing
from tamis.limits import Blocks, Limits, Taken, walk, walk_targets
from tamis.ops.apportion import divide
from tamis.registry import nearest
from tamis.vocabulary import Order

Rows = NDArray[np.int64]
NO_ROWS = np.empty(0, np.int64)
BOUNDS = ("low", "high", "min_tokens")  # parameters that say which rows may be chosen at all


@dataclass
class Choice:
    """The kept rows, best first: for which target, from which place of its order, and by which rule.

    `order` is the method's own, if it makes one; there the place of a row is -1 where it stands outside the order.
    """

    rows: Rows
    target: Rows
    place: Rows
    rule: NDArray[np.int8]
    limit: float
    spent: float
    shares: list[dict[str, Any]] = field(default_factory=list)
    target_shares: NDArray[np.float64] | None = None
    order: Order | None = None

    def of_order(self, values: NDArray[Any] | None) -> NDArray[Any] | None:
        """The value of each kept row, of values beside the rows of `order`; NaN where a row stands outside it."""
        if values is None or self.order is None:
            return None
        return np.where(self.place < 0, np.nan, values[self.place]) if len(values) else np.full(len(self.rows), np.nan)


BY_ORDER, BY_FLOOR, BY_MUST = 0, 1, 2


def weights_of(choice: Choice) -> NDArray[np.float32]:
    """The weight of each kept row; 1 where the method defines none, and for a row outside its order."""
    found = choice.of_order(choice.order.weights) if choice.order is not None else None
    if found is None:
        return np.ones(len(choice.rows), np.float32)
    return np.where(np.isnan(found), 1.0, found).astype(np.float32)


def choose(
    plan: Plan, frame: Frame, eligible: NDArray[np.bool_], must: Rows, orders: Sequence[Blocks] | Growing,
    order: Order | None = None, size: int = 0,
) -> Choice:  # fmt: skip
    """Take rows in their order, one order a target, as budget and limits allow; `must` come first.

    `order` is the one that the method made, if it made one, `size` how many rows the method itself would keep.
    """
    cost = cost_column(plan, frame)
    limit = max(size, len(must)) if plan.budget and plan.budget.is_auto else limit_of(plan, eligible, cost)
    limits, quotas = _limits(plan, frame, limit, cost)
    if len(must) and (over := limits.charge(must)) > 0:
        raise refusals.MUST_KEEP_OVER_BUDGET("--must-keep", over=over)
    if isinstance(orders, Growing):
        return _grown(plan, frame, limit, limits, must, orders, quotas)
    targets = _target_parts(plan, limit - float(limits.costs(must).sum()))
    takes = [(BY_MUST, Taken(must, np.full(len(must), -1), np.arange(len(must))))]
    floors = _take_floors(plan, frame, limit, limits, orders, targets, must, takes)
    takes.append((BY_ORDER, _serve(orders, _rest(targets, takes, limits), limits, _gone(takes))))
    if plan.request.borrow:
        limits.pool(limit - float(limits.costs(_gone(takes)).sum()))  # the sum of the bins' rests would be less exact
        takes.append((BY_ORDER, _serve(orders, targets, limits, _gone(takes))))
    choice = _ordered(takes, len(orders))
    choice.limit = limit
    choice.target_shares = targets
    choice.order = order
    if order is not None and len(must):
        choice.place[choice.rule == BY_MUST] = _places(order.rows, choice.rows[choice.rule == BY_MUST])
    if not len(choice.rows) and not any(len(block) for one in orders for block in one()):
        raise _none_admitted(plan, int(np.count_nonzero(eligible)))
    return _settled(plan, frame, choice, limits, quotas | floors)


def _grown(
    plan: Plan, frame: Frame, limit: float, limits: Limits, must: Rows, growing: Growing,
    quotas: dict[tuple[str, str], float],
) -> Choice:  # fmt: skip
    """The choice of a greedy, which sees the limits while it takes rows."""
    growing.keep(must)
    due = _floors(plan, limit, limits.cost is None) if plan.floor else {}
    least = _least(plan, frame, due, limits.cost) if plan.floor else None
    if least is not None:
        least.charge(must)
    takes = [(BY_MUST, Taken(must, np.full(len(must), -1), np.arange(len(must))))]
    takes.append((BY_ORDER, growing.walk(limits, least)))
    if plan.request.borrow and plan.quota:
        limits.pool(limit - float(limits.costs(_gone(takes)).sum()))
        takes.append((BY_ORDER, growing.walk(limits)))
    choice = _ordered(takes, 1)
    choice.limit, choice.order = limit, growing.order()
    choice.target_shares = np.array([limit])
    return _settled(plan, frame, choice, limits, quotas | due)


def limits_of(plan: Plan, frame: Frame, limit: float, cost: NDArray[np.float64] | None) -> tuple[Limits, Limits | None]:
    """The limits, and what floors ask for at least."""
    limits, _ = _limits(plan, frame, limit, cost)
    return limits, _least(plan, frame, _floors(plan, limit, cost is None), cost) if plan.floor else None


def _least(plan: Plan, frame: Frame, due: dict[tuple[str, str], float], cost: NDArray[np.float64] | None) -> Limits:
    """What the groups with floors are due, bin 0 being all others."""
    bins = _bins(plan.floor, frame, said_shares("--floor", plan.floor))
    return Limits(np.array([0.0, *due.values()]), cost, bins, plan.request.fill)


def _settled(plan: Plan, frame: Frame, choice: Choice, limits: Limits, due: dict[tuple[str, str], float]) -> Choice:
    """A choice with what it spent, as a whole and on each group with a quota or floor."""
    choice.spent = float(limits.costs(choice.rows).sum())
    choice.shares = _spent_shares(plan, frame, choice, limits, due)
    if not len(choice.rows):
        raise refusals.BUDGET_BELOW_ANY_ROW(f"budget {plan.request.budget!r}")
    return choice


def _places(order: Rows, rows: Rows) -> Rows:
    """The place of each of `rows` in an order, -1 where it is not in it."""
    by_row = np.argsort(order, kind="stable")
    at = np.minimum(np.searchsorted(order, rows, sorter=by_row), max(len(order) - 1, 0))
    found = by_row[at] if len(order) else np.zeros(len(rows), np.int64)
    return np.where(order[found] == rows, found, -1) if len(order) else np.full(len(rows), -1)


def _none_admitted(plan: Plan, eligible: int) -> Exception:
    known = {**plan.parameters, **plan.chooser_parameters}
    names = " or ".join(name for name in BOUNDS if known.get(name) is not None) or "its parameters"
    return refusals.METHOD_ADMITS_NONE(plan.method.name, eligible=eligible, names=names)


def cost_column(plan: Plan, frame: Frame) -> NDArray[np.float64] | None:
    """What each row costs in the unit of the budget; None when it is 1. Refuses costs below 0."""
    assert plan.budget is not None
    if not plan.budget.is_cost:
        return None
    unit = {"tokens": "tokens", "chars": "length", "bytes": "bytes"}.get(plan.budget.unit)
    cost = frame.column(unit or f"number:{plan.budget.unit}", np.float64)
    if len(cost) and cost.min() < 0:
        row = int(np.argmin(cost))
        raise refusals.COST_NEGATIVE(frame.where(row), name=plan.budget.unit, value=cost[row])
    return cost


def limit_of(plan: Plan, eligible: NDArray[np.bool_], cost: NDArray[np.float64] | None) -> float:
    """What may be spent, in rows or in the unit of the cost; refuses more than the eligible rows have."""
    assert plan.budget is not None
    if cost is None:
        return float(plan.budget.rows(int(np.count_nonzero(eligible))))
    total, amount = float(np.sum(cost, where=eligible)), float(plan.budget.amount)
    if amount > total:
        raise refusals.BUDGET_OVER_COST(plan.budget.place, total=total, unit=plan.budget.unit)
    return amount


def _limits(
    plan: Plan, frame: Frame, limit: float, cost: NDArray[np.float64] | None
) -> tuple[Limits, dict[tuple[str, str], float]]:
    """The limits, and what each group with a quota is due."""
    if not plan.quota:
        return Limits(np.array([limit]), cost, fill=plan.request.fill), {}
    amounts = [float(share.of(Fraction(limit))) for share in plan.quota]
    rest = limit - sum(amounts)
    if rest < -1e-9 * limit:
        raise refusals.SHARES_OVER_BUDGET(said_shares("--quota", plan.quota), asked=sum(amounts), limit=limit)
    if cost is None and rest > 1e-9 * limit:
        amounts = divide(int(limit), np.array([*amounts, rest]))[:-1].astype(float).tolist()
    elif cost is None:
        amounts = divide(int(limit), np.array(amounts)).astype(float).tolist()
    bins = _bins(plan.quota, frame, said_shares("--quota", plan.quota))
    left = np.array([limit - sum(amounts), *amounts])
    due = {(share.column, share.group): amount for share, amount in zip(plan.quota, amounts, strict=True)}
    return Limits(left, cost, bins, plan.request.fill), due


def _bins(shares: list[Share], frame: Frame, place: str) -> NDArray[np.int64]:
    """For each row 1, 2, … for the group of the first, second, … share, 0 for all others."""
    column = shares[0].column
    codes = frame.codes(column)
    names = {name: code for code, name in enumerate(frame.names[column])}
    lookup = np.zeros(len(names), np.int64)
    for index, share in enumerate(shares, 1):
        if share.group not in names:
            near, known = nearest(share.group, names), ", ".join([*list(names)[:10], *["…"][: len(names) > 10]])
            raise refusals.GROUP_MISSING(place, column=column, group=share.group, near=near, groups=known)
        lookup[names[share.group]] = index
    return lookup[codes]


def _take_floors(
    plan: Plan, frame: Frame, limit: float, limits: Limits, orders: Sequence[Blocks],
    targets: NDArray[np.float64], must: Rows, takes: list[tuple[int, Taken]],
) -> dict[tuple[str, str], float]:  # fmt: skip
    """Take what the floors ask for first, so that the rest of the budget cannot use it up."""
    if not plan.floor:
        return {}
    due = _floors(plan, limit, limits.cost is None)
    least = _least(plan, frame, due, limits.cost)
    bins = least.bins(np.arange(frame.rows))
    least.charge(must)
    least.closed |= np.arange(len(due) + 1) == 0
    found = _serve(orders, targets, least, must)
    fits = limits.take(found.rows)
    takes.append((BY_FLOOR, Taken(*(column[fits] for column in found))))
    if not plan.request.borrow:
        for index in range(1, len(due) + 1):  # a group that ran out of rows leaves its part unspent
            if not least.closed[index]:
                limits.left[limits.bins(np.flatnonzero(bins == index)[:1])] -= least.left[index]
        limits.closed |= limits.left <= 0
    return due


def _floors(plan: Plan, limit: float, whole: bool) -> dict[tuple[str, str], float]:
    """What each group with a floor is due at least; whole rows are rounded up where the budget has room for that."""
    exact = [share.of(Fraction(limit)) for share in plan.floor]
    if sum(exact) > limit:
        place = said_shares("--floor", plan.floor)
        raise refusals.SHARES_OVER_BUDGET(place, asked=float(sum(exact)), limit=limit)
    amounts = [float(-(-amount // 1) if whole else amount) for amount in exact]
    if sum(amounts) > limit:
        rest = Fraction(limit) - sum(exact)
        amounts = divide(int(limit), np.array([*exact, rest], np.float64))[:-1].astype(float).tolist()
    return {(share.column, share.group): amount for share, amount in zip(plan.floor, amounts, strict=True)}


def _target_parts(plan: Plan, amount: float) -> NDArray[np.float64]:
    """What each target may spend of an amount: equal parts, or as `--set shares=…` says."""
    count = max(1, len(plan.targets)) if plan.method.kind == "Match" else 1
    weights = np.ones(count) if plan.shares == "equal" else np.asarray(plan.shares, float)
    assert plan.budget is not None
    return amount * weights / weights.sum() if plan.budget.is_cost else divide(int(amount), weights).astype(float)


def _rest(shares: NDArray[np.float64], takes: list[tuple[int, Taken]], limits: Limits) -> NDArray[np.float64]:
    """What each target may still spend after what was taken for it."""
    spent = np.zeros(len(shares))
    for _, taken in takes:
        own = taken.target >= 0
        np.add.at(spent, taken.target[own], limits.costs(taken.rows[own]))
    return np.maximum(shares - spent, 0.0)


def _serve(orders: Sequence[Blocks], shares: NDArray[np.float64], limits: Limits, gone: Rows) -> Taken:
    return walk(orders[0], limits, gone) if len(orders) == 1 else walk_targets(orders, shares, limits, gone)


def _gone(takes: list[tuple[int, Taken]]) -> Rows:
    return np.concatenate([NO_ROWS, *(taken.rows for _, taken in takes)])


def _ordered(takes: list[tuple[int, Taken]], orders: int) -> Choice:
    """Must-keep first, then by place when there is one order, as they were served when there are several."""
    rows, target, place = (np.concatenate([taken[i] for _, taken in takes]) for i in range(3))
    rule = np.concatenate([np.full(len(taken.rows), code, np.int8) for code, taken in takes])
    by_place = place if orders == 1 else np.arange(len(rows))
    order = np.lexsort((by_place, rule != BY_MUST))
    return Choice(rows[order], target[order], place[order], rule[order], 0.0, 0.0)


def _spent_shares(
    plan: Plan, frame: Frame, choice: Choice, limits: Limits, due: dict[tuple[str, str], float]
) -> list[dict[str, Any]]:
    """What each group with a quota or floor asked for, got, and was short of."""
    found = []
    for (column, group), asked in due.items():
        mine = frame.codes(column)[choice.rows] == frame.names[column].index(group)
        spent = float(limits.costs(choice.rows[mine]).sum())
        short = max(0.0, asked - spent)
        found.append({"column": column, "group": group, "asked": asked, "spent": spent, "shortage": short})
    return found
