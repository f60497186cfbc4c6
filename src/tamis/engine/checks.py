"""What a plan checks before any row is read: needs and what supplies them, the budget, limits."""

import inspect
from typing import TYPE_CHECKING

from tamis import refusals
from tamis.budget import UNITS, Budget, said_shares
from tamis.engine.bindings import BOUND, MATRICES
from tamis.engine.ids import read_ids
from tamis.pool.base import missing_column
from tamis.pool.roles import ACCEPTS, flag_of, need_text, said_kind
from tamis.registry import nearest
from tamis.vocabulary import WORDS

if TYPE_CHECKING:
    from tamis.engine.plan import Plan
    from tamis.engine.request import Request
    from tamis.registry import Method

COLUMN_NEEDS = dict.fromkeys(("score", "cost", "mis_score", "loss", "reference_loss"), "numbers")
COLUMN_NEEDS |= {"label": "codes", "group": "codes"}
TEXT_NEEDS = {"text", "length"}
TARGET_NEEDS = {"target_text", "target_length", "target_embedding"}
OF_TEXTS = ("text", "length")  # what a method gets that scores while texts are read
OF_MODELS = tuple(word for word in MATRICES if word != "match")  # what nothing but --use brings
OF_BLOCKS = ("key", *COLUMN_NEEDS, "length", "embedding", *OF_MODELS)  # what one gets that scores rows afterwards
OF_ALL = (*OF_BLOCKS, *BOUND, "rng", "target", "target_length", "start", "mass", "count")  # what one gets that sees all


def check_schedule(method: "Method", request: "Request", training: bool) -> None:
    """Refuse a method that changes while a model trains where none will be, and limits, which shape a selection."""
    if method.kind != "Schedule":
        return
    if not training:
        raise refusals.SCHEDULE_NOT_SELECTED(method.name)
    for name in ("quota", "floor", "must_keep"):
        if getattr(request, name):
            raise refusals.SCHEDULE_WITHOUT_LIMITS(method.name, flag=f"--{name.replace('_', '-')}")


def check_needs(plan: "Plan", place: str) -> None:
    needs = plan.supplied
    _check_supply(plan)
    if not TEXT_NEEDS.isdisjoint(needs):
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)
    if "group" in needs and "group" not in plan.roles and "label" in plan.roles:
        plan.roles["group"] = plan.roles["label"]
    for need in needs:
        if need in COLUMN_NEEDS and need not in plan.roles:
            raise _need_without_column(plan, need, place)
        bound = need in plan.request.use or need in plan.measured
        if need in (*OF_MODELS, "tags", "tag_embedding", "balance") and not bound:
            raise refusals.NEED_NOT_BOUND(plan.method.name, need=need, supply=WORDS[need].supply)
    if (plan.method.kind == "Match" or not TARGET_NEEDS.isdisjoint(needs)) and not plan.request.target:
        raise refusals.TARGET_NEEDED(plan.method.name)
    if "conditional_loss" in plan.roles:
        file = plan.bindings.files.get("conditional_loss")
        width = file.open().shape[1] if file else getattr(plan.pool.derived["conditional_loss"], "width", 0)
        if width != len(plan.request.target):
            where, targets = f"--use conditional_loss={plan.request.use['conditional_loss']}", len(plan.request.target)
            raise refusals.MODELS_FOR_TARGETS(where, found=width, targets=targets)


def _need_without_column(plan: "Plan", need: str, place: str) -> Exception:
    """The refusal of a need whose column is not said: it lists the columns that could be meant."""
    columns = ", ".join(name for name, kind in plan.pool.schema.items() if kind in (*ACCEPTS[need], "null"))
    if columns:
        return refusals.NEED_WITHOUT_COLUMN(plan.method.name, need=need, flag=flag_of(need), columns=columns)
    accepted = " or ".join(ACCEPTS[need])
    return refusals.NEED_WITHOUT_ANY_COLUMN(plan.method.name, need=need, place=place, accepted=accepted)


def _check_supply(plan: "Plan") -> None:
    """Refuse an argument of the method that nothing supplies for its kind of work."""
    method = plan.method
    if method.fit and not plan.has_scores:
        raise refusals.FIT_OF_ORDER(method.name, kind="an Order" if method.kind == "Order" else "a Schedule")
    known = OF_TEXTS if plan.reads_text_to_score else OF_BLOCKS if plan.scores_blocks else OF_ALL
    known = (*known, "state") if method.fit else known
    known = (*known, "points") if "points" in method.optional else known
    for name, argument in inspect.signature(method.function).parameters.items():
        if name not in known and argument.kind is not argument.KEYWORD_ONLY:
            kind = f"a method of kind {method.kind}" + (" that reads texts" if plan.reads_text_to_score else "")
            raise refusals.NEED_NOT_SUPPLIED(method.name, need=name, kind=kind, known=", ".join(dict.fromkeys(known)))


def check_budget(plan: "Plan", budget: Budget, place: str) -> None:
    schema = plan.pool.schema
    if budget.is_auto and not plan.method.own_size:
        raise refusals.BUDGET_AUTO(budget.place, method=plan.method.name)
    if budget.is_auto and (plan.quota or plan.floor):
        raise refusals.BUDGET_AUTO_DIVIDED(budget.place)
    if budget.is_cost and plan.method.kind == "Schedule":
        raise refusals.SCHEDULE_OF_COST(plan.method.name, budget=budget.asked, unit=budget.unit)
    if budget.is_cost and budget.unit not in UNITS:
        if budget.unit not in schema:
            near = nearest(budget.unit, dict.fromkeys([*UNITS, *schema]))
            raise refusals.BUDGET_UNIT_UNKNOWN(
                budget.place, unit=budget.unit, near=near, place=place, columns=_numeric(schema)
            )
        if schema[budget.unit] not in ("integer", "number", "null"):
            kind = said_kind(budget.unit, schema, plan.pool.mixed)
            raise refusals.BUDGET_UNIT_NOT_NUMBERS(
                budget.place, name=budget.unit, kind=kind, place=place, columns=_numeric(schema)
            )
    if budget.unit in UNITS:
        plan.roles["text"] = need_text(schema, plan.roles, place)
    if not budget.is_cost and plan.pool.rows is not None:
        budget.rows(plan.pool.rows)


def check_limits(plan: "Plan", place: str) -> None:
    schema = plan.pool.schema
    for flag, shares in (("--quota", plan.quota), ("--floor", plan.floor)):
        for share in shares[:1]:
            if share.column not in schema:
                raise missing_column(share.column, schema, place, flag)
            if schema[share.column] == "mixed":
                kind = said_kind(share.column, schema, plan.pool.mixed)
                where = said_shares(flag, shares)
                raise refusals.SHARES_OF_MIXED_COLUMN(where, name=share.column, place=place, kind=kind)
    if plan.quota and plan.floor and plan.quota[0].column != plan.floor[0].column:
        raise refusals.QUOTA_AND_FLOOR_APART(
            f"--quota on {plan.quota[0].column!r} and --floor on {plan.floor[0].column!r}"
        )
    for flag, ids in (("--must-keep", plan.request.must_keep), ("--exclude", plan.request.exclude)):
        if ids and "id" not in plan.roles:
            raise refusals.IDS_WITHOUT_COLUMN(flag, place=place)
        if ids:
            read_ids(ids, flag)


def _numeric(schema: dict[str, str]) -> str:
    return ", ".join(name for name, kind in schema.items() if kind in ("integer", "number")) or "none"
