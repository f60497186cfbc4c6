"""A step of a run, as the manifest lists it."""

from dataclasses import dataclass


@dataclass
class Step:
    """What a step did and what it cost."""

    name: str
    what: str
    shards: int = 0
    computed: int = 0
    reused: int = 0
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
