"""What an earlier selection kept: a later one may choose among these rows alone."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import Pool
from tamis.selection import Selection


def rows_within(folder: str, pool: Pool, flag: str = "--within") -> NDArray[np.int64]:
    """The rows of `pool` that the selection in `folder` keeps, ascending; refuses one that was made of another pool."""
    found = Selection.load(Path(folder))
    if found.manifest["pool"]["fingerprint"] != pool.fingerprint:
        raise refusals.WITHIN_OTHER_POOL(f"{flag} {folder}")
    return np.sort(found.rows)
