"""MinHash of texts: minima of random hashes over word shingles, and keys of bands of them.

A document's tokens are those of `ops.ngrams` with `hash="mix64"`: runs of word characters or of other visible
characters of the lower-cased text, an ideograph or kana by itself. Its set S are the runs of `width` tokens, or all its
tokens together if they are fewer, hashed to 32 bits. With k = bands · rows, random a_j (odd) and b_j,

    m_j = min over x in S of (a_j x + b_j) mod 2^32,   P(m_j(A) = m_j(B)) ≈ s = |A ∩ B| / |A ∪ B|

and the key of a band is a 64-bit hash of its `rows` minima, so that a pair has an equal key with probability
1 - (1 - s^rows)^bands.

Source: Broder 1997, On the Resemblance and Containment of Documents; Leskovec, Rajaraman and Ullman 2014, Mining of
Massive Datasets, section 3.4. The defaults are those of FineWeb: Penedo et al. 2024, section 3.4.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import unicode
from tamis.ops.hashing import mix64
from tamis.ops.ngram_blocks import Scratch, text_blocks, text_buffers
from tamis.ops.threads import in_threads

Keys = NDArray[np.uint64]
Minima = NDArray[np.uint32]

WIDTH, BANDS, ROWS = 5, 14, 8


LowBytes = NDArray[np.uint8]


class Sketch(NamedTuple):
    """What is kept of documents.

    Args:
        keys: `uint64[n, bands]`, of each band, 0 where a text has none.
        minima: `uint8[n, bands * rows]`, the lowest byte of each minimum, or None. Two that differ have an equal one
            with probability 1/256.
    """

    keys: Keys
    minima: LowBytes | None


def sketch(
    texts: pa.Array | pa.ChunkedArray,
    *,
    width: int = WIDTH,
    bands: int = BANDS,
    rows: int = ROWS,
    seed: int = 0,
    keep_minima: bool = False,
    empty_alike: bool = False,
) -> Sketch:
    """Band keys of each text, and its minima if they are asked for.

    A document's keys depend on its text and the parameters only: those of shards are those of the whole, and keys of
    two corpora may be compared if the parameters were the same.

    Args:
        texts: `[n]`, strings; null is empty text.
        width: tokens in a shingle.
        bands: number of keys; more find pairs that are less similar.
        rows: minima in a key; more leave out pairs that are less similar.
        seed: which hashes are drawn.
        keep_minima: return the lowest bytes of the minima too, which tell how similar two documents are.
        empty_alike: give the texts without a token keys, all the same, rather than 0, which matches nothing.

    Returns:
        `8 bands` bytes a document, and `bands rows` for minima. `O(bytes + tokens (width + bands rows))` time on two
        threads, `O(longest document + 1 MB)` memory on each besides the result.

    Raises:
        Refused: if `texts` are no strings, or a number is below 1.

    Examples:
        >>> texts = pa.array(["the cat sat on the mat today", "The cat sat on the mat today!", "a dog", ""])
        >>> keys = sketch(texts, width=2, bands=20, rows=2).keys
        >>> [int((keys[0] == other).sum()) > 0 for other in keys[1:]], keys[3].any()
        ([True, False, False], np.False_)
    """
    for name, value in (("width", width), ("bands", bands), ("rows", rows)):
        if value < 1:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={value}", accepted="1 or more")
    keys = np.empty((len(texts), bands), np.uint64)
    minima = np.empty((len(texts), bands * rows), np.uint8) if keep_minima else None
    _sketch(texts, width, rows, seed, empty_alike, keys, minima)
    return Sketch(keys, minima)


def signatures(
    texts: pa.Array | pa.ChunkedArray, *, width: int = WIDTH, bands: int = BANDS, rows: int = ROWS, seed: int = 0
) -> Minima:
    """The minima of each text, `uint32[n, bands * rows]`; all 4294967295 where it has no token.

    The share of equal ones estimates the similarity s of two texts, with standard deviation √(s (1 - s) / k). Time and
    memory are those of `sketch`.

    Examples:
        >>> one, two = signatures(pa.array(["to be or not to be is the question", "to be or not to be was a question"]))
        >>> 0 < float(np.mean(one == two)) < 1
        True
    """
    minima = np.empty((len(texts), bands * rows), np.uint32)
    _sketch(texts, width, rows, seed, False, np.empty((len(texts), bands), np.uint64), minima)
    return minima


def match_probability(similarity: float, bands: int = BANDS, rows: int = ROWS) -> float:
    """Probability that two texts of Jaccard similarity s have an equal key: 1 - (1 - s^rows)^bands.

    Examples:
        >>> [round(match_probability(s), 2) for s in (0.6, 0.7, 0.75, 0.8)]
        [0.21, 0.56, 0.77, 0.92]
    """
    return float(1 - (1 - similarity**rows) ** bands)


def usual_threshold(bands: int = BANDS, rows: int = ROWS) -> float:
    """The similarity near which the probability rises most: (1 / bands)^(1 / rows).

    Examples:
        >>> round(usual_threshold(), 3)
        0.719
    """
    return float((1 / bands) ** (1 / rows))


def bands_for(similarity: float, hashes: int = 128) -> tuple[int, int]:
    """Bands, and minima in each, to find nine of ten pairs of this similarity: the most minima that do so.

    More minima leave out more pairs that are less similar, which is what costs time.

    Args:
        similarity: above 0 and at most 1.
        hashes: minima there may be in all.

    Examples:
        >>> bands_for(0.8), bands_for(0.5)
        ((16, 8), (42, 3))
    """
    found = [(hashes // rows, rows) for rows in range(1, hashes + 1)]
    return max((pair for pair in found if match_probability(similarity, *pair) >= 0.9), key=lambda pair: pair[1])


def _sketch(
    texts: pa.Array | pa.ChunkedArray,
    width: int,
    rows: int,
    seed: int,
    empty_alike: bool,
    keys: Keys,
    minima: Minima | LowBytes | None,
) -> None:
    begin = 0
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        here = slice(begin, begin + len(chunk))
        _fill(chunk, width, rows, seed, empty_alike, keys[here], None if minima is None else minima[here])
        begin = here.stop


def _fill(
    chunk: pa.Array, width: int, rows: int, seed: int, empty_alike: bool, keys: Keys, minima: Minima | LowBytes | None
) -> None:
    """Write the keys, and the minima if there is room for them, of one array of texts."""
    data, offsets = text_buffers(chunk)
    if not len(chunk):
        return
    from tamis.ops._minhash_kernels import sketch_documents

    factors, terms = _hashes(keys.shape[1] * rows, seed)
    table = unicode.unicode_table()

    def fill(part: slice) -> None:
        scratch = Scratch(data, offsets[part.start : part.stop + 1], 1)
        lowest = np.empty((1 if minima is None else part.stop - part.start, len(factors)), np.uint32)
        sketch_documents(
            data, scratch.offsets, table, width, rows, factors, terms, empty_alike,
            *scratch.arrays, scratch.ids, lowest, keys[part],
        )  # fmt: skip
        if minima is not None:
            minima[part] = lowest.astype(minima.dtype, copy=False)

    in_threads(fill, text_blocks(offsets))


def _hashes(k: int, seed: int) -> tuple[Minima, Minima]:
    """The first k pairs (a_j, b_j), whatever k is."""
    places = np.arange(k).astype(np.uint64)
    drawn = mix64(places + mix64(np.full(1, seed % (1 << 64), np.uint64)))
    return (drawn >> np.uint64(32)).astype(np.uint32) | np.uint32(1), drawn.astype(np.uint32)
