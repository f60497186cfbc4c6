"""The plan: everything a request needs, found and checked before any row is read."""

import inspect
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.budget import UNITS, Budget, Share, check_shares, parse_several, parse_shares, said_shares
from tamis.engine.ids import read_ids
from tamis.engine.request import ROLES, Request
from tamis.engine.tokens import load_tokenizer
from tamis.engine.vectors import VectorFile, find_vectors
from tamis.engine.within import chosen_rows
from tamis.ops.choosers import CHOOSERS, Chooser
from tamis.pool import Pool, open_pool
from tamis.pool.base import digest, missing_column
from tamis.pool.images import COLUMN as IMAGE
from tamis.pool.images import find_images
from tamis.pool.made_text import derive_text, find_text, template_of
from tamis.pool.roles import ACCEPTS, Role, find_roles, mixed_notes, need_text, said_kind
from tamis.pool.storage import base_name, stamp
from tamis.pool.template import Template
from tamis.registry import Method, coerce, find, nearest, parameter_unknown

COLUMN_NEEDS = {"score": "numbers", "cost": "numbers", "label": "codes", "group": "codes"}
TEXT_NEEDS = {"text", "length"}
TARGET_NEEDS = {"target_text", "target_length"}
OF_TEXTS = ("text", "length")  # what a method gets that scores while texts are read
OF_ROWS = ("key", "score", "cost", "label", "group", "length", "embedding")  # what one gets that scores afterwards
OF_ORDERS = (*OF_ROWS, "rng", "target_length")


@dataclass
class Target:
    """A sample of what is wanted."""

    name: str
    pool: Pool
    text: str


@dataclass
class Plan:
    """What will be done. `columns` says what one pass over the pool must bring: see `tamis.engine.tasks.scan`."""

    request: Request
    method: Method
    parameters: dict[str, Any]
    chooser: Chooser | None
    chooser_parameters: dict[str, Any]
    pool: Pool
    targets: list[Target]
    roles: dict[str, Role]
    budgets: list[Budget]
    quota: list[Share]
    floor: list[Share]
    columns: dict[str, Any]
    shares: Any = "equal"
    notes: list[str] = field(default_factory=list)
    verb: str = "select"
    vectors: VectorFile | None = None

    @property
    def budget(self) -> Budget | None:
        """The only budget, or the first of several; None when rows are only scored."""
        return self.budgets[0] if self.budgets else None

    @cached_property
    def asked(self) -> dict[str, dict[str, Any]]:
        """The request, and stamps of all files that it names, by which a finished folder is known again."""
        request = self.request
        named = {"the tokenizer": request.tokenizer, "the method": self.method_name.rpartition(":")[0]}
        named |= {
            f"--{n.replace('_', '-')}": text[1:]
            for n in ("must_keep", "exclude")
            if isinstance(text := getattr(request, n), str) and text.startswith("@")
        }
        inputs = {"the pool": self.pool.fingerprint}
        if request.within:
            inputs["the earlier selection"] = digest(chosen_rows(request.within))
        if self.vectors:
            inputs["the embedding"] = stamp(self.vectors.path)
        inputs |= {f"the target {target.name}": target.pool.fingerprint for target in self.targets}
        inputs |= {
            what: digest(Path(path).read_bytes()) for what, path in named.items() if path and Path(path).is_file()
        }
        return {"request": request.identity(), "inputs": inputs}

    @property
    def method_name(self) -> str:
        """The name by which a worker finds the method."""
        name, colon, _ = self.request.method.partition(":")
        return name if colon and name in ("top", "bottom") else self.request.method

    @property
    def has_scores(self) -> bool:
        """Whether the method gives numbers rather than an order."""
        return self.method.kind != "Order"

    @property
    def reads_text(self) -> bool:
        """Whether the method cannot judge a row that has no text."""
        return bool(TEXT_NEEDS & set(self.method.needs)) or self.method.fit is not None

    @property
    def reads_text_to_score(self) -> bool:
        """Whether scoring needs a second pass over the texts."""
        return self.has_scores and ("text" in self.method.needs or self.method.fit is not None)

    @property
    def measures_text(self) -> bool:
        """Whether n-gram counts of pool, target and selection are compared."""
        return bool(self.targets) and self.columns["text"] is not None

    @property
    def group_column(self) -> str | None:
        """The column whose composition the report shows."""
        shares = [*self.quota, *self.floor]
        if shares:
            return shares[0].column
        role = self.roles.get("group") or self.roles.get("label")
        return role.column if role else None


