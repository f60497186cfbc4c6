"""The plan of a study: everything that can be refused is refused here, before a row is read."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import tamis
from tamis import refusals
from tamis.budget import Budget, parse
from tamis.engine.plan import Plan, make_plan
from tamis.engine.request import Request
from tamis.engine.targets import Target
from tamis.engine.vectors import COLUMN as EMBEDDING
from tamis.errors import Refused
from tamis.evidence.study import SEED, Study, by_seed, own_vectors, request_of
from tamis.evidence.task import Task
from tamis.evidence.tasks import make_task
from tamis.pool import Pool, open_pool
from tamis.pool.base import digest
from tamis.pool.roles import Role, find_roles, said_kind
from tamis.pool.storage import stamp
from tamis.registry import find, nearest

NUMBERS = ("integer", "number", "boolean")


@dataclass
class Contender:
    """One method of the study: `role` is reference, baseline (added by itself), or method.

    Args:
        requests: what it asks for, by seed where its columns differ from seed to seed, else one for all.
        plans: of each request.
        charge: processor seconds that making its columns took.
        own_vectors: whether it names columns of vectors for itself, of pool and targets, rather than the study's.
    """

    name: str
    role: str
    requests: list[Request]
    plans: list[Plan]
    charge: float = 0.0
    own_vectors: bool = False

    @property
    def request(self) -> Request:
        """What it asks for with the first seed."""
        return self.requests[0]

    @property
    def plan(self) -> Plan:
        """The plan of the first seed."""
        return self.plans[0]

    @cached_property
    def contents(self) -> list[str]:
        """What decides its choices beside pool, budget and seed, of each request; a method by the file it stands in."""
        path = self.plan.method_name.rpartition(":")[0]
        path = path if path.endswith(".py") else inspect.getsourcefile(self.plan.method.function) or ""
        code = digest(Path(path).read_bytes()) if path else ""
        asked = [request.model_dump(exclude={"pool", "target", "workers"}) for request in self.requests]
        return [digest([tamis.__version__, one, len(asked) > 1, self.charge, code]) for one in asked]


@dataclass
class StudyPlan:
    """What will be compared, and on what: pools are open, and no row of them has been read."""

    study: Study
    task: Task
    contenders: list[Contender]
    pool: Pool
    test: Pool | None
    off_target: Pool | None
    targets: list[Target]
    roles: dict[str, Role]
    features: list[str]
    budgets: list[Budget]
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        """The column of the text."""
        return self.roles["text"].column if "text" in self.roles else None

    @property
    def holdout(self) -> Fraction:
        """The share of the pool that is held out where no test set is given."""
        return parse(self.study.holdout).amount

    @cached_property
    def asked(self) -> dict[str, dict[str, Any]]:
        """The study, and stamps of all files that it names, by which a finished folder is known again."""
        inputs = {"the pool": self.pool.fingerprint}
        if self.test is not None:
            inputs["the test set"] = self.test.fingerprint
        if self.off_target is not None:
            inputs["the other texts"] = self.off_target.fingerprint
        inputs |= {
            f"the target {name}": pool.fingerprint for name, pool in ((one.name, one.pool) for one in self.targets)
        }
        inputs |= {f"the method {one.name}": one.contents[0] for one in self.contenders}
        path = self.study.task.rpartition(":")[0]
        if path.endswith(".py"):
            inputs["the task"] = digest(Path(path).read_bytes())
        if vectors := self.contenders[0].plan.vectors:
            inputs["the embedding"] = stamp(vectors.path)
        return {"request": self.study.identity(), "inputs": inputs}


def make_study_plan(study: Study, source: Any = None, test: Any = None, targets: Any = None) -> StudyPlan:
    """Check a study against its files and the registry; `source`, `test` and `targets` stand in for paths."""
    from tamis.evidence.statistics import need_bench_packages

    need_bench_packages()
    of_task, of_methods = study.parameters()
    task = make_task(study.task, study.model, of_task)
    _check_length(study, task)
    pool = open_pool(source if source is not None else study.pool)
    place = "the pool" if source is not None else " ".join(study.pool)
    _check_holdout(study)
    budgets = [parse(budget) for budget in study.budgets]
    if {"texts", "target"} & task.needs and not study.target:
        raise refusals.STUDY_TARGET_NEEDED(f"--task {study.task}", task=task.name)
    embedding = study.embedding
    base = _planned(study, {"method": "random", "name": "random"}, source, targets, embedding, role="reference")
    roles = dict(base.plan.roles)
    _check_label(study, task, pool, roles, place)
    used = _named_columns(study, roles, pool.schema)
    held = None if study.test is None else open_pool(test if test is not None else study.test, "test set")
    features = [] if embedding or "embedding" in roles else _numeric(pool, used)
    notes = list(base.plan.notes)
    if held is not None and (alone := [name for name in features if name not in held.schema]):
        features = [name for name in features if name not in alone]
        notes.append(f"column {', '.join(map(repr, alone))} is not in the test set, so that no model learns from it")
    if "features" in task.needs and not features and not embedding and "embedding" not in roles:
        raise refusals.STUDY_FEATURES_MISSING(place)
    given = embedding or ("".join(f"{name}," for name in features) or None)
    contenders = [base]
    for asked in study.methods:
        if asked["name"] != "random":
            contenders.append(_planned(study, asked, source, targets, given, of_methods.get(asked["name"])))
    contenders += _baselines(study, contenders, roles, source, targets)
    for one in contenders:
        roles = {**one.plan.roles, **roles}
        for word in set(one.plan.bindings.files) - {EMBEDDING}:
            raise refusals.STUDY_NEED_IN_FILE(f"--use {word}={one.plan.request.use[word]}")
        if one.own_vectors and (one.plan.vectors or any(target.vectors for target in one.plan.targets)):
            raise refusals.STUDY_NEED_IN_FILE(f"the vectors of method {one.name}")
        if one.plan.method.kind == "Schedule" and task.default_steps is None:
            raise refusals.SCHEDULE_WITHOUT_STEPS(f"the method {one.name}", model=task.describe())
    other = None if study.off_target is None else open_pool(study.off_target, "test set")
    shared = (one.plan for one in contenders if "target_embedding" in one.plan.supplied and not one.own_vectors)
    found = next(shared, base.plan).targets
    plan = StudyPlan(study, task, contenders, pool, held, other, found, roles, features, budgets, notes)
    _check_metrics(study, task)
    _check_test(plan)
    return plan


def _planned(
    study: Study, asked: dict[str, Any], source: Any, targets: Any, embedding: str | None, own: Any = None,
    role: str = "method",
) -> Contender:  # fmt: skip
    """One method, planned on the pool as `tamis select` would: what cannot be chosen is refused now."""
    made = Contender(asked["name"], role, [], [], float(asked.get("charge", 0)), own_vectors(asked))
    for of_seed in by_seed(asked, study.seeds):
        request = request_of(study, of_seed, study.pool, own)
        if request.embedding is None and {EMBEDDING, "match", "target_embedding"} & set(
            find(request.method_name).needs
        ):
            request.embedding = embedding
        request.budget = ", ".join(study.budgets) if len(study.budgets) > 1 else study.budgets[0]
        made.plans.append(make_plan(request, source, targets, training=True))
        request.budget = None
        made.requests.append(request)
    return made


def _baselines(
    study: Study, contenders: list[Contender], roles: dict[str, Role], source: Any, targets: Any
) -> list[Contender]:
    """Random within classes or groups, and random of the target's lengths, where they apply and were not asked for."""
    known = {one.plan.method.name for one in contenders}
    wanted = ["stratified-random"] * bool({"label", "group"} & set(roles))
    wanted += ["length-matched-random"] * bool(study.target and "text" in roles)
    return [
        _planned(study, {"method": name, "name": name}, source, targets, None, role="baseline")
        for name in wanted
        if name not in known
    ]


