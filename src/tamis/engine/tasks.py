"""What workers do with one shard: scan it, score it, gather the kept rows of it. Each task writes one part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.folds import folds
from tamis.engine.guard import guarded
from tamis.engine.parts import read_arrays, read_table, write_array, write_arrays, write_table, written_whole
from tamis.pool import TYPES, Pool, Shard
from tamis.registry import Method, accepted, find, returned


@dataclass
class Job:
    """What all tasks of a run share. Pool 0 is the pool, the others are the targets."""

    pools: list[Pool]
    method: str
    parameters: dict[str, Any]
    measures_text: bool

    @cached_property
    def registered(self) -> Method:
        """The method itself."""
        return find(self.method)


def _elsewhere(module: str, name: str) -> Callable[..., None]:
    """A task in a module of its own, which is imported by those who do it."""

    def do(*task: Any) -> None:
        getattr(import_module(f"tamis.engine.{module}"), name)(*task)

    return do


def run_task(job: Job, task: dict[str, Any]) -> None:
    """Do one task: `do` says what, `pool` and `shard` of what, `out` is the part to write, `spec` the rest."""
    pool = job.pools[task["pool"]]
    do = TASKS[task["do"]]
    shard = pool.shards[task["shard"]]
    pool.check(shard)
    do(job, pool, shard, Path(task["out"]), task["spec"])


def scan(job: Job, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """One pass over a shard: hashes of ids and texts, lengths, tokens, numbers, codes, and the folds over its texts.

    Beside `out` lie `out.texts.npy` and `out.ids.npy` (two hash words and the row, sorted by the first word) and
    `out.fold0.npz.zst` …; they are written first, so that a part that exists is whole.
    """
    text, ident = spec["text"], spec["id"]
    wanted = _wanted(pool, spec)
    folded: list[Any] = [None] * len(spec["folds"])
    functions = [found for i, found in enumerate(folds(job.registered, job.parameters, True)) if i in spec["folds"]]
    pieces: dict[str, list[Any]] = {}
    done = 0
    for batch in _at_least_one(pool.read(shard, wanted), wanted):
        found = _row_columns(pool, shard, batch, spec, done)
        for name, values in found.items():
            pieces.setdefault(name, []).append(values)
        for index, (fit, merge, parameters) in enumerate(functions if batch.num_rows else ()):
            with guarded(job.registered):
                partial = fit(batch.column(text), **parameters)
                folded[index] = partial if folded[index] is None else merge(folded[index], partial)
        done += batch.num_rows
    columns = {name: _joined(values) for name, values in pieces.items()}
    for name in ("texts", "ids"):
        if (hashes := columns.pop(name, None)) is not None:
            write_array(_beside(out, f"{name}.npy"), _sorted_hashes(hashes, columns.get("has_text"), name == "texts"))
    for name in spec["vectors"]:
        write_array(_beside(out, f"{name}.npy"), columns.pop(f"vectors:{name}"))
    for index, partial in enumerate(folded):
        if partial is not None:
            write_arrays(_beside(out, f"fold{index}.npz.zst"), partial._asdict())
    if ident is None and "row" not in columns:
        columns["row"] = np.arange(done, dtype=np.int32)
    write_table(out, columns)


def _at_least_one(batches: Iterator[pa.RecordBatch], wanted: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """The batches of a shard; one without rows when it has none (a file of blank lines), so that it has columns."""
    first = next(batches, None)
    if first is None:
        first = pa.RecordBatch.from_arrays([pa.array([], kind) for kind in wanted.values()], names=list(wanted))
    yield first
    yield from batches


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(f"{out.stem}.{ending}")


def _wanted(pool: Pool, spec: dict[str, Any]) -> dict[str, pa.DataType]:
    """Columns to read, with the types they are needed in."""
    names = [*spec["codes"], *filter(None, [spec["id"]])]
    wanted: dict[str, Any] = {name: TYPES.get(pool.schema[name], TYPES["text"]) for name in names}
    if spec["text"] is not None:
        wanted[spec["text"]] = TYPES["text"]
    wanted |= dict.fromkeys([*spec["vectors"], *(["tags"] if spec["tags"] else [])])
    return {name: TYPES["number"] for name in spec["numbers"]} | wanted


def _row_columns(pool: Pool, shard: Shard, batch: pa.RecordBatch, spec: dict[str, Any], done: int) -> dict[str, Any]:
    """What is kept of each row of one batch."""
    from tamis.ops.hashing import hash_rows

    found: dict[str, Any] = {}
    if spec["id"] is not None:
        ids = batch.column(spec["id"])
        if ids.null_count:
            place = pool.where(shard, done + int(np.argmax(ids.is_null().to_numpy(zero_copy_only=False))))
            raise refusals.ID_EMPTY(place, name=spec["id"])
        found["id"] = ids
        found["ids"] = hash_rows(ids)
        found["id_key"] = found["ids"][:, 0]
    for name in spec["numbers"]:
        found[f"number:{name}"] = _numbers(pool, shard, batch, name, done)
    for name in spec["codes"]:
        found[f"code:{name}"] = pc.cast(batch.column(name), pa.string()).dictionary_encode()
    if spec["text"] is not None:
        found |= _text_columns(batch.column(spec["text"]), spec)
    for name in spec["vectors"]:
        found[f"vectors:{name}"] = _matrix(batch.column(name))
    if spec["tags"]:
        found["tags"] = batch.column("tags")
    return found


def _matrix(vectors: pa.Array) -> NDArray[np.float32]:
    """`float32 [n, d]` of a column of vectors, which are all there and all of one width."""
    return np.asarray(vectors.flatten(), np.float32).reshape(len(vectors), -1 if len(vectors) else 0)


def _numbers(pool: Pool, shard: Shard, batch: pa.RecordBatch, name: str, done: int) -> NDArray[np.float64]:
    column = pc.cast(batch.column(name), TYPES["number"])
    values = column.to_numpy(zero_copy_only=False)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        what = "nothing" if not column[row].is_valid else {True: "NaN"}.get(bool(np.isnan(values[row])), "an infinity")
        raise refusals.NUMBER_NOT_FINITE(pool.where(shard, done + row), name=name, found=what)
    return np.asarray(values)


def _text_columns(text: pa.Array, spec: dict[str, Any]) -> dict[str, Any]:
    from tamis.ops import ngrams
    from tamis.ops.hashing import hash_rows

    size = pc.binary_length(text).fill_null(0).to_numpy(zero_copy_only=False)
    found: dict[str, Any] = {
        "length": pc.utf8_length(text).fill_null(0).cast(pa.int32()).to_numpy(zero_copy_only=False),
        "bytes": size.astype(np.int32),
        "has_text": size > 0,
    }
    found["texts"] = hash_rows(text)
    if spec["tokens"] == "default":
        found["tokens"] = ngrams.token_counts(text)
    elif spec["tokens"]:
        found["tokens"] = _tokenized(spec["tokens"], text)
    return found


def _tokenized(path: str, text: pa.Array) -> NDArray[np.int64]:
    """Tokens of each text by a tokenizer.json, special tokens not counted."""
    from tamis.engine.tokens import load_tokenizer

    encoded = load_tokenizer(path).encode_batch_fast(text.fill_null("").to_pylist(), add_special_tokens=False)
    return np.array([len(found) for found in encoded], np.int64)


def _joined(values: list[Any]) -> Any:
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    chunked = pa.chunked_array(values)
    return chunked.unify_dictionaries().combine_chunks() if pa.types.is_dictionary(chunked.type) else chunked


def _sorted_hashes(hashes: NDArray[np.uint64], keep: Any, only_kept: bool) -> NDArray[np.uint64]:
    """`uint64 [n, 3]`: both words and the row, by the first word, ties by row; without rows that have no text."""
    rows = np.flatnonzero(keep) if only_kept and keep is not None else np.arange(len(hashes))
    order = rows[np.argsort(np.ascontiguousarray(hashes[rows, 0]))]
    return np.column_stack([hashes[order], order.astype(np.uint64)])


def fold(job: Job, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """The folds over the texts of some rows of a shard; `spec["rows"]` is a file with rows of the whole pool."""
    rows = _local(spec["rows"], spec["first"], spec["count"])
    functions = [found for i, found in enumerate(folds(job.registered, job.parameters, True)) if i in spec["folds"]]
    folded: list[Any] = [None] * len(functions)
    for start, text in texts_of(pool, shard, spec["text"], rows, rows, True):
        chosen = _within(rows, start, len(text))
        for index, (fit, merge, parameters) in enumerate(functions if len(chosen) else ()):
            partial = fit(text.take(pa.array(chosen - start)), **parameters)
            folded[index] = partial if folded[index] is None else merge(folded[index], partial)
    for index, partial in enumerate(folded):
        write_arrays(_beside(out, f"fold{index}.npz.zst"), partial._asdict())
    write_table(out, {"rows": np.array([len(rows)])})


def score(job: Job, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """Scores of a shard's rows, `float64 [n, m]` as columns `score0` …, and `admitted` where the method says so."""
    method = job.registered
    arguments: dict[str, Any] = {}
    if spec["state"]:
        stored = read_arrays(Path(spec["state"]))
        arguments["state"] = returned(method.finish)(**stored) if method.finish else stored
    arguments |= accepted(method.function, job.parameters)
    pieces: list[Any] = []
    admitted: list[NDArray[np.bool_]] = []
    part = _ScanPart(method, spec, out)
    for batch in pool.read(shard, {spec["text"]: TYPES["text"]}):
        needs = {
            need: part.column(need, batch.num_rows) for need in method.needs if need not in ("text", "target_text")
        }
        if "text" in method.needs:
            needs["text"] = batch.column(0)
        part.done += batch.num_rows
        with guarded(method):
            scored = method.function(**needs, **arguments)
        if isinstance(scored, tuple):
            scored, mask = scored
            admitted.append(mask)
        pieces.append(check_scores(method, scored, batch.num_rows))
    scores = np.concatenate(pieces) if pieces else np.empty((0, 0))
    columns: dict[str, Any] = {f"score{i}": scores[:, i] for i in range(scores.shape[1])}
    write_table(out, columns | ({"admitted": np.concatenate(admitted)} if admitted else {}))