def make_plan(request: Request, source: Any = None, targets: Any = None) -> Plan:
    """Check `request` against the pool's files and the registry; raises `Refused` for all that can be known now.

    `source` and `targets` stand in for the request's paths when the pool is in memory.
    """
    method, given = _method(request)
    vectors = given.pop("embedding")
    pool = open_pool(source if source is not None else request.pool)
    place = "the pool" if source is not None else " ".join(request.pool)
    roles = find_roles(pool.schema, given, place, pool.mixed)
    find_images(pool, roles, place)
    find_text(pool, roles, request.template, given["text"], place)
    asked = parse_several(request.budget) if request.budget is not None else []
    quota, floor = _shares("--quota", request.quota), _shares("--floor", request.floor)
    chooser, parameters, choosing, shares = _parameters(request, method)
    notes = [*pool.notes, *mixed_notes(pool.mixed, roles, place)]
    plan = Plan(
        request, method, parameters, chooser, choosing, pool, [], roles, asked, quota, floor, {}, shares, notes
    )
    needed = method.name if "embedding" in method.needs else ""
    plan.vectors = find_vectors(pool, roles, vectors, request.represent, needed)
    _check_needs(plan, place)
    for budget in plan.budgets:
        _check_budget(plan, budget, place)
    _check_limits(plan, place)
    plan.targets = _open_targets(plan, targets)
    plan.columns = _columns(plan)
    if plan.columns["tokens"] and request.tokenizer:
        load_tokenizer(request.tokenizer)
    return plan


def _method(request: Request) -> tuple[Method, dict[str, str | None]]:
    """The method, and the columns given for roles, those of `top:COLUMN` and `--use` included."""
    given: dict[str, str | None] = {role: getattr(request, role) for role in (*ROLES, "embedding")}
    for word, column in request.use.items():
        if word not in given:
            place, near = f"--use {word}={column}", nearest(word, given)
            raise refusals.ROLE_UNKNOWN(place, word=word, near=near, roles=", ".join(given))
        given[word] = column
    name, colon, column = request.method.partition(":")
    if colon and name in ("top", "bottom"):
        given["score"] = column
        return find(name), given
    return find(request.method), given


def _parameters(request: Request, method: Method) -> tuple[Chooser | None, dict[str, Any], dict[str, Any], Any]:
    """The chooser, and `--set` divided between the method, its chooser and the shares of several targets."""
    given = dict(request.set)
    shares = _target_shares(given.pop("shares", "equal"), len(request.target))
    if request.choose and not method.choose:
        raise refusals.CHOOSER_OF_ORDER(f"--choose {request.choose}", method=method.name)
    chooser: Chooser | None = CHOOSERS.get(request.choose or method.choose) if method.choose else None
    own = chooser.parameters if chooser else {}
    known = {**method.parameters, **own}
    for name in given:
        if name not in known:
            raise parameter_unknown(method.name, name, known)
    parameters = method.bind({name: value for name, value in given.items() if name in method.parameters})
    choosing = {name: p.default for name, p in own.items()} | {n: v for n, v in parameters.items() if n in own}
    choosing |= {n: coerce(own[n], v, method.name) for n, v in given.items() if n in own}
    if not choosing.get("temperature", 0) >= 0:
        place = f"temperature={choosing['temperature']}"
        raise refusals.PARAMETER_OUT_OF_RANGE(place, accepted="0 or above, where 0 takes the best, 1 draws by the odds")
    return chooser, parameters, choosing, shares


def _target_shares(value: Any, targets: int) -> Any:
    """`equal`, `tokens`, or one number a target."""
    if value in ("equal", "tokens"):
        return value
    numbers = value.split(",") if isinstance(value, str) else value
    try:
        shares = [float(number) for number in numbers]
    except (TypeError, ValueError):
        raise refusals.TARGET_SHARES_UNREADABLE(f"shares={value!r}") from None
    if len(shares) != targets or min(shares, default=-1) < 0 or sum(shares) <= 0:
        raise refusals.TARGET_SHARES_MISFIT(f"shares={value!r}", targets=targets)
    return shares


def _shares(flag: str, texts: list[str]) -> list[Share]:
    found = [share for text in texts for share in parse_shares(flag, text)]
    check_shares(flag, " ".join(texts), found)
    return found


