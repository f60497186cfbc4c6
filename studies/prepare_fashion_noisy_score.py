"""Fashion-MNIST with wrong labels and two planted scores, one that knows something about them and one that does not.

    TAMIS_DATA=… python studies/prepare_fashion_noisy_score.py

- `embedding`: the image averaged over squares of 2 × 2 pixels, 14 · 14 = 196 numbers in [0, 1].
- `label`: of the pool, another class drawn uniformly with probability `FLIPPED`; of the test set, as published.
- `quality`: c + σ z with c = 1 where the label is right and 0 where it is wrong, z standard normal. The probability
  that a right one scores higher than a wrong one is Φ(1 / (σ √2)), so σ = 1 / (√2 Φ⁻¹(AUROC)).
- `noise`: z alone.
"""

import gzip

import numpy as np
import pyarrow as pa
from common import PREPARED, SEED, auroc, data, in_test, leave_notes, vectors, write
from scipy.stats import norm

FLIPPED = 0.2
AUROC = 0.8
SIDE = 14
CLASSES = "t-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()


def read(name: str, head: int) -> np.ndarray:
    """`uint8`, what follows the head of an IDX file."""
    with gzip.open(data(f"images/fashion_mnist/{name}.gz")) as file:
        return np.frombuffer(file.read(), np.uint8, offset=head)


def images(part: str) -> np.ndarray:
    """`float32 [n, 196]`."""
    raw = read(f"{part}-images-idx3-ubyte", 16).reshape(-1, SIDE, 2, SIDE, 2)
    pooled = raw.mean(axis=(2, 4), dtype=np.float32) / np.float32(255)
    return pooled.reshape(len(pooled), -1)


def labels(part: str) -> np.ndarray:
    """`int64 [n]`."""
    return read(f"{part}-labels-idx1-ubyte", 8).astype(np.int64)


def flip(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels of which a share `FLIPPED` is replaced by one of the other classes, all equally likely."""
    wrong = (right + rng.integers(1, len(CLASSES), len(right))) % len(CLASSES)
    return np.where(rng.random(len(right)) < FLIPPED, wrong, right)


def main() -> None:
    """Write the pool and the test set."""
    rng = np.random.default_rng(SEED)
    pool, right, test = images("train"), labels("train"), images("t10k")
    given = flip(right, rng)
    clean = given == right
    sigma = 1 / (np.sqrt(2) * norm.ppf(AUROC))
    quality, noise = clean + sigma * rng.standard_normal(len(pool)), rng.standard_normal(len(pool))
    kept = ~in_test(pool, test)
    scores = {"quality": pa.array(quality[kept]), "noise": pa.array(noise[kept])}
    folder = PREPARED / "fashion_noisy_score"
    names = np.array(CLASSES)
    write(folder / "pool.parquet", {"embedding": vectors(pool[kept]), "label": pa.array(names[given[kept]]), **scores})
    write(folder / "test.parquet", {"embedding": vectors(test), "label": pa.array(names[labels("t10k")])})
    best = np.argsort(-quality[kept])
    shares = {share: 1 - clean[kept][best[: int(share * kept.sum())]].mean() for share in (0.01, 0.05, 0.2)}
    leave_notes(
        __file__,
        [
            f"{kept.sum():,} of {len(pool):,} training images are the pool: {(~kept).sum():,} equal a test image, "
            f"as {SIDE} × {SIDE} pixels, and were dropped. All {len(test):,} test images have their published labels.",
            f"{1 - clean[kept].mean():.1%} of the pool's labels are wrong.",
            f"σ = {sigma:.4f}: AUROC of quality {auroc(quality[kept], clean[kept]):.3f}, "
            f"of noise {auroc(noise[kept], clean[kept]):.3f}.",
            "Wrong labels among the highest quality: "
            + ", ".join(f"{wrong:.1%} of the first {share:.0%}" for share, wrong in shares.items())
            + ".",
        ],
    )


if __name__ == "__main__":
    main()
