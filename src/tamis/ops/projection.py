"""Random projections of p numbers to d that keep inner products, with a matrix that is nowhere stored.

A projection is `y = P x` with `E⟨P x, P x'⟩ = ⟨x, x'⟩` over seeds, and the standard deviation of that inner product is

    √(‖x‖² ‖x'‖² + ⟨x, x'⟩² − 2 Σ_c x_c² x'_c²) / √d  ≤  √(2 / d) ‖x‖ ‖x'‖

for `rademacher` and `count-sketch`, and about as much or less for `srht`, whose rows are orthogonal within a block.

| kind | P | time for n rows |
|---|---|---|
| `rademacher` | independent signs / √d | `O(n p d / 4)` additions |
| `srht` | d sampled rows of `H D / √d` for each block of B ≤ 32,768 columns | `O(n p (log B + d / B))` |
| `count-sketch` | one sign in each column | `O(n p)` |

Signs and places are hashes of (seed, row, column), so that every worker and every shard has the same P.

Source: Achlioptas 2003, Database-friendly Random Projections; Liberty and Zucker 2009, The Mailman Algorithm; Ailon and
Chazelle 2009, The Fast Johnson-Lindenstrauss Transform; Tropp 2011, Improved Analysis of the Subsampled Randomized
Hadamard Transform; Charikar, Chen and Farach-Colton 2002, Finding Frequent Items in Data Streams.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.hashing import mix64
from tamis.ops.threads import in_threads

Floats32 = NDArray[np.float32]
Kind: TypeAlias = Literal["rademacher", "srht", "count-sketch"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WIDEST, SPAN = 1 << 15, 256  # columns of the longest and of the shortest Hadamard transform
MOST = 1 << 37  # columns that a hash tells apart
WORTH_THREADS = 1 << 18


def project(x: Floats32, d: int, *, kind: Kind = "rademacher", seed: int = 0) -> Floats32:
    """Project each row to d numbers whose inner products are those of the rows, up to noise.

    Args:
        x: `float32[n, p]`. A row that is not finite makes its own result not finite, and no other.
        d: numbers to keep; inner products have a noise of up to `√(2 / d)` of the product of norms.
        kind: `rademacher` has the least to assume. `srht` is several times as fast with as little noise, and best for
            many columns. `count-sketch` is as fast or faster for d beyond a few thousand, since it does not depend on
            d, and has rare large errors for rows with few large entries, which may fall into one place.
        seed: which P; rows that are to be compared need the same one.

    Returns:
        `float32[n, d]`, the same bits on any number of threads and for any other rows beside. Memory besides is less
        than 1 MB a thread (`srht`: and 16 d bytes). Fewer than 16 rows take `rademacher` as long as 16.

    Raises:
        Refused: if x is no matrix, or d or the kind is out of range.

    Examples:
        >>> x = np.random.default_rng(0).standard_normal((2, 5_000), dtype=np.float32)
        >>> y = project(x, 1_000, kind="srht")
        >>> y.shape, bool(abs(y[0] @ y[1] - x[0] @ x[1]) < 0.1 * 5_000)
        ((2, 1000), True)

    Source: see the module.
    """
    return Projection(x.shape[1] if x.ndim == 2 else 1, d, kind, seed)(x)


@dataclass(frozen=True)
class Projection:
    """A projection of p columns to d, which may come in pieces, as gradients do parameter by parameter.

    Args:
        p: columns in all; `srht` has other blocks for another p, if that is below 32,768.
        d: numbers to keep.
        kind: as of `project`.
        seed: which P.

    Examples:
        >>> x = np.arange(12, dtype=np.float32).reshape(2, 6)
        >>> projection = Projection(6, 4, "count-sketch")
        >>> out = np.zeros((2, 4), np.float32)
        >>> projection.add(x[:, :2], 0, out)
        >>> projection.add(x[:, 2:], 2, out)
        >>> bool((out == projection(x)).all())
        True
    """

    p: int
    d: int
    kind: Kind = "rademacher"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, most in (("p", self.p, MOST), ("d", self.d, 1 << 31)):
            if not 1 <= value <= most:
                raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={value}", accepted=f"1 to {most:,}")
        if self.kind not in KINDS:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"kind={self.kind!r}", accepted=f"one of {', '.join(KINDS)}")

    def __call__(self, x: Floats32) -> Floats32:
        """`float32[n, d]` of `float32[n, p]`."""
        out = np.zeros((len(x), self.d), np.float32)
        self.add(x, 0, out)
        return out

    def add(self, piece: Floats32, start: int, out: Floats32) -> None:
        """Add to `out` what columns `start` to `start + w` of all rows give.

        Pieces that cover all columns once give the projection, in any cut. Pieces in ascending order give the same bits
        with `count-sketch`; with `rademacher` they do if cut at multiples of 1,024 columns, and with `srht` of 32,768,
        else they differ by rounding. A piece costs what its own columns cost, and `O(n d)`.

        Args:
            piece: `float32[n, w]`; it is copied unless it is contiguous.
            start: the first of its columns.
            out: `float32[n, d]`, contiguous.

        Raises:
            Refused: if shapes do not fit.
        """
        if piece.ndim != 2 or not 0 <= start <= self.p - piece.shape[-1]:
            at = f"a piece of shape {list(piece.shape)} at column {start:,}"
            raise refusals.PARAMETER_OUT_OF_RANGE(at, accepted=f"rows of columns within {self.p:,}")
        if out.shape != (len(piece), self.d) or out.dtype != np.float32 or not out.flags.c_contiguous:
            found = f"out of {out.dtype} {list(out.shape)}"
            raise refusals.PARAMETER_OUT_OF_RANGE(found, accepted=f"contiguous float32 [{len(piece)}, {self.d}]")
        if piece.size:
            WAYS[self.kind](self, np.ascontiguousarray(piece, np.float32), start, out)

    @property
    def block(self) -> int:
        """B, the columns of a block of `srht`: the power of two that holds p, from 256 to 32,768."""
        return min(WIDEST, max(SPAN, 1 << (self.p - 1).bit_length()))

    def key(self, number: int) -> np.uint64:
        """A word that hangs on the seed, the kind and a number."""
        word = np.array([self.seed % (1 << 64)], np.uint64)
        for more in (KINDS.index(self.kind) + 1, number):
            word = mix64(mix64(word) + np.uint64(more))
        return np.uint64(word[0])


def _rademacher(of: Projection, piece: Floats32, start: int, out: Floats32) -> None:
    from tamis.ops._rademacher_kernels import add_rademacher

    n, d, key, scale = len(piece), of.d, of.key(0), np.float32(1 / np.sqrt(of.d))
    if n > 32:
        parts = [(*rows, 0, d) for rows in _halves(n, 32, piece.size)]
    else:
        parts = [(0, n, *rows) for rows in _halves(d, 16, piece.shape[1] * d // 8)]
    in_threads(lambda part: add_rademacher(piece, start, *part, key, scale, out), parts)


def _srht(of: Projection, piece: Floats32, start: int, out: Floats32) -> None:
    from tamis.ops._hadamard_kernels import add_span, column_signs, sampled_rows

    scale, size, stop = np.float32(1 / np.sqrt(of.d)), of.block, start + piece.shape[1]

    def fill(part: tuple[int, int]) -> None:
        rows = np.empty(of.d, np.uint64)
        for block in range(start // size, -(-stop // size)):
            first = block * size
            sampled_rows(of.key(1 + block), size, rows)
            for low, high, offset, span in spans(max(start - first, 0), min(stop - first, size), of.d):
                signs = np.empty(span // 64, np.uint64)
                column_signs(of.key(0), (first + offset) // 64, signs)
                begin, end = first + low - start, first + high - start
                add_span(piece, begin, end, low - offset, offset, span, *part, signs, rows, scale, out)

    in_threads(fill, _halves(len(piece), 1, piece.size))


def _count_sketch(of: Projection, piece: Floats32, start: int, out: Floats32) -> None:
    from tamis.ops._count_sketch_kernels import add_count_sketch

    key = of.key(0)
    in_threads(lambda part: add_count_sketch(piece, start, *part, key, out), _halves(len(piece), 2, piece.size))


WAYS = {"rademacher": _rademacher, "srht": _srht, "count-sketch": _count_sketch}


def spans(low: int, high: int, d: int) -> Iterator[tuple[int, int, int, int]]:
    """Transforms that cover columns `low` to `high` of a block: their columns, where they begin, and their size.

    A size is a power of two and a beginning a multiple of it. Two are taken where one would be of many columns that are
    not there; each costs d additions a row.

    Examples:
        >>> list(spans(0, 300, 8))
        [(0, 300, 0, 512)]
        >>> list(spans(1000, 1100, 8))
        [(1000, 1024, 768, 256), (1024, 1100, 1024, 256)]
    """
    size = SPAN
    while low // size != (high - 1) // size:
        size *= 2
    if size > max(SPAN, 2 * (high - low) + d):
        middle = low // size * size + size // 2
        yield from spans(low, middle, d)
        yield from spans(middle, high, d)
    else:
        yield low, high, low // size * size, size


def _halves(count: int, step: int, work: int) -> list[tuple[int, int]]:
    """`count` in two parts, the first a multiple of `step`, or in one where that is not worth threads."""
    middle = (count // 2 + step - 1) // step * step
    return [(0, middle), (middle, count)] if work >= WORTH_THREADS and 0 < middle < count else [(0, count)]
