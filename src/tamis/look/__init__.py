"""Looking in: at a pool before choosing, and at what was chosen, why, and whether it still holds."""

from os import PathLike
from typing import Any

from tamis.look.verify import Verified, verify_folder

__all__ = ["Verified", "verify"]


def verify(folder: str | PathLike[str], pool: Any = None, *, full: bool = False) -> Verified:
    return verify_folder(folder, pool, full=full)
