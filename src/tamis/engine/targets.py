"""Samples of what is wanted: each a pool of its own, with a name and a text."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tamis.pool import Pool, open_pool
from tamis.pool.base import missing_column
from tamis.pool.made_text import derive_text, find_text, template_of
from tamis.pool.roles import find_roles, need_text
from tamis.pool.storage import base_name
from tamis.pool.template import Template

if TYPE_CHECKING:
    from tamis.engine.plan import Plan


@dataclass
class Target:
    """A sample of what is wanted."""

    name: str
    pool: Pool
    text: str


def open_targets(plan: "Plan", sources: Any) -> list[Target]:
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


def _target_text(plan: "Plan", pool: Pool, path: str) -> str:
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
