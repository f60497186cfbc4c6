"""The texts of CSV as integers, numbers or booleans, and which of these a column is.

Blanks around a value do not count. Leading zeros or a plus sign make a text (`007` is an id), as does an integer over
64 bits, or one beyond 2^53 beside numbers, since float64 would round it. `NaN` and `inf`, in any case, are numbers;
`NA` and its like are texts.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.pool.base import TYPES
from tamis.pool.json_lines import EXACT_DIGITS, is_rounded

INTEGER = r"^(?:0|-?[1-9][0-9]*)$"
NUMBER = r"^-?(?:(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))$"
LONG_INTEGER = rf"^-?[0-9]{{{EXACT_DIGITS},}}$"
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
PADDED = r"^-?(?:\+|0[0-9])"
PLUS, MINUS, ZERO, NINE = b"+-09"


def to_type(texts: pa.Array, target: pa.DataType) -> pa.Array | int:
    """`texts` as int64, float64 or bool, or the first row that is none; as another type, what Arrow makes of them.

    Examples:
        >>> to_type(pa.array(["7", " -1 ", None], pa.large_string()), pa.int64()).to_pylist()
        [7, -1, None]
        >>> to_type(pa.array(["1e3", "nan", "007"], pa.large_string()), pa.float64())
        2
    """
    found = _exact(texts, target)
    if found is None and target in CHECKS:
        trimmed = pc.utf8_trim(texts, " \t")
        found = _exact(trimmed, target)
        if found is None:
            return int(np.argmax(_wrong(trimmed, target)))
    return _first_wrong(texts, target) if found is None else found


def guess(texts: pa.Array) -> str:
    """The narrowest of null, integer, number, boolean and text that holds all of `texts`."""
    if texts.null_count == len(texts):
        return "null"
    for kind in ("integer", "number", "boolean"):
        if not isinstance(to_type(texts, TYPES[kind]), int):
            return kind
    return "text"


def odd_one(texts: pa.Array) -> int | None:
    """The first row that is no number in a column of texts of which most are; ids such as `007` are not meant."""
    trimmed = pc.utf8_trim(texts, " \t")
    numbers = pc.match_substring_regex(trimmed, NUMBER)
    known = len(texts) - texts.null_count
    if 2 * (pc.sum(numbers).as_py() or 0) < max(known, 1) or pc.any(pc.match_substring_regex(trimmed, PADDED)).as_py():
        return None
    row = int(pc.index(numbers, False).as_py())
    return row if row >= 0 else None


def _exact(texts: pa.Array, target: pa.DataType) -> pa.Array | None:
    """`texts` as `target`, or nothing where one of them is none to the letter."""
    if target == TYPES["boolean"]:
        true = pc.is_in(texts, pa.array(TRUE, texts.type))
        known = pc.or_(true, pc.is_in(texts, pa.array((*FALSE, None), texts.type)))
        return pc.if_else(texts.is_valid(), true, None) if pc.all(known).as_py() is not False else None
    try:
        values = pc.cast(texts, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    if target == TYPES["integer"]:
        return values if pc.cast(values, texts.type).equals(texts) else None
    if target == TYPES["number"]:
        return None if _odd_front(texts) or _odd_nan(texts, values) or _rounded(texts).any() else values
    return values


def _odd_front(texts: pa.Array) -> bool:
    """Whether one of what Arrow takes for a number has a plus sign or a leading zero."""
    _, bounds, data = texts.buffers()
    if data is None or not len(texts):
        return False
    offsets = np.frombuffer(bounds, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    bytes_ = np.frombuffer(data, np.uint8)
    sizes = np.diff(offsets)
    at = offsets[:-1][sizes > 1]
    rest = sizes[sizes > 1]
    first = bytes_[at]
    negative = first == MINUS
    odd = first == PLUS
    zero = (first == ZERO) | (negative & (rest > 2) & (bytes_[at + 1] == ZERO))
    second = bytes_[(at + 1 + negative)[zero]]
    return bool(odd.any() or ((second >= ZERO) & (second <= NINE)).any())


def _odd_nan(texts: pa.Array, values: pa.Array) -> bool:
    """Whether one of what Arrow takes for NaN is not written so."""
    nan = pc.is_nan(values)
    if not pc.any(nan).as_py():
        return False
    return not pc.all(pc.match_substring_regex(texts.filter(nan), NUMBER)).as_py()


def _rounded(texts: pa.Array) -> NDArray[np.bool_]:
    """Which of trimmed texts are integers beyond 2^53, which float64 would round."""
    rounded = np.zeros(len(texts), bool)
    if (pc.max(pc.binary_length(texts)).as_py() or 0) < EXACT_DIGITS:
        return rounded
    long = np.flatnonzero(
        pc.fill_null(pc.match_substring_regex(texts, LONG_INTEGER), False).to_numpy(zero_copy_only=False)
    )
    rounded[long] = [is_rounded(text) for text in texts.take(pa.array(long)).to_pylist()]
    return rounded


def _wrong(texts: pa.Array, target: pa.DataType) -> NDArray[np.bool_]:
    """Which of trimmed texts are no `target`."""
    if target == TYPES["boolean"]:
        fits = pc.is_in(texts, pa.array((*TRUE, *FALSE), texts.type))
    else:
        fits = pc.match_substring_regex(texts, CHECKS[target])
    wrong = np.array(pc.and_(texts.is_valid(), pc.invert(fits).fill_null(False)).to_numpy(zero_copy_only=False))
    if target == TYPES["integer"]:
        for row in np.flatnonzero(~wrong & (pc.binary_length(texts).fill_null(0).to_numpy() > 18)):
            wrong[row] = not -(2**63) <= int(texts[int(row)].as_py()) < 2**63
    return wrong | _rounded(texts) if target == TYPES["number"] else wrong


def _first_wrong(texts: pa.Array, target: pa.DataType) -> int:
    """The first row that cannot be `target`, by halves."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _exact(texts.slice(low, middle - low), target) is None else (middle, high)
    return low


CHECKS = {TYPES["integer"]: INTEGER, TYPES["number"]: NUMBER, TYPES["boolean"]: ""}
