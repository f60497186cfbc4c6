"""The plan: everything a request needs, found and checked before any row is read."""

import inspect
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tamis import budget as budgets
from tamis.engine.request import ROLES, Request
from tamis.errors import Refused
from tamis.ops.choosers import CHOOSERS, Chooser
from tamis.pool import Pool, open_pool
from tamis.pool.base import digest, missing_column
from tamis.pool.roles import Role, find_roles, mixed_notes, need_text, said_kind
from tamis.registry import Method, coerce, find, nearest

COLUMN_NEEDS = {"score": "numbers", "cost": "numbers", "label": "codes", "group": "codes"}
TEXT_NEEDS = {"text", "length"}
TARGET_NEEDS = {"target_text", "target_length"}
OF_TEXTS = ("text", "length")  # what a method gets that scores while texts are read
OF_ROWS = ("key", "score", "cost", "label", "group", "length")  # what one gets that scores afterwards
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
    budget: budgets.Budget | None
    quota: list[budgets.Share]
    floor: list[budgets.Share]
    columns: dict[str, Any]
    shares: Any = "equal"
    notes: list[str] = field(default_factory=list)
    verb: str = "select"

    @cached_property
    def asked(self) -> dict[str, dict[str, Any]]:
        """The request, and stamps of all files that it names, by which a finished folder is known again."""
        request = self.request
        named = {"the tokenizer": request.tokenizer, "the method": self.method_name.rpartition(":")[0]}
        named |= {
            f"--{n.replace('_', '-')}": text[1:]
            for n in ("must_keep", "exclude")
            if (text := getattr(request, n) or "").startswith("@")
        }
        inputs = {"the pool": self.pool.fingerprint}
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
    pool = open_pool(source if source is not None else request.pool)
    place = "the pool" if source is not None else " ".join(request.pool)
    roles = find_roles(pool.schema, given, place, pool.mixed)
    budget = budgets.parse(request.budget) if request.budget is not None else None
    quota, floor = _shares("--quota", request.quota), _shares("--floor", request.floor)
    chooser, parameters, choosing, shares = _parameters(request, method)
    notes = [*pool.notes, *mixed_notes(pool.mixed, roles, place)]
    plan = Plan(
        request, method, parameters, chooser, choosing, pool, [], roles, budget, quota, floor, {}, shares, notes
    )
    _check_needs(plan, place)
    _check_limits(plan, place)
    plan.targets = _open_targets(plan, targets)
    plan.columns = _columns(plan)
    return plan


def _method(request: Request) -> tuple[Method, dict[str, str | None]]:
    """The method, and the columns given for roles, those of `top:COLUMN` and `--use` included."""
    given: dict[str, str | None] = {role: getattr(request, role) for role in ROLES}
    for word, column in request.use.items():
        if word not in given:
            roles = ", ".join(given)
            raise Refused(f"--use {word}={column}: {word!r} is no role{nearest(word, given)}; roles are {roles}")
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
        raise Refused(f"--choose {request.choose}: {method.name} makes an order by itself: leave --choose out")
    chooser: Chooser | None = CHOOSERS.get(request.choose or method.choose) if method.choose else None
    own = chooser.parameters if chooser else {}
    known = {**method.parameters, **own}
    for name in given:
        if name not in known:
            options = ", ".join(known) or "none"
            raise Refused(f"{method.name} has no parameter {name!r}{nearest(name, known)}: it takes {options}")
    parameters = method.bind({name: value for name, value in given.items() if name in method.parameters})
    choosing = {name: p.default for name, p in own.items()} | {n: v for n, v in parameters.items() if n in own}
    choosing |= {n: coerce(own[n], v, method.name) for n, v in given.items() if n in own}
    if not choosing.get("temperature", 0) >= 0:
        said = f"temperature={choosing['temperature']} is not 0 or above"
        raise Refused(f"{said}: 0 takes the best, 1 draws by the odds")
    return chooser, parameters, choosing, shares


def _target_shares(value: Any, targets: int) -> Any:
    """`equal`, `tokens`, or one number a target."""
    if value in ("equal", "tokens"):
        return value
    numbers = value.split(",") if isinstance(value, str) else value
    try:
        shares = [float(number) for number in numbers]
    except (TypeError, ValueError):
        grammar = "equal, tokens, or a number a target as in 0.5,0.5"
        raise Refused(f"shares={value!r} cannot be read: write {grammar}") from None
    if len(shares) != targets or min(shares, default=-1) < 0 or sum(shares) <= 0:
        raise Refused(f"shares={value!r} does not fit {targets} targets: give one number of at least 0 for each")
    return shares


def _shares(flag: str, texts: list[str]) -> list[budgets.Share]:
    found = [share for text in texts for share in budgets.parse_shares(flag, text)]
    budgets.check_shares(flag, " ".join(texts), found)
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
            columns = ", ".join(plan.pool.schema)
            raise Refused(f"{plan.method.name} needs a {need}: name its column with --{need}, one of {columns}")
    if not TARGET_NEEDS.isdisjoint(needs) and not plan.request.target:
        raise Refused(f"{plan.method.name} needs a target: give a sample of what you want with --target FILE")


