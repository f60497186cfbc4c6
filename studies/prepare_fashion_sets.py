"""Fashion-MNIST as vectors, with what a small model makes of it: the pool of the studies on choosing sets.

    TAMIS_DATA=… python studies/prepare_fashion_sets.py

- `embedding`: the first 64 principal components of the pixels in [0, 1], made of the training images alone.
- `pixels`: the image averaged over squares of 4 × 4 pixels, 49 numbers in [0, 1], for methods that need them >= 0.
- `probs`: class probabilities of a logistic regression on 500 training images, which are not in the pool.
- `score`: the probability of the given class under that model; high is easy, and of good quality.
- `el2n`: the length of `probs` minus the given class, high is hard.
- `tags`: the class and how bright the image is, as four words.
- `match`: for each of the 90 images wanted, the inner product of the gradients of the model's loss on both, which is
  `(p - e_y) · (p' - e_y') x · x'`; as in any such influence, some of the wanted have much larger ones than others.
- `influence`: the sum of `match` over the 90.
- Three samples of what is wanted, 30 test images each of one class: `shirt`, `sneaker` and `bag`; they are not in the
  test set.

`pool_20000.parquet` and `pool_5000.parquet` are random parts of the pool, the smaller one a part of the larger.
"""

import gzip

import numpy as np
import pyarrow as pa
from common import PREPARED, SEED, data, in_test, leave_notes, vectors, write
from sklearn.linear_model import LogisticRegression

CLASSES = np.array("t-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split())
LABELLED, WIDTH, WANTED = 500, 64, 30
TARGETS = ("shirt", "sneaker", "bag")
BRIGHTNESS = np.array("dark dim light bright".split())
FOLDER = PREPARED / "fashion_sets"


def read(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels `float32 [n, 784]` in [0, 1], and classes `int64 [n]`."""
    with gzip.open(data(f"images/fashion_mnist/{part}-images-idx3-ubyte.gz")) as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(data(f"images/fashion_mnist/{part}-labels-idx1-ubyte.gz")) as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return pixels.astype(np.float32) / np.float32(255), labels


def components(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[784]` and the principal directions `[784, 64]`, each with a positive largest entry."""
    mean = pixels.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(np.cov((pixels - mean).T.astype(np.float64)))
    directions = directions[:, ::-1][:, :WIDTH]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(WIDTH)]
    return mean, directions * np.sign(largest)


def pooled(pixels: np.ndarray) -> np.ndarray:
    """`float32 [n, 49]`."""
    return pixels.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(pixels), -1)


def columns(pixels: np.ndarray, embedding: np.ndarray, labels: np.ndarray, probs: np.ndarray) -> dict[str, pa.Array]:
    """The columns of a table."""
    of_class = np.eye(len(CLASSES))[labels]
    bright = BRIGHTNESS[np.minimum(pixels.mean(axis=1) * 8, 3).astype(int)]
    return {
        "embedding": vectors(embedding.astype(np.float32)),
        "pixels": vectors(pooled(pixels)),
        "probs": vectors(probs.astype(np.float32)),
        "label": pa.array(CLASSES[labels]),
        "score": pa.array((probs * of_class).sum(axis=1)),
        "el2n": pa.array(np.linalg.norm(probs - of_class, axis=1)),
        "tags": pa.array([[CLASSES[label], word] for label, word in zip(labels, bright, strict=True)]),
    }


def gradients(embedding: np.ndarray, labels: np.ndarray, probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of the gradient of the loss by the weights of a linear model: `p - e_y` and `x`."""
    return probs - np.eye(len(CLASSES))[labels], embedding


def main() -> None:
    """Write the pools, the test sets and the samples of what is wanted."""
    rng = np.random.default_rng(SEED)
    pool, labels = read("train")
    test, test_labels = read("t10k")
    mean, directions = components(pool)
    embedding, test_embedding = (pool - mean) @ directions, (test - mean) @ directions
    labelled = rng.choice(len(pool), LABELLED, replace=False)
    model = LogisticRegression(C=0.1, max_iter=1000).fit(embedding[labelled], labels[labelled])
    kept = ~in_test(pool, test)
    kept[labelled] = False
    probs, test_probs = model.predict_proba(embedding), model.predict_proba(test_embedding)
    every = columns(pool, embedding, labels, probs)
    of_test = columns(test, test_embedding, test_labels, test_probs)
    judged = np.ones(len(test), bool)
    wanted = [rng.choice(np.flatnonzero(CLASSES[test_labels] == name), WANTED, replace=False) for name in TARGETS]
    for name, rows in zip(TARGETS, wanted, strict=True):
        judged[rows] = False
        write(FOLDER / f"{name}.parquet", {what: column.take(pa.array(rows)) for what, column in of_test.items()})
    (a, x), (b, y) = (
        gradients(embedding, labels, probs),
        [part[np.concatenate(wanted)] for part in gradients(test_embedding, test_labels, test_probs)],
    )
    match = (a @ b.T) * (x @ y.T)
    every |= {"match": vectors(match.astype(np.float32)), "influence": pa.array(match.sum(axis=1))}
    every["id"] = pa.array([f"train-{row}" for row in range(len(pool))])
    order = rng.permutation(np.flatnonzero(kept))
    for name, size in (("pool", len(order)), ("pool_20000", 20_000), ("pool_5000", 5_000)):
        rows = pa.array(np.sort(order[:size]))
        write(FOLDER / f"{name}.parquet", {what: column.take(rows) for what, column in every.items()})
    every = of_test
    left = {what: column.filter(pa.array(judged)) for what, column in every.items()}
    write(FOLDER / "test.parquet", left)
    of_kind = pa.array(judged & np.isin(CLASSES[test_labels], TARGETS))
    write(FOLDER / "test_wanted.parquet", {what: column.filter(of_kind) for what, column in every.items()})
    scales = match.std(axis=0).reshape(len(TARGETS), WANTED).mean(axis=1)
    leave_notes(
        __file__,
        [
            f"{kept.sum():,} of {len(pool):,} training images are the pool: {LABELLED:,} trained the model behind "
            "probs, and those that equal a test image were dropped.",
            f"The model names the class of {np.mean(probs.argmax(axis=1)[kept] == labels[kept]):.1%} of the pool.",
            "Mean standard deviation of match, by what is wanted: "
            + ", ".join(f"{name} {scale:.2f}" for name, scale in zip(TARGETS, scales, strict=True))
            + ".",
            f"{judged.sum():,} test images judge; {WANTED * len(TARGETS)} others are the samples of what is wanted.",
        ],
    )


if __name__ == "__main__":
    main()
