"""Feature-based selection against apricot's, on pixels of Fashion-MNIST and on hashed words, from small to large.

Run `python benchmarks/feature_based.py [ROWS…]`; it prints a table and writes it to
`benchmarks/results/feature_based.md`.
"""

import gzip
import sys
import time
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from apricot import FeatureBasedSelection
from common import SEED, data, write_page
from scipy.sparse import csr_matrix

from tamis.ops.coverage import Coverage, feature_based
from tamis.ops.greedy import maximise

SIZES = (2_000, 20_000, 60_000)
BUCKETS = 1 << 14
TIMES = 3
HEAD = ["features", "rows", "kept", "ours, s", "apricot / ours", "apart from compiling", "same gains"]
NOTE = (
    "`Σ_f √(Σ_{j∈S} x_jf)`, 1 % of the rows kept. Pixels are the 784 of Fashion-MNIST, half of them 0; words are "
    "those of the text pool, hashed to 16,384 counts. Ours starts from the float32 matrix, or from the same sparse "
    "one that apricot has. Apricot's optimizer is its lazy one, which is faster here than its default. It compiles "
    "its gains anew in every fit, which is timed by a fit of 100 rows, and taken off in the second ratio, where that "
    "is more than noise. Processor time, the least of three runs, in turn, in one process."
)


def pixels(n: int) -> np.ndarray:
    """`float32 [n, 784]`."""
    raw = gzip.decompress(data("images/fashion_mnist/train-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 784)[:n].astype(np.float32)


def words(n: int) -> csr_matrix:
    """Counts of words in texts drawn from the pool, as sparse rows."""
    column = pq.read_table(data("text/pool.parquet"), columns=["text"])["text"]
    rows = np.sort(np.random.default_rng(SEED).permutation(len(column))[:n])
    found = [
        np.unique([hash_of(word) for word in str(column[row]).split()], return_counts=True) for row in rows.tolist()
    ]
    starts = np.concatenate([[0], np.cumsum([len(one) for one, _ in found])])
    columns = np.concatenate([one for one, _ in found]).astype(np.int32)
    return csr_matrix((np.concatenate([counts for _, counts in found]).astype(float), columns, starts), (n, BUCKETS))


def hash_of(word: str) -> int:
    """A bucket that is the same on every run."""
    return int.from_bytes(word.encode()[:24], "little") * 0x9E3779B97F4A7C15 % (1 << 61) % BUCKETS


def ours(x: Any, k: int) -> np.ndarray:
    """Gains of the rows that Tamis takes."""
    if isinstance(x, np.ndarray):
        return maximise(feature_based(x), k)[1]
    return maximise(Coverage(x.indptr.astype(np.int64), x.indices, x.data, features=x.shape[1]), k)[1]


def theirs(x: Any, k: int) -> np.ndarray:
    """Gains of the rows that apricot takes."""
    return FeatureBasedSelection(k, "sqrt", optimizer="lazy").fit(x).gains


def timed(times: dict[str, list[float]], name: str, what: Any, *given: Any) -> Any:
    """Call it, and keep the processor time it took."""
    start = time.process_time()
    found = what(*given)
    times.setdefault(name, []).append(time.process_time() - start)
    return found


def main(sizes: list[int]) -> None:
    """Measure every size."""
    rows = [HEAD]
    for name, make in {"pixels": pixels, "words": words}.items():
        for n in sizes:
            x, k, times = make(n), max(n // 100, 1), {}
            wide = x.astype(float) if name == "pixels" else x
            for _ in range(TIMES):
                gains = timed(times, "ours", ours, x, k)
                timed(times, "compile", theirs, wide[:100], 1)
                other = timed(times, "apricot", theirs, wide, k)
            least = {what: min(found) for what, found in times.items()}
            bare = (least["apricot"] - least["compile"]) / least["ours"]
            clear = least["apricot"] > 2 * least["compile"]
            ratios = [f"{least['apricot'] / least['ours']:.0f}", f"{bare:.1f}" if clear else "–"]
            same = "yes" if np.allclose(gains, other, rtol=0, atol=1e-4) else "no"
            rows.append([name, f"{n:,}", f"{k:,}", f"{least['ours']:.3f}", *ratios, same])
            print(rows[-1], flush=True)
    packages = "numpy numba apricot-select scipy"
    write_page("feature_based", "Feature-based selection against apricot", NOTE, rows, packages)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
