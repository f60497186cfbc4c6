"""What it costs to start: `import tamis`, `tamis --help`, and to compile all kernels on a fresh machine.

Run `python benchmarks/start.py [--turns 7]`; it writes `results/start.md`.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from common import run, write_page

import tamis

HEAVY = ["numba", "numpy", "pandas", "polars", "pyarrow", "torch"]
IMPORT = f"""
import json, sys, time
start = time.perf_counter()
import tamis
seconds = time.perf_counter() - start
print(json.dumps([seconds, [name for name in {HEAVY} if name in sys.modules]]))
start = time.perf_counter()
tamis.select
print(json.dumps([time.perf_counter() - start, [name for name in {HEAVY} if name in sys.modules]]))
"""
COMPILE = """
import importlib, json, sys, time
import numba
modules, found = sys.argv[1:], {}
for module in modules:
    start = time.perf_counter()
    importlib.import_module(module)
    found[module] = time.perf_counter() - start
print(json.dumps(found))
"""
NOTE = """Each in a new process, files in the page cache; the median of {turns}, then the lowest and the highest. The
whole process includes the start of Python. Kernels are compiled once to an empty `NUMBA_CACHE_DIR` and then loaded
from it; `import numba` itself is not in their rows, but in the last ones."""


def kernels() -> list[str]:
    """All modules of kernels."""
    root = Path(tamis.__file__).parent
    found = sorted(root.rglob("_*_kernels.py"))
    return [".".join(["tamis", *path.relative_to(root).with_suffix("").parts]) for path in found]


def row(what: str, seconds: list[float], loads: list[str] | str = "") -> list[str]:
    """One row of the table."""
    return [what, f"{median(seconds):.3f}", f"{min(seconds):.3f}–{max(seconds):.3f}", ", ".join(loads) or "–"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    imports, selects, wholes, bare, helps = [], [], [], [], []
    for _ in range(turns + 1):
        cost = run([sys.executable, "-c", IMPORT])
        (one, loaded), (other, loaded_by_select) = (json.loads(line) for line in cost.output.splitlines())
        imports.append(one)
        selects.append(other)
        bare.append(run([sys.executable, "-c", "pass"], 0.001).seconds)
        wholes.append(run([sys.executable, "-c", "import tamis"], 0.001).seconds)
        helps.append(run([sys.executable, "-m", "tamis", "--help"], 0.001).seconds)
    table = [["", "s", "", "of " + ", ".join(HEAVY) + " it loads"]]
    table.append(row("`import tamis`", imports[1:], loaded))
    table.append(row("then `tamis.select` for the first time", selects[1:], loaded_by_select))
    table.append(row("`python -c pass`, whole process", bare[1:]))
    table.append(row("`python -c 'import tamis'`, whole process", wholes[1:]))
    table.append(row("`tamis --help`, whole process", helps[1:]))
    compiled, loaded_again = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="tamis-bench-") as cache:
            os.environ["NUMBA_CACHE_DIR"] = cache
            compiled.append(run([sys.executable, "-c", COMPILE, *kernels()]))
            loaded_again.append(run([sys.executable, "-c", COMPILE, *kernels()]))
    for module in kernels():
        first, again = ([json.loads(cost.output)[module] for cost in costs] for costs in (compiled, loaded_again))
        table.append(row(f"compile `{module}`", first))
        table.append(row(f"load `{module}`", again))
    table.append(row("compile all kernels, whole process", [cost.seconds for cost in compiled]))
    table.append(row("the same in processor time", [cost.cpu_seconds for cost in compiled]))
    table.append(row("load all kernels, whole process", [cost.seconds for cost in loaded_again]))
    write_page("start", "Start", NOTE.format(turns=turns), table)


if __name__ == "__main__":
    main()
