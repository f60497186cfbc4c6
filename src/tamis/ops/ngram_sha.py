"""What exact SHA-256 buckets need besides the kernel: Python's lower case, and the memo."""

import threading
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MEMO_SLOTS = 1 << 20

_memo = threading.local()


def lowered(text: pa.Array) -> pa.Array:
    """Text whose documents beyond ASCII went through `str.lower()`, which depends on context ("ΟΔΟΣ" → "οδος" with ς).

    Examples:
        >>> lowered(pa.array(["Plain", "ΟΔΟΣ"])).to_pylist()
        ['Plain', 'οδος']
    """
    beyond = pc.invert(pc.fill_null(pc.string_is_ascii(text), True))
    if not pc.any(beyond).as_py():
        return text
    wide = text.cast(pa.large_string())
    changed = [value.lower() for value in wide.filter(beyond).to_pylist()]
    return pc.replace_with_mask(wide, beyond, pa.array(changed, pa.large_string()))


def sha_filler(buckets: int, longest: int, ngrams: int) -> Callable[..., int]:
    """The kernel that fills bucket ids, bound to room for the longest n-gram and to this thread's memo."""
    from tamis.ops._sha_kernels import sha_bucket_ids

    if getattr(_memo, "buckets", None) != buckets:
        _memo.keys = ~np.arange(MEMO_SLOTS, dtype=np.uint64)
        _memo.ids = np.zeros(MEMO_SLOTS, np.uint32)
        _memo.buckets = buckets
    message = np.empty(2 * longest + 80 + min(ngrams, longest), np.uint8)
    return partial(_with_memo, sha_bucket_ids, message, _memo.keys, _memo.ids)


def _with_memo(kernel: Callable[..., int], message: object, keys: object, ids: object, *rest: object) -> int:
    return kernel(*rest, message, keys, ids)
