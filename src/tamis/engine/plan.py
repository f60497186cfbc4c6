"""The plan: everything a request needs, found and checked before any row is read."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.budget import UNITS, Budget, Share, parse_several
from tamis.engine.bindings import BOUND, Bindings, find_bindings
from tamis.engine.checks import COLUMN_NEEDS, TEXT_NEEDS, check_budget, check_limits, check_needs, check_schedule
from tamis.engine.cleaning import Cleaning, by_vectors, find_cleaning
from tamis.engine.measured_needs import find_measured
from tamis.engine.measuring import Measurement
from tamis.engine.parameters import find_parameters, find_shares
from tamis.engine.request import ROLES, Request, parse_memory
from tamis.engine.targets import Target, open_targets
from tamis.engine.tokens import load_tokenizer
from tamis.engine.vectors import COLUMN, VectorFile, find_vectors
from tamis.engine.within import rows_within
from tamis.ops.choosers import Chooser
from tamis.pool import Pool, open_pool
from tamis.pool.base import digest
from tamis.pool.images import COLUMN as IMAGE
from tamis.pool.images import find_images
from tamis.pool.made_text import find_text
from tamis.pool.roles import Role, find_roles, mixed_notes
from tamis.pool.storage import stamp
from tamis.registry import Method, find, nearest


@dataclass
class Plan:
    """What will be done. `columns` says what one pass over the pool must bring: see `tamis.engine.tasks.scan`.

    `supplied` are the needs that the method will be given, and what they are made of.
    """

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
    bindings: Bindings = field(default_factory=Bindings)
    cleaning: Cleaning = field(default_factory=Cleaning)
    measured: dict[str, Measurement] = field(default_factory=dict)
    supplied: tuple[str, ...] = ()

    @property
    def budget(self) -> Budget | None:
        """The only budget, or the first of several; None when rows are only scored."""
        return self.budgets[0] if self.budgets else None

    @cached_property
    def memory(self) -> float:
        """Bytes that a method may use to see all rows at once."""
        return parse_memory(self.request.memory)

    @property
    def vectors(self) -> VectorFile | None:
        """The file of the pool's vectors, where they lie beside it."""
        return self.bindings.files.get(COLUMN)

    @cached_property
    def start(self) -> NDArray[np.int64] | None:
        """The rows that one has already, ascending, where an earlier selection says so; it is read once."""
        return rows_within(self.request.start, self.pool, "--start") if self.request.start else None

    @cached_property
    def within(self) -> NDArray[np.int64] | None:
        """The rows among which may be chosen, ascending, where an earlier selection says so; it is read once."""
        return rows_within(self.request.within, self.pool) if self.request.within else None

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
        if self.within is not None:
            inputs["the earlier selection"] = digest(self.within)
        if self.start is not None:
            inputs["the rows to start from"] = digest(self.start)
        inputs |= {f"the {word}": stamp(file.path) for word, file in self.bindings.files.items()}
        if self.bindings.tag_vectors is not None:
            inputs["the table of tags"] = self.bindings.tag_vectors.fingerprint
        inputs |= {
            f"the vectors of the target {one.name}": stamp(one.vectors.path) for one in self.targets if one.vectors
        }
        inputs |= {f"the target {target.name}": target.pool.fingerprint for target in self.targets}
        inputs |= self.cleaning.inputs()
        inputs |= {
            f"the model {one.name}": one.stamp for made in self.measured.values() for one in made.measures if one.stamp
        }
        inputs |= {
            what: digest(Path(path).read_bytes()) for what, path in named.items() if path and Path(path).is_file()
        }
        return {"request": request.identity(), "inputs": inputs}

    @property
    def method_name(self) -> str:
        """The name by which a worker finds the method."""
        return self.request.method_name

    @property
    def has_scores(self) -> bool:
        """Whether the method gives numbers rather than an order."""
        return self.method.kind in ("Score", "Match")

    @property
    def scores_blocks(self) -> bool:
        """Whether rows are scored block by block, each by itself."""
        return self.has_scores and self.method.streams

    @property
    def reads_text(self) -> bool:
        """Whether the method cannot judge a row that has no text."""
        return bool(TEXT_NEEDS & set(self.supplied) or self.measured) or self.method.fit is not None

    @property
    def reads_text_to_score(self) -> bool:
        """Whether scoring needs a second pass over the texts."""
        return self.has_scores and ("text" in self.method.needs or self.method.fit is not None)

    @property
    def measures_text(self) -> bool:
        """Whether n-gram counts of pool, target and selection are compared."""
        texts = [target.text is not None for target in self.targets]
        return bool(texts) and all(texts) and self.columns["text"] is not None

    @property
    def group_column(self) -> str | None:
        """The column whose composition the report shows."""
        shares = [*self.quota, *self.floor]
        if shares:
            return shares[0].column
        role = self.roles.get("group") or self.roles.get("label")
        return role.column if role else None


