"""Text vectors that need no model and no look at the pool: signed random projections of hashed features.

A text's features are its words and marks, the first three bytes of longer words, and the pairs of neighbouring
characters of different classes (lower case and beyond ASCII, upper case, digits, spaces, line ends, each mark by
itself), which tell how it is written. With c_f how often feature f occurs, and r_f a vector that is +1 or -1 in four
places, 0 elsewhere,

    z = Σ_f ln(1 + c_f) r_f,   x = z / ‖z‖,   x · y ≈ cos(a, b) ± 1/√d   for the features a, b of two texts

Words are tokens of `ops.ngrams`, lower-cased; all features share 262,144 buckets.

Source: Achlioptas 2003, Database-friendly Random Projections; Li, Hastie and Church 2006, Very Sparse Random
Projections. `ops.latent_semantics` gives much better vectors from a sample of the pool (`benchmarks/text_vectors.py`).
"""

import string
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import unicode
from tamis.ops.hashing import mix64
from tamis.ops.ngram_blocks import Scratch
from tamis.ops.ngram_counts import LOG_COUNTS, Block, blocks_of
from tamis.ops.threads import in_threads

Floats = NDArray[np.float32]

BUCKETS, MOST_PLACES = 1 << 18, 1 << 15


def vectors(texts: pa.Array | pa.ChunkedArray, d: int = 256, seed: int = 0) -> Floats:
    """The vector x of each text: of length 1, or 0 for a text without words and marks.

    A text's vector depends on the text, d and the seed alone.

    Args:
        texts: `[n]`, strings; null is empty text.
        d: dimensions, at most 32768; products are blurred by about 1/√d.
        seed: of the places and signs.

    Returns:
        `float32[n, d]`, whose products are cosines: *high* is alike; they survive rounding to float16. `O(bytes + d)`
        time for each text on two threads, `O(longest document + 3 MB)` memory each besides the result.

    Raises:
        Refused: if texts are no strings, or d is out of range.

    When it loses: all words count alike, so that texts of one subject and different style are no neighbours, and the
    blur hides what few words say.

    Examples:
        >>> a, b, c = vectors(pa.array(["the old man and the sea", "The old man, the sea", "x = y + 1"]))
        >>> bool(a @ b > 0.5 > a @ c)
        True
    """
    if not 1 <= d <= MOST_PLACES:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"d={d}", accepted=f"1 to {MOST_PLACES}")
    table, classes, pairs = unicode.unicode_table(), _classes(), _pairs()
    start = mix64(np.array([seed % (1 << 64)], np.uint64))[0]
    out = np.empty((len(texts), d), np.float32)

    def fill(block: Block) -> None:
        from tamis.ops._count_kernels import pack_distinct
        from tamis.ops._text_vector_kernels import feature_ids, place

        own = Scratch(block.data, block.offsets, 2)
        low, starts, ends, hashes, _ = own.arrays
        feature_ids(block.data, block.offsets, table, classes, pairs, low, starts, ends, hashes, own.ids, own.stops)
        pack_distinct(own.ids, own.stops, np.zeros(BUCKETS, np.uint8))
        place(own.ids, own.stops, LOG_COUNTS, start, out[block.rows])

    in_threads(fill, blocks_of(texts))
    return out


@cache
def _classes() -> NDArray[np.uint8]:
    """The class of each byte: lower case and beyond ASCII, upper case, digits, spaces, line ends, then each mark."""
    found = np.zeros(256, np.uint8)
    found[:128] = 3
    kinds = [string.ascii_lowercase, string.ascii_uppercase, string.digits, " ", "\n", *string.punctuation]
    for number, characters in enumerate(kinds):
        found[list(characters.encode())] = number
    return found


@cache
def _pairs() -> NDArray[np.uint32]:
    """The bucket of each pair of classes a, b, at 64 a + b."""
    from tamis.ops._text_vector_kernels import pair_bucket

    return np.array([pair_bucket(pair) for pair in range(1 << 12)], np.uint32)