def _check_supply(plan: Plan) -> None:
    """Refuse an argument of the method that nothing supplies for its kind of work."""
    method = plan.method
    if method.fit and not plan.has_scores:
        raise Refused(f"{method.name} gives an Order, and only a Score or a Match can have a fit: leave the fit out")
    known = OF_TEXTS if plan.reads_text_to_score else OF_ROWS if plan.has_scores else OF_ORDERS
    known = (*known, "state") if method.fit else known
    for name, argument in inspect.signature(method.function).parameters.items():
        if name not in known and argument.kind is not argument.KEYWORD_ONLY:
            kind = f"a method of kind {method.kind}" + (" that reads texts" if plan.reads_text_to_score else "")
            raise Refused(f"{method.name} needs {name!r}, and {kind} can only have {', '.join(known)}: drop it")


def _check_limits(plan: Plan, place: str) -> None:
    schema, budget = plan.pool.schema, plan.budget
    if budget and budget.is_cost and budget.unit not in budgets.UNITS:
        if budget.unit not in schema:
            names = [*budgets.UNITS, *schema]
            guess = nearest(budget.unit, dict.fromkeys(names))
            raise Refused(
                f"budget {budget.asked!r} has the unknown unit {budget.unit!r}{guess}: it can be tokens, chars, bytes "
                f"or a numeric column of {place}"
            )
        if schema[budget.unit] not in ("integer", "number", "null"):
            numeric = ", ".join(name for name, known in schema.items() if known in ("integer", "number")) or "none"
            kind = said_kind(budget.unit, schema, plan.pool.mixed)
            raise Refused(
                f"budget {budget.asked!r}: column {budget.unit!r} is {kind}, and a cost is a number: "
                f"the numeric columns are {numeric}"
            )
    if budget and budget.unit in budgets.UNITS:
        plan.roles["text"] = need_text(schema, plan.roles, place)
    if budget and not budget.is_cost and plan.pool.rows is not None:
        budget.rows(plan.pool.rows)
    for flag, shares in (("--quota", plan.quota), ("--floor", plan.floor)):
        for share in shares[:1]:
            if share.column not in schema:
                raise missing_column(share.column, schema, place, flag)
            if schema[share.column] == "mixed":
                kind = said_kind(share.column, schema, plan.pool.mixed)
                raise Refused(f"{flag}: column {share.column!r} of {place} is {kind}: make it one type")
    if plan.quota and plan.floor and plan.quota[0].column != plan.floor[0].column:
        raise Refused(
            f"--quota on {plan.quota[0].column!r} and --floor on {plan.floor[0].column!r} cannot be kept together: "
            "give both on one column, or one of them"
        )
    if (plan.request.must_keep or plan.request.exclude) and "id" not in plan.roles:
        raise Refused("--must-keep and --exclude name ids, and the pool has no id column: name it with --id")


def _open_targets(plan: Plan, sources: Any) -> list[Target]:
    request = plan.request
    if not request.target:
        return []
    targets: list[Target] = []
    names: dict[str, int] = {}
    for index, path in enumerate(request.target):
        pool = open_pool(sources[index] if sources is not None else path, "target")
        name = Path(path).name.split(".")[0] if sources is None else path
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        plan.notes += pool.notes
        targets.append(Target(name, pool, _target_text(plan, pool, path)))
    if "text" not in plan.roles and "target_text" in plan.method.needs:
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, "the pool")
    return targets


def _target_text(plan: Plan, pool: Pool, path: str) -> str:
    place = f"the target {path}"
    flag = plan.request.target_text or (plan.request.text if plan.request.text in pool.schema else None)
    if flag is not None and flag not in pool.schema:
        raise missing_column(flag, pool.schema, place, "--target-text")
    role = need_text(pool.schema, find_roles(pool.schema, {"text": flag}, path, pool.mixed), place, "--target-text")
    if role.how == "guessed" and role.column != "text":
        plan.notes.append(f"column {role.column!r} of the target {path} is read as its text (guessed)")
    return role.column


def _columns(plan: Plan) -> dict[str, Any]:
    """What the scan must bring, as plain values."""
    roles, budget = plan.roles, plan.budget
    column = {role: found.column for role, found in roles.items()}
    numbers: set[str] = set()
    codes: set[str] = set()
    for need in plan.method.needs:
        if need in COLUMN_NEEDS:
            (numbers if COLUMN_NEEDS[need] == "numbers" else codes).add(column[need])
    if budget and budget.is_cost and budget.unit not in budgets.UNITS:
        numbers.add(budget.unit)
    if plan.group_column:
        codes.add(plan.group_column)
    tokens = (budget is not None and budget.unit == "tokens") or plan.shares == "tokens"
    return {
        "text": column.get("text"),
        "id": column.get("id"),
        "numbers": sorted(numbers),
        "codes": sorted(codes),
        "duplicates": plan.request.duplicates == "drop" and "text" in column,
        "tokens": (plan.request.tokenizer or "default") if tokens else None,
    }