def make_plan(request: Request, source: Any = None, targets: Any = None, training: bool = False) -> Plan:
    """Check `request` against the pool's files and the registry; raises `Refused` for all that can be known now.

    `source` and `targets` stand in for the request's paths when the pool is in memory. Only where a model will be
    trained can a method be a `Schedule`.
    """
    method, given, bound = _method(request)
    check_schedule(method, request, training)
    vectors = given.pop("embedding")
    pool = open_pool(source if source is not None else request.pool)
    place = "the pool" if source is not None else " ".join(request.pool)
    roles = find_roles(pool.schema, given, place, pool.mixed)
    find_images(pool, roles, place)
    find_text(pool, roles, request.template, given["text"], place)
    asked = parse_several(request.budget) if request.budget is not None else []
    quota, floor = find_shares("--quota", request.quota), find_shares("--floor", request.floor)
    chooser, parameters, choosing, shares = find_parameters(request, method)
    notes = [*pool.notes, *mixed_notes(pool.mixed, roles, place)]
    plan = Plan(request, method, parameters, chooser, choosing, pool, [], roles, asked, quota, floor, {}, shares, notes)
    plan.bindings = find_bindings(plan, bound, place)
    plan.supplied = _supplied(plan)
    needed = method.name if COLUMN in plan.supplied else ""
    if by_vectors(request):
        plan.supplied = tuple(dict.fromkeys([*plan.supplied, COLUMN]))
        needed = needed or "--near-duplicates"
    if (file := find_vectors(pool, roles, vectors, request.represent, needed)) is not None:
        plan.bindings.files[COLUMN] = file
    find_measured(plan, place)
    check_needs(plan, place)
    _ = plan.memory, plan.start
    for budget in plan.budgets:
        check_budget(plan, budget, place)
    check_limits(plan, place)
    plan.cleaning = find_cleaning(plan, place)
    plan.targets = open_targets(plan, targets)
    plan.columns = _columns(plan)
    if plan.columns["tokens"] and request.tokenizer:
        load_tokenizer(request.tokenizer)
    return plan


def _method(request: Request) -> tuple[Method, dict[str, str | None], dict[str, str]]:
    """The method, the columns given for roles, also by `top:COLUMN` and `--use`, and what else `--use` binds."""
    given: dict[str, str | None] = {role: getattr(request, role) for role in (*ROLES, COLUMN)}
    bound: dict[str, str] = {}
    for word, source in request.use.items():
        if word in BOUND:
            bound[word] = source
        elif word in given or word in COLUMN_NEEDS:
            given[word] = source
        else:
            known = (*given, *COLUMN_NEEDS, *BOUND)
            place, near = f"--use {word}={source}", nearest(word, dict.fromkeys(known))
            raise refusals.ROLE_UNKNOWN(place, word=word, near=near, roles=", ".join(dict.fromkeys(known)))
    if request.method_name != request.method:
        given["score"] = request.method.partition(":")[2]
    return find(request.method_name), given, bound


def _supplied(plan: Plan) -> tuple[str, ...]:
    """Needs that the method will be given, optional ones where the request has them, and what they are made of."""
    request, found = plan.request, []
    asked = {COLUMN} if request.embedding or request.represent else set()
    asked |= {*plan.roles, *request.use, "start", "mass", "count", "key"}
    asked |= {"target_embedding", "target"} if request.target else set()
    asked |= {"length"} if "text" in plan.roles else set()
    for need in plan.method.needs:
        if need in plan.method.optional and need not in asked:
            continue
        found.append(need)
        if need == "match" and "match" not in plan.roles:
            found += [COLUMN, "target_embedding"]
        elif need == "target_embedding":
            found.append(COLUMN)
        elif need == "tag_embedding":
            found.append("tags")
    return tuple(dict.fromkeys(found))


def _columns(plan: Plan) -> dict[str, Any]:
    """What the scan must bring, as plain values."""
    roles = plan.roles
    column = {role: found.column for role, found in roles.items()}
    numbers: set[str] = set()
    codes = {shares[0].column for shares in plan.bindings.balance}
    for need in plan.supplied:
        if need in COLUMN_NEEDS:
            (numbers if COLUMN_NEEDS[need] == "numbers" else codes).add(column[need])
    if "mass" in plan.supplied and "weight" in roles:
        numbers.add(column["weight"])
    for budget in plan.budgets:
        if budget.is_cost and budget.unit not in UNITS:
            numbers.add(budget.unit)
    if plan.group_column:
        codes.add(plan.group_column)
    tokens = any(budget.unit == "tokens" for budget in plan.budgets) or plan.shares == "tokens"
    tokens |= "text" in column and bool(plan.cleaning or plan.request.within)  # steps say what is left, and share scans
    derived = [COLUMN] if COLUMN in plan.supplied and not plan.vectors and COLUMN not in plan.measured else []
    return {
        "text": column.get("text"),
        "id": column.get("id"),
        "numbers": sorted(numbers),
        "codes": sorted(codes),
        "vectors": [*derived, *(word for word in plan.bindings.derived if word in plan.supplied)],
        "tags": column["tags"] if "tags" in plan.supplied else None,
        "image": IMAGE if "image" in roles else None,
        "duplicates": plan.request.duplicates == "drop" and "text" in column,
        "tokens": (plan.request.tokenizer or "default") if tokens else None,
    }
