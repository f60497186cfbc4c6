"""The memory that methods take beside what they are given, against what their cards say: every one with a formula.

    python benchmarks/memory_of_methods.py [METHOD…]

Without names it writes `benchmarks/results/memory_of_methods.md`.
"""

import ctypes
import gc
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from common import SEED, write_page

from tamis.ops.greedy import maximise
from tamis.ops.matches import Matches
from tamis.registry import METHODS, Method, find, load_all
from tamis.vocabulary import Balance, Tags

INCLUDED = "included"  # what cards say whose formula counts what the method is given
WARM = 2_500  # rows of the first run, which loads libraries and kernels
LIMIT = 1.2
QUERIES_OF = {"got-d": 10_000, "tarot": 2_000}  # as many as rows of the pool are solved for at once
QUERIES, CLASSES, TAGS_A_ROW, TAGS = 100, 10, 5, 500
NOTE = f"""Each line is a process of its own. It makes what the method is given, runs the method on {WARM:,} rows, so
that libraries and compiled kernels are loaded, and then on all n: a set function takes k rows one by one, an order or
score is made of all. Measured is the peak of resident memory over what was resident before that, counted by the
system (`VmHWM`), without memory-mapped files; what the method is given is added where its card says that it is
included. *Formula* is `bytes(n, d, k)` of the card, in millions of bytes. Both sizes of a method have to lie within
{LIMIT} of 1. Rows are random vectors of d numbers; d is the number of classes or tags for methods without vectors.
Targets have {QUERIES} examples, those of `got-d` and `tarot` as many as they solve for at once."""


Size = tuple[int, int, int]


class Case(NamedTuple):
    """Sizes `(n, d, k)` at which a method is run, and its parameters."""

    small: Size
    large: Size
    parameters: Mapping[str, Any] = MappingProxyType({})


CASES: dict[str, list[Case]] = {
    "badge": [Case((150_000, 64, 20), (500_000, 64, 20))],
    "bids": [Case((22_000, 64, 0), (500_000, 64, 0))],
    "ccs": [Case((600_000, 1, 0), (2_000_000, 1, 0))],
    "combine": [
        Case((3_500, 64, 50), (7_000, 64, 50)),
        Case((18_000, 64, 50), (65_000, 64, 50), {"neighbours": 100}),
        Case((100_000, 64, 50), (400_000, 64, 50), {"coverage": 0}),
    ],
    "concept-prune": [Case((65_000, 128, 6_000), (260_000, 512, 6_000), {"clusters": 50})],
    "craig": [Case((3_500, 64, 50), (7_000, 64, 50))],
    "diversify-conquer": [Case((65_000, 128, 6_000), (260_000, 512, 6_000), {"clusters": 50})],
    "facility-location": [
        Case((3_500, 64, 50), (7_000, 64, 50)),
        Case((18_000, 64, 50), (65_000, 64, 50), {"neighbours": 100}),
    ],
    "feature-based": [Case((150_000, 64, 50), (600_000, 64, 50))],
    "got-d": [Case((1_500, 64, 0), (3_000, 64, 0))],
    "graph-cut": [
        Case((4_000, 1_024, 50), (8_000, 2_048, 50)),
        Case((5_000, 1_024, 50), (10_000, 2_048, 50), {"metric": "euclidean"}),
        Case((150_000, 64, 50), (600_000, 64, 50), {"metric": "dot"}),
    ],
    "ideal": [Case((10_000, 64, 50), (30_000, 64, 50), {"neighbours": 100})],
    "k-center": [
        Case((150_000, 64, 50), (600_000, 64, 50)),
        Case((80_000, 64, 50), (300_000, 64, 50), {"metric": "cosine"}),
    ],
    "kmeans-quality": [Case((65_000, 128, 0), (260_000, 512, 0), {"clusters": 50})],
    "log-det": [Case((30_000, 64, 128), (40_000, 64, 512))],
    "mig": [Case((500_000, TAGS, 50), (1_700_000, TAGS, 50))],
    "pcoreset": [Case((700_000, CLASSES, 50), (2_500_000, CLASSES, 50))],
    "rds-plus": [Case((22_000, 64, 0), (500_000, 64, 0))],
    "semdedup": [Case((65_000, 128, 0), (260_000, 512, 0), {"clusters": 250})],
    "ssp-prototypes": [Case((65_000, 128, 0), (260_000, 512, 0), {"clusters": 50})],
    "tarot": [Case((20_000, 64, 200), (200_000, 64, 1_000))],
    "vote-k": [Case((15_000, 64, 50), (52_000, 64, 50))],
}