def _check_needs(plan: Plan, place: str) -> None:
    needs = plan.method.needs
    _check_supply(plan)
    if not TEXT_NEEDS.isdisjoint(needs):
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)
    if "group" in needs and "group" not in plan.roles and "label" in plan.roles:
        plan.roles["group"] = plan.roles["label"]
    for need in needs:
        if need in COLUMN_NEEDS and need not in plan.roles:
            raise _need_without_column(plan, need, place)
    if not TARGET_NEEDS.isdisjoint(needs) and not plan.request.target:
        raise refusals.TARGET_NEEDED(plan.method.name)


def _need_without_column(plan: Plan, need: str, place: str) -> Exception:
    """The refusal of a need whose column is not said: it lists the columns that could be meant."""
    columns = ", ".join(name for name, kind in plan.pool.schema.items() if kind in (*ACCEPTS[need], "null"))
    if columns:
        return refusals.NEED_WITHOUT_COLUMN(plan.method.name, need=need, columns=columns)
    accepted = " or ".join(ACCEPTS[need])
    return refusals.NEED_WITHOUT_ANY_COLUMN(plan.method.name, need=need, place=place, accepted=accepted)


def _check_supply(plan: Plan) -> None:
    """Refuse an argument of the method that nothing supplies for its kind of work."""
    method = plan.method
    if method.fit and not plan.has_scores:
        raise refusals.FIT_OF_ORDER(method.name)
    known = OF_TEXTS if plan.reads_text_to_score else OF_ROWS if plan.has_scores else OF_ORDERS
    known = (*known, "state") if method.fit else known
    for name, argument in inspect.signature(method.function).parameters.items():
        if name not in known and argument.kind is not argument.KEYWORD_ONLY:
            kind = f"a method of kind {method.kind}" + (" that reads texts" if plan.reads_text_to_score else "")
            raise refusals.NEED_NOT_SUPPLIED(method.name, need=name, kind=kind, known=", ".join(known))


def _check_budget(plan: Plan, budget: Budget, place: str) -> None:
    schema = plan.pool.schema
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


def _check_limits(plan: Plan, place: str) -> None:
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


def _open_targets(plan: Plan, sources: Any) -> list[Target]:
    request = plan.request
    if not request.target:
        return []
    targets: list[Target] = []
    names: dict[str, int] = {}
    for index, path in enumerate(request.target):
        pool = open_pool(sources[index] if sources is not None else path, "target")
        name = base_name(path).split(".")[0] if sources is None else path
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        targets.append(Target(name, pool, _target_text(plan, pool, path)))
        plan.notes += pool.notes
    if "text" not in plan.roles and "target_text" in plan.method.needs:
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, "the pool")
    return targets


def _target_text(plan: Plan, pool: Pool, path: str) -> str:
    place = f"the target {path}"
    flag = plan.request.target_text or (plan.request.text if plan.request.text in pool.schema else None)
    if flag is not None and flag not in pool.schema:
        raise missing_column(flag, pool.schema, place, "--target-text")
    made = plan.pool.derived.get(plan.roles["text"].column) if "text" in plan.roles else None
    if flag is None and isinstance(made, Template) and set(made.kinds) <= set(pool.schema):
        return derive_text(pool, template_of(pool, made.template, place)).column
    roles = find_roles(pool.schema, {"text": flag}, path, pool.mixed)
    find_text(pool, roles, None, flag, place, "--target-text")
    role = need_text(pool.schema, roles, place, "--target-text")
    if role.how == "guessed" and role.column != "text":
        plan.notes.append(f"column {role.column!r} of the target {path} is read as its text (guessed)")
    return role.column


def _columns(plan: Plan) -> dict[str, Any]:
    """What the scan must bring, as plain values."""
    roles = plan.roles
    column = {role: found.column for role, found in roles.items()}
    numbers: set[str] = set()
    codes: set[str] = set()
    for need in plan.method.needs:
        if need in COLUMN_NEEDS:
            (numbers if COLUMN_NEEDS[need] == "numbers" else codes).add(column[need])
    for budget in plan.budgets:
        if budget.is_cost and budget.unit not in UNITS:
            numbers.add(budget.unit)
    if plan.group_column:
        codes.add(plan.group_column)
    tokens = any(budget.unit == "tokens" for budget in plan.budgets) or plan.shares == "tokens"
    return {
        "text": column.get("text"),
        "id": column.get("id"),
        "numbers": sorted(numbers),
        "codes": sorted(codes),
        "embedding": "embedding" if "embedding" in plan.method.needs and not plan.vectors else None,
        "image": IMAGE if "image" in roles else None,
        "duplicates": plan.request.duplicates == "drop" and "text" in column,
        "tokens": (plan.request.tokenizer or "default") if tokens else None,
    }
