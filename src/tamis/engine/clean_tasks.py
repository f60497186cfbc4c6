"""What a worker does with the texts of one shard to clean them: rules, sketches of near copies, runs of test items."""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.engine.parts import read_arrays, write_array, write_arrays, write_table
from tamis.ops import contamination, minhash, text_rules
from tamis.ops.contamination_index import TestIndex
from tamis.pool import TYPES, Pool, Shard

KEEP = -1


class Judged(NamedTuple):
    """Of each text the place of the first rule of all sets that it fails, or -1, and what that rule measured."""

    rule: NDArray[np.int16]
    measured: NDArray[np.float64]


def clean(_: Any, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """One pass over the texts of a shard.

    `out` has `rule` and `measured` of each row where there are `rules`, and `longest` and `item` where there is an
    `index` of test items; beside it lie `out.hits.npz.zst`, how often the shard has their n-grams, and for near copies
    `out.keys.npy`, `uint64 [bands, n]`, and `out.minima.npy`, `uint8 [n, k]`.
    """
    pieces: dict[str, list[NDArray[Any]]] = {}
    hits: contamination.Hits | None = None
    for batch in pool.read(shard, {spec["text"]: TYPES["text"]}):
        found, counted = _of_batch(batch.column(0), spec)
        for name, values in found.items():
            pieces.setdefault(name, []).append(values)
        if counted is not None:
            hits = counted if hits is None else contamination.merge(hits, counted)
    columns = {name: np.concatenate(values) for name, values in pieces.items()}
    for name in ("keys", "minima"):
        if (sketched := columns.pop(name, None)) is not None:
            array = np.ascontiguousarray(sketched.T) if name == "keys" else sketched
            write_array(out.with_name(f"{out.stem}.{name}.npy"), array)
    if hits is not None:
        write_arrays(out.with_name(f"{out.stem}.hits.npz.zst"), hits._asdict())
    rows = len(next(iter(columns.values()))) if columns else 0
    write_table(out, columns or {"row": np.arange(rows, dtype=np.int32)})


def _of_batch(text: pa.Array, spec: dict[str, Any]) -> tuple[dict[str, NDArray[Any]], contamination.Hits | None]:
    found: dict[str, NDArray[Any]] = {}
    if spec["rules"]:
        found |= judge(text, spec["rules"])._asdict()
    if spec["near"]:
        sketched = minhash.sketch(text, keep_minima=True, **spec["near"])
        assert sketched.minima is not None
        found |= {"keys": sketched.keys, "minima": sketched.minima}
    if not spec["index"]:
        return found, None
    hits, matches = contamination.scan(_index(spec["index"]), text)
    return found | matches._asdict(), hits


def judge(text: pa.Array, rules: list[tuple[str, dict[str, float]]]) -> Judged:
    """The first rule that each text fails, counted over all sets in their order.

    Examples:
        >>> texts = pa.array(["Too short.", "It is so. " * 5])
        >>> judge(texts, [("c4", {}), ("gopher-quality", {})]).rule.tolist()
        [2, 3]
    """
    rule, measured, before = np.full(len(text), KEEP, np.int16), np.full(len(text), np.nan), 0
    for name, thresholds in rules:
        ruled = text_rules.apply(name, text, **thresholds)
        for place, one in enumerate(ruled.rules):
            rows = (ruled.reason == place) & (rule == KEEP)
            rule[rows], measured[rows] = before + place, ruled.measured[one.measured][rows]
        before += len(ruled.rules)
    return Judged(rule, measured)


@lru_cache(maxsize=1)
def _index(path: str) -> TestIndex:
    return TestIndex(**read_arrays(Path(path)))