def given(method: Method, n: int, d: int, k: int) -> dict[str, Any]:
    """What a method is given of n rows."""
    rng = np.random.default_rng(SEED)
    makers = {
        "key": lambda: rng.integers(0, 1 << 63, n, np.uint64),
        "embedding": lambda: vectors(rng, n, d) if method.name != "feature-based" else np.abs(vectors(rng, n, d)),
        "probs": lambda: probabilities(rng, n, CLASSES),
        "score": lambda: rng.random(n),
        "mis_score": lambda: rng.random(n),
        "label": lambda: np.zeros(n, np.int64),
        "match": lambda: Matches(vectors(rng, n, d), vectors(rng, QUERIES, d), cosine=True),
        "target": lambda: np.repeat(np.arange(4), QUERIES // 4),
        "target_embedding": lambda: vectors(rng, min(n, QUERIES_OF.get(method.name, QUERIES)), d),
        "tags": lambda: tagged(rng, n, d),
        "balance": lambda: [Balance("group", ["a", "b"], rng.integers(0, 2, n), np.array([0.5, 0.5]))],
        "start": lambda: np.arange(10),
        "mass": lambda: np.ones(n),
        "count": lambda: k,
    }
    left_out = {"combine": ("start",), "craig": ("probs",), "vote-k": ("score", "start"), "mig": ("tag_embedding",)}
    left_out |= {"ssp-prototypes": ("label",), "tarot": ("start",)}
    out = {"points", *left_out.get(method.name, ())}
    return {need: makers[need]() for need in method.needs if need not in out}


def vectors(rng: np.random.Generator, n: int, d: int) -> Any:
    """`float32 [n, d]`, without a copy in float64 that would be freed only later."""
    return rng.standard_normal((n, d), np.float32)


def probabilities(rng: np.random.Generator, n: int, classes: int) -> Any:
    """`float32 [n, classes]`, rows that sum to 1."""
    found = rng.standard_exponential((n, classes), np.float32)
    found /= found.sum(axis=1, keepdims=True)
    return found


def tagged(rng: np.random.Generator, n: int, tags: int) -> Tags:
    """Tags of n rows, as many of each."""
    step = tags // TAGS_A_ROW
    codes = rng.integers(0, step, (n, TAGS_A_ROW)) + np.arange(TAGS_A_ROW) * step
    starts = np.arange(n + 1, dtype=np.int64) * TAGS_A_ROW
    return Tags(starts, codes.ravel().astype(np.int32), [f"tag {code:04}" for code in range(tags)])


def work(method: Method, needs: dict[str, Any], k: int, parameters: Mapping[str, Any]) -> Any:
    """What the engine has a method do."""
    found = method.function(**needs, **parameters)
    return (maximise(found, k), found) if method.kind == "SetFunction" else found


def resident() -> dict[str, int]:
    """Bytes of this process as the system counts them."""
    found = re.findall(r"(VmHWM|VmRSS|RssFile):\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {name: int(value) * 1024 for name, value in found}


def measured(method: Method, n: int, d: int, k: int, parameters: Mapping[str, Any]) -> int:
    """Bytes at the peak, beside what the method is given; of this process, which has to be a new one."""
    few = {name: min(value, 20) if name == "clusters" else value for name, value in parameters.items()}
    work(method, given(method, WARM, d, min(k, 20)), min(k, 20), few)
    needs = given(method, n, d, k)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident()
    made = work(method, needs, k, parameters)
    after = resident()
    del made
    own = after["VmHWM"] - before["VmRSS"] - max(0, after["RssFile"] - before["RssFile"])
    return own + sum(map(size_of, needs.values())) if INCLUDED in method.memory else own


def size_of(need: Any) -> int:
    """Bytes of the arrays of a need."""
    parts = need if isinstance(need, Tags) else [need]
    return sum(getattr(part, "nbytes", 0) for part in parts)


def line(name: str, size: Size, parameters: Mapping[str, Any]) -> list[str]:
    """One row of the table, measured in another process."""
    wanted = json.dumps([name, *size, dict(parameters)])
    done = subprocess.run([sys.executable, __file__, "--child", wanted], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} {size}: {done.stderr}")
    peak, said = int(done.stdout), formula(find(name), *size, parameters)
    n, d, k = size
    shown = ", ".join(f"{key}={value}" for key, value in parameters.items()) or "–"
    ratio = f"{peak / said:.2f}"
    ratio = ratio if 1 / LIMIT <= peak / said <= LIMIT else f"**{ratio}**"
    return [f"`{name}`", shown, f"{n:,}", str(d), str(k or "–"), f"{said / 1e6:,.0f}", f"{peak / 1e6:,.0f}", ratio]


def formula(method: Method, n: int, d: int, k: int, parameters: Mapping[str, Any]) -> float:
    """What the card says."""
    assert method.bytes is not None
    return method.bytes(n, d, k, **{**method.bind({}), **parameters})


def main(names: list[str]) -> None:
    """Every method with a formula, or those named."""
    load_all()
    known = sorted(name for name, method in METHODS.entries.items() if method.bytes is not None)
    if missing := set(known) - set(CASES):
        sys.exit(f"no sizes for {', '.join(sorted(missing))}")
    rows = [["method", "parameters", "n", "d", "k", "formula MB", "measured MB", "ratio"]]
    for name in names or known:
        for case in CASES[name]:
            for size in (case.small, case.large):
                rows.append(line(name, size, case.parameters))
                print(*rows[-1], flush=True)
    if not names:
        write_page("memory_of_methods", "Memory of methods", NOTE, rows, "numpy numba scipy pot")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        name, *size, parameters = json.loads(sys.argv[2])
        print(measured(find(name), *size, parameters))
    else:
        main(sys.argv[1:])