class _ScanPart:
    """Needs of a method that the scan has measured, row by row beside the texts."""

    def __init__(self, method: Method, spec: dict[str, Any], out: Path) -> None:
        self.method = method
        self.names = spec["needs"]
        self.table = read_table(Path(spec["scans"]) / out.name) if self.names else None
        self.done = 0

    def column(self, need: str, rows: int) -> NDArray[Any]:
        """The next `rows` values of `need`."""
        if need not in self.names:
            raise refusals.NEED_NOT_SUPPLIED(
                self.method.name, need=need, kind="a method that reads texts", known=", ".join(("text", *self.names))
            )
        assert self.table is not None
        return np.asarray(self.table[self.names[need]].slice(self.done, rows).to_numpy())


def check_scores(method: Method, scored: Any, rows: int) -> NDArray[np.float64]:
    """Scores as `float64 [n, m]`; refuses another shape, and values that are not finite."""
    scores = np.asarray(scored, dtype=np.float64)
    scores = scores[:, None] if scores.ndim == 1 else scores
    if scores.ndim != 2 or len(scores) != rows:
        raise refusals.SCORES_OF_WRONG_SHAPE(method.name, shape=np.shape(scored), rows=rows)
    if not np.isfinite(scores).all():
        row = int(np.argmax(~np.isfinite(scores).all(axis=1)))
        raise refusals.SCORES_NOT_FINITE(method.name, found=scores[row].tolist(), row=row)
    return scores


