"""The line rules of C4: text without the lines that are not text.

Source: Raffel et al. 2020, Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.ngram_blocks import text_blocks, text_buffers
from tamis.ops.text_classes import class_table
from tamis.ops.text_rule_sets import listed
from tamis.ops.threads import in_threads

LEAST_WORDS = {"c4": 3, "c4-paper": 5}
LONGEST_WORD = 1000


def c4_lines(texts: pa.Array, rules: str = "c4") -> pa.Array:
    """The texts without the lines that C4 drops, and without citation marks.

    Dropped are lines with a word of more than 1000 characters, with fewer than 3 words (5 by `"c4-paper"`), that do not
    end with . ? ! " or ', or end with three dots, that say "javascript", or "terms of use", "privacy policy",
    "cookie policy", "uses cookies", "use of cookies" or "use cookies", in any case of ASCII letters. Removed are
    [edit], [citation needed], and brackets around nothing or ASCII digits. Kept
    lines are stripped and joined by new lines.

    This changes texts. Applied again it changes them no more, unless marks were nested or counted as words.

    Args:
        texts: `[n]`, strings; null stays null.
        rules: `"c4"` or `"c4-paper"`.

    Returns:
        As many strings of the same type; `O(bytes)` time, memory of the result twice.

    Raises:
        Refused: if `texts` are no strings, or the rules have no lines to drop.

    Examples:
        >>> c4_lines(pa.array(["Log in\\nIt rained all day.[2]\\nPlease enable JavaScript to go on."])).to_pylist()
        ['It rained all day.']

    Source: Raffel et al. 2020, section 2.2.
    """
    if rules not in LEAST_WORDS:
        raise refusals.PARAMETER_NOT_LISTED(f"rules={rules!r}", known=listed(rules, list(LEAST_WORDS)))
    data, offsets = text_buffers(texts)
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32

    def cleaned(part: slice) -> pa.Array:
        text, stops = clean(data, offsets[part.start : part.stop + 1], rules, np.empty((part.stop - part.start, 3)))
        bounds = np.concatenate((np.zeros(1, width), stops.astype(width)))
        text = text[: bounds[-1]].copy()
        return pa.Array.from_buffers(texts.type, len(stops), [None, pa.py_buffer(bounds), pa.py_buffer(text)])

    parts = in_threads(cleaned, text_blocks(offsets))
    found = pa.concat_arrays(parts) if parts else texts
    if texts.null_count:
        import pyarrow.compute as pc

        found = pc.if_else(texts.is_null(), pa.scalar(None, texts.type), found)
    return found


def clean(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], rules: str, measured: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The text of the kept lines and where each document's ends; fills `measured float64[n, 3]` as the kernel says."""
    from tamis.ops._c4_kernels import clean_lines

    text = np.empty(int(offsets[-1] - offsets[0]) + 1, np.uint8)
    stops = np.empty(len(offsets) - 1, np.int64)
    clean_lines(data, offsets, class_table(), LEAST_WORDS[rules], LONGEST_WORD, text, stops, measured)
    return text, stops