def _check_holdout(study: Study) -> None:
    try:
        share = parse(study.holdout)
    except Refused:
        raise refusals.STUDY_HOLDOUT(f"--holdout {study.holdout}") from None
    if share.unit != "%" or not 0 < share.amount < 1:
        raise refusals.STUDY_HOLDOUT(f"--holdout {study.holdout}")


def _check_length(study: Study, task: Task) -> None:
    """What a fit has none of cannot be counted."""
    for what, can in (("steps", task.default_steps is not None), ("epochs", task.default_steps and task.has_epochs)):
        if (count := getattr(study, what)) and not can:
            raise refusals.STUDY_LENGTH(f"--{what} {count}", model=task.describe(), what=what)


def _check_label(study: Study, task: Task, pool: Pool, roles: dict[str, Role], place: str) -> None:
    if "labels" in task.needs and "label" not in roles:
        known = [name for name, kind in pool.schema.items() if kind in ("text", "integer", "boolean")]
        raise refusals.STUDY_LABEL_MISSING(place, columns=", ".join(known) or "none")


def _named_columns(study: Study, roles: dict[str, Role], schema: Mapping[str, str]) -> set[str]:
    """Columns that something else than the model reads: roles, and what any method is given by name with any seed."""
    used = {role.column for role in roles.values()}
    used |= {column for name in ("score", "cost", "weight", "group") if (column := getattr(study, name))}
    for asked in study.methods:
        named = [str(asked["method"]).partition(":")[2]]
        named += [str(asked[name]) for name in ("score", "cost", "weight", "group") if asked.get(name)]
        bound = [str(source) for source in (asked.get("use") or {}).values()]
        bound += [name.strip() for name in str(asked.get("embedding") or "").split(",")]
        bound += [name for name in named if SEED in name]
        patterns = [re.compile(translate(source).replace(re.escape(SEED), r"\d+")) for source in bound]
        used |= {*named, *bound, *(name for name in schema if any(pattern.match(name) for pattern in patterns))}
    return used | {parse(budget).unit for budget in study.budgets}


def _numeric(pool: Pool, used: set[str]) -> list[str]:
    return [name for name, kind in pool.schema.items() if kind in NUMBERS and name not in used and "," not in name]


def _check_metrics(study: Study, task: Task) -> None:
    known = {metric.name: metric for metric in task.metrics}
    for name in study.metric:
        if known and name not in known:
            where = f"--metric {name}"
            raise refusals.STUDY_METRIC_UNKNOWN(
                where, task=task.name, name=name, near=nearest(name, known), known=", ".join(known)
            )


def _check_test(plan: StudyPlan) -> None:
    """The columns that the task reads must be in the test set too."""
    if plan.test is None:
        return
    where = str(plan.study.test)
    if plan.contenders[0].plan.vectors and "features" in plan.task.needs:
        raise refusals.STUDY_VECTORS_IN_FILE(f"--embedding {plan.study.embedding}")
    given: dict[str, str | None] = dict.fromkeys(("id", "text", "group", "image"), "none")
    if "labels" in plan.task.needs:
        given["label"] = plan.roles["label"].column
    find_roles(plan.test.schema, given, where, plan.test.mixed)
    for name in plan.features if "features" in plan.task.needs else ():
        if plan.test.schema[name] not in (*NUMBERS, "null"):
            kind = said_kind(name, plan.test.schema, plan.test.mixed)
            accepted = "numbers, as in the pool"
            raise refusals.COLUMN_WRONG_TYPE(where, name=name, kind=kind, flag="--embedding", accepted=accepted)
