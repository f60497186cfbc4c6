"""Leave rows out for what their texts are, and say of each why: rules, test items, earlier corpora, near copies."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import tamis
from tamis.engine.cleaning import Cleaning, Corpus
from tamis.engine.duplicates import find_rows
from tamis.engine.frame import Frame
from tamis.engine.measuring import measure, measure_corpus
from tamis.engine.parts import blank, read_arrays, read_table, scratch, write_arrays
from tamis.engine.step import Step
from tamis.engine.vectors import COLUMN
from tamis.engine.workers import Workers
from tamis.ops import contamination
from tamis.ops.contamination_index import TestIndex
from tamis.ops.minhash import Sketch
from tamis.ops.near_copies import NearCopies, near_copies
from tamis.ops.near_vectors import near_vectors
from tamis.ops.text_rules import Rule, chosen_rules
from tamis.pool.base import digest

if TYPE_CHECKING:
    from tamis.engine.run import Run

Rows = NDArray[np.int64]
NOTHING: Rows = np.empty(0, np.int64)
ROUNDING = 1e-6  # of a share in float32


class Dropped(NamedTuple):
    """Rows that one step left out for one reason.

    Args:
        step: `rules`, `contaminated`, `earlier_corpus` or `near_copies`, as the manifest counts them.
        reason: one sentence for all of them.
        rows: ascending.
        kept: of each the row that is kept in its place, here or in the corpus `within`; empty where there is none.
        value: of each what the rule measured, or the length of the run; empty where nothing was.
        within: the name of an earlier corpus or test set.
    """

    step: str
    reason: str
    rows: Rows
    kept: Rows = NOTHING
    value: NDArray[np.float64] = np.empty(0)
    within: str | None = None


class Cleaned(NamedTuple):
    """What was `dropped`, in the order of the steps; the n-grams of test items, and how often the pool `hits` them."""

    dropped: list[Dropped]
    tests: TestIndex | None = None
    hits: contamination.Hits | None = None

    def counts(self) -> dict[str, int]:
        """Rows that each step left out."""
        found: dict[str, int] = {}
        for one in self.dropped:
            found[one.step] = found.get(one.step, 0) + len(one.rows)
        return found


def clean(
    run: "Run", workers: Workers, frame: Frame, corpora: list[Frame], mask: NDArray[np.bool_], must: Rows
) -> Cleaned:
    """Read the texts once more, and take rows out of `mask`; those that `must` be stay."""
    cleaning = run.plan.cleaning
    if not cleaning:
        return Cleaned([])
    index = _index(cleaning)
    parts = _read(run, workers, frame, index)
    free = blank(run.work, "may-be-dropped", (frame.rows,), np.bool_)
    free[:] = True
    free[must] = False
    made: list[Dropped] = []
    with run.timed("clean", "leave out rows for what their texts are") as step:
        step.rows_in = int(np.count_nonzero(mask))
        for found in _steps(run, workers, frame, corpora, parts, mask):
            keep = free[found.rows]
            if keep.all():
                left = found
            else:
                pairs = {name: getattr(found, name) for name in ("kept", "value")}
                left = found._replace(rows=found.rows[keep], **{n: v[keep] if len(v) else v for n, v in pairs.items()})
            mask[left.rows] = False
            made.append(left)
            if found.step == "rules" and 2 * len(left.rows) > step.rows_in:
                run.console.warn(
                    f"{len(left.rows):,} of {step.rows_in:,} rows are dropped for {found.reason}: published rules are "
                    "for prose of web pages; --rules NAME:RULE=NUMBER moves a threshold"
                )
        step.rows_out = int(np.count_nonzero(mask))
    hits = _hits(parts[0]) if index is not None else None
    return Cleaned(made, index, hits)


def _read(run: "Run", workers: Workers, frame: Frame, index: TestIndex | None) -> list[list[Path]]:
    """The parts of the pool and of each earlier corpus."""
    cleaning = run.plan.cleaning
    if not (cleaning.rules or cleaning.near or cleaning.tests):
        return [[]]
    spec: dict[str, Any] = {"rules": cleaning.rules, "near": cleaning.near, "index": None}
    stored = [digest(array.tobytes()) for array in index] if index is not None else None
    step = Step("measure", "read every text once more: " + ", ".join(_said(cleaning)))
    parts = []
    pools = [(0, run.plan.columns["text"], spec)]
    if cleaning.near:
        own = spec | {"rules": []}
        first = 1 + len(run.plan.targets)
        pools += [(first + number, corpus.text, own) for number, corpus in enumerate(cleaning.against)]
    for number, text, asked in pools:
        pool = run.job.pools[number]
        made = {name: found.to_json() for name, found in pool.derived.items()}
        mine = asked | {"text": text}
        which = f"clean-{digest([tamis.__version__, mine, stored if not number else None, made])}"
        folder = run.folder.parts / which
        if index is not None and not number:
            folder.mkdir(parents=True, exist_ok=True)
            mine["index"] = str(folder / "index.npz.zst")
            write_arrays(folder / "index.npz.zst", index._asdict())
        parts.append([folder / f"{pool.key(shard)}.arrow" for shard in pool.shards])
        tasks = [
            {"do": "clean", "pool": number, "shard": shard, "out": str(part), "spec": mine}
            for shard, part in enumerate(parts[-1])
        ]
        run.do(workers, step, which, tasks)
    step.rows_in = step.rows_out = frame.rows
    run.steps.append(step)
    return parts


def _said(cleaning: Cleaning) -> Iterator[str]:
    yield from (["rules"] if cleaning.rules else [])
    yield from (["sketches of their shingles"] if cleaning.near else [])
    yield from (["runs of test items"] if cleaning.tests else [])


def _steps(
    run: "Run",
    workers: Workers,
    frame: Frame,
    corpora: list[Frame],
    parts: list[list[Path]],
    mask: NDArray[np.bool_],
) -> Iterator[Dropped]:
    """What each step leaves out of what the ones before it left in `mask`."""
    cleaning, own = run.plan.cleaning, parts[0]
    if cleaning.rules:
        rule = _column(run, frame, own, "rule", np.int16)
        measured = _column(run, frame, own, "measured", np.float64)
        for place, one in enumerate(all_rules(cleaning)):
            rows = np.flatnonzero(mask & (rule == place))
            yield Dropped("rules", f"{one.sentence} ({one.name})", rows, value=measured[rows])
    if cleaning.run is not None:
        yield from _contaminated(run, frame, own, mask)
    for corpus, known in zip(cleaning.against, corpora, strict=True):
        yield _in_corpus(frame, corpus, known, mask)
    if cleaning.cosine is not None:
        yield from _near_by_vectors(run, workers, frame, corpora, mask)
    if cleaning.similarity is not None:
        yield from _near(run, [frame, *corpora], parts, mask)


def all_rules(cleaning: Cleaning) -> list[Rule]:
    """The rules of all sets, in the order in which workers count them."""
    return [rule for name, thresholds in cleaning.rules for rule in chosen_rules(name, thresholds)]


def _column(run: "Run", frame: Frame, parts: list[Path], name: str, dtype: Any) -> NDArray[Any]:
    whole = blank(run.work, f"clean-{name}", (frame.rows,), dtype)
    for start, count, part in zip(frame.starts.tolist(), frame.counts.tolist(), parts, strict=False):
        if count:
            whole[start : start + count] = read_table(part)[name].to_numpy()
    return whole


def _index(cleaning: Cleaning) -> TestIndex | None:
    """The n-grams of all test sets, one behind another."""
    if not cleaning.tests:
        return None
    _ = [test.scores for test in cleaning.tests if test.score]  # refused before the pool is read, if no numbers
    return contamination.index(pa.concat_arrays([test.texts for test in cleaning.tests]))


def _contaminated(run: "Run", frame: Frame, parts: list[Path], mask: NDArray[np.bool_]) -> Iterator[Dropped]:
    """Rows with a run of test text of as many tokens, or of as much of an item, as was asked, by its test set."""
    cleaning = run.plan.cleaning
    assert cleaning.run is not None
    share = cleaning.run <= 1
    found = _column(run, frame, parts, "share" if share else "longest", np.float64)
    item = _column(run, frame, parts, "share_item" if share else "item", np.int32)
    hit = mask & (item >= 0) & (found >= cleaning.run - ROUNDING)
    much = f"at least {100 * cleaning.run:g} % of an item" if share else f"a run of {cleaning.run:,.0f} tokens"
    first = 0
    for test in cleaning.tests:
        rows = np.flatnonzero(hit & (item >= first) & (item < first + len(test.texts)))
        first += len(test.texts)
        said = f"its text holds {much} of the test set {test.name}"
        yield Dropped("contaminated", said, rows, value=found[rows], within=test.name)


def _in_corpus(frame: Frame, corpus: Corpus, known: Frame, mask: NDArray[np.bool_]) -> Dropped:
    """Rows whose very text an earlier corpus holds."""
    rows, kept = [NOTHING], [NOTHING]
    for shard, start in enumerate(frame.starts[:-1].tolist()):
        here = np.flatnonzero(mask[start : start + int(frame.counts[shard])])
        found = find_rows(lambda: known.hashes("texts"), frame.text_hashes(shard)[here])
        rows.append(start + here[found >= 0])
        kept.append(found[found >= 0])
    said = f"the same text is in {corpus.name}"
    return Dropped("earlier_corpus", said, np.concatenate(rows), np.concatenate(kept), within=corpus.name)


def _near(run: "Run", frames: list[Frame], parts: list[list[Path]], mask: NDArray[np.bool_]) -> Iterator[Dropped]:
    """Rows that are near copies of a row of an earlier corpus, then of an earlier row."""
    cleaning = run.plan.cleaning
    own, *earlier = [
        sketches(run, frame, found, f"sketches{number}")
        for number, (frame, found) in enumerate(zip(frames, parts, strict=True))
    ]
    own.keys[~mask] = 0
    found = near_copies(own, threshold=cleaning.similarity, against=earlier)
    yield from _told(found, cleaning, f"its shingles are at least {cleaning.similarity:g} alike those of")


def _near_by_vectors(
    run: "Run", workers: Workers, frame: Frame, corpora: list[Frame], mask: NDArray[np.bool_]
) -> Iterator[Dropped]:
    """Rows whose vectors are near those of a row of an earlier corpus, then of an earlier row."""
    cleaning, file = run.plan.cleaning, run.plan.vectors
    assert cleaning.cosine is not None
    if not mask.any():
        return
    measure(run, workers, frame, [], np.flatnonzero(mask | run.had(frame)), only=COLUMN)
    for number, corpus in enumerate(corpora):
        measure_corpus(run, workers, COLUMN, frame, corpus, number)
    earlier = [corpus.vectors(None, COLUMN) for corpus in corpora]
    found = near_vectors(
        frame.vectors(file, COLUMN),
        cosine=cleaning.cosine,
        against=earlier,
        among=mask,
        empty=partial(scratch, run.work),
    )
    yield from _told(found, cleaning, f"its vector has a cosine of at least {cleaning.cosine:g} with that of")


def _told(found: NearCopies, cleaning: Cleaning, alike: str) -> Iterator[Dropped]:
    """Copies of rows of each corpus, then of earlier rows of the pool."""
    for number, corpus in enumerate(cleaning.against):
        row, _, place = found.earlier[found.earlier[:, 1] == number].T
        yield Dropped("near_copies", f"{alike} a text of {corpus.name}", row, place, within=corpus.name)
    rows = np.flatnonzero((found.kept_row >= 0) & (found.kept_row != np.arange(len(found.kept_row))))
    yield Dropped("near_copies", f"{alike} an earlier row", rows, found.kept_row[rows])


def sketches(run: "Run", frame: Frame, parts: list[Path], name: str) -> Sketch:
    """The sketches of all rows, memory-mapped where they are many; a band of keys lies in one piece."""
    near = run.plan.cleaning.near
    assert near is not None
    bands, k = near["bands"], near["bands"] * near["rows"]
    keys = blank(run.work, f"{name}-keys", (bands, frame.rows), np.uint64)
    minima = blank(run.work, f"{name}-minima", (frame.rows, k), np.uint8)
    for start, count, part in zip(frame.starts.tolist(), frame.counts.tolist(), parts, strict=False):
        if count:
            keys[:, start : start + count] = np.load(part.with_name(f"{part.stem}.keys.npy"), mmap_mode="r")
            minima[start : start + count] = np.load(part.with_name(f"{part.stem}.minima.npy"), mmap_mode="r")
    return Sketch(keys.T, minima)


def _hits(parts: list[Path]) -> contamination.Hits | None:
    found: contamination.Hits | None = None
    for part in parts:
        path = part.with_name(f"{part.stem}.hits.npz.zst")
        if path.exists():
            hits = contamination.Hits(**read_arrays(path))
            found = hits if found is None else contamination.merge(found, hits)
    return found