def gather(job: Job, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """The kept rows of a shard in the pool's format, their n-gram counts, and texts and images for the report.

    `spec["rows"]` is a file with the kept rows of the whole pool, `spec["show"]` one with those to show, both sorted;
    `spec["first"]` is the pool's row at which the shard starts.
    """
    kept = _local(spec["rows"], spec["first"], spec["count"])
    shown = _local(spec["show"], spec["first"], spec["count"])
    if spec["subset"] and len(kept):
        with written_whole(_beside(out, "subset")) as temporary:
            pool.save_part(pool.kept(shard, kept), temporary)
    counts: Any = None
    texts: dict[int, str] = {}
    if spec["text"] is not None and (spec["counts"] or len(shown)):
        fit, merge, parameters = folds(job.registered, {}, True)[-1]
        for start, text in texts_of(pool, shard, spec["text"], kept, shown, bool(spec["counts"])):
            chosen = _within(kept, start, len(text))
            if spec["counts"] and len(chosen):
                partial = fit(text.take(pa.array(chosen - start)), **parameters)
                counts = partial if counts is None else merge(counts, partial)
            for row in _within(shown, start, len(text)):
                texts[int(row)] = text[int(row - start)].as_py() or ""
    if counts is not None:
        write_arrays(_beside(out, "counts.npz.zst"), counts._asdict())
    images: dict[int, str] = {}
    if spec["image"] is not None and len(shown):
        from tamis.measure.thumbnails import thumbnails

        images = thumbnails(pool, shard, pool.derived[spec["image"]], shown)  # type: ignore[arg-type]
    rows = sorted({*texts, *images})
    columns = {"text": [texts.get(row) for row in rows], "image": [images.get(row) for row in rows]}
    shown_columns = {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    write_table(out, {"row": np.array(rows, np.int64) + spec["first"], **shown_columns})


def texts_of(
    pool: Pool, shard: Shard, column: str, kept: NDArray[np.int64], shown: NDArray[np.int64], counting: bool
) -> Iterator[tuple[int, pa.Array]]:
    """Texts of the shard in batches with the row at which each starts, up to the last row that is wanted."""
    last = max((int(rows[-1]) for rows in (kept if counting else kept[:0], shown) if len(rows)), default=-1)
    start = 0
    for batch in pool.read(shard, {column: TYPES["text"]}):
        if start > last:
            return
        yield start, batch.column(0)
        start += batch.num_rows


def _local(path: str, first: int, count: int) -> NDArray[np.int64]:
    rows = np.load(path, allow_pickle=False)
    return np.asarray(rows[np.searchsorted(rows, first) : np.searchsorted(rows, first + count)]) - first


def _within(rows: NDArray[np.int64], start: int, count: int) -> NDArray[np.int64]:
    return rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + count)]


TASKS: dict[str, Callable[..., None]] = {
    "scan": scan,
    "fold": fold,
    "score": score,
    "clean": _elsewhere("clean_tasks", "clean"),
    "learn": _elsewhere("measure_tasks", "learn"),
    "measure": _elsewhere("measure_tasks", "measure"),
    "gather": gather,
}
