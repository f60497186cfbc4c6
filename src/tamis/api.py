"""The Python door: the same requests as the command line."""

import tempfile
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias, overload

import pyarrow as pa
import pyarrow.parquet as pq

from tamis import refusals
from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.plan import Plan, make_plan
from tamis.engine.request import Request, make_request, plain, request_help
from tamis.engine.select import run_select
from tamis.pool import as_memory
from tamis.registry import nearest
from tamis.selection import Selection

Path_: TypeAlias = str | PathLike[str]
Pool: TypeAlias = Any
Budget: TypeAlias = int | float | str
Shares: TypeAlias = str | Sequence[str] | Mapping[str, Mapping[str, float]] | None
Ids: TypeAlias = str | Sequence[str | int] | None
Paths: TypeAlias = Path_ | Sequence[Path_] | None


@overload
def select(pool: Pool, method: str = ..., *, budget: Budget, **options: Any) -> Selection: ...
@overload
def select(pool: Pool, method: str = ..., *, budget: list[Budget], **options: Any) -> list[Selection]: ...
def select(
    pool: Pool,
    method: str = "random",
    *,
    budget: Budget | list[Budget],
    target: Any = None,
    seed: int = 0,
    text: str | None = None,
    template: str | None = None,
    target_text: str | None = None,
    id: str | None = None,
    label: str | None = None,
    group: str | None = None,
    cost: str | None = None,
    score: str | None = None,
    weight: str | None = None,
    image: str | None = None,
    embedding: Any = None,
    represent: str | None = None,
    context: int | None = None,
    pooling: str | None = None,
    trust_pickle: bool = False,
    use: Mapping[str, str] | None = None,
    set: Mapping[str, Any] | None = None,
    choose: str | None = None,
    start: Path_ | None = None,
    within: Path_ | None = None,
    quota: Shares = None,
    floor: Shares = None,
    borrow: bool = False,
    fill: bool = False,
    must_keep: Ids = None,
    exclude: Ids = None,
    duplicates: str = "drop",
    rules: str | Sequence[str] | Mapping[str, Mapping[str, float] | None] | None = None,
    near_duplicates: float | str | None = None,
    against: Paths = None,
    test_set: Paths = None,
    test_text: str | Sequence[str] | None = None,
    test_score: str | None = None,
    drop_contaminated: float | str | None = None,
    tokenizer: Path_ | None = None,
    subset: bool = True,
    examples: bool = True,
    output: Path_ | None = None,
    force: bool = False,
    workers: int | None = None,
    memory: str | None = None,
    quiet: bool = True,
    **parameters: Any,
) -> Selection | list[Selection]:
    """Choose examples of `pool`.

    Args:
        pool: a path or URL, several of them, an Arrow, pandas or polars table, a Hugging Face dataset, a dict of
            columns, or NumPy arrays.
        method: a method's name, `top:COLUMN`, `bottom:COLUMN`, or `file.py:function`.
        budget: rows as an int, a fraction in (0, 1) as a float, or text such as `"10%"` and `"2M tokens"`; a list of
            these cuts several selections from one scoring.
        target: one sample of what is wanted, or a list of them; each as a pool is given.
        seed: same request and seed, same selection.
        text: column of the text; `id`, `label`, `group`, `cost`, `score`, `weight` and `image` name columns likewise.
        template: the text made of several columns, as in `"{instruction}\\n{output}"`.
        target_text: column of the targets' text.
        embedding: column of vectors, columns such as `"f*"`, a `.npy` file, or for a table in memory an array `[n, d]`.
        represent: what makes vectors: of texts `"latent-semantics"`, `"hashed-words"` or the folder of a model, of
            which `context` tokens are read and `pooling` makes one vector, or `"gradients:FOLDER,…"` of checkpoints; of
            images `"small-image"` or an ONNX file.
        trust_pickle: load models whose weights are pickles, which can run code.
        use: what fills a need of the method: `{"score": "quality"}`.
        set: parameters of the method; they may as well be given as keywords.
        choose: replaces the method's way to choose.
        start: folder of a selection that one has already: it shapes gains, not the budget, and is not chosen again.
        within: folder of an earlier selection: only rows that it keeps may be chosen.
        quota: exact shares of the budget, `"domain=law:0.3"` or `{"domain": {"law": 0.3}}`; `floor` are least shares.
        borrow: let others have what a group is short of.
        fill: go on after the first row that does not fit into a cost budget.
        must_keep: ids to keep; `exclude` are ids to leave out.
        duplicates: `"drop"` or `"keep"` exact duplicates of the text.
        rules: published rules that texts must pass, `"c4"` or `{"gopher-quality": {"min-words": 20}}`.
        near_duplicates: drop texts whose shingles of words are this similar to those of an earlier one, such as 0.8.
        against: paths of earlier corpora: texts that they hold are dropped.
        test_set: paths of test sets to look for, or `"NAME=PATH"`; `test_text` is their text, a column or a template,
            `test_score` a column with the score of a model on each item.
        drop_contaminated: drop rows whose longest run of test text is this share of its item, or so many tokens.
        tokenizer: a tokenizer.json to count tokens with.
        subset: write the kept rows to `output` as well; `examples` shows texts in the report.
        output: a folder to write to; without it nothing stays on disk. `force` replaces another selection there.
        workers: processes; the number of cores by default.
        memory: what a method may use to see all rows at once, `"8GB"` by default; beyond it they are seen in parts.
        quiet: say nothing on standard error but a progress bar where someone looks on.
        parameters: parameters of the method.

    Raises:
        Refused: the request or its input cannot be used.
        Broken: something failed under way.

    Examples:
        >>> import tamis
        >>> tamis.select({"x": [3, 1, 2]}, "bottom:x", budget=1).rows
        array([1])
        >>> [len(one) for one in tamis.select({"x": [3, 1, 2]}, "top:x", budget=[1, 2])]
        [1, 2]
    """
    given = {name: value for name, value in locals().items() if name in Request.model_fields and value is not None}
    given["set"] = {**(set or {}), **parameters}
    plan = _plan(pool, target, given)
    found = _run(plan, output, quiet)
    return found if len(plan.budgets) > 1 or isinstance(budget, list | tuple) else found[0]


