"""Looking in: at a pool before choosing, and at what was chosen, why, and whether it still holds."""

from os import PathLike
from typing import Any

from tamis.look.compare import Comparison, compare_selections
from tamis.look.inspect import Inspection, inspect_pool
from tamis.look.verify import Verified, verify_folder
from tamis.look.why import Why, why_row

__all__ = ["Comparison", "Inspection", "Verified", "Why", "compare", "inspect", "verify", "why"]


def verify(folder: str | PathLike[str], pool: Any = None, *, full: bool = False) -> Verified:
    return verify_folder(folder, pool, full=full)


def why(folder: str | PathLike[str], pool: Any = None, *, id: Any = None, row: int | None = None) -> Why:
    return why_row(folder, pool, id=id, row=row)


def compare(a: Any, b: Any) -> Comparison:
    return compare_selections(a, b)


def inspect(pool: Any, **roles: str | None) -> Inspection:
    return inspect_pool(pool, roles)
