"""Tamis decides what a model learns from: it chooses examples of a pool, and says why.

>>> import pyarrow as pa, tamis
>>> pool = pa.table({"id": [1, 2, 3], "quality": [0.2, 0.9, 0.4]})
>>> tamis.select(pool, "top:quality", budget=1).ids
[2]
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamis.api import clean, run, score, select
    from tamis.api_bench import bench
    from tamis.errors import Broken, Refused
    from tamis.evidence.evidence import Evidence
    from tamis.look import compare, inspect, verify, why
    from tamis.registry import method
    from tamis.selection import Selection

__all__ = [
    "Broken", "Evidence", "Refused", "Selection", "bench", "clean", "compare", "inspect", "method", "run", "score",
    "select", "verify", "why",
]  # fmt: skip
__version__ = "0.1.0"

_HOMES = {
    "Broken": "tamis.errors",
    "Evidence": "tamis.evidence.evidence",
    "Refused": "tamis.errors",
    "Selection": "tamis.selection",
    "method": "tamis.registry",
    "bench": "tamis.api_bench",
    "clean": "tamis.api",
    "compare": "tamis.look",
    "inspect": "tamis.look",
    "run": "tamis.api",
    "score": "tamis.api",
    "select": "tamis.api",
    "verify": "tamis.look",
    "why": "tamis.look",
}


def __getattr__(name: str) -> Any:
    """Import public names when they are first used, so that `import tamis` itself costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tamis' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
