"""Measure the texts of rows that may be chosen, where a need is neither a column nor a file: vectors and losses.

A part holds what was measured of the eligible rows of one shard, so that a model reads nothing that was left out. Where
the measure is learned from texts (of the pool, or of each target), that is done first: parts of shards are merged in
their order, and what comes of it is a file.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.engine.frame import Frame
from tamis.engine.measure_tasks import now, paid
from tamis.engine.parts import blank, read_arrays, read_table, write_array, write_arrays, write_table
from tamis.engine.step import Step
from tamis.engine.workers import Workers
from tamis.measure.text_measures import Measure
from tamis.pool.base import digest
from tamis.registry import returned

if TYPE_CHECKING:
    from tamis.engine.run import Run

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Measurement:
    """What fills a need: `measures`, each of which gives some columns, learned `of` the pool or of each target."""

    measures: tuple[Measure, ...]
    of: str = "pool"
    targets_too: bool = False

    def to_json(self) -> dict[str, Any]:
        """All that decides what is measured."""
        return {"measures": [asdict(one) for one in self.measures], "of": self.of}


@dataclass
class Sample:
    """Texts that something is learned from: number of the pool in the job, its frame, column, and rows."""

    number: int
    frame: Frame
    text: str
    rows: Rows


@dataclass
class Shared:
    """A folder of measured parts that several runs share, and what those cost that this run found done.

    Parts are named by all that decides them: texts, rows, the measure, and what it learned.
    """

    folder: Path
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0
    known: set[Path] = field(default_factory=set)

    def count(self, parts: Iterable[Path], made: set[Path]) -> None:
        """Count in what parts cost that other runs have made, each once; `made` are those that this one has."""
        self.known |= made
        for part in parts:
            if part not in self.known:
                cost = read_table(part)
                self.cpu_seconds += float(cost["cpu_seconds"][0].as_py())
                self.seconds += float(cost["seconds"][0].as_py())
                self.peak_mb = max(self.peak_mb, float(cost["peak_mb"][0].as_py()))
            self.known.add(part)


def measure(
    run: "Run", workers: Workers, frame: Frame, targets: list[Frame], rows: Rows, only: str | None = None
) -> None:
    """Measure `rows` of the pool, and all rows of the targets where a need asks for them; frames have the columns.

    Rows that were measured before, of which these are some, are not measured again. `only` is one need.
    """
    plan = run.plan
    wanted = {need: found for need, found in plan.measured.items() if only in (None, need)}
    if not wanted:
        return
    text = plan.columns["text"]
    others = [
        _all_of(1 + number, one, str(target.text))
        for number, (one, target) in enumerate(zip(targets, plan.targets, strict=False))
    ]
    learn, step = Step("learn", "learn from texts what measures them"), Step("measure", "measure every eligible text")
    for need, found in wanted.items():
        done = need in frame.measured
        pool = Sample(0, frame, text, frame.measured.setdefault(need, rows))
        sources = [pool] if found.of == "pool" else others
        if not done:
            columns = [
                _column(run, workers, learn, step, need, one, [pool] if found.of == "pool" else [source], pool)
                for one in found.measures
                for source in sources
            ]
            _fill(run, pool, need, columns)
        if found.targets_too:
            for sample in others:
                measures = [one.of_targets for one in found.measures]
                made = [_column(run, workers, learn, step, need, one, sources, sample) for one in measures]
                _fill(run, sample, need, made)
    if learn.shards:
        run.steps.append(learn)
    step.rows_in, step.rows_out = frame.rows, len(rows)
    run.steps.append(step)


def measure_corpus(run: "Run", workers: Workers, need: str, frame: Frame, corpus: Frame, number: int) -> None:
    """Measure the texts of earlier corpus `number` as those of the pool were, with what was learned from these."""
    plan = run.plan
    learn, step = Step("learn", "learn from texts what measures them"), Step("measure", "measure an earlier corpus")
    pool = Sample(0, frame, plan.columns["text"], frame.measured[need])
    of = _all_of(1 + len(plan.targets) + number, corpus, plan.cleaning.against[number].text)
    measures = plan.measured[need].measures
    _fill(run, of, need, [_column(run, workers, learn, step, need, one, [pool], of) for one in measures])
    step.rows_in = step.rows_out = len(of.rows)
    run.steps.append(step)


def _all_of(number: int, frame: Frame, text: str) -> Sample:
    """The rows of a pool that have a text."""
    return Sample(number, frame, text, np.flatnonzero(frame.column("has_text", np.bool_)))


def _fill(run: "Run", of: Sample, need: str, columns: list[NDArray[Any]]) -> None:
    """Give a frame what was measured of its rows, side by side where there are several columns."""
    whole = columns[0]
    if len(columns) > 1:
        ends = np.cumsum([one.shape[1] for one in columns])
        whole = blank(run.work, f"measured-{need}-{of.number}", (of.frame.rows, int(ends[-1])), whole.dtype)
        for one, end in zip(columns, ends.tolist(), strict=True):
            whole[:, end - one.shape[1] : end] = one
    of.frame.columns[f"vectors:{need}"] = whole


def _column(
    run: "Run", workers: Workers, learn: Step, step: Step, need: str, one: Measure, sources: list[Sample], of: Sample
) -> NDArray[Any]:
    """`[n, d]` of the rows of a sample; zeros in others."""
    state = _learned(run, workers, learn, one, sources) if one.learning else None
    known = [tamis.__version__, asdict(one), _content(state), of.text, _made(run, of)]
    which = f"measure-{digest(known)}"
    parts = _tasks(run, workers, step, which, "measure", of, {"measure": asdict(one), "state": str(state or "")})
    return _assembled(run, need, one, of, parts)


def _tasks(
    run: "Run", workers: Workers, step: Step, which: str, do: str, of: Sample, spec: dict[str, Any]
) -> list[tuple[int, Path]]:
    """Run a task over the shards that hold rows of a sample; the number and the part of each."""
    folder = _parts(run) / which
    folder.mkdir(parents=True, exist_ok=True)
    tasks, parts, pool = [], [], run.job.pools[of.number]
    for number, shard in enumerate(pool.shards):
        first, count = int(of.frame.starts[number]), int(of.frame.counts[number])
        low, high = np.searchsorted(of.rows, [first, first + count])
        if low == high:
            continue
        local = of.rows[low:high] - first
        name = f"{pool.key(shard)}-{'all' if high - low == count else digest(local)}"
        write_array(folder / f"{name}.rows.npy", local)
        out = folder / f"{name}.arrow"
        mine = spec | {"text": of.text, "rows": str(folder / f"{name}.rows.npy")}
        tasks.append({"do": do, "pool": of.number, "shard": number, "out": str(out), "spec": mine})
        parts.append((number, out))
    made = run.do(workers, step, which, tasks)
    if run.shared:
        run.shared.count((out for _, out in parts), made)
    return parts


def _parts(run: "Run") -> Path:
    return run.shared.folder if run.shared else run.folder.parts


def _made(run: "Run", of: Sample) -> dict[str, Any]:
    return {name: found.to_json() for name, found in run.job.pools[of.number].derived.items()}


def _content(state: Path | None) -> str:
    return digest(state.read_bytes()) if state else ""


def _learned(run: "Run", workers: Workers, step: Step, one: Measure, sources: list[Sample]) -> Path:
    """The file of what a measure learned from these texts."""
    learning = one.learning
    assert learning is not None
    merged, keys = None, []
    for of in sources:
        which = f"learn-{digest([tamis.__version__, one.name, of.text, _made(run, of)])}"
        parts = _tasks(run, workers, step, which, "learn", of, {"measure": asdict(one)})
        keys += [str(path.relative_to(_parts(run))) for _, path in parts]
    path = _parts(run) / which / f"{digest([keys, one.apart])}.learned.npz.zst"
    cost = path.with_suffix(".arrow")  # written last, as a sign that the other is there
    made = set() if cost.exists() else {cost}
    if made:
        began = now()
        for name in keys:
            part = (_parts(run) / name).with_name(f"{Path(name).stem}.npz.zst")
            partial = returned(learning.fit)(**read_arrays(part))
            merged = partial if merged is None else learning.merge(merged, partial)
        write_arrays(path, learning.finish(merged)._asdict())
        write_table(cost, paid(began))
    if run.shared:
        run.shared.count([cost], made)
    return path


def _assembled(run: "Run", need: str, one: Measure, of: Sample, parts: list[tuple[int, Path]]) -> NDArray[Any]:
    whole: NDArray[Any] | None = None
    cut, name = 0, f"{parts[0][1].parent.name}-{need}-{of.number}" if parts else ""
    for number, part in parts:
        values = np.load(part.with_name(f"{part.stem}.npy"), mmap_mode="r", allow_pickle=False)
        if whole is None:
            whole = blank(run.work, name, (of.frame.rows, values.shape[1]), one.dtype)
        first = int(of.frame.starts[number])
        whole[first + np.load(part.with_name(f"{part.stem}.rows.npy"))] = values
        cut += int(read_table(part)["cut"][0].as_py())
    if cut:
        targets = len(run.plan.targets)
        where = "the pool" if not of.number else "a target" if of.number <= targets else "an earlier corpus"
        run.console.warn(
            f"{cut:,} of {len(of.rows):,} documents of {where} are longer than {one.name} reads; only their beginning "
            "counts (--context sets how much is read)"
        )
    return np.zeros((of.frame.rows, 1), one.dtype) if whole is None else whole
