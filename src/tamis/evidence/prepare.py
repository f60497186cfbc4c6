"""Store what a study reads: labels, groups, features, hashes and tokens of all its sets of examples."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.plan import Plan
from tamis.engine.vectors import COLUMN as EMBEDDING
from tamis.errors import Refused
from tamis.evidence.content import matrix, put_content
from tamis.evidence.copying import copy_pool, copy_sample
from tamis.evidence.material import TEXT, VECTOR, Material, Stored
from tamis.evidence.plan import StudyPlan
from tamis.pool import TYPES, Pool
from tamis.pool.made_text import derive_text
from tamis.pool.template import Template
from tamis.pool.vectors import Vectors, vectors_for

NAMELESS = "(none)"


def prepare(plan: StudyPlan, folder: Path) -> Material:
    """Store what the study reads, once; raises `Refused` for labels and features that cannot be learnt from."""
    if (folder / "material.json").exists():
        return Material.load(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = Material(folder, ["pool"])
    engine = _engine_plan(plan)
    copy_pool(engine.pool, engine, folder / "pool.arrow", made, engine.vectors)
    made.text = _stored_text(engine)
    if plan.test is not None:
        made.sets.append("test")
        copy_pool(_like_pool(plan, plan.test, engine), engine, folder / "test.arrow", made)
    for number, target in enumerate(plan.targets):
        made.sets.append(f"target-{number}")
        more = _own_vectors(plan, number)
        copy_sample(target.pool, target.text, folder / f"target-{number}.arrow", target.vectors, more)
    if plan.off_target is not None:
        made.sets.append("off-target")
        copy_sample(plan.off_target, _text_of(plan, plan.off_target), folder / "off-target.arrow")
    made.target_names = [target.name for target in plan.targets]
    _label(plan, made)
    _group(plan, made)
    _features(plan, made)
    for name in made.sets:
        put_content(plan, made, made[name])
        _tokens(made, made[name])
    made.save()
    return made


def _engine_plan(plan: StudyPlan) -> Plan:
    """The engine's plan that has most made of the pool: vectors, where any method needs them."""
    shared = (one.plan for one in plan.contenders if not one.own_vectors)
    given = (plan for plan in shared if EMBEDDING in plan.roles and EMBEDDING not in plan.measured)
    return next(given, plan.contenders[0].plan)


def _own_vectors(plan: StudyPlan, number: int) -> set[str]:
    """The columns of a target that methods with vectors of their own are given."""
    plans = [of for one in plan.contenders if one.own_vectors for of in one.plans]
    found = [of.targets[number].pool.derived.get(EMBEDDING) for of in plans]
    return {name for made in found if isinstance(made, Vectors) for name in made.columns}


def _stored_text(engine: Plan) -> str | None:
    text = engine.roles.get("text")
    return None if text is None else TEXT if text.column in engine.pool.derived else text.column


def _text_of(plan: StudyPlan, pool: Pool) -> str:
    """The text column of held-out texts: called as the pool's or the target's, or the only one."""
    from tamis.pool.roles import find_roles, need_text

    wanted = (plan.study.target_text, plan.text, *(target.text for target in plan.targets))
    given = next((name for name in wanted if name in pool.schema), None)
    where = pool.files[0].path or "the test set"
    return need_text(pool.schema, find_roles(pool.schema, {"text": given}, where), where, "--target-text").column


def _like_pool(plan: StudyPlan, test: Pool, engine: Plan) -> Pool:
    """The test set with the columns that are made of others in the pool."""
    text = engine.roles.get("text")
    if text is not None and isinstance(made := engine.pool.derived.get(text.column), Template):
        derive_text(test, made)
    if plan.study.embedding and not plan.study.represent and engine.vectors is None:
        with contextlib.nullcontext() if "features" in plan.task.needs else contextlib.suppress(Refused):
            test.derived[EMBEDDING] = vectors_for(test, plan.study.embedding, str(plan.study.test))
    return test