def clean(pool: Pool, *, quiet: bool = True, **options: Any) -> Selection:
    """Drop rows of `pool` for what their texts are, and say of each why; exact duplicates are dropped as well.

    Takes the options of `select` that say where texts are, `rules`, `near_duplicates`, `against`, `test_set` and what
    goes with them, at least one of which must be asked for. Returns a selection of all rows that are left, in the order
    of the pool; `dropped` of it is a table of the others.

    Examples:
        >>> import tamis
        >>> left = tamis.clean({"text": ["It is so. " * 9, "Too short."]}, rules="c4")
        >>> left.rows.tolist(), left.dropped["reason"].to_pylist()
        ([0], ['fewer than 5 sentences in lines that read like text (c4:min-sentences)'])
    """
    unknown = [name for name in options if name not in Request.model_fields or name in ("method", "budget")]
    if unknown:
        known = [name for name in Request.model_fields if name not in ("method", "budget")]
        near = nearest(unknown[0], dict.fromkeys(known))
        raise refusals.KEY_UNKNOWN("clean", name=unknown[0], near=near, known=", ".join(known))
    output = options.pop("output", None)
    plan = _plan(pool, None, options | {"method": "all", "budget": "100%"})
    if not plan.cleaning:
        raise refusals.NOTHING_TO_CLEAN("clean")
    plan.verb = "clean"
    return _run(plan, output, quiet)[0]


def score(
    pool: Pool, method: str, *, target: Any = None, seed: int = 0, quiet: bool = True, **options: Any
) -> pa.Table:
    """Score every row of `pool` by a method and keep none.

    Takes the options of `select` but budget and limits. Returns a table of `row` and `score`, of several targets a
    column each, for every eligible row.

    Examples:
        >>> import tamis
        >>> tamis.score({"x": [3, 1, 2]}, "top:x")["score"].to_pylist()
        [3.0, 1.0, 2.0]
    """
    known = {name: value for name, value in options.items() if name in Request.model_fields}
    for name in ("budget", "quota", "floor", "borrow", "fill", "must_keep"):
        if known.get(name):
            raise refusals.SCORE_KEEPS_NONE(name)
    own = {name: value for name, value in options.items() if name not in known}
    known |= {"method": method, "seed": seed, "subset": False, "set": {**(known.get("set") or {}), **own}}
    plan = _plan(pool, target, known)
    if not plan.has_scores:
        raise refusals.METHOD_WITHOUT_SCORES(plan.method.name)
    plan.verb = "score"
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        path = Path(options.get("output") or Path(folder) / "out")
        run_select(plan, Folder(path), Console(quiet))
        return pq.read_table(path.absolute() / "scores.parquet", memory_map=False)


