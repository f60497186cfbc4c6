"""Samples of what is wanted: each a pool of its own, with a name, and a text or vectors."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tamis import refusals
from tamis.engine.vectors import COLUMN, GUESSES, VectorFile, vector_file
from tamis.errors import Refused
from tamis.pool import Pool, open_pool
from tamis.pool.base import missing_column
from tamis.pool.images import COLUMN as IMAGE
from tamis.pool.images import Images, find_images
from tamis.pool.made_text import derive_text, find_text, template_of
from tamis.pool.roles import find_roles, need_text
from tamis.pool.storage import base_name
from tamis.pool.template import Template
from tamis.pool.vectors import Vectors, vectors_for

if TYPE_CHECKING:
    from tamis.engine.plan import Plan

TARGET_TEXT = {"target_text", "target_length"}
TARGET_VECTORS = {"target_embedding"}


@dataclass
class Target:
    """A sample of what is wanted; `text` is the column of its texts, if they are read, `vectors` a file beside it."""

    name: str
    pool: Pool
    text: str | None
    vectors: VectorFile | None = None


def open_targets(plan: "Plan", sources: Any) -> list[Target]:
    """Open what `--target` names, and find what the method needs of it."""
    request = plan.request
    targets: list[Target] = []
    names: dict[str, int] = {}
    for index, path in enumerate(request.target):
        pool = open_pool(sources[index] if sources is not None else path, "target")
        name = base_name(path).split(".")[0] if sources is None else path
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        target = Target(name, pool, _text_if_read(plan, pool, path))
        if TARGET_VECTORS & set(plan.supplied) and not _measured(plan):
            _find_vectors(plan, target, path)
        targets.append(target)
        plan.notes += pool.notes
    if targets and "text" not in plan.roles and "target_text" in plan.method.needs:
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, "the pool")
    return targets


def _measured(plan: "Plan") -> bool:
    """Whether the target's vectors are made of its texts, as the pool's are."""
    return COLUMN in plan.measured and plan.measured[COLUMN].targets_too


def _text_if_read(plan: "Plan", pool: Pool, path: str) -> str | None:
    """The column of a target's texts; None where neither the method nor the report can use one."""
    if plan.method.fit or TARGET_TEXT & set(plan.method.needs) or plan.measured:
        return _target_text(plan, pool, path)
    if "text" not in plan.roles:
        return None
    try:
        return _target_text(plan, pool, path)
    except Refused:
        if plan.request.target_text or not TARGET_VECTORS & set(plan.supplied):
            raise
        return None


def _target_text(plan: "Plan", pool: Pool, path: str) -> str:
    given = plan.request.target_text or (plan.request.text if plan.request.text in pool.schema else None)
    return text_of_sample(plan, pool, f"the target {path}", given, "--target-text")


def text_of_sample(plan: "Plan", pool: Pool, place: str, given: str | None, flag: str) -> str:
    """The column of a pool's texts that stand beside those of the plan's pool.

    It is `given`, a column or a template with columns in braces; else it is made as the text of the plan's pool is, if
    that is made and the columns are there; else guessed, which is noted.
    """
    if given is not None and "{" in given:
        return derive_text(pool, template_of(pool, given, place)).column
    if given is not None and given not in pool.schema:
        raise missing_column(given, pool.schema, place, flag)
    made = plan.pool.derived.get(plan.roles["text"].column) if "text" in plan.roles else None
    if given is None and isinstance(made, Template) and set(made.kinds) <= set(pool.schema):
        return derive_text(pool, template_of(pool, made.template, place)).column
    roles = find_roles(pool.schema, {"text": given}, place, pool.mixed)
    find_text(pool, roles, None, given, place, flag)
    role = need_text(pool.schema, roles, place, flag)
    if role.how == "guessed" and role.column != "text":
        plan.notes.append(f"column {role.column!r} of {place} is read as its text (guessed)")
    return role.column


def _find_vectors(plan: "Plan", target: Target, path: str) -> None:
    """Give a target vectors like the pool's: as bound, by the same columns, or by the same encoder."""
    pool, place = target.pool, f"the target {path}"
    given, flag = plan.request.use.get("target_embedding"), "--use target_embedding"
    if given is not None and (file := vector_file(given, pool.schema, flag)) is not None:
        file.fits(pool.rows)
        target.vectors = file
        return
    made = plan.pool.derived.get(COLUMN)
    if given is None and made is not None and not isinstance(made, Vectors):
        _encode(target, made, place)
        return
    asked = plan.roles[COLUMN].column
    for source in filter(None, [given, asked, *GUESSES]):
        if source in pool.schema or source == given or any(fnmatchcase(name, source) for name in pool.schema):
            pool.derived[COLUMN] = vectors_for(pool, source, place, flag)
            break
    else:
        columns = ", ".join(f"{name} ({kind})" for name, kind in pool.schema.items())
        raise refusals.TARGET_WITHOUT_VECTORS(place, name=asked, columns=columns)
    width, own = getattr(made, "width", None), getattr(pool.derived[COLUMN], "width", None)
    if plan.bindings.files.get(COLUMN) is not None:
        width = plan.bindings.files[COLUMN].open().shape[1]
    if width is not None and own != width:
        raise refusals.TARGET_OF_OTHER_WIDTH(place, found=own, width=width)


def _encode(target: Target, made: Any, place: str) -> None:
    """Vectors of a target's images, by the encoder of the pool's."""
    from tamis.measure.image_vectors import image_vectors_for

    roles = find_roles(target.pool.schema, {}, place, target.pool.mixed)
    if "image" not in roles:
        columns = ", ".join(f"{name} ({kind})" for name, kind in target.pool.schema.items())
        raise refusals.TARGET_WITHOUT_VECTORS(place, name="image", columns=columns)
    find_images(target.pool, roles, place)
    images = target.pool.derived[IMAGE]
    assert isinstance(images, Images)
    target.pool.derived[COLUMN] = image_vectors_for(target.pool, images, made.name)
