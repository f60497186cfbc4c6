"""What one pass finds out about a column: counts, extremes, a sample, the most frequent values, a digest.

Memory is bounded: a sample of 65,536 rows at most, 1,000 different values, and for the text 10,000 beginnings.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.ops.hashing import hash_rows, mix64
from tamis.pool import TYPES

SAMPLE_ROWS = 1 << 16
MOST_VALUES = 1000
SHOWN_CHARACTERS = 2000
MOST_TEXTS = 10_000


class RowSample:
    """A sample of rows by the hash of their numbers, the same in every column and on every run.

    All rows are in it up to 65,536; then those whose hash is below a bound that is halved whenever they are too many.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most or SAMPLE_ROWS
        self.halvings = 0
        self.hashes = np.empty(0, np.uint64)

    @property
    def is_all(self) -> bool:
        """Whether no row was left out."""
        return self.halvings == 0

    def extend(self, first: int, count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Take a batch that starts at row `first`: which rows held so far stay, and which of the batch come in."""
        fresh = mix64(np.arange(first, first + count, dtype=np.uint64))
        stay, enter = self._below(self.hashes), self._below(fresh)
        while int(stay.sum()) + int(enter.sum()) > self.most:
            self.halvings += 1
            stay, enter = self._below(self.hashes), self._below(fresh)
        self.hashes = np.concatenate([self.hashes[stay], fresh[enter]])
        return stay, enter

    def _below(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return hashes >> np.uint64(64 - self.halvings) == 0 if self.halvings else np.ones(len(hashes), np.bool_)


@dataclass
class Column:
    """A column after one pass. `kind` is the vocabulary's name of its type; fields that do not apply are None."""

    name: str
    kind: str
    rows: int = 0
    nulls: int | None = 0
    nan: int = 0
    infinite: int = 0
    smallest: float | None = None
    largest: float | None = None
    empty: int = 0
    one_character: int = 0
    longest: int = 0
    digest: int | None = 0
    values: "Counter[Any] | None" = field(default_factory=Counter)
    sample: list[NDArray[Any]] = field(default_factory=list)
    first: list[str] = field(default_factory=list)

    def add(self, array: pa.Array, first: int, stay: NDArray[np.bool_], enter: NDArray[np.bool_]) -> None:
        """Take the values of a batch that starts at row `first`; the masks are those of a `RowSample`."""
        self.rows += len(array)
        self.nulls = None if self.nulls is None else self.nulls + array.null_count
        if self.kind in ("integer", "number"):
            self._add_numbers(array, stay, enter)
        elif self.kind == "text":
            self._add_texts(array, stay, enter)
        elif self.kind != "boolean":
            self.values = self.digest = None
            return
        self._add_digest(array, first)
        self._count(array)

    def _add_numbers(self, array: pa.Array, stay: NDArray[np.bool_], enter: NDArray[np.bool_]) -> None:
        values = as_floats(array)
        known = values[~np.isnan(values)]
        self.nan += len(values) - len(known) - array.null_count
        finite = known[np.isfinite(known)]
        self.infinite += len(known) - len(finite)
        if len(finite):
            low, high = float(finite.min()), float(finite.max())
            self.smallest = low if self.smallest is None else min(low, self.smallest)
            self.largest = high if self.largest is None else max(high, self.largest)
        self._sample(values, stay, enter)

    def _add_texts(self, array: pa.Array, stay: NDArray[np.bool_], enter: NDArray[np.bool_]) -> None:
        lengths = pc.utf8_length(array)
        self.longest = max(self.longest, pc.max(lengths).as_py() or 0)
        self.empty += pc.sum(pc.equal(lengths, 0)).as_py() or 0
        self.one_character += pc.sum(pc.equal(lengths, 1)).as_py() or 0
        if len(self.first) < MOST_VALUES:
            self.first += [text for text in array.slice(0, MOST_VALUES).to_pylist() if text and text.strip()]
        self._sample(lengths.cast(pa.float64()).to_numpy(zero_copy_only=False), stay, enter)

    def _sample(self, values: NDArray[Any], stay: NDArray[np.bool_], enter: NDArray[np.bool_]) -> None:
        held = np.concatenate(self.sample)[stay] if self.sample else values[:0]
        self.sample = [held, values[enter]]

    def _add_digest(self, array: pa.Array, first: int) -> None:
        """A sum over rows of the hash of value and row: equal columns have equal digests."""
        if self.kind == "number":
            words = as_floats(array).view(np.uint64)
        elif self.kind == "boolean":
            words = pc.fill_null(array.cast(pa.uint8()), 2).to_numpy().astype(np.uint64)
        else:
            words = hash_rows(array)[:, 0]
        rows = np.arange(first, first + len(array), dtype=np.uint64)
        assert self.digest is not None
        self.digest = (self.digest + int(np.sum(mix64(words ^ mix64(rows)), dtype=np.uint64))) & (2**64 - 1)

    def _count(self, array: pa.Array) -> None:
        if self.values is None or self.kind == "number":
            self.values = None
            return
        found = pc.value_counts(array.drop_null())
        if len(found) > MOST_VALUES:
            self.values = None
            return
        for value, count in zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True):
            self.values[value] += count
        if len(self.values) > MOST_VALUES:
            self.values = None

    @property
    def constant(self) -> bool:
        """Whether every row has one and the same value, null not counted as one."""
        known = self.rows - (self.nulls or 0) - self.nan
        if self.kind == "number":
            return known > 1 and self.smallest == self.largest and not self.infinite
        return bool(self.values is not None and len(self.values) == 1 and known > 1)

    @property
    def sampled(self) -> NDArray[np.float64]:
        """Sampled numbers, or lengths of texts, without nulls and what is not finite, ascending."""
        values = np.concatenate(self.sample) if self.sample else np.empty(0)
        return np.sort(values[np.isfinite(values)])

    def quantile(self, share: float) -> float | None:
        """A quantile of the sample: the value below which `share` of the rows lie."""
        values = self.sampled
        return float(np.quantile(values, share)) if len(values) else None

    def most_frequent(self, count: int) -> list[tuple[Any, int]]:
        """Values and how many rows have them, most first, ties by value; none where there are too many values."""
        if not self.values:
            return []
        return list(itertools.islice(sorted(self.values.items(), key=lambda item: (-item[1], str(item[0]))), count))


def as_floats(array: pa.Array) -> NDArray[np.float64]:
    """Numbers as `float64 [n]`, null as NaN."""
    return np.asarray(pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def read_type(kind: str, columnar: bool) -> pa.DataType | None:
    """The type in which a column of this kind is read, so that its values are taken as they are."""
    if kind == "text" or not columnar:
        return TYPES.get(kind) if kind in TYPES else None
    return None
