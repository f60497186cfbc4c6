"""Looking in: at a pool before choosing, and at what was chosen, why, and whether it still holds."""

from os import PathLike
from typing import Any

from tamis.look.comparison import Comparison, compare_selections
from tamis.look.inspection import Inspection, inspect_pool
from tamis.look.reason import Why, why_row
from tamis.look.verification import Verified, verify_folder

__all__ = ["Comparison", "Inspection", "Verified", "Why", "compare", "inspect", "verify", "why"]


def inspect(pool: Any, **roles: str | None) -> Inspection:
    """What a pool holds: columns, roles, lengths, scripts, duplicates, and what looks suspicious.

    One pass in bounded memory; quantiles of more than 65,536 rows are those of a sample, which is said.

    Args:
        pool: a path, several paths, or a table.
        roles: columns of roles as `select` has them (`text="body"`); `"none"` is no column.

    Raises:
        Refused: the pool cannot be read.

    Examples:
        >>> import pyarrow as pa
        >>> found = inspect(pa.table({"text": ["a cat", "a dog", "a cat"], "kind": ["x", "x", "x"]}))
        >>> found.rows, found.text["duplicates"], [one.kind for one in found.suspicions]
        (3, 1, ['constant'])
    """
    return inspect_pool(pool, roles)


def why(folder: str | PathLike[str], pool: Any = None, *, id: Any = None, row: int | None = None) -> Why:
    """Whether a row was kept or dropped, by what, and how far it lies from the cut.

    Args:
        folder: an output folder.
        pool: its pool, where that was a table or has moved.
        id: the id of the row.
        row: the row's number over all files, where there are no ids.

    Raises:
        Refused: there is no such row, or the folder is not finished.

    Examples:
        >>> import tempfile, pyarrow as pa, tamis
        >>> pool, out = pa.table({"id": ["a", "b", "c"], "x": [3.0, 1.0, 2.0]}), tempfile.mkdtemp() + "/out"
        >>> chosen = tamis.select(pool, "top:x", budget=1, output=out)
        >>> found = why(out, pool, id="b")
        >>> found.kept, found.places[0].place, found.places[0].cut.places, found.nearest.id
        (False, 3, -2, 'a')
    """
    return why_row(folder, pool, id=id, row=row)


def compare(a: Any, b: Any) -> Comparison:
    """What two selections share, and how they differ.

    Args:
        a: an output folder, a selection in `.parquet`, or a `Selection`.
        b: another one.

    Raises:
        Refused: they were made from different pools, and one has no ids.

    Examples:
        >>> import pyarrow as pa, tamis
        >>> pool = pa.table({"id": ["a", "b", "c"], "x": [3, 1, 2], "y": [1, 2, 3]})
        >>> found = compare(tamis.select(pool, "top:x", budget=2), tamis.select(pool, "top:y", budget=2))
        >>> found.both, found.first_only_a, found.first_only_b
        (1, ['a'], ['b'])
    """
    return compare_selections(a, b)


def verify(folder: str | PathLike[str], pool: Any = None, *, full: bool = False) -> Verified:
    """Whether an output folder is as it was written and its pool as it was read; true, or false with a `difference`.

    Args:
        folder: an output folder.
        pool: its pool, where that was a table or has moved.
        full: read files of a pool of more than 64 MB again, also where size, time and ends are as they were.

    Raises:
        Refused: there is no such folder.

    Examples:
        >>> import tempfile, pyarrow as pa, tamis
        >>> pool, out = pa.table({"id": ["a", "b", "c"], "x": [3.0, 1.0, 2.0]}), tempfile.mkdtemp() + "/out"
        >>> chosen = tamis.select(pool, "top:x", budget=1, output=out)
        >>> bool(verify(out, pool)), verify(out, pool.slice(1)).kind
        (True, 'pool-rows-changed')
    """
    return verify_folder(folder, pool, full=full)
