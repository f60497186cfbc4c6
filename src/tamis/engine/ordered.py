"""What orders are made of, and what is known of them: rows that cannot be chosen, needs left out, bounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.engine.plan import Plan
from tamis.engine.vectors import COLUMN, GUESSES
from tamis.vocabulary import Order, SetFunction


@dataclass
class Ordered:
    """What the orders of a run are made of: `priorities` a target, the method's `order`, or its set `function`.

    `rows` are those that a method sees which sees all at once; `size` is how many a method of scores admits.
    """

    priorities: list[NDArray[np.float64]] | None
    order: Order | None
    function: SetFunction | None
    rows: NDArray[np.int64]
    size: int = 0


def among(order: Order, eligible: NDArray[np.bool_]) -> Order:
    """An order without the rows that cannot be chosen, as those that one has already."""
    fits = eligible[order.rows]
    if fits.all():
        return order
    kept = [values[fits] if values is not None else None for values in (order.rows, order.gains, order.weights)]
    reasons = [order.reasons[place] for place in np.flatnonzero(fits)] if order.reasons else None
    size = int(np.count_nonzero(fits[: order.size])) if order.size is not None else None
    return Order(kept[0], kept[1], reasons, kept[2], size)  # type: ignore[arg-type]


def without_vectors(plan: Plan) -> str | None:
    """What to say where the method could use vectors, the request has something for them, and does not ask for them."""
    if COLUMN not in plan.method.optional or {COLUMN, "probs"} & set(plan.supplied):
        return None
    column = next((name for name in GUESSES if plan.pool.schema.get(name) == "list"), None)
    if "image" in plan.roles:
        fix = "--represent small-image or MODEL.onnx makes them of the images"
    elif column or ("start" in plan.method.needs and plan.start is not None):
        fix = f"--embedding {column or 'COLUMN'} brings them"
    else:
        return None
    return f"{plan.method.name} is given no vectors, and leaves out what it would do with them: {fix}"


def bound_of(plan: Plan, function: SetFunction) -> str | None:
    """How near to the best set the greedy is for certain: of monotone submodular functions."""
    if not function.submodular or not function.monotone:
        return None
    assert plan.budget is not None and plan.chooser is not None
    plain = not (plan.quota or plan.floor or plan.budget.is_cost)
    if function.divided:
        return "1 - 1/e of the best set that is divided alike" if plain and not plan.chooser.draws else None
    if plan.chooser.draws:
        return f"1 - 1/e - {plan.chooser_parameters['epsilon']:g} of the best set, in the mean" if plain else None
    if plan.budget.is_cost:
        return None if plan.quota or plan.floor else "(1 - 1/e) / 2 of the best set"
    return "1/2 of the best set" if plan.quota or plan.floor else "1 - 1/e of the best set"
