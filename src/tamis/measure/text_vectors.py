"""What all measures of texts with models share: the vectors they give, and the place of a document in a message."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis import refusals

Floats: TypeAlias = NDArray[np.float32]
Where: TypeAlias = Callable[[int], str]
"""The place of document number i, for a message."""


class TextVectors(NamedTuple):
    """Vectors of n documents.

    Args:
        vectors: `float32[n, d]`; zeros where a document has no token.
        cut: `bool[n]`, whether the model saw only the beginning of a document.
    """

    vectors: Floats
    cut: NDArray[np.bool_]


def numbered(row: int) -> str:
    """The place of a document that is known by its number alone."""
    return f"document {row}"


def check_finite(values: NDArray[np.floating], name: str, where: Where) -> None:
    """Refuse numbers of documents, `[n]` or `[n, d]`, of which some are not finite, at the first of them."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong if wrong.ndim == 1 else wrong.any(axis=1)))
        found = "NaN" if np.isnan(values[row]).any() else "an infinity"
        raise refusals.MODEL_NOT_FINITE(where(row), name=name, found=found)