def _label(plan: StudyPlan, made: Material) -> None:
    """Codes of the classes of all sets that have them; classes in their natural order, those of the pool first."""
    if "label" not in plan.roles:
        return
    column, needed = plan.roles["label"].column, "labels" in plan.task.needs
    found = {name: made[name].table for name in made.sets if column in made[name].table.column_names}
    for name, table in found.items():
        values = table[column]
        if values.null_count and needed:
            row = int(np.argmax(values.is_null().to_numpy()))
            where = f"{plan.study.test if name == 'test' else 'the pool'}, row {row}"
            raise refusals.STUDY_LABEL_EMPTY(where, name=column)
    for name in found:
        fresh = set(pc.unique(_named(found[name][column])).to_pylist()) - set(made.classes)
        made.classes += sorted(fresh, key=lambda label: (not label.lstrip("-").isdigit(), _number(label), label))
        if needed and name == "pool":
            _check_classes(column, made.classes, found[name].num_rows)
    for name, table in found.items():
        made[name].put("labels", _codes(table[column], made.classes))


def _check_classes(column: str, classes: list[str], rows: int) -> None:
    if len(classes) == 1:
        raise refusals.STUDY_ONE_CLASS("the pool", name=column, found=classes[0])
    if len(classes) > max(2, rows // 2):
        raise refusals.STUDY_CLASSES_TOO_MANY("the pool", name=column, classes=len(classes), rows=rows)


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0


def _named(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.cast(column, pa.string()), NAMELESS)


def _codes(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    found = pc.index_in(_named(column), pa.array(names, pa.string()))
    return np.asarray(found.to_numpy(), np.int64)


def _group(plan: StudyPlan, made: Material) -> None:
    if "group" not in plan.roles or plan.roles["group"].column == getattr(plan.roles.get("label"), "column", None):
        return
    column = plan.roles["group"].column
    for name in made.sets:
        table = made[name].table
        if column in table.column_names:
            fresh = set(pc.unique(_named(table[column])).to_pylist()) - set(made.groups)
            made.groups += sorted(fresh)
    for name in made.sets:
        if column in made[name].table.column_names:
            made[name].put("groups", _codes(made[name].table[column], made.groups))


def _features(plan: StudyPlan, made: Material) -> None:
    """`float32 [n, d]`, standardised by mean and deviation of the pool; what is missing becomes the mean."""
    raw = {name: _raw_features(plan, made, made[name]) for name in ("pool", "test") if name in made}
    pool = raw["pool"]
    if pool is None:
        return
    made.width = pool.shape[1]
    mean = np.nan_to_num(_of_columns(pool, np.nanmean))
    deviation = _of_columns(pool, np.nanstd)
    deviation = np.where((deviation > 0) & np.isfinite(deviation), deviation, 1.0)
    for name, values in raw.items():
        if values is None:
            continue
        if values.shape[1] != made.width:
            raise refusals.STUDY_WIDTHS_DIFFER(str(plan.study.test), found=values.shape[1], width=made.width)
        made[name].put("features", np.nan_to_num((values - mean) / deviation).astype(np.float32))


def _of_columns(values: NDArray[Any], measure: Any) -> NDArray[np.float64]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of nothing
        return np.asarray(measure(values, axis=0, dtype=np.float64))


def _raw_features(plan: StudyPlan, made: Material, stored: Stored) -> NDArray[Any] | None:
    table = stored.table
    if not plan.features:
        if VECTOR not in table.column_names:
            return None
        return np.concatenate([matrix(chunk) for chunk in table[VECTOR].chunks])
    if not set(plan.features) <= set(table.column_names):
        return None
    columns = []
    for name in plan.features:
        values = pc.cast(table[name], pa.float64(), safe=False).to_numpy()
        if np.isinf(values).any():
            where = (
                f"{plan.study.test if stored.name == 'test' else 'the pool'}, row {int(np.argmax(np.isinf(values)))}"
            )
            raise refusals.STUDY_FEATURE_INFINITE(where, name=name)
        columns.append(values)
    return np.column_stack(columns)


def _tokens(made: Material, stored: Stored) -> None:
    from tamis.ops.ngrams import token_counts

    text = "text" if stored.name.startswith(("target", "off")) else made.text
    if text is not None and text in stored.table.column_names and stored.table.num_rows:
        column = stored.table[text].cast(TYPES["text"]).combine_chunks()
        stored.put("tokens", np.asarray(token_counts(column), np.int64))