def run(recipe: Path_ | Mapping[str, Any], *, quiet: bool = True, **replaced: Any) -> Selection | list[Selection]:
    """Run a recipe, a YAML or TOML file or the mapping it would hold; `replaced` are keys to use instead of its own.

    Returns the selection of its last step; a recipe needs an `output`.

    Examples:
        >>> import tamis, tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "pool.csv").write_text("id,quality\\na,1\\nb,3\\nc,2\\n")
        >>> steps = [{"method": "top:quality", "budget": 2}, {"method": "bottom:quality", "budget": 1}]
        >>> tamis.run({"pool": str(folder / "pool.csv"), "steps": steps, "output": str(folder / "out")}).ids
        ['c']
    """
    from tamis.engine.recipes import read_recipe
    from tamis.engine.steps import check_folders, make_plans, make_requests, run_steps

    where = "recipe" if isinstance(recipe, Mapping) else fspath(recipe)
    values = dict(recipe) if isinstance(recipe, Mapping) else read_recipe(Path(recipe))
    requests = make_requests(plain({**values, **replaced}), where)
    for name in ("output", "budget"):
        if getattr(requests[-1], name) is None:
            raise refusals.INCOMPLETE(where, name=name, meaning=request_help(name))
    plans = make_plans(requests)
    check_folders(plans)
    run_steps(plans, Console(quiet))
    found = _loaded(plans[-1], Path(str(requests[-1].output)))
    return found if len(found) > 1 else found[0]


def _plan(pool: Pool, target: Any, given: dict[str, Any]) -> Plan:
    paths, source = _source(pool, given)
    targets: list[Any] = [] if target is None else list(target) if isinstance(target, list | tuple) else [target]
    sources = [as_memory(one, "target") for one in targets]
    names = [
        f"target{number}" if found is not None else fspath(one)
        for number, (one, found) in enumerate(zip(targets, sources, strict=True), 1)
    ]
    request = make_request(given | {"pool": paths, "target": names})
    opened = [one if found is None else found for one, found in zip(targets, sources, strict=True)]
    return make_plan(request, source, opened if any(found is not None for found in sources) else None)


def _source(pool: Pool, given: dict[str, Any]) -> tuple[list[str], Any]:
    """The request's paths and what stands in for them; an array of vectors becomes a column of the table."""
    table = as_memory(pool)
    embedding = given.get("embedding")
    if table is None:
        if embedding is not None and not isinstance(embedding, str | PathLike):
            raise refusals.VECTORS_BESIDE_FILES("embedding")
        return ([fspath(pool)] if isinstance(pool, str | PathLike) else [fspath(path) for path in pool]), None
    if embedding is not None and not isinstance(embedding, str | PathLike):
        vectors = as_memory({"embedding": embedding}) or pa.table({})
        if len(vectors) != len(table):
            raise refusals.VECTOR_FILE_ROWS("embedding", found=len(vectors), rows=len(table))
        name = next(name for name in ("embedding", "the embedding") if name not in table.column_names)
        table = table.append_column(name, vectors["embedding"])
        given["embedding"] = name
    return ["<table>"], table


def _run(plan: Plan, output: Path_ | None, quiet: bool) -> list[Selection]:
    console = Console(quiet)
    if output is not None:
        run_select(plan, Folder(Path(output)), console)
        return _loaded(plan, Path(output))
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        plan.request.subset = False
        run_select(plan, Folder(Path(folder) / "out"), console)
        loaded = _loaded(plan, Path(folder) / "out")
        _ = [found.dropped for found in loaded]  # read while it is there
        return loaded


def _loaded(plan: Plan, path: Path) -> list[Selection]:
    """The selection of a finished folder, or those of its budgets."""
    folders = [path / budget.folder for budget in plan.budgets] if len(plan.budgets) > 1 else [path]
    return [Selection.load(folder) for folder in folders]
